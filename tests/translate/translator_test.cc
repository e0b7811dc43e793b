// SPDX-License-Identifier: Apache-2.0
// What is taken from the result before makes no difference: after every change of a series drawn at random, the result
// is that of the snapshot alone.
#include "agent/translate/translator.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "agent/translate/findings.h"

namespace slipgate {
namespace {

constexpr const char* kZone = "topology.kubernetes.io/zone";

// Two Gateways, of which one needs endpoints that see the client's address; few objects that lead to each other often.
class World {
  public:
    explicit World(unsigned seed) : random_(seed) {
        options.addresses = {IpAddress::parse("192.0.2.1").value(), IpAddress::parse("2001:db8::1").value()};
        options.address_pool = {IpRange::parse("198.51.100.0/30").value()};
        options.node_name = "here";
        snapshot.gateway_classes["slipgate"].controller_name = options.controller_name;
        for (int n = 0; n < 40; ++n) change();
    }

    // One object comes, goes or is another, or a port of the host. Most of the time it is an EndpointSlice or a
    // TLSRoute, as in a cluster.
    void change() {
        switch (below(24)) {
            case 0:
                return set(snapshot.gateways, fmt::format("default/g{}", below(2)), [&](auto& g) { make(g); });
            case 1:
                return set(snapshot.services, fmt::format("default/s{}", below(4)), [&](auto& s) { make(s); });
            case 2:
                return set(snapshot.nodes, "here", [&](auto& node) { node.meta.labels[kZone] = digit(2); });
            case 3:
                return toggle(circumstances.unavailable, SocketAddress{IpAddress::parse("192.0.2.2").value(), 443});
            case 4:
                return toggle(snapshot.bundle_versions, std::string("tlsroutes"));
            case 5:
                return set(snapshot.listener_sets, fmt::format("default/l{}", below(2)), [&](auto& l) { make(l); });
            case 6:
            case 7:
            case 8:
            case 9:
            case 10:
                return set(snapshot.tls_routes, fmt::format("default/r{}", below(5)), [&](auto& r) { make(r); });
            case 11:
                return set(snapshot.service_cidrs, "more", [&](auto& more) { make(more); });
            default:
                return set(snapshot.endpoint_slices, fmt::format("default/e{}", below(6)), [&](auto& e) { make(e); });
        }
    }

    // About some of what is in the table.
    Findings findings(const RoutingTable& table) {
        Findings found;
        for (const auto& [key, backend] : table.backends) {
            for (const auto& endpoint : backend.endpoints) {
                if (below(6) == 0) found.endpoints.push_back({key, endpoint, Exclusion::kNoRoute, digit(2)});
            }
        }
        for (const auto& [address, vip] : table.vips) {
            if (below(12) == 0)
                found.parts.push_back({TablePart::of_vip(address), UnplacedPart::Cause::kNoRoom, "full"});
        }
        return found;
    }

    std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

    Snapshot snapshot;
    Circumstances circumstances;
    TranslateOptions options;

  private:
    template <typename Key>
    static void toggle(std::map<Key, std::string>& map, const Key& key) {
        if (map.erase(key) == 0) map.emplace(key, "v1.6.0");
    }

    std::string digit(std::size_t limit) { return std::to_string(below(limit)); }

    template <typename T, typename Make>
    void set(ObjectMap<T>& objects, const std::string& key, Make make_it) {
        if (below(5) == 0) {
            objects.erase(key);
            return;
        }
        T object;
        const auto slash = key.find('/');
        if (slash != key.npos) object.meta.namespace_ = key.substr(0, slash);
        object.meta.name = key.substr(slash == key.npos ? 0 : slash + 1);
        object.meta.generation = static_cast<std::int64_t>(below(3));
        make_it(object);
        objects.put(key, std::move(object));
    }

    void make(Gateway& gateway) {
        gateway.gateway_class_name = "slipgate";
        if (gateway.meta.name == "g1") {
            gateway.meta.annotations["slipgate.dev/source-mode"] = "preserve-only";
            gateway.addresses = {{"IPAddress", below(2) == 0 ? "192.0.2.2" : "2001:db8::2"}};
        }
        gateway.listeners = {make_listener("tls", 443)};
        if (below(2) == 0) gateway.listeners[0].hostname = "*.example.com";
        if (below(2) == 0) gateway.listeners.push_back(make_listener("other", 8443));
        gateway.allowed_listeners.from = "All";
    }

    void make(ListenerSet& set) {
        set.parent_ref.name = "g" + digit(2);
        set.listeners = {make_listener("tls", 443)};
        set.listeners[0].hostname = digit(2) + ".example.com";
    }

    static Listener make_listener(const char* name, std::uint16_t port) {
        return {.name = name, .hostname = {}, .port = port, .protocol = "TLS", .tls_mode = "Passthrough", .kinds = {}};
    }

    static void make(ServiceCidr& more) { more.cidrs = {IpPrefix::parse("198.51.100.0/31").value()}; }

    void make(Service& service) { service.ports = {{.name = digit(2), .port = 443, .app_protocol = {}}}; }

    void make(TlsRoute& route) {
        for (const auto* gateway : {"g0", "g1"}) {
            ParentReference parent;
            parent.name = gateway;
            if (below(3) > 0) route.parent_refs.push_back(parent);
        }
        if (below(3) == 0) {
            ParentReference parent;
            parent.kind = "ListenerSet";
            parent.name = "l" + digit(2);
            route.parent_refs.push_back(parent);
        }
        route.hostnames = {digit(3) + ".example.com"};
        if (below(3) == 0) route.hostnames.push_back("*.example.com");
        for (auto n = 1 + below(2); n > 0; --n) {
            BackendRef ref;
            ref.name = "s" + digit(5);
            ref.port = std::uint16_t{443};
            ref.weight = static_cast<std::uint32_t>(below(3));
            route.backend_refs.push_back(ref);
        }
    }

    void make(EndpointSlice& slice) {
        slice.meta.labels["kubernetes.io/service-name"] = "s" + digit(4);
        slice.address_type = "IPv4";
        slice.ports = {{digit(2), "TCP", std::uint16_t{8443}}};
        for (auto n = below(3); n > 0; --n) {
            EndpointSlice::Endpoint endpoint;
            endpoint.addresses = {"10.0.0." + std::to_string(1 + below(4))};
            endpoint.ready = below(3) > 0;
            endpoint.terminating = !endpoint.ready;
            if (below(2) == 0) endpoint.node_name = "here";
            if (below(4) > 0) endpoint.for_zones = {digit(2)};
            slice.endpoints.push_back(endpoint);
        }
    }

    std::mt19937 random_;
};

// Nothing is new but objects of one kind.
template <typename T>
bool is_alone(ObjectMap<T> Snapshot::* kind, const Snapshot& before, Snapshot now) {
    const bool is_same = (now.*kind).shares_all(before.*kind);
    now.*kind = before.*kind;
    return !is_same && now == before;
}

TEST(Translator, ResultIsThatOfTheSnapshotAlone) {
    std::size_t slices_alone = 0;
    std::size_t routes_alone = 0;
    for (unsigned seed = 0; seed < 120; ++seed) {
        World world(seed);
        Translator translator(world.options);
        Snapshot snapshot;
        Translation before;
        for (int step = 0; step < 60; ++step) {
            for (auto n = 1 + world.below(2); n > 0; --n) world.change();
            const auto& result = translator.translate(world.snapshot, world.circumstances);
            ASSERT_EQ(result, translate(world.snapshot, world.options, world.circumstances))
                << "seed " << seed << ", step " << step;
            world.circumstances.assigned = result.assigned;
            const bool is_new = result != before;
            slices_alone += is_new && is_alone(&Snapshot::endpoint_slices, snapshot, world.snapshot);
            routes_alone += is_new && is_alone(&Snapshot::tls_routes, snapshot, world.snapshot);
            snapshot = world.snapshot;
            before = result;
        }
    }
    EXPECT_GT(slices_alone, 300U) << "the samples are worth something only if this is common";
    EXPECT_GT(routes_alone, 300U);
}

TEST(Translator, WhatDoesNotChangeIsShared) {
    World world(1);
    Translator translator(world.options);
    while (translator.translate(world.snapshot).table.backends.empty()) world.change();
    const auto before = translator.translate(world.snapshot);
    world.snapshot.tls_routes["default/other"].meta.namespace_ = "default";  // of no Gateway
    const auto after = translator.translate(world.snapshot);
    EXPECT_TRUE(after.table.vips.shares_all(before.table.vips));
    EXPECT_TRUE(after.table.routes.shares_all(before.table.routes));
    EXPECT_TRUE(after.table.backends.shares_all(before.table.backends));
    EXPECT_TRUE(after.statuses.tls_routes.shares_all(before.statuses.tls_routes));
}

TEST(FindingsAdder, ResultIsThatOfTheTranslationAndFindingsAlone) {
    std::size_t excluded = 0;
    for (unsigned seed = 0; seed < 60; ++seed) {
        World world(seed);
        Translator translator(world.options);
        FindingsAdder adder;
        Findings findings;
        for (int step = 0; step < 60; ++step) {
            if (world.below(2) == 0) world.change();
            const auto& translation = translator.translate(world.snapshot);
            if (world.below(2) == 0) findings = world.findings(translation.table);
            const auto& result = adder.add(translation, world.snapshot, findings);
            ASSERT_EQ(result, add_findings(translation, world.snapshot, findings))
                << "seed " << seed << ", step " << step;
            if (result != translation.statuses) ++excluded;
        }
    }
    EXPECT_GT(excluded, 300U);
}

}  // namespace
}  // namespace slipgate
