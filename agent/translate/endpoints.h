// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/model/objects.h"

namespace slipgate {

// The EndpointSlices by Service.
class EndpointIndex {
  public:
    // Keeps pointers into `snapshot`.
    explicit EndpointIndex(const Snapshot& snapshot);

    // Endpoints behind one port of a Service, over all its slices, the port looked up by its name in each of them:
    // sorted, distinct, both families. Ready endpoints; in a family without any, those that still serve while they
    // terminate (KEP-1669). Whether a connection can be spliced to an address is for the data path to say.
    [[nodiscard]] std::vector<SocketAddress> choose(const std::string& service_key, const std::string& port_name) const;

  private:
    std::multimap<std::string, const EndpointSlice*> slices_;  // by the Service's key
};

}  // namespace slipgate
