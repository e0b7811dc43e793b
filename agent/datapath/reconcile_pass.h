// SPDX-License-Identifier: Apache-2.0
// Private to the reconciler: what one reconcile() gathers while it goes through the maps.
#pragma once

#include <algorithm>
#include <optional>

#include "agent/datapath/reconcile.h"

namespace slipgate {

// What is in `now` and was not, or was another.
template <typename Key, typename T, typename Visit>
void for_each_new(const SharedMap<Key, T>& before, const SharedMap<Key, T>& now, Visit visit) {
    for_each_difference(before, now, [&](const Key& key, const T* /*before*/, const T* wanted) {
        if (wanted) visit(key, *wanted);
    });
}

// What was there before and is not in `now`.
template <typename Key, typename T, typename Visit>
void for_each_gone(const SharedMap<Key, T>& before, const SharedMap<Key, T>& now, Visit visit) {
    for_each_difference(before, now, [&](const Key& key, const T* /*before*/, const T* wanted) {
        if (!wanted) visit(key);
    });
}

struct Reconciler::Pass {
    using Placements = std::map<std::string, Placed<std::uint32_t>>;

    // `settled`: what the maps hold for sure; empty: nothing is known, and the whole table is placed.
    Pass(const RoutingTable& wanted, const RoutingTable& settled, TimePoint time)
        : table(wanted), before(settled), now(time) {}

    const RoutingTable& table;
    const RoutingTable& before;
    TimePoint now;
    bool is_whole = false;
    std::set<IpAddress> vip_addresses;
    Addresses sources;                                                   // wanted
    Names<bool> names;                                                   // wanted
    Placements backends, routes;                                         // that are new
    std::map<std::string, VipMss> lowest_mss;                            // by backend, of its endpoints
    bool other_mss = false;                                              // which makes a difference to VIPs
    std::optional<VipMss> floor;                                         // see lowest_of_all()
    std::map<SocketAddress, std::uint16_t> announced_mss;                // of VIPs
    std::set<SocketAddress> waiting_vips;                                // not to be written, for now
    std::vector<std::pair<std::uint32_t, std::string>> stale_wildcards;  // VIP and hostname: not yet as wanted
    ReconcileReport report;
    bool left_out = false;  // for want of room
    bool removed = false;   // which may have made room
    bool held = false;      // something is not as wanted because something else is not

    // The maps are as the table says, but for the endpoints that are excluded.
    [[nodiscard]] bool is_complete() const;

    // Of the backends, once they are placed.
    [[nodiscard]] const VipMss& lowest_of_all() {
        if (floor) return *floor;
        floor = {UINT16_MAX, UINT16_MAX};
        for (const auto& [backend, lowest] : lowest_mss)
            floor = {std::min(floor->ipv4, lowest.ipv4), std::min(floor->ipv6, lowest.ipv6)};
        return *floor;
    }

    // Where an entry of the table is; none: the table lacks it.
    template <typename T>
    static std::optional<Placed<std::uint32_t>> find(const Placements& placed, const LabelTable& known,
                                                     const SharedMap<std::string, T>& wanted, const std::string& name) {
        if (const auto found = placed.find(name); found != placed.end()) return found->second;
        if (!wanted.contains(name)) return std::nullopt;
        return known.indices().at(name);
    }

    // What has an index and is not in the table.
    template <typename T>
    [[nodiscard]] std::map<std::string, std::uint32_t> surplus(const SharedMap<std::string, T>& settled,
                                                               const SharedMap<std::string, T>& wanted,
                                                               const LabelTable& known) const {
        std::map<std::string, std::uint32_t> found;
        if (!is_whole) {
            for_each_gone(settled, wanted, [&](const auto& name) { found.emplace(name, known.indices().at(name)); });
            return found;
        }
        for (const auto& [name, index] : known.indices()) {
            if (!wanted.contains(name)) found.emplace(name, index);
        }
        return found;
    }

    void exclude(const std::string& backend, const SocketAddress& endpoint, NoWay why) {
        report.findings.endpoints.push_back({backend, endpoint, *why.exclusion, std::move(why.detail)});
    }
    void failure(const std::string& object, const std::string& reason) {
        report.failures.push_back(object + ": " + reason);
        report.again = true;
    }
    void invalid(const TablePart& part, const std::string& reason) {
        report.findings.parts.push_back({part, UnplacedPart::Cause::kInvalid, reason});
    }
    void setback(const TablePart& part, const Setback& setback) {
        report.findings.parts.push_back(
            {part, setback.comes() ? UnplacedPart::Cause::kPending : UnplacedPart::Cause::kNoRoom, setback.reason});
        switch (setback.kind) {
            case Setback::Kind::kNoRoom:
                left_out = true;
                break;
            case Setback::Kind::kResting:
                report.again = true;
                break;
            case Setback::Kind::kFailed:
                failure(part.to_string(), setback.reason);
                break;
        }
    }
    // Notes the outcome of a removal.
    bool gone(const std::string& object, const Status& done) {
        if (!done) failure(object, done.error().message);
        removed = removed || done.has_value();
        return done.has_value();
    }
};

}  // namespace slipgate
