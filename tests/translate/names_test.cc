// SPDX-License-Identifier: Apache-2.0
// Flattened names against the specification taken literally.
#include "agent/translate/names.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

#include "tests/translate/naive_routing.h"

namespace slipgate {
namespace {

// What the data plane does: the exact name, else the longest wildcard.
std::optional<std::string> look_up(const FlatNames& names, const std::string& sni) {
    if (const auto exact = names.find(sni); exact != names.end()) return exact->second;
    for (auto dot = sni.find('.'); dot != std::string::npos; dot = sni.find('.', dot + 1)) {
        if (const auto wildcard = names.find("*" + sni.substr(dot)); wildcard != names.end()) return wildcard->second;
    }
    return std::nullopt;
}

TlsRoute make_route(std::string name, std::vector<std::string> hostnames, std::string created = {}) {
    TlsRoute route;
    route.meta.namespace_ = "default";
    route.meta.name = std::move(name);
    route.meta.creation_timestamp = std::move(created);
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
    const auto older = make_route("older", {"*.com"}, "2026-01-01T00:00:00Z");
    const auto newer = make_route("newer", {"a.com"}, "2026-02-01T00:00:00Z");
    const FlatNames expected{{"a.com", "default/newer"}};
    EXPECT_EQ(flatten_names({{"a.com", {&older, &newer}}}), expected);
}

TEST(Names, HostnameNoClientHelloCarriesIsLeftOut) {
    const auto route = make_route("route", {"*.0.2.1", "a.com"});
    EXPECT_EQ(flatten_names({{"192.0.2.1", {&route}}}), FlatNames{});
}

// Few labels make many collisions; "1" makes names that no ClientHello carries.
class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

    std::string hostname() {
        std::string text = below(2) == 0 ? "*." : "";
        for (auto labels = 1 + below(3); labels > 0; --labels) text += kLabels[below(4)] + (labels > 1 ? "." : "");
        return text;
    }

    static std::vector<std::string> every_sni() {
        std::vector<std::string> names;
        std::vector<std::string> shorter{""};
        for (int depth = 1; depth <= 4; ++depth) {
            std::vector<std::string> longer;
            for (const auto& name : shorter) {
                for (const auto& label : kLabels) longer.push_back(name.empty() ? label : label + "." + name);
            }
            names.insert(names.end(), longer.begin(), longer.end());
            shorter = std::move(longer);
        }
        return names;
    }

  private:
    inline static const std::vector<std::string> kLabels{"a", "b", "cc", "1"};
    std::mt19937 random_;
};

struct Case {
    std::deque<TlsRoute> routes;  // ListenerNames points into it
    std::vector<ListenerNames> listeners;
};

Case make_case(Generator& generate) {
    Case result;
    const auto route_count = 1 + generate.below(6);
    for (std::size_t i = 0; i < route_count; ++i) {
        std::vector<std::string> hostnames;
        for (auto n = 1 + generate.below(3); n > 0; --n) hostnames.push_back(generate.hostname());
        const std::vector<std::string> ages{"", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"};
        result.routes.push_back(make_route("r" + std::to_string(i), hostnames, ages[generate.below(3)]));
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
