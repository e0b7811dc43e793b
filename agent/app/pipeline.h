// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "agent/app/metrics.h"
#include "agent/app/repeated_error.h"
#include "agent/ir/findings.h"
#include "agent/model/status.h"
#include "agent/source/file/load.h"
#include "agent/translate/translate.h"

namespace slipgate {

// Where the results go: the data path and the status files, or fakes.
struct Sinks {
    std::function<Status(RoutingTable)> apply;
    std::function<bool()> synced;               // the table given last is in the maps, as far as the findings allow
    std::function<const Findings&()> findings;  // about that table
    std::function<Status(const Statuses&, const LoadedSnapshot&)> publish;
};

// Snapshot -> translate -> apply -> publish. Statuses follow the maps, never the other way round: what they call
// Programmed is. Keeps what the last round said, logs what differs, and knows what is still to be done.
class Pipeline {
  public:
    Pipeline(TranslateOptions options, Sinks sinks, Metrics& metrics);

    // A new state of the world.
    void update(LoadedSnapshot loaded);

    // Does what is still to be done: follows each update(), and each time the data path may have changed its mind.
    // True: nothing is left to do.
    bool settle();

    // The first configuration is in the maps; else what is missing.
    [[nodiscard]] Status ready() const;

  private:
    void note_findings();
    void note_sync();

    TranslateOptions options_;
    Sinks sinks_;
    Metrics& metrics_;
    std::optional<LoadedSnapshot> loaded_;  // none: the source was not read yet
    Translation current_;
    Findings findings_;         // about current_.table
    Statuses statuses_;         // of current_ and findings_
    bool unpublished_ = false;  // statuses_ were not written yet
    bool unsynced_ = false;     // current_.table is not in the maps yet
    bool was_synced_ = false;   // once, since the start
    RepeatedError apply_error_{"bringing the configuration into the data path"};
    RepeatedError publish_error_{"writing statuses"};
};

}  // namespace slipgate
