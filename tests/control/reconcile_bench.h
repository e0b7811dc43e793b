// SPDX-License-Identifier: Apache-2.0
// The reconciler against maps in memory: what its tests share.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "agent/datapath/reconcile.h"
#include "tests/control/fake_maps.h"
#include "tests/control/map_view.h"
#include "tests/unit/addresses.h"

namespace slipgate::test {

inline constexpr NameSecret kSecret{0x0706050403020100, 0x0f0e0d0c0b0a0908};
inline constexpr VipMss kMss{1460, 1440};

// The maps, a clock and the reconciler of one run of the agent after another.
class Bench {
  public:
    explicit Bench(Maps::Capacity capacity = FakeMaps::kRoomy) : maps(capacity) { restart(true); }

    void restart(bool fresh_maps = false) {
        const auto resolve = [this](const IpAddress& address) -> tl::expected<EndpointWay, NoWay> {
            if (unknown.contains(address)) return tl::unexpected(NoWay{std::nullopt, "No buffer space available"});
            if (refused.contains(address)) return tl::unexpected(NoWay{Exclusion::kNoRoute, "says the test"});
            const auto narrow = narrow_ways.find(address);
            return EndpointWay{ip(address.is_ipv6() ? "fd00::fe" : "10.0.0.254"),
                               narrow == narrow_ways.end() ? std::uint16_t{1400} : narrow->second};
        };
        reconciler = std::make_unique<Reconciler>(maps, [this] { return now; }, resolve, kSecret, fresh_maps);
        EXPECT_TRUE(reconciler->adopt());
    }
    ReconcileReport apply(const RoutingTable& table) { return reconciler->reconcile(table, kMss); }
    // As the agent does: again, second by second, as long as there is hope.
    ReconcileReport settle(const RoutingTable& table, int seconds = 400) {
        auto report = apply(table);
        while (report.again && seconds-- > 0) {
            now += std::chrono::seconds(1);
            report = apply(table);
        }
        return report;
    }

    // Where the first VIP of shop() leads a client; empty: refused.
    std::string route(const char* sni) {
        const auto name = lookup(maps, "192.0.2.1:443", sni, kSecret);
        return name ? name->route : "no VIP";
    }

    FakeMaps maps;
    TimePoint now{std::chrono::hours(1)};
    std::set<IpAddress> refused, unknown;            // there is no way; the question fails
    std::map<IpAddress, std::uint16_t> narrow_ways;  // MSS of the way, where it is not 1400
    std::unique_ptr<Reconciler> reconciler;
};

// Two VIPs, one of either family; a route with two backends and one with an invalid backendRef.
inline RoutingTable shop() {
    RoutingTable table;
    table.backends["shop/web:443"].endpoints = {at("10.0.0.1", 8443), at("10.0.0.2", 8443), at("fd00::1", 8443)};
    table.backends["shop/beta:443"].endpoints = {at("10.0.0.3", 9443)};
    table.routes["shop/web"].backends = {{"shop/web:443", 90}, {"shop/beta:443", 10}};
    table.routes["shop/broken"].backends = {{"shop/web:443", 1}, {std::nullopt, 1}};
    table.vips[at("192.0.2.1", 443)].names = {{"shop.example.com", "shop/web"},
                                              {"*.apps.example.com", "shop/web"},
                                              {"broken.example.com", "shop/broken"},
                                              {"*.example.com", std::nullopt}};
    table.vips[at("2001:db8::1", 443)].names = {{"shop.example.com", "shop/web"}};
    return table;
}

}  // namespace slipgate::test
