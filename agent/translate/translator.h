// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/translate/endpoints.h"
#include "agent/translate/plan.h"
#include "agent/translate/translate.h"

namespace slipgate {

// translate() for snapshots that come one after the other: each result is what translate() gives for the snapshot
// alone, but what follows from nothing that changed is taken from the one before. Which that is, is known by what the
// snapshots share. A change of TLSRoutes and EndpointSlices alone costs those, and what they compete with and lead to;
// a backend that loses its last endpoint or gets its first, a look at all routes.
class Translator {
  public:
    explicit Translator(TranslateOptions options);
    Translator(const Translator&) = delete;
    Translator& operator=(const Translator&) = delete;

    // Valid until the next call. Values that are equal to those of the last result are shared with it.
    [[nodiscard]] const Translation& translate(const Snapshot& snapshot, const Circumstances& circumstances = {});

  private:
    struct Backend {
        BackendPort port;
        EndpointChoice choice;
    };
    using Services = std::set<std::string>;  // whose EndpointSlices changed, by key

    void translate_all(const Services& services);
    void translate_routes(const ObjectMap<TlsRoute>& before, const Services& services);
    void translate_endpoints(const Services& services);

    void write(const Plan::Turned& turned, const Services& services);
    void write_route(const std::string& key);
    void choose(const std::string& key, const BackendPort& port);
    void forget(const std::string& key);
    [[nodiscard]] TlsRouteStatus route_status(const std::string& key) const;
    void note_left_out();

    TranslateOptions options_;
    Snapshot snapshot_;
    Circumstances circumstances_;
    EndpointIndex index_;
    std::unique_ptr<Plan> plan_;                // points into snapshot_
    std::map<std::string, Backend> backends_;   // those of the plan
    std::set<std::string> left_out_;            // of them, those that have endpoints left out
    std::map<std::string, std::size_t> users_;  // of backends in the table: shares of its routes
    Translation translation_;
};

}  // namespace slipgate
