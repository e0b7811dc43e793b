// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/app/metrics.h"
#include "agent/app/repeated_error.h"
#include "agent/host/host_addresses.h"
#include "agent/ir/findings.h"
#include "agent/model/status.h"
#include "agent/source/file/load.h"
#include "agent/translate/findings.h"
#include "agent/translate/translator.h"

namespace slipgate {

// Where the results go: the host, the data path and the status files, or fakes.
struct Sinks {
    std::function<UnavailablePorts(const std::set<SocketAddress>&)> listen;    // there, and nowhere else
    std::function<Result<std::set<IpAddress>>()> host_addresses;               // that are nobody's but the host's
    std::function<ConfiguredAddresses(const std::set<IpAddress>&)> configure;  // these addresses, and no others
    std::function<Status(RoutingTable)> apply;
    std::function<bool()> synced;               // the table given last is in the maps, as far as the findings allow
    std::function<const Findings&()> findings;  // about that table
    std::function<Status(const Statuses&, const LoadedSnapshot&)> publish;
};

// Snapshot -> translate -> listen -> apply -> configure -> publish. Statuses follow the maps, never the other way
// round: what they call Programmed is. Keeps what the last round said, logs what differs, and knows what is still to be
// done.
class Pipeline {
  public:
    // `assigned`: addresses that Gateways had before the agent started, as far as that is known.
    Pipeline(TranslateOptions options, Sinks sinks, Metrics& metrics, AssignedAddresses assigned = {});

    using Clock = std::chrono::steady_clock;

    // A new state of the world. `since`: when the first of its changes came.
    void update(LoadedSnapshot loaded, Clock::time_point since = Clock::now());

    // Does what is still to be done: follows each update(), and each time the data path may have changed its mind.
    // True: nothing is left to do.
    bool settle();

    // Once a second: ports and addresses that the host refused before. True: something has changed.
    bool retry_host();

    // The host's interfaces, addresses or routes have changed.
    void on_network_change();

    // The first configuration is in the maps; else what is missing.
    [[nodiscard]] Status ready() const;

  private:
    void translate_and_apply();
    [[nodiscard]] bool read_host();
    [[nodiscard]] bool configure();
    void note_findings();
    void note_sync();
    void note_delay();

    Translator translator_;
    FindingsAdder findings_adder_;
    Sinks sinks_;
    Metrics& metrics_;
    std::optional<LoadedSnapshot> loaded_;  // none: the source was not read yet
    Circumstances circumstances_;
    Translation current_;
    std::optional<std::set<IpAddress>> configured_;   // last; none: what an earlier agent configured is there still
    Findings findings_;                               // about current_.table
    Statuses statuses_;                               // of current_ and findings_
    std::map<std::string, std::size_t> bad_;          // objects with bad conditions in statuses_, by kind
    bool unpublished_ = false;                        // statuses_ were not written yet
    bool unsynced_ = false;                           // current_.table is not in the maps yet
    bool was_synced_ = false;                         // once, since the start
    std::optional<Clock::time_point> waiting_since_;  // of the oldest change that is not in the maps yet
    RepeatedError host_error_{"listing the host's addresses"};
    RepeatedError configure_error_{"configuring addresses of Gateways on the host"};
    RepeatedError apply_error_{"bringing the configuration into the data path"};
    RepeatedError publish_error_{"writing statuses"};
};

}  // namespace slipgate
