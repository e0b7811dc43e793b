// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/model/objects.h"

namespace slipgate {

struct EndpointChoice {
    std::vector<SocketAddress> endpoints;  // to send connections to: sorted, distinct, both families
    std::set<std::string> excluded;        // "127.0.0.1:8443 (loopback)": would serve but for their address

    [[nodiscard]] bool has_family(bool ipv4) const;
};

// Addresses no connection is spliced to: packets for them would end in the gateway's own network stack.
struct OwnAddresses {
    std::set<IpAddress> vips;
    std::set<IpAddress> local;
};

// The EndpointSlices by Service.
class EndpointIndex {
  public:
    // Keeps pointers into `snapshot`.
    EndpointIndex(const Snapshot& snapshot, OwnAddresses own_addresses);

    // Endpoints behind one port of a Service, over all its slices, the port looked up by its name in each of them.
    // Ready endpoints; in a family without any, those that still serve while they terminate (KEP-1669).
    [[nodiscard]] EndpointChoice choose(const std::string& service_key, const std::string& port_name) const;

  private:
    OwnAddresses own_addresses_;
    std::multimap<std::string, const EndpointSlice*> slices_;  // by the Service's key
};

}  // namespace slipgate
