// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <set>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/host/address_plan.h"
#include "agent/netlink/netlink.h"

namespace slipgate {

// Addresses of Gateways on interfaces of this network namespace, so that ARP and NDP answer for them. Each carries the
// mark of a gateway (IFA_PROTO, Linux 5.18) and of its owner (IFA_RT_PRIORITY), by which the next agent knows it;
// without the agent they stay.
class HostAddresses {
  public:
    // For the agents of that pin directory, of which there is one at a time.
    [[nodiscard]] static Result<HostAddresses> open(const std::filesystem::path& pin_dir);

    // Puts what is missing of `want` on the host, and takes away what is ours and not in it. Goes on after a failure
    // and tells the first. May be called again at any time, as when the network has changed.
    [[nodiscard]] Status configure(const std::set<IpAddress>& want);

  private:
    HostAddresses(NetlinkSocket netlink, AddressOwner owner) : netlink_(std::move(netlink)), owner_(owner) {}

    NetlinkSocket netlink_;
    AddressOwner owner_;
    std::set<IpAddress> homeless_;  // logged
};

}  // namespace slipgate
