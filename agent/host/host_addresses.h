// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/host/address_plan.h"
#include "agent/netlink/netlink.h"

namespace slipgate {

// What came of HostAddresses::configure().
struct ConfiguredAddresses {
    Status status;                             // the first failure of any kind
    std::map<IpAddress, std::string> missing;  // those that the host could not be given, and why
};

// Addresses of Gateways on interfaces of this network namespace, so that ARP and NDP answer for them. Each carries the
// mark of a gateway (IFA_PROTO, Linux 5.18) and of its owner (IFA_RT_PRIORITY), by which the next agent knows it;
// without the agent they stay.
class HostAddresses {
  public:
    // For the agents of that pin directory, of which there is one at a time.
    [[nodiscard]] static Result<HostAddresses> open(const std::filesystem::path& pin_dir);

    // Those that are the host's own, which no agent has put there, and the first and the last of its IPv4 networks.
    [[nodiscard]] Result<std::set<IpAddress>> of_host();

    // Puts what is missing of `want` on the host and tells the neighbours, and takes away what is ours and not in it.
    // Goes on after a failure. May be called again at any time, as when the network has changed.
    [[nodiscard]] ConfiguredAddresses configure(const std::set<IpAddress>& want);

  private:
    HostAddresses(NetlinkSocket netlink, AddressOwner owner) : netlink_(std::move(netlink)), owner_(owner) {}

    void tell_neighbours(const PlacedAddress& placed);

    NetlinkSocket netlink_;
    AddressOwner owner_;
    std::set<IpAddress> homeless_;  // logged
    std::string announce_problem_;  // logged last
};

}  // namespace slipgate
