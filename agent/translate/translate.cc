// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/translate.h"

#include "agent/translate/attachment.h"
#include "agent/translate/backend_refs.h"
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

// Only what a name leads to: a route that no connection can reach has no place in the maps.
void add_routes_and_backends(const std::map<std::string, ResolvedRoute>& resolved, const BackendResolver& resolver,
                             Translation& result) {
    auto& table = result.table;
    for (const auto& [address, vip] : table.vips) {
        for (const auto& [name, route] : vip.names) {
            if (route) table.routes[*route].backends = resolved.at(*route).backends;
        }
    }
    for (const auto& [key, route] : table.routes) {
        for (const auto& share : route.backends) {
            if (share.backend) table.backends[*share.backend].endpoints = resolver.endpoints(*share.backend).endpoints;
        }
    }
    for (const auto& [key, backend] : table.backends) {
        for (const auto& endpoint : resolver.endpoints(key).left_out)
            result.excluded.push_back({key, endpoint, Exclusion::kAnswersElsewhere, {}});
    }
}

TlsRouteStatus route_status(const std::string& key, const TlsRoute& route,
                            const std::map<std::string, ResolvedRoute>& resolved,
                            const std::vector<Attachment>& attachments, const TranslateOptions& options) {
    TlsRouteStatus status;
    for (const auto& attachment : attachments) {
        const auto& refs = resolved.at(with_mode(key, attachment.gateway->source.mode)).resolved_refs;
        status.parents.push_back({*attachment.parent_ref,
                                  options.controller_name,
                                  {make_condition("Accepted", attachment.accepted, route.meta.generation),
                                   make_condition("ResolvedRefs", refs, route.meta.generation)}});
    }
    return status;
}

}  // namespace

Translation translate(const Snapshot& snapshot, const TranslateOptions& options, const Circumstances& circumstances) {
    Translation result;
    for (const auto& [key, gateway_class] : snapshot.gateway_classes) {
        if (gateway_class.controller_name != options.controller_name) continue;
        result.statuses.gateway_classes[key] = gateway_class_status(gateway_class, snapshot, options);
    }

    const AddressRules rules(snapshot, options);
    auto parents = judge_parents(snapshot, options, rules, circumstances);
    BackendResolver resolver(snapshot, options);
    std::map<std::string, ResolvedRoute> resolved;  // by their key in RoutingTable::routes
    for (const auto& [key, route] : snapshot.tls_routes) {
        const auto attachments = attach(route, parents, snapshot);
        if (attachments.empty()) continue;  // not ours: neither served nor reported on
        for (const auto& attachment : attachments) {
            const auto mode = attachment.gateway->source.mode;
            const auto [entry, is_new] = resolved.try_emplace(with_mode(key, mode));
            if (is_new) entry->second = resolver.resolve(route, mode);
        }
        result.statuses.tls_routes[key] = route_status(key, route, resolved, attachments, options);
    }

    for (const auto& [key, gateway] : parents.gateways) {
        add_vips(gateway, result.table);
        result.statuses.gateways[key] = gateway_status(gateway);
        result.source_modes[key] = gateway.source.mode;
        if (!gateway.assigned.empty()) result.assigned[key] = gateway.assigned;
    }
    for (const auto& [vip, entry] : result.table.vips) {
        if (rules.is_set_aside(vip.address) && !rules.is_own(vip.address)) result.to_configure.insert(vip.address);
    }
    result.to_listen_on = std::move(parents.to_listen_on);
    for (const auto& [key, set] : parents.listener_sets) {
        result.statuses.listener_sets[key] = listener_set_status(set);
    }
    add_routes_and_backends(resolved, resolver, result);
    return result;
}

}  // namespace slipgate
