// SPDX-License-Identifier: Apache-2.0
// Private to the reconciler: what one reconcile() gathers while it goes through the maps.
#pragma once

#include "agent/datapath/reconcile.h"

namespace slipgate {

struct Reconciler::Pass {
    Pass(const RoutingTable& wanted, TimePoint time) : table(wanted), now(time) {}

    const RoutingTable& table;
    TimePoint now;
    std::set<IpAddress> vip_addresses;
    Addresses sources;  // wanted
    Names<bool> names;  // wanted
    std::map<std::string, Placed<std::uint32_t>> backends, routes;
    std::map<std::string, VipMss> lowest_mss;                            // by backend, of its endpoints
    std::set<SocketAddress> waiting_vips;                                // not to be written, for now
    std::vector<std::pair<std::uint32_t, std::string>> stale_wildcards;  // VIP and hostname: not yet as wanted
    ReconcileReport report;
    bool left_out = false;  // for want of room
    bool removed = false;   // which may have made room

    // The maps are as the table says, but for the endpoints that are excluded.
    [[nodiscard]] bool is_complete() const;

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
