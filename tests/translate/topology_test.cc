// SPDX-License-Identifier: Apache-2.0
// All hints that three endpoints can have, against kube-proxy's own way to say it.
#include "agent/translate/topology.h"

#include <gtest/gtest.h>

#include <array>

namespace slipgate {
namespace {

constexpr std::array kEach = {Hint::kNone, Hint::kElsewhere, Hint::kHere};

// topologyModeFromHints() and availableForTopology() of pkg/proxy/topology.go.
std::vector<bool> as_kube_proxy_does(const std::vector<Hints>& endpoints) {
    bool all_have_node = true;
    bool all_have_zone = true;
    bool one_for_node = false;
    bool one_for_zone = false;
    for (const auto& hints : endpoints) {
        if (hints.node == Hint::kNone) all_have_node = false;
        if (hints.node == Hint::kHere) one_for_node = true;
        if (hints.zone == Hint::kNone) all_have_zone = false;
        if (hints.zone == Hint::kHere) one_for_zone = true;
    }
    std::vector<bool> taken;
    for (const auto& hints : endpoints) {
        if (all_have_node && one_for_node)
            taken.push_back(hints.node == Hint::kHere);
        else if (all_have_zone && one_for_zone)
            taken.push_back(hints.zone == Hint::kHere);
        else
            taken.push_back(true);
    }
    return taken;
}

std::vector<Hints> each_hints() {
    std::vector<Hints> all;
    for (const auto node : kEach) {
        for (const auto zone : kEach) all.push_back({node, zone});
    }
    return all;
}

TEST(Topology, NearEndpointsAreThoseOfKubeProxy) {
    for (const auto& a : each_hints()) {
        for (const auto& b : each_hints()) {
            for (const auto& c : each_hints()) {
                const std::vector<Hints> endpoints = {a, b, c};
                const Nearness nearness(endpoints);
                std::vector<bool> taken;
                for (const auto& hints : endpoints) taken.push_back(nearness.takes(hints));
                EXPECT_EQ(taken, as_kube_proxy_does(endpoints));
                EXPECT_NE(taken, std::vector<bool>(3, false)) << "someone gets connections";
            }
        }
    }
}

}  // namespace
}  // namespace slipgate
