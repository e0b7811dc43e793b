// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/base/result.h"
#include "agent/host/address_plan.h"

namespace slipgate {

// Tells the neighbours on the interface that the address is here now, so that those who knew it elsewhere send no more
// there: by an ARP announcement (RFC 5227 3) or an unsolicited Neighbor Advertisement (RFC 4861 7.2.6). Once: one that
// is lost costs the time until they ask again. The kernel has the same behind arp_notify and ndisc_notify, but not when
// an address is added. Needs CAP_NET_RAW. On a link without Ethernet addresses there is nothing to tell.
[[nodiscard]] Status announce(const PlacedAddress& placed);

}  // namespace slipgate
