// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/netlink/netlink.h"

namespace slipgate {

// Addresses of Gateways on interfaces of this network namespace, so that ARP and NDP answer for them. Each carries our
// mark (IFA_PROTO, Linux 5.18), by which the next agent knows it; without the agent they stay.
class HostAddresses {
  public:
    [[nodiscard]] static Result<HostAddresses> open();

    // Puts what is missing of `want` on the host, and takes away what is ours and not in it. Goes on after a failure
    // and tells the first. May be called again at any time, as when the network has changed.
    [[nodiscard]] Status configure(const std::set<IpAddress>& want);

  private:
    explicit HostAddresses(NetlinkSocket netlink) : netlink_(std::move(netlink)) {}

    NetlinkSocket netlink_;
    std::set<IpAddress> homeless_;  // logged
};

}  // namespace slipgate
