// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <prometheus/histogram.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/datapath/counters.h"
#include "agent/datapath/datapath.h"
#include "agent/datapath/events.h"
#include "agent/source/source.h"

namespace slipgate {

// What is read at the moment of a scrape.
struct Scrape {
    std::optional<std::vector<Counter>> counters;  // none: they could not be read
    FlowCounts flows;
    std::size_t interfaces = 0;  // that carry the program
    std::size_t problems = 0;    // interfaces and objects the data path cannot serve
    bool synced = false;
    std::map<std::string, std::size_t> followed;  // by kind: 1 or 0
    std::optional<StatusWrites> status_writes;    // none: nothing is written back
    std::uint64_t reconcile_errors = 0;
    std::uint64_t map_writes = 0;
    std::size_t listening_sockets = 0;
    std::size_t missing_sockets = 0;      // that could not be opened
    std::uint64_t stray_connections = 0;  // that came to them
    std::uint64_t access_log_lost_lines = 0;
};

// Everything /metrics shows. The data path's own counters live in the kernel, survive the agent and are passed in at
// scrape time; what is counted here is counted from events since the agent started. Not thread-safe.
class Metrics {
  public:
    // Routes are named by their owners, so their number is bounded: those beyond share the label "_other", which is no
    // Kubernetes name.
    static constexpr std::size_t kMaxRoutes = 2000;

    void count(const ConnectionEvent& event);
    // From the arrival of a change to the moment the maps hold it.
    void observe_apply(std::chrono::nanoseconds delay) {
        apply_duration_.Observe(std::chrono::duration<double>(delay).count());
    }
    void set_reconciled(std::chrono::system_clock::time_point time) { reconciled_ = time; }
    void set_objects(std::map<std::string, std::size_t> by_kind) { objects_ = std::move(by_kind); }
    void set_config_errors(std::map<std::string, std::size_t> by_kind) { config_errors_ = std::move(by_kind); }
    void set_excluded_endpoints(std::map<std::string, std::size_t> by_reason) {
        excluded_endpoints_ = std::move(by_reason);
    }

    void set_missing_addresses(std::size_t count) { missing_addresses_ = count; }

    // The text exposition format, version 0.0.4.
    [[nodiscard]] std::string render(const Scrape& scrape) const;

  private:
    struct RouteCounts {
        std::uint64_t connections = 0;
        std::uint64_t bytes_up = 0;
        std::uint64_t bytes_down = 0;
        std::map<std::string, std::uint64_t, std::less<>> refused;  // by reason
    };

    std::map<std::string, RouteCounts, std::less<>> routes_;
    std::map<std::string, std::uint64_t, std::less<>> ended_;  // by reason
    std::map<std::string, std::size_t> objects_;
    std::map<std::string, std::size_t> config_errors_;
    std::map<std::string, std::size_t> excluded_endpoints_;
    std::size_t missing_addresses_ = 0;
    std::optional<std::chrono::system_clock::time_point> reconciled_;
    prometheus::Histogram apply_duration_{prometheus::Histogram::BucketBoundaries{
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}};  // seconds
};

}  // namespace slipgate
