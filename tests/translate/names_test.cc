// SPDX-License-Identifier: Apache-2.0
// Flattened names against the specification taken literally.
#include "agent/translate/names.h"

#include <gtest/gtest.h>

#include <deque>
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

TEST(Names, UnservedListenerHostnameIsRefusedAndDoesNotFallThrough) {
    const auto wide = make_route("wide", {"*.com"});
    const FlatNames expected{{"*.com", "default/wide"}, {"a.com", std::nullopt}};
    EXPECT_EQ(flatten_names({{"*.com", {&wide}}, {"a.com", {}}}), expected);
}

TEST(Names, BroaderListenerLosesWhatAMoreSpecificOneCovers) {
    const auto wide = make_route("wide", {"x.a.com", "y.com"});
    const auto narrow = make_route("narrow", {"y.a.com"});
    const FlatNames expected{{"*.a.com", std::nullopt}, {"y.a.com", "default/narrow"}, {"y.com", "default/wide"}};
    EXPECT_EQ(flatten_names({{"", {&wide}}, {"*.a.com", {&narrow}}}), expected);
}

TEST(Names, NonWildcardBeatsAWildcardOfTheSameLength) {
    const auto older = make_route("older", {"*.com"}, parse_timestamp("2026-01-01T00:00:00Z"));
    const auto newer = make_route("newer", {"a.com"}, parse_timestamp("2026-02-01T00:00:00Z"));
    const FlatNames expected{{"a.com", "default/newer"}};
    EXPECT_EQ(flatten_names({{"a.com", {&older, &newer}}}), expected);
}

TEST(Names, HostnameNoClientHelloCarriesIsLeftOut) {
    const auto route = make_route("route", {"*.0.2.1", "a.com"});
    EXPECT_EQ(flatten_names({{"192.0.2.1", {&route}}}), FlatNames{});
}

struct Case {
    std::deque<TlsRoute> routes;  // ListenerNames points into it
    std::vector<ListenerNames> listeners;
};

Case make_case(Generator& generate) {
    Case result;
    const auto route_count = 1 + generate.below(6);
    for (std::size_t i = 0; i < route_count; ++i) {
        auto hostnames = generate.hostnames(3);
        result.routes.push_back(
            make_route("r" + std::to_string(i), std::move(hostnames), generate.creation_timestamp()));
    }
    std::set<std::string> hostnames;
    for (auto n = 1 + generate.below(5); n > 0; --n) {
        hostnames.insert(generate.below(4) == 0 ? "" : generate.hostname());
    }
    for (const auto& hostname : hostnames) {
        ListenerNames listener{hostname, {}};
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
        const auto flat = flatten_names(sample.listeners);
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

}  // namespace
}  // namespace slipgate
