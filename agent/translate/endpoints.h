// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/ir/routing_table.h"
#include "agent/model/objects.h"
#include "agent/translate/topology.h"
#include "agent/translate/translate.h"

namespace slipgate {

// Both sorted and distinct, of both families.
struct EndpointChoice {
    std::vector<BackendEndpoint> endpoints;  // to send connections to
    std::vector<SocketAddress> left_out;     // would be, if they could see the client's address

    [[nodiscard]] bool is_empty() const { return endpoints.empty() && left_out.empty(); }
};

// The EndpointSlices by Service.
class EndpointIndex {
  public:
    // Keeps a reference to `options`.
    explicit EndpointIndex(const TranslateOptions& options) : options_(options) {}

    // Of this snapshot from now on. Returns the Services whose slices are others than before, by key. Choices for the
    // others stay what they are as long as the Nodes do.
    std::set<std::string> update(const Snapshot& snapshot);

    // Endpoints behind one port of a Service, over all its slices, the port looked up by its name in each of them.
    // Ready endpoints, of these the near ones (topology.h), for which those of the node itself do not count; in a
    // family without any, those that still serve while they terminate (KEP-1669). Under kPreserveOnly an endpoint that
    // cannot see the client's address is no candidate. Whether a connection can be spliced to an address is for the
    // data path to say.
    [[nodiscard]] EndpointChoice choose(const std::string& service_key, const std::string& port_name,
                                        SourceMode mode) const;

  private:
    const TranslateOptions& options_;
    Location here_;
    std::set<IpAddress> own_;  // of the Node object of this node
    ObjectMap<EndpointSlice> slices_;
    std::multimap<std::string, const EndpointSlice*> by_service_;  // key of the Service; they are of slices_
};

}  // namespace slipgate
