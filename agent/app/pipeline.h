// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "agent/app/metrics.h"
#include "agent/app/repeated_error.h"
#include "agent/model/status.h"
#include "agent/source/file/load.h"
#include "agent/translate/translate.h"

namespace slipgate {

// Where the results go: the data path and the status files, or fakes.
struct Sinks {
    std::function<Status(RoutingTable)> apply;
    std::function<bool()> synced;  // the table given last is in the maps completely
    std::function<Status(const Statuses&, const LoadedSnapshot&)> publish;
};

// Snapshot -> translate -> apply -> publish. Statuses follow the maps, never the other way round: what they call
// Programmed is. Keeps what the last round said, logs what differs, and knows what is still to be done.
class Pipeline {
  public:
    Pipeline(TranslateOptions options, Sinks sinks, Metrics& metrics);

    // A new state of the world.
    void update(LoadedSnapshot loaded);

    // Endpoints with an address of the gateway's own cannot be reached, so the translator must know them.
    void set_local_addresses(std::set<IpAddress> addresses);

    // Does what is still to be done, so it follows each of the above. True: nothing is left to do.
    bool settle();

    // The first configuration is in the maps; else what is missing.
    [[nodiscard]] Status ready() const;

  private:
    void translate_again();
    void report(const Translation& next);

    TranslateOptions options_;
    Sinks sinks_;
    Metrics& metrics_;
    std::optional<LoadedSnapshot> loaded_;  // none: the source was not read yet
    Translation current_;
    bool unpublished_ = false;  // current_.statuses were not written yet
    bool was_synced_ = false;   // once, since the start
    RepeatedError apply_error_{"bringing the configuration into the data path"};
    RepeatedError publish_error_{"writing statuses"};
};

}  // namespace slipgate
