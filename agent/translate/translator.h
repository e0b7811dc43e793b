// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/translate/backend_refs.h"
#include "agent/translate/endpoints.h"
#include "agent/translate/translate.h"

namespace slipgate {

// translate() for snapshots that come one after the other: each result is what translate() gives for the snapshot
// alone, but what follows from nothing that changed is taken from the one before. Which that is, is known by what the
// snapshots share. A change of EndpointSlices alone costs the Services it touches.
class Translator {
  public:
    explicit Translator(TranslateOptions options);
    ~Translator();
    Translator(const Translator&) = delete;
    Translator& operator=(const Translator&) = delete;

    // Valid until the next call. Values that are equal to those of the last result are shared with it.
    [[nodiscard]] const Translation& translate(const Snapshot& snapshot, const Circumstances& circumstances = {});

  private:
    struct Plan;  // what follows from everything but the EndpointSlices
    struct Backend {
        BackendPort port;
        EndpointChoice choice;
    };

    // `services`: those whose EndpointSlices changed, by key.
    void translate_all(const std::set<std::string>& services);
    void translate_endpoints(const std::set<std::string>& services);
    [[nodiscard]] Backend choose(const BackendPort& port) const;
    [[nodiscard]] TlsRouteStatus route_status(const std::string& key) const;
    void note_excluded();

    TranslateOptions options_;
    Snapshot snapshot_;
    Circumstances circumstances_;
    EndpointIndex index_;
    std::unique_ptr<Plan> plan_;               // points into snapshot_
    std::map<std::string, Backend> backends_;  // those of the plan
    Translation translation_;
};

}  // namespace slipgate
