// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/translator.h"

#include <algorithm>
#include <utility>

#include "agent/translate/gateway_classes.h"
#include "agent/translate/gateways.h"
#include "agent/translate/listener_sets.h"

namespace slipgate {
namespace {

// All but TLSRoutes and EndpointSlices.
bool share_the_rest(const Snapshot& a, const Snapshot& b) {
    return a.gateway_classes.shares_all(b.gateway_classes) && a.gateways.shares_all(b.gateways) &&
           a.listener_sets.shares_all(b.listener_sets) && a.reference_grants.shares_all(b.reference_grants) &&
           a.services.shares_all(b.services) && a.namespaces.shares_all(b.namespaces) && a.nodes.shares_all(b.nodes) &&
           a.service_cidrs.shares_all(b.service_cidrs) && a.bundle_versions == b.bundle_versions &&
           a.refused_services == b.refused_services && a.refused_gateways.shares_all(b.refused_gateways);
}

// Of what is equal to what was before, the values are those.
template <typename Map>
void share_equal(Map& before, Map& now) {
    before.become(now);
    now = before;
}

}  // namespace

Translator::Translator(TranslateOptions options) : options_(std::move(options)), index_(options_) {}

const Translation& Translator::translate(const Snapshot& snapshot, const Circumstances& circumstances) {
    const auto services = index_.update(snapshot);
    const auto before = std::exchange(snapshot_, snapshot);            // the plan points into it still
    if (!before.nodes.shares_all(snapshot_.nodes)) backends_.clear();  // choices may depend on them
    if (plan_ && circumstances_ == circumstances && share_the_rest(before, snapshot_)) {
        translate_routes(before.tls_routes, services);
        translate_endpoints(services);
    } else {
        circumstances_ = circumstances;
        translate_all(services);
    }
    return translation_;
}

// Everything is made anew, but choices of endpoints that are known.
void Translator::translate_all(const Services& services) {
    auto before = std::exchange(translation_, {});
    users_.clear();
    plan_ = std::make_unique<Plan>(snapshot_, options_, circumstances_);
    auto& statuses = translation_.statuses;
    for (const auto& [key, gateway_class] : snapshot_.gateway_classes) {
        if (gateway_class.controller_name != options_.controller_name) continue;
        statuses.gateway_classes.put(key, gateway_class_status(gateway_class, snapshot_, options_, plan_->rules()));
    }
    const auto& parents = plan_->parents();
    Plan::Turned turned;
    for (const auto& [key, gateway] : parents.gateways) {
        translation_.source_modes[key] = gateway.source.mode;
        turned.gateways.insert(key);
    }
    for (const auto& [key, set] : parents.listener_sets) turned.listener_sets.insert(key);
    for (const auto& [key, route] : snapshot_.tls_routes) plan_->add(route, turned);
    std::erase_if(backends_, [this](const auto& backend) { return plan_->backend(backend.first) == nullptr; });
    std::erase_if(left_out_, [this](const auto& backend) { return !backends_.contains(backend); });
    write(turned, services);

    translation_.assigned = parents.assigned;
    translation_.node_addresses = plan_->rules().node_addresses();
    translation_.to_listen_on = parents.to_listen_on;
    for (const auto& [vip, entry] : translation_.table.vips) {
        if (plan_->rules().is_set_aside(vip.address) && !plan_->rules().is_own(vip.address))
            translation_.to_configure.insert(vip.address);
    }
    share_equal(before.table.vips, translation_.table.vips);
    share_equal(before.table.routes, translation_.table.routes);
    share_equal(before.table.backends, translation_.table.backends);
    share_equal(before.statuses.gateway_classes, statuses.gateway_classes);
    share_equal(before.statuses.gateways, statuses.gateways);
    share_equal(before.statuses.listener_sets, statuses.listener_sets);
    share_equal(before.statuses.tls_routes, statuses.tls_routes);
}

void Translator::translate_routes(const ObjectMap<TlsRoute>& before, const Services& services) {
    Plan::Turned turned;
    for_each_difference(before, snapshot_.tls_routes,
                        [&](const std::string& /*key*/, const TlsRoute* old, const TlsRoute* now) {
                            if (old) plan_->remove(*old, turned);
                            if (now) plan_->add(*now, turned);
                        });
    write(turned, services);
}

// The endpoints of these Services, and what else depends on them: which routes have backends without any.
void Translator::translate_endpoints(const Services& services) {
    std::set<std::string> turned;  // backends that have no endpoint any more, or have some now
    for (const auto& service : services) {
        const auto prefix = service + ":";
        for (auto entry = backends_.lower_bound(prefix); entry != backends_.end(); ++entry) {
            const auto& [key, backend] = *entry;
            if (!key.starts_with(prefix)) break;
            const bool was_empty = backend.choice.is_empty();
            choose(key, backend.port);
            if (backend.choice.is_empty() != was_empty) turned.insert(key);
            if (translation_.table.backends.contains(key))
                translation_.table.backends.put(key, {backend.choice.endpoints});
        }
    }
    note_left_out();
    if (turned.empty()) return;
    const auto is_concerned = [&](const auto& share) { return share.backend && turned.contains(*share.backend); };
    for (const auto& [key, route] : plan_->routes()) {
        if (std::any_of(route.backends.begin(), route.backends.end(), is_concerned)) {
            const std::string name(without_mode(key));
            translation_.statuses.tls_routes.put(name, route_status(name));
        }
    }
}

// From the backends up: each step looks at what those before it have made.
void Translator::write(const Plan::Turned& turned, const Services& services) {
    auto& statuses = translation_.statuses;
    for (const auto& key : turned.backends) {
        const auto* port = plan_->backend(key);
        const auto known = backends_.find(key);
        if (port == nullptr) {
            forget(key);
        } else if (known == backends_.end() || known->second.port != *port || services.contains(port->service)) {
            choose(key, *port);
        }
    }
    for (const auto& key : turned.routes) write_route(key);
    for (const auto& key : turned.tls_routes) {
        if (plan_->attachments(key).empty())
            statuses.tls_routes.erase(key);
        else
            statuses.tls_routes.put(key, route_status(key));
    }
    for (const auto& key : turned.listener_sets)
        statuses.listener_sets.put(key, listener_set_status(plan_->parents().listener_sets.at(key)));
    for (const auto& key : turned.gateways) {
        const auto& gateway = plan_->parents().gateways.at(key);
        statuses.gateways.put(key, gateway_status(gateway));
        for (const auto& [port, names] : gateway.ports) {
            for (const auto& address : gateway.addresses) translation_.table.vips.put({address, port}, {names.names()});
        }
    }
    note_left_out();
}

// Only what a name leads to is in the table, and only what a route there leads to.
void Translator::write_route(const std::string& key) {
    auto& table = translation_.table;
    RouteEntry before;
    if (const auto found = table.routes.find(key); found != table.routes.end()) before = found->second;
    RouteEntry now;
    if (plan_->is_reachable(key)) {
        now.backends = plan_->routes().at(key).backends;
        table.routes.put(key, now);
    } else {
        table.routes.erase(key);
    }
    for (const auto& share : now.backends) {
        if (share.backend && ++users_[*share.backend] == 1)
            table.backends.put(*share.backend, {backends_.at(*share.backend).choice.endpoints});
    }
    for (const auto& share : before.backends) {
        if (!share.backend || --users_.at(*share.backend) > 0) continue;
        users_.erase(*share.backend);
        table.backends.erase(*share.backend);
    }
}

void Translator::choose(const std::string& key, const BackendPort& port) {
    auto choice = index_.choose(port.service, port.name, port.mode);
    if (choice.left_out.empty())
        left_out_.erase(key);
    else
        left_out_.insert(key);
    backends_[key] = {port, std::move(choice)};
}

void Translator::forget(const std::string& key) {
    left_out_.erase(key);
    backends_.erase(key);
}

TlsRouteStatus Translator::route_status(const std::string& key) const {
    const auto is_empty = [this](const std::string& backend) { return backends_.at(backend).choice.is_empty(); };
    const auto generation = snapshot_.tls_routes.at(key).meta.generation;
    TlsRouteStatus status;
    for (const auto& attachment : plan_->attachments(key)) {
        const auto& route = plan_->routes().at(with_mode(key, attachment.gateway->source.mode));
        status.parents.push_back({*attachment.parent_ref,
                                  options_.controller_name,
                                  {make_condition("Accepted", attachment.accepted, generation),
                                   make_condition("ResolvedRefs", name_empty(route, is_empty), generation)}});
    }
    return status;
}

void Translator::note_left_out() {
    translation_.excluded.clear();
    for (const auto& key : left_out_) {
        if (!translation_.table.backends.contains(key)) continue;
        for (const auto& endpoint : backends_.at(key).choice.left_out)
            translation_.excluded.push_back({key, endpoint, Exclusion::kAnswersElsewhere, {}});
    }
}

}  // namespace slipgate
