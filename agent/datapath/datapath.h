// SPDX-License-Identifier: Apache-2.0
// The data plane as the rest of the agent sees it: load or adopt the pinned maps and programs, attach them, keep the
// maps equal to a routing table, collect dead flows, read events and counters. One thread, never blocking for long.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/datapath/attach_mode.h"
#include "agent/datapath/counters.h"
#include "agent/datapath/events.h"
#include "agent/datapath/interface_problem.h"
#include "agent/ir/findings.h"
#include "agent/ir/routing_table.h"

namespace slipgate {

struct DatapathOptions {
    std::filesystem::path pin_dir = "/sys/fs/bpf/slipgate";
    std::vector<std::string> interfaces;  // empty: every suitable one, followed as they come and go
    AttachMode attach = AttachMode::kAuto;
    std::uint16_t port_first = 61000;  // source ports towards endpoints, both inclusive
    std::uint16_t port_last = 65535;
    std::uint32_t max_connections = 262144;  // of each address family
    std::chrono::milliseconds connect_timeout{1000};
    std::chrono::seconds closing_time{10};
    std::chrono::seconds idle_timeout{std::chrono::hours(3)};
    bool timestamps = true;
    bool sack = true;
    std::uint8_t window_scale = 10;      // 0 .. 14
    std::optional<std::uint16_t> mss;    // of every VIP; none: from the MTUs of interfaces and routes
    std::uint32_t rst_per_second = 100;  // RSTs to packets of no connection of ours, per CPU
};

// Flow entries by state, as the last complete walk of the garbage collector found them. Two entries are a connection.
struct FlowCounts {
    std::uint64_t connecting = 0;
    std::uint64_t established = 0;
    std::uint64_t closing = 0;
};

class Datapath {
  public:
    // Takes the lock of the pin directory, loads the programs, makes or adopts the maps, attaches. Errors say what to
    // do: kernel too old, capability or bpffs missing, another agent at work, maps of another ABI version,
    // source ports that the host may use itself.
    [[nodiscard]] static Result<std::unique_ptr<Datapath>> open(const DatapathOptions& options);

    // Leaves programs, maps and flows in place: the next agent adopts them.
    ~Datapath();
    Datapath(const Datapath&) = delete;
    Datapath& operator=(const Datapath&) = delete;

    // Makes the maps equal to the table. The table must be complete (every source has been read once): what it does
    // not name is removed. An error is one of the kernel's; what failed is tried again by tick(). What cannot be done
    // as the table says is no error: see findings().
    [[nodiscard]] Status apply(RoutingTable table);

    // The table given last is in the maps, as far as the findings allow; nothing is left for tick() to try again.
    [[nodiscard]] bool synced() const;

    // About the table given last. They change with apply(), tick() and on_network_change(), whenever the maps do.
    [[nodiscard]] const Findings& findings() const;

    // Interfaces that should carry the program and do not. Each is logged once, when it appears.
    [[nodiscard]] const std::vector<InterfaceProblem>& interface_problems() const;

    // Once a second: a bounded piece of garbage collection, and what could not be applied or attached before.
    [[nodiscard]] Status tick();

    // Attempts to make the maps equal to the table that the kernel refused in part, since open().
    [[nodiscard]] std::uint64_t reconcile_errors() const;

    // Elements of the maps that hold the table, set or deleted since open().
    [[nodiscard]] std::uint64_t map_writes() const;

    // Readable when interfaces, addresses or routes changed; then call on_network_change().
    [[nodiscard]] int network_fd() const;
    [[nodiscard]] Status on_network_change();

    // Readable when connections ended; then call read_events(), which passes on all there are and returns their number.
    [[nodiscard]] int events_fd() const;
    [[nodiscard]] Result<std::size_t> read_events(const std::function<void(const ConnectionEvent&)>& sink);

    [[nodiscard]] Result<std::vector<Counter>> counters() const;
    [[nodiscard]] FlowCounts flows() const;
    [[nodiscard]] std::vector<std::string> interfaces() const;  // that carry the program

  private:
    struct Impl;
    explicit Datapath(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

// Takes programs, links, filters, maps and with them all flows away. Nothing to take away is no error.
[[nodiscard]] Status uninstall(const std::filesystem::path& pin_dir);

}  // namespace slipgate
