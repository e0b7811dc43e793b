// SPDX-License-Identifier: Apache-2.0
// Flattened names against the specification taken literally.
#include "agent/translate/names.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>

#include "tests/translate/naive_routing.h"
#include "tests/translate/name_samples.h"

namespace slipgate {
namespace {

TlsRoute make_route(std::string name, std::vector<std::string> hostnames, std::optional<Timestamp> created = {}) {
    TlsRoute route;
    route.meta.namespace_ = "default";
    route.meta.name = std::move(name);
    route.meta.creation_timestamp = created;
    route.hostnames = std::move(hostnames);
    return route;
}

using naive::ListenerRoutes;
using RouteKeys = std::set<std::string>;

PortNames add_all(const std::vector<ListenerRoutes>& listeners) {
    std::set<std::string> hostnames;
    for (const auto& listener : listeners) hostnames.insert(listener.hostname);
    PortNames names(std::move(hostnames));
    RouteKeys turned;
    for (const auto& listener : listeners) {
        for (const auto* route : listener.routes) names.add(listener.hostname, *route, turned);
    }
    return names;
}

FlatNames flatten(const std::vector<ListenerRoutes>& listeners) {
    return add_all(listeners).names();
}

// The names that lead to each route.
std::map<std::string, std::set<std::string>> by_route(const FlatNames& names) {
    std::map<std::string, std::set<std::string>> routes;
    for (const auto& [name, route] : names) {
        if (route) routes[*route].insert(name);
    }
    return routes;
}

TEST(Names, UnservedListenerHostnameIsRefusedAndDoesNotFallThrough) {
    const auto wide = make_route("wide", {"*.com"});
    const FlatNames expected{{"*.com", "default/wide"}, {"a.com", std::nullopt}};
    EXPECT_EQ(flatten({{"*.com", {&wide}}, {"a.com", {}}}), expected);
}

TEST(Names, BroaderListenerLosesWhatAMoreSpecificOneCovers) {
    const auto wide = make_route("wide", {"x.a.com", "y.com"});
    const auto narrow = make_route("narrow", {"y.a.com"});
    const FlatNames expected{{"*.a.com", std::nullopt}, {"y.a.com", "default/narrow"}, {"y.com", "default/wide"}};
    EXPECT_EQ(flatten({{"", {&wide}}, {"*.a.com", {&narrow}}}), expected);
}

TEST(Names, NonWildcardBeatsAWildcardOfTheSameLength) {
    const auto older = make_route("older", {"*.com"}, parse_timestamp("2026-01-01T00:00:00Z"));
    const auto newer = make_route("newer", {"a.com"}, parse_timestamp("2026-02-01T00:00:00Z"));
    const FlatNames expected{{"a.com", "default/newer"}};
    EXPECT_EQ(flatten({{"a.com", {&older, &newer}}}), expected);
}

TEST(Names, HostnameNoClientHelloCarriesIsLeftOut) {
    const auto route = make_route("route", {"*.0.2.1", "a.com"});
    EXPECT_EQ(flatten({{"192.0.2.1", {&route}}}), FlatNames{});
}

struct Case {
    std::deque<TlsRoute> routes;  // `listeners` point into it
    std::vector<ListenerRoutes> listeners;
};

Case make_case(Generator& generate) {
    Case result;
    const auto route_count = 1 + generate.below(6);
    for (std::size_t i = 0; i < route_count; ++i) {
        auto hostnames = generate.hostnames(3);
        if (i > 0 && generate.below(3) == 0) hostnames = result.routes[generate.below(i)].hostnames;
        result.routes.push_back(
            make_route("r" + std::to_string(i), std::move(hostnames), generate.creation_timestamp()));
    }
    std::set<std::string> hostnames;
    for (auto n = 1 + generate.below(5); n > 0; --n) {
        hostnames.insert(generate.below(4) == 0 ? "" : generate.hostname());
    }
    for (const auto& hostname : hostnames) {
        ListenerRoutes listener{hostname, {}};
        for (const auto& route : result.routes) {
            if (generate.below(3) != 0) listener.routes.push_back(&route);
        }
        result.listeners.push_back(listener);
    }
    return result;
}

TEST(Names, FlatLookupEqualsTheSpecificationForEverySni) {
    const auto every_sni = Generator::every_sni();
    std::size_t served = 0;
    std::size_t refused_by_owner = 0;
    for (unsigned seed = 0; seed < 3000; ++seed) {
        Generator generate(seed);
        const auto sample = make_case(generate);
        const auto flat = flatten(sample.listeners);
        for (const auto& sni : every_sni) {
            if (!naive::is_match(sni, sni)) continue;  // a name like an address: never looked up
            const auto expected = naive::route_for(sample.listeners, sni);
            ASSERT_EQ(look_up(flat, sni), expected) << "seed " << seed << ", SNI " << sni;
            if (expected) {
                ++served;
            } else {
                ++refused_by_owner;
            }
        }
    }
    // The samples are worth something only if both outcomes are common.
    EXPECT_GT(served, 10'000U);
    EXPECT_GT(refused_by_owner, 10'000U);
}

// Also to which routes it made a difference.
TEST(Names, ARouteThatGoesLeavesTheNamesOfTheOthers) {
    std::size_t turned_others = 0;
    for (unsigned seed = 0; seed < 9000; ++seed) {
        Generator generate(seed);
        const auto sample = make_case(generate);
        auto names = add_all(sample.listeners);
        const auto before = by_route(names.names());

        auto others = sample.listeners;
        RouteKeys turned;
        const auto& gone = sample.routes[generate.below(sample.routes.size())];
        for (auto& listener : others) {
            if (std::erase(listener.routes, &gone) > 0) names.remove(listener.hostname, gone, turned);
        }
        ASSERT_EQ(names.names(), flatten(others)) << "seed " << seed;
        const auto after = by_route(names.names());

        for (const auto& route : sample.routes) {
            const auto key = key_of(route.meta);
            ASSERT_EQ(names.lead_to(key), after.contains(key)) << "seed " << seed;
            const auto of = [&](const auto& routes) {
                const auto found = routes.find(key);
                return found == routes.end() ? std::set<std::string>{} : found->second;
            };
            ASSERT_EQ(turned.contains(key), of(before) != of(after)) << "seed " << seed << ", route " << key;
        }
        turned.erase(key_of(gone.meta));
        turned_others += turned.size();
    }
    EXPECT_GT(turned_others, 300U) << "the samples are worth something only if this is common";
}

}  // namespace
}  // namespace slipgate
