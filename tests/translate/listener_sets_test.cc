// SPDX-License-Identifier: Apache-2.0
// Gateways with ListenerSets against the specification taken literally.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "agent/translate/ports.h"
#include "agent/translate/translate.h"
#include "tests/translate/naive_merging.h"
#include "tests/translate/naive_routing.h"
#include "tests/translate/name_samples.h"
#include "tests/translate/one_gateway.h"

namespace slipgate {
namespace {

constexpr std::array<std::uint16_t, 2> kPorts{443, 8443};
const std::array<std::string, 2> kNamespaces{"default", "apps"};

ObjectMeta make_meta(Generator& generate, const std::string& space, std::string name) {
    ObjectMeta meta;
    meta.namespace_ = space;
    meta.name = std::move(name);
    meta.creation_timestamp = generate.creation_timestamp();
    return meta;
}

// Mostly Passthrough; as the CRD wants it, no port and hostname twice.
std::vector<Listener> make_listeners(Generator& generate) {
    std::vector<Listener> listeners;
    for (auto n = 1 + generate.below(3); n > 0; --n) {
        Listener listener;
        listener.name = "l" + std::to_string(n);
        listener.protocol = "TLS";
        listener.port = kPorts.at(generate.below(kPorts.size()));
        listener.tls_mode = generate.below(10) == 0 ? "Terminate" : "Passthrough";
        if (generate.below(4) != 0) listener.hostname = generate.hostname();
        listener.allowed_routes.from = generate.below(2) == 0 ? "All" : "Same";
        const bool is_new = std::none_of(listeners.begin(), listeners.end(), [&](const Listener& earlier) {
            return earlier.port == listener.port && earlier.hostname == listener.hostname;
        });
        if (is_new) listeners.push_back(std::move(listener));
    }
    return listeners;
}

ParentReference make_parent(std::string kind, const ObjectMeta& meta) {
    ParentReference ref;
    ref.kind = std::move(kind);
    ref.namespace_ = meta.namespace_;
    ref.name = meta.name;
    return ref;
}

// One Gateway, default/gw, up to five ListenerSets in two namespaces, routes on any of them.
Snapshot make_snapshot(Generator& generate) {
    Snapshot snapshot;
    snapshot.gateway_classes["slipgate"].controller_name = TranslateOptions{}.controller_name;
    Gateway gateway;
    gateway.meta = make_meta(generate, "default", "gw");
    gateway.gateway_class_name = "slipgate";
    gateway.listeners = make_listeners(generate);
    gateway.allowed_listeners.from = generate.below(4) == 0 ? "Same" : "All";
    std::vector<ParentReference> parents{make_parent("Gateway", gateway.meta)};
    snapshot.gateways["default/gw"] = std::move(gateway);
    for (auto n = generate.below(6); n > 0; --n) {
        ListenerSet set;
        set.meta = make_meta(generate, kNamespaces.at(generate.below(2)), "s" + std::to_string(n));
        set.parent_ref.namespace_ = "default";
        set.parent_ref.name = "gw";
        set.listeners = make_listeners(generate);
        parents.push_back(make_parent("ListenerSet", set.meta));
        snapshot.listener_sets[key_of(set.meta)] = std::move(set);
    }
    for (auto n = 1 + generate.below(6); n > 0; --n) {
        TlsRoute route;
        route.meta = make_meta(generate, kNamespaces.at(generate.below(2)), "r" + std::to_string(n));
        route.hostnames = generate.hostnames(3);
        for (const auto& parent : parents) {
            if (generate.below(2) == 0) route.parent_refs.push_back(parent);
        }
        snapshot.tls_routes[key_of(route.meta)] = std::move(route);
    }
    return snapshot;
}

TEST(ListenerSets, FlatLookupEqualsTheSpecificationForEverySni) {
    const auto every_sni = Generator::every_sni();
    TranslateOptions options;
    options.addresses = {IpAddress::parse("192.0.2.1").value()};
    std::size_t served = 0;
    std::size_t refused = 0;
    for (unsigned seed = 0; seed < 1000; ++seed) {
        Generator generate(seed);
        const auto snapshot = make_snapshot(generate);
        const auto listeners = naive::merge(snapshot.gateways.at("default/gw"), snapshot);
        const auto table = translate(snapshot, options).table;
        for (const auto port : kPorts) {
            const auto vip = table.vips.find({options.addresses[0], port});
            ASSERT_EQ(vip != table.vips.end(), listeners.contains(port)) << "seed " << seed << ", port " << port;
            if (vip == table.vips.end()) continue;
            for (const auto& sni : every_sni) {
                if (!naive::is_match(sni, sni)) continue;  // a name like an address: never looked up
                const auto expected = naive::route_for(listeners.at(port), sni);
                ASSERT_EQ(look_up(vip->second.names, sni), expected)
                    << "seed " << seed << ", port " << port << ", SNI " << sni;
                ++(expected ? served : refused);
            }
        }
    }
    // The samples are worth something only if both outcomes are common.
    EXPECT_GT(served, 10'000U);
    EXPECT_GT(refused, 10'000U);
}

ListenerSet set_with_ports(const std::string& name, int first, int count) {
    ListenerSet set;
    set.meta.namespace_ = "default";
    set.meta.name = name;
    set.parent_ref.namespace_ = "default";
    set.parent_ref.name = "gw";
    for (int n = 0; n < count; ++n) {
        Listener listener;
        listener.name = "l" + std::to_string(n);
        listener.protocol = "TLS";
        listener.port = static_cast<std::uint16_t>(first + n);
        listener.tls_mode = "Passthrough";
        set.listeners.push_back(std::move(listener));
    }
    return set;
}

TEST(ListenerSets, CannotGiveAGatewayMorePortsThanItMayHave) {
    constexpr int kMax = 64;  // listeners of one object
    Snapshot snapshot = one_gateway();
    auto& gateway = snapshot.gateways["default/gw"];
    gateway.allowed_listeners.from = "All";
    gateway.listeners = set_with_ports("", 1, 1).listeners;
    const auto add = [&](ListenerSet set) { snapshot.listener_sets[key_of(set.meta)] = std::move(set); };
    for (int n = 0; n < 3; ++n) add(set_with_ports("a" + std::to_string(n), 1000 + kMax * n, kMax));
    auto sharing = set_with_ports("b", 1000, 1);
    sharing.listeners[0].hostname = "a.example.com";
    add(std::move(sharing));

    gateway.addresses = {{"IPAddress", "192.0.2.1"}};
    const auto result = translate(snapshot, TranslateOptions{});
    EXPECT_EQ(result.table.vips.size(), kMaxPortsOfGateway);
    const auto reason_of_last = [&](const std::string& set) {
        return result.statuses.listener_sets.at(set).listeners.back().conditions.front().reason;
    };
    EXPECT_EQ(reason_of_last("default/a0"), "Accepted");
    EXPECT_EQ(reason_of_last("default/a1"), "TooManyListeners");
    EXPECT_EQ(reason_of_last("default/a2"), "TooManyListeners");
    EXPECT_EQ(reason_of_last("default/b"), "Accepted") << "its port is one that the Gateway has";
}

}  // namespace
}  // namespace slipgate
