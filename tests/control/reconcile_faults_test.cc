// SPDX-License-Identifier: Apache-2.0
// Properties of the reconciler over random tables, with writes that fail and agents that die between two writes:
// at every moment a client reaches what the old or the new table says, or is refused; and all ends well.
#include <gtest/gtest.h>

#include <memory>
#include <random>

#include "agent/datapath/reconcile.h"
#include "tests/control/fake_maps.h"
#include "tests/control/map_view.h"

namespace slipgate {
namespace {

using test::FakeMaps;
using test::lookup;
using test::take;
using test::view;

constexpr NameSecret kSecret{11, 13};
constexpr VipMss kMss{1460, 1440};
const std::vector<std::string> kHostnames{"a.x.test", "b.x.test", "*.x.test", "*.test", "*.b.x.test"};
const std::vector<std::string> kClients{"a.x.test", "b.x.test", "c.x.test", "c.b.x.test", "d.test"};
const std::vector<std::string> kVips{"192.0.2.1:443", "192.0.2.2:443"};

// Each backend's endpoints carry its number in their third byte, so that a wrong backend is told from a wrong endpoint.
RoutingTable random_table(std::mt19937& random) {
    RoutingTable table;
    for (unsigned b = 0; b < 4; ++b) {
        if (random() % 3 == 0) continue;
        auto& endpoints = table.backends["ns/b" + std::to_string(b) + ":443"].endpoints;
        for (unsigned e = 1; e < 4; ++e) {
            const auto text = "10.0." + std::to_string(b) + "." + std::to_string(e);
            const auto mode = static_cast<SourceMode>(random() % kSourceModes.size());
            if (random() % 2 == 0) endpoints.emplace_back(SocketAddress{*IpAddress::parse(text), 443}, mode);
        }
    }
    for (unsigned r = 0; r < 4; ++r) {
        if (random() % 3 == 0) continue;
        auto& route = table.routes["ns/r" + std::to_string(r)];
        for (auto share = 1 + random() % 3; share > 0; --share) {
            WeightedBackend backend{std::nullopt, static_cast<std::uint32_t>(random() % 3)};
            if (random() % 4 != 0 && !table.backends.empty()) {
                backend.backend =
                    std::next(table.backends.begin(), static_cast<std::ptrdiff_t>(random() % table.backends.size()))
                        ->first;
            }
            route.backends.push_back(backend);
        }
    }
    for (unsigned v = 1; v < 3; ++v) {
        if (random() % 4 == 0) continue;
        auto& vip = table.vips[{*IpAddress::parse("192.0.2." + std::to_string(v)), 443}];
        for (const auto& hostname : kHostnames) {
            if (random() % 2 == 0) continue;
            auto& route = vip.names[hostname];
            if (random() % 5 != 0 && !table.routes.empty()) {
                route =
                    std::next(table.routes.begin(), static_cast<std::ptrdiff_t>(random() % table.routes.size()))->first;
            }
        }
    }
    return table;
}

tl::expected<EndpointWay, NoWay> resolve(const IpAddress& address) {
    const auto subnet = address.bytes()[14] / 2;  // two backends share a source address
    return EndpointWay{*IpAddress::parse("10.1." + std::to_string(subnet) + ".254"), 1400};
}

// The route a client's name belongs to by the table: exact, else the longest wildcard. Empty: refused.
std::string route_of(const RoutingTable& table, const std::string& vip, const std::string& sni) {
    for (const auto& [address, entry] : table.vips) {
        if (address.to_string() != vip) continue;
        if (const auto exact = entry.names.find(sni); exact != entry.names.end()) return exact->second.value_or("");
        for (auto dot = sni.find('.'); dot != std::string::npos; dot = sni.find('.', dot + 1)) {
            const auto wildcard = entry.names.find("*" + sni.substr(dot));
            if (wildcard != entry.names.end()) return wildcard->second.value_or("");
        }
    }
    return "";
}

// May a client be led along this hop, from the table's point of view?
bool leads(const RoutingTable& table, const std::string& route, const std::string& backend) {
    const auto found = table.routes.find(route);
    return found != table.routes.end() && std::any_of(found->second.backends.begin(), found->second.backends.end(),
                                                      [&](const auto& share) { return share.backend == backend; });
}
bool has(const RoutingTable& table, const std::string& backend, const std::string& endpoint) {
    const auto found = table.backends.find(backend);
    if (found == table.backends.end()) return false;
    const auto& all = found->second.endpoints;
    return std::any_of(all.begin(), all.end(),
                       [&](const auto& e) { return endpoint.starts_with(e.to_string() + " from "); });
}

class ReconcileFaults : public testing::TestWithParam<unsigned> {
  protected:
    void start_agent(bool fresh = false) {
        reconciler_ = std::make_unique<Reconciler>(maps_, [this] { return now_; }, resolve, kSecret, fresh);
        ASSERT_TRUE(reconciler_->adopt());
    }

    // Each hop of what a client reaches is one of the old table's or one of the new table's.
    void check(const RoutingTable& before, const RoutingTable& after) {
        ++checks_;
        const auto sources = take(maps_.sources());
        for (const auto& vip : kVips) {
            for (const auto& sni : kClients) {
                const auto name = lookup(maps_, vip, sni, kSecret);
                if (!name || name->route.empty()) continue;
                ++reached_;
                EXPECT_TRUE(name->route == route_of(before, vip, sni) || name->route == route_of(after, vip, sni))
                    << vip << " " << sni << " -> " << name->route;
                for (const auto& share : name->shares) {
                    if (share.backend.empty()) continue;
                    EXPECT_TRUE(leads(before, name->route, share.backend) || leads(after, name->route, share.backend))
                        << name->route << " -> " << share.backend;
                    for (const auto& endpoint : share.endpoints) {
                        EXPECT_TRUE(has(before, share.backend, endpoint) || has(after, share.backend, endpoint))
                            << share.backend << " -> " << endpoint;
                        const auto from = endpoint.find(" from ") + 6;
                        const auto source = endpoint.substr(from, endpoint.find(" mss ") - from);
                        EXPECT_TRUE(
                            std::any_of(sources.begin(), sources.end(),
                                        [&](const sg_address& a) { return IpAddress(a).to_string() == source; }))
                            << "replies to " << source << " would not be ours";
                    }
                }
            }
        }
    }

    FakeMaps maps_;
    TimePoint now_{std::chrono::hours(1)};
    std::unique_ptr<Reconciler> reconciler_;
    int checks_ = 0;
    int reached_ = 0;
};

TEST_P(ReconcileFaults, NobodyIsMisroutedAndAllEndsWell) {
    std::mt19937 random(GetParam());
    start_agent(true);
    RoutingTable table;
    for (int round = 0; round < 12; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const auto next = random_table(random);
        maps_.after_write = [&] { check(table, next); };
        // Some writes are refused; sometimes all of them from one on: the agent was killed there.
        bool dead = false;
        maps_.refuses = [&] {
            dead = dead || random() % 60 == 0;
            return dead || random() % 8 == 0;
        };
        for (int attempt = 0; attempt < 4; ++attempt) {
            (void)reconciler_->reconcile(next, kMss);
            now_ += std::chrono::milliseconds(random() % 1500);
            if (dead) start_agent();
            dead = false;
        }
        maps_.refuses = [] { return false; };
        auto report = reconciler_->reconcile(next, kMss);
        for (int second = 0; report.again && second < 10; ++second) {
            now_ += std::chrono::seconds(1);
            report = reconciler_->reconcile(next, kMss);
        }
        EXPECT_FALSE(report.again);
        EXPECT_EQ(report.findings, Findings{});

        FakeMaps undisturbed;
        Reconciler reference(undisturbed, [] { return TimePoint{}; }, resolve, kSecret, true);
        (void)reference.reconcile(next, kMss);
        EXPECT_EQ(view(maps_), view(undisturbed));
        table = next;
        if (HasFailure()) return;
    }
    maps_.after_write = [] {};
    EXPECT_FALSE(reconciler_->reconcile({}, kMss).again);
    EXPECT_TRUE(maps_.empty());
    EXPECT_GT(checks_, 100);
    EXPECT_GT(reached_, 100) << "the tables were too empty to prove anything";
}

INSTANTIATE_TEST_SUITE_P(Seeds, ReconcileFaults, testing::Range(1U, 25U));

}  // namespace
}  // namespace slipgate
