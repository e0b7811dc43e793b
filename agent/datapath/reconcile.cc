// SPDX-License-Identifier: Apache-2.0
#include <slipgate/weights.h>

#include <algorithm>
#include <optional>

#include "agent/datapath/reconcile_pass.h"

namespace slipgate {
namespace {

constexpr LabelTable::Access kRouteNames{&Maps::route_names, &Maps::set_route_name, &Maps::delete_route_name,
                                         &Maps::routes_used, &Maps::set_routes_used};
constexpr LabelTable::Access kBackendNames{&Maps::backend_names, &Maps::set_backend_name, &Maps::delete_backend_name,
                                           &Maps::backends_used, &Maps::set_backends_used};
constexpr RangeTable<sg_weight>::Access kWeights{"weights", &Maps::route, &Maps::set_route, &Maps::weights,
                                                 &Maps::set_weights};
constexpr RangeTable<sg_endpoint>::Access kEndpoints{"endpoints", &Maps::backend, &Maps::set_backend, &Maps::endpoints,
                                                     &Maps::set_endpoints};

// Of a backend without endpoints.
constexpr VipMss kNoMss{UINT16_MAX, UINT16_MAX};

std::uint32_t endpoint_flags(SourceMode mode) {
    if (mode == SourceMode::kSnat) return 0;
    return SG_ENDPOINT_PRESERVE | (mode == SourceMode::kPreserveOnly ? SG_ENDPOINT_PRESERVE_ONLY : 0);
}

// Is a VIP's MSS the same, whichever of these is the lowest of a backend's endpoints?
bool announces_the_same(const VipMss& most, const VipMss& a, const VipMss& b) {
    return most.fixed || (std::min(most.ipv4, a.ipv4) == std::min(most.ipv4, b.ipv4) &&
                          std::min(most.ipv6, a.ipv6) == std::min(most.ipv6, b.ipv6));
}

bool same_keys(const SharedMap<SocketAddress, VipEntry>& a, const SharedMap<SocketAddress, VipEntry>& b) {
    bool same = true;
    for_each_difference(
        a, b, [&](const auto& /*key*/, const VipEntry* old, const VipEntry* now) { same = same && old && now; });
    return same;
}

}  // namespace

Reconciler::Reconciler(Maps& maps, Clock clock, EndpointResolver resolver, const NameSecret& secret, bool fresh_maps)
    : maps_(maps),
      clock_(std::move(clock)),
      resolver_(std::move(resolver)),
      secret_(secret),
      routes_(maps, kRouteNames, maps.capacity().routes),
      backends_(maps, kBackendNames, maps.capacity().backends),
      weights_(maps, kWeights, maps.capacity().weights, fresh_maps ? std::nullopt : std::optional(clock_())),
      endpoints_(maps, kEndpoints, maps.capacity().endpoints, fresh_maps ? std::nullopt : std::optional(clock_())) {}

Status Reconciler::adopt() {
    const auto now = clock_();
    if (auto done = routes_.adopt(now); !done) return fail(done.error(), "read map route_names");
    if (auto done = backends_.adopt(now); !done) return fail(done.error(), "read map backend_names");
    for (const auto& [name, index] : routes_.indices()) {
        if (auto done = weights_.adopt(index); !done) return fail(done.error(), "read map routes: " + name);
    }
    for (const auto& [name, index] : backends_.indices()) {
        for (const bool ipv6 : {false, true}) {
            auto done = endpoints_.adopt(SG_BACKEND_SLOT(index, ipv6));
            if (!done) return fail(done.error(), "read map backends: " + name);
        }
    }
    const auto vips = maps_.vips();
    if (!vips) return fail(vips.error(), "read map vips");
    const auto names = maps_.names();
    if (!names) return fail(names.error(), "read map names");
    const auto sources = maps_.sources();
    if (!sources) return fail(sources.error(), "read map sources");

    for (const auto& [key, value] : *vips) {
        vips_.emplace(key, value);
        ids_.emplace(key, value.id);
        next_vip_id_ = std::max(next_vip_id_, value.id + 1);
    }
    for (const auto& [key, value] : *names) {
        names_.emplace(key, value);
        next_vip_id_ = std::max(next_vip_id_, key.vip + 1);  // a name can outlive its VIP by a crash
    }
    sources_.insert(sources->begin(), sources->end());
    return {};
}

ReconcileReport Reconciler::reconcile(const RoutingTable& table, VipMss mss) {
    settled_.reset();
    const RoutingTable nothing;
    Pass pass(table, nothing, clock_());
    pass.is_whole = true;
    place_backends(pass, mss);
    run(pass, mss);
    if (pass.left_out && pass.removed) pass.report.again = true;
    settle(pass, mss, {});
    return std::move(pass.report);
}

ReconcileReport Reconciler::update(const RoutingTable& table, VipMss mss) {
    if (!settled_ || settled_->mss != mss || !same_keys(settled_->table.vips, table.vips)) return reconcile(table, mss);
    auto settled = *std::exchange(settled_, {});
    Pass pass(table, settled.table, clock_());
    pass.report.asked_for_all = false;
    pass.lowest_mss = std::move(settled.lowest_mss);
    place_backends(pass, mss);
    if (pass.other_mss || !settled.table.vips.shares_all(table.vips) || !settled.table.routes.shares_all(table.routes))
        run(pass, mss);
    else
        remove_sources(pass);
    if (!pass.is_complete()) return reconcile(table, mss);
    settle(pass, mss, std::move(settled.exclusions));
    return std::move(pass.report);
}

// From the backends up, which are placed, to what leads to them; then down again.
void Reconciler::run(Pass& pass, VipMss mss) {
    place_routes(pass);
    place_vips(pass, false, mss);
    place_names(pass);
    place_vips(pass, true, mss);

    remove_vips(pass);
    remove_names(pass);
    place_vips(pass, true, mss);  // without the wildcard depths that went out of use
    remove_routes(pass);
    remove_backends(pass);
    remove_sources(pass);
}

bool Reconciler::Pass::is_complete() const {
    return !left_out && !held && !report.again && report.failures.empty() && report.findings.parts.empty();
}

// `exclusions`: of the backends that are as before.
void Reconciler::settle(Pass& pass, VipMss mss, Exclusions exclusions) {
    for_each_difference(pass.before.backends, pass.table.backends,
                        [&](const std::string& name, const BackendEntry* /*old*/, const BackendEntry* now) {
                            exclusions.erase(name);
                            if (!now) pass.lowest_mss.erase(name);
                        });
    auto& excluded = pass.report.findings.endpoints;
    for (auto& endpoint : excluded) exclusions[endpoint.backend].push_back(std::move(endpoint));
    excluded.clear();
    for (const auto& [backend, endpoints] : exclusions)
        excluded.insert(excluded.end(), endpoints.begin(), endpoints.end());
    if (pass.is_complete()) settled_ = {pass.table, mss, std::move(pass.lowest_mss), std::move(exclusions)};
}

// ---- placing, from the endpoints up ----

void Reconciler::place_backends(Pass& pass, VipMss mss) {
    for (const auto& [vip, entry] : pass.table.vips) pass.vip_addresses.insert(vip.address);
    for_each_new(pass.before.backends, pass.table.backends, [&](const auto& name, const BackendEntry& backend) {
        const auto known = pass.lowest_mss.find(name);
        const auto before = known == pass.lowest_mss.end() ? kNoMss : known->second;
        place_backend(pass, name, backend);
        pass.other_mss |= !announces_the_same(mss, before, pass.lowest_mss.at(name));
    });
}

void Reconciler::place_backend(Pass& pass, const std::string& name, const BackendEntry& backend) {
    std::vector<sg_endpoint> endpoints[2];  // IPv4, IPv6
    auto& lowest = pass.lowest_mss.insert_or_assign(name, kNoMss).first->second;
    for (const auto& endpoint : backend.endpoints) {
        if (pass.vip_addresses.contains(endpoint.address)) {
            pass.exclude(name, endpoint, {Exclusion::kGatewayAddress, {}});
            continue;
        }
        auto way = resolver_(endpoint.address);
        if (!way && !way.error().exclusion) {
            keep_backend(pass, name, "endpoint " + endpoint.to_string() + ": " + way.error().detail);
            return;
        }
        if (!way) {
            pass.exclude(name, endpoint, std::move(way.error()));
            continue;
        }
        auto& family = endpoints[endpoint.address.is_ipv6() ? 1 : 0];
        if (family.size() == UINT16_MAX) {
            pass.exclude(name, endpoint, {Exclusion::kNoResources, "65535 of a family are served"});
            continue;
        }
        if (const auto placed = place_source(pass, way->source); !placed) {
            pass.exclude(name, endpoint, {Exclusion::kNoResources, placed.error().reason});
            continue;
        }
        auto& lowest_of_family = endpoint.address.is_ipv4() ? lowest.ipv4 : lowest.ipv6;
        lowest_of_family = std::min(lowest_of_family, way->mss);
        family.push_back({.address = endpoint.address.to_abi(),
                          .source = way->source.to_abi(),
                          .port = __builtin_bswap16(endpoint.port),
                          .mss = way->mss,
                          .flags = endpoint_flags(endpoint.source)});
    }

    const auto part = TablePart::of_backend(name);
    auto index = backends_.place(name, pass.now);
    if (!index) pass.setback(part, index.error());
    for (const bool ipv6 : {false, true}) {
        if (!index) break;
        const auto done = endpoints_.publish(SG_BACKEND_SLOT(*index, ipv6), endpoints[ipv6 ? 1 : 0], pass.now);
        if (done) continue;
        pass.setback(part, done.error());
        if (done.error().comes()) {
            index = tl::unexpected(done.error());
        } else if (endpoints_.publish(SG_BACKEND_SLOT(*index, ipv6), {}, pass.now)) {
            pass.removed = true;  // endpoints of yesterday may be somebody else's today: rather none than those
        }
    }
    pass.backends.emplace(name, std::move(index));
}

// Leaves a backend as the maps have it: what is not known of one endpoint must not cost the others, nor itself. One
// that is new waits, and its routes with it.
void Reconciler::keep_backend(Pass& pass, const std::string& name, const std::string& why) {
    const auto setback = Setback{Setback::Kind::kFailed, why};
    pass.setback(TablePart::of_backend(name), setback);
    const auto index = backends_.indices().find(name);
    if (index == backends_.indices().end()) {
        pass.backends.emplace(name, tl::unexpected(setback));
        return;
    }
    auto& lowest = pass.lowest_mss.at(name);
    for (const bool ipv6 : {false, true}) {
        auto& lowest_of_family = ipv6 ? lowest.ipv6 : lowest.ipv4;
        for (const auto& endpoint : endpoints_.values(SG_BACKEND_SLOT(index->second, ipv6)))
            lowest_of_family = std::min(lowest_of_family, endpoint.mss);
    }
    pass.backends.emplace(name, index->second);
}

// Before the endpoints that need it: a reply to an address that is not ours yet would go to the host's stack.
Placed<void> Reconciler::place_source(Pass& pass, const IpAddress& source) {
    const auto address = source.to_abi();
    const bool first = pass.sources.insert(address).second;
    if (sources_.contains(address)) return {};
    if (sources_.size() >= maps_.capacity().sources) {
        pass.left_out = true;
        return no_room("the map sources is full");
    }
    if (!first) return failed("source address " + source.to_string() + " waits");  // has been tried
    if (auto done = maps_.set_source(address); !done) {
        pass.failure("source address " + source.to_string(), done.error().message);
        return failed(done.error().message);
    }
    sources_.insert(address);
    return {};
}

void Reconciler::place_routes(Pass& pass) {
    for_each_new(pass.before.routes, pass.table.routes,
                 [&](const auto& name, const RouteEntry& route) { place_route(pass, name, route); });
}

void Reconciler::place_route(Pass& pass, const std::string& name, const RouteEntry& route) {
    const auto part = TablePart::of_route(name);
    const auto outcome = [&]() -> Placed<std::uint32_t> {
        if (route.backends.size() > SG_BACKEND_REFS_MAX) return no_room("has more than 16 backendRefs");
        std::vector<sg_weight> weights;
        std::uint32_t total = 0;
        for (const auto& share : route.backends) {
            total += share.weight;
            sg_weight weight{.running_total = total, .backend = SG_BACKEND_INVALID};
            if (share.backend) {
                const auto backend = Pass::find(pass.backends, backends_, pass.table.backends, *share.backend);
                if (!backend) {
                    pass.invalid(part, "its backend " + *share.backend + " is not in the table");
                } else if (*backend) {
                    weight.backend = **backend;
                } else if (share.weight > 0 && backend->error().comes()) {
                    return tl::unexpected(waits(backend->error(), "backend " + *share.backend));
                }
            }
            weights.push_back(weight);
        }
        auto index = routes_.place(name, pass.now);
        if (!index) return index;
        if (auto done = weights_.publish(*index, weights, pass.now); !done) return tl::unexpected(done.error());
        return index;
    }();
    if (!outcome) pass.setback(part, outcome.error());
    pass.routes.emplace(name, outcome);
}

// ---- removing, from the VIPs down; nothing goes that something published still leads to ----

void Reconciler::remove_routes(Pass& pass) {
    const auto gone = pass.surplus(pass.before.routes, pass.table.routes, routes_);
    if (gone.empty()) return;
    std::set<std::uint32_t> used;
    for (const auto& [key, name] : names_) used.insert(name.route);
    for (const auto& [name, index] : gone) {
        if (used.contains(index)) {
            pass.held = true;
            continue;
        }
        if (!pass.gone("route " + name, weights_.withdraw(index, pass.now))) continue;
        (void)pass.gone("route " + name, routes_.remove(name, pass.now));
    }
}

void Reconciler::remove_backends(Pass& pass) {
    const auto gone = pass.surplus(pass.before.backends, pass.table.backends, backends_);
    if (gone.empty()) return;
    std::set<std::uint32_t> used;
    weights_.for_each([&](const sg_weight& weight) {
        used.insert(weight.backend);
        return true;
    });
    for (const auto& [name, index] : gone) {
        if (used.contains(index)) {
            pass.held = true;
            continue;
        }
        if (!pass.gone("backend " + name, endpoints_.withdraw(SG_BACKEND_SLOT(index, false), pass.now))) continue;
        if (!pass.gone("backend " + name, endpoints_.withdraw(SG_BACKEND_SLOT(index, true), pass.now))) continue;
        (void)pass.gone("backend " + name, backends_.remove(name, pass.now));
    }
}

void Reconciler::remove_sources(Pass& pass) {
    Addresses unused = sources_;
    for (const auto& source : pass.sources) unused.erase(source);
    endpoints_.for_each([&](const sg_endpoint& endpoint) {
        unused.erase(endpoint.source);
        return !unused.empty();
    });
    for (const auto& source : unused) {
        if (pass.gone("source address " + IpAddress(source).to_string(), maps_.delete_source(source)))
            sources_.erase(source);
    }
}

}  // namespace slipgate
