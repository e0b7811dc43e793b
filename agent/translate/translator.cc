// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/translator.h"

#include <algorithm>

#include "agent/translate/attachment.h"
#include "agent/translate/gateway_classes.h"
#include "agent/translate/gateways.h"
#include "agent/translate/listener_sets.h"
#include "agent/translate/names.h"
#include "agent/translate/parents.h"

namespace slipgate {
namespace {

// Accepted listeners of one port answer together, on each address of the Gateway.
void add_vips(const GatewayState& gateway, RoutingTable& table) {
    std::map<std::uint16_t, std::vector<ListenerNames>> by_port;
    for (const auto* listeners : gateway.merged) {
        for (const auto& listener : *listeners) {
            if (listener.programmed.ok())
                by_port[listener.spec->port].push_back({listener.hostname(), listener.routes});
        }
    }
    for (const auto& [port, listeners] : by_port) {
        auto names = flatten_names(listeners);
        for (auto& [name, route] : names) {
            if (route) route = with_mode(*route, gateway.source.mode);
        }
        for (const auto& address : gateway.addresses) table.vips[{address, port}].names = names;
    }
}

bool differ_in_slices_only(const Snapshot& a, const Snapshot& b) {
    return a.gateway_classes.shares_all(b.gateway_classes) && a.gateways.shares_all(b.gateways) &&
           a.listener_sets.shares_all(b.listener_sets) && a.tls_routes.shares_all(b.tls_routes) &&
           a.reference_grants.shares_all(b.reference_grants) && a.services.shares_all(b.services) &&
           a.namespaces.shares_all(b.namespaces) && a.nodes.shares_all(b.nodes) &&
           a.bundle_versions == b.bundle_versions;
}

}  // namespace

struct Translator::Plan {
    Plan(const Snapshot& snapshot, const TranslateOptions& options, const Circumstances& circumstances);

    AddressRules rules;
    Parents parents;
    std::map<std::string, std::vector<Attachment>> attachments;  // by route; only of those that have some
    std::map<std::string, ResolvedRoute> resolved;               // by their key in RoutingTable::routes
    std::map<std::string, BackendPort> backends;                 // by their key in RoutingTable::backends
};

Translator::Plan::Plan(const Snapshot& snapshot, const TranslateOptions& options, const Circumstances& circumstances)
    : rules(snapshot, options, circumstances), parents(judge_parents(snapshot, options, rules, circumstances)) {
    BackendResolver resolver(snapshot);
    for (const auto& [key, route] : snapshot.tls_routes) {
        auto found = attach(route, parents, snapshot);
        if (found.empty()) continue;  // not ours: neither served nor reported on
        for (const auto& attachment : found) {
            const auto mode = attachment.gateway->source.mode;
            const auto [entry, is_new] = resolved.try_emplace(with_mode(key, mode));
            if (is_new) entry->second = resolver.resolve(route, mode);
        }
        attachments.emplace(key, std::move(found));
    }
    backends = resolver.backends();
}

Translator::Translator(TranslateOptions options) : options_(std::move(options)), index_(options_) {}
Translator::~Translator() = default;

const Translation& Translator::translate(const Snapshot& snapshot, const Circumstances& circumstances) {
    const auto services = index_.update(snapshot);
    if (!snapshot_.nodes.shares_all(snapshot.nodes)) backends_.clear();  // choices may depend on them
    if (plan_ && circumstances_ == circumstances && differ_in_slices_only(snapshot_, snapshot)) {
        snapshot_ = snapshot;
        translate_endpoints(services);
    } else {
        plan_.reset();
        snapshot_ = snapshot;
        circumstances_ = circumstances;
        plan_ = std::make_unique<Plan>(snapshot_, options_, circumstances_);
        translate_all(services);
    }
    return translation_;
}

// Everything but the endpoints themselves is made anew.
void Translator::translate_all(const std::set<std::string>& services) {
    std::map<std::string, Backend> backends;
    for (const auto& [key, port] : plan_->backends) {
        const auto known = backends_.find(key);
        const bool is_same = known != backends_.end() && known->second.port == port && !services.contains(port.service);
        backends.emplace(key, is_same ? std::move(known->second) : choose(port));
    }
    backends_ = std::move(backends);

    RoutingTable table;
    Statuses statuses;
    for (const auto& [key, gateway_class] : snapshot_.gateway_classes) {
        if (gateway_class.controller_name != options_.controller_name) continue;
        statuses.gateway_classes[key] = gateway_class_status(gateway_class, snapshot_, options_);
    }
    translation_.source_modes.clear();
    for (const auto& [key, gateway] : plan_->parents.gateways) {
        add_vips(gateway, table);
        statuses.gateways[key] = gateway_status(gateway);
        translation_.source_modes[key] = gateway.source.mode;
    }
    translation_.assigned = plan_->parents.assigned;
    translation_.node_addresses = plan_->rules.node_addresses();
    translation_.to_listen_on = plan_->parents.to_listen_on;
    translation_.to_configure.clear();
    for (const auto& [vip, entry] : table.vips) {
        if (plan_->rules.is_set_aside(vip.address) && !plan_->rules.is_own(vip.address))
            translation_.to_configure.insert(vip.address);
    }
    for (const auto& [key, set] : plan_->parents.listener_sets) statuses.listener_sets[key] = listener_set_status(set);
    for (const auto& [key, attachments] : plan_->attachments) statuses.tls_routes[key] = route_status(key);

    // Only what a name leads to: a route that no connection can reach has no place in the maps.
    for (const auto& [address, vip] : table.vips) {
        for (const auto& [name, route] : vip.names) {
            if (route) table.routes[*route].backends = plan_->resolved.at(*route).backends;
        }
    }
    for (const auto& [key, route] : table.routes) {
        for (const auto& share : route.backends) {
            if (share.backend) table.backends[*share.backend].endpoints = backends_.at(*share.backend).choice.endpoints;
        }
    }
    translation_.table.vips.become(table.vips);
    translation_.table.routes.become(table.routes);
    translation_.table.backends.become(table.backends);
    translation_.statuses.gateway_classes.become(statuses.gateway_classes);
    translation_.statuses.gateways.become(statuses.gateways);
    translation_.statuses.listener_sets.become(statuses.listener_sets);
    translation_.statuses.tls_routes.become(statuses.tls_routes);
    note_excluded();
}

// The endpoints of these Services, and what else depends on them: which routes have backends without any.
void Translator::translate_endpoints(const std::set<std::string>& services) {
    std::set<std::string> turned;  // backends that have no endpoint any more, or have some now
    bool has_left_out = false;
    for (const auto& service : services) {
        const auto prefix = service + ":";
        for (auto entry = backends_.lower_bound(prefix); entry != backends_.end(); ++entry) {
            auto& [key, backend] = *entry;
            if (!key.starts_with(prefix)) break;
            auto now = choose(backend.port);
            if (now.choice.is_empty() != backend.choice.is_empty()) turned.insert(key);
            has_left_out |= !now.choice.left_out.empty() || !backend.choice.left_out.empty();
            backend = std::move(now);
            if (translation_.table.backends.contains(key))
                translation_.table.backends.put(key, {backend.choice.endpoints});
        }
    }
    if (has_left_out) note_excluded();
    if (turned.empty()) return;
    const auto is_concerned = [&](const auto& share) { return share.backend && turned.contains(*share.backend); };
    for (const auto& [key, route] : plan_->resolved) {
        if (std::any_of(route.backends.begin(), route.backends.end(), is_concerned)) {
            const std::string name(without_mode(key));
            translation_.statuses.tls_routes.put(name, route_status(name));
        }
    }
}

Translator::Backend Translator::choose(const BackendPort& port) const {
    return {port, index_.choose(port.service, port.name, port.mode)};
}

TlsRouteStatus Translator::route_status(const std::string& key) const {
    const auto is_empty = [this](const std::string& backend) { return backends_.at(backend).choice.is_empty(); };
    const auto generation = snapshot_.tls_routes.at(key).meta.generation;
    TlsRouteStatus status;
    for (const auto& attachment : plan_->attachments.at(key)) {
        const auto& route = plan_->resolved.at(with_mode(key, attachment.gateway->source.mode));
        status.parents.push_back({*attachment.parent_ref,
                                  options_.controller_name,
                                  {make_condition("Accepted", attachment.accepted, generation),
                                   make_condition("ResolvedRefs", name_empty(route, is_empty), generation)}});
    }
    return status;
}

void Translator::note_excluded() {
    translation_.excluded.clear();
    for (const auto& [key, backend] : translation_.table.backends) {
        for (const auto& endpoint : backends_.at(key).choice.left_out)
            translation_.excluded.push_back({key, endpoint, Exclusion::kAnswersElsewhere, {}});
    }
}

}  // namespace slipgate
