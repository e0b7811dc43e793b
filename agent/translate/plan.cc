// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/plan.h"

#include <algorithm>

namespace slipgate {
namespace {

// Accepted listeners of one port answer together.
std::map<std::uint16_t, PortNames> ports_of(const GatewayState& gateway) {
    std::map<std::uint16_t, std::set<std::string>> hostnames;
    for (const auto* listeners : gateway.merged) {
        for (const auto& listener : *listeners) {
            if (listener.programmed.ok()) hostnames[listener.spec->port].insert(listener.hostname());
        }
    }
    std::map<std::uint16_t, PortNames> ports;
    for (auto& [port, names] : hostnames) ports.try_emplace(port, std::move(names), gateway.source.mode);
    return ports;
}

// Null: the listener serves nothing.
PortNames* names_at(const Attachment& attachment, const ListenerState& listener) {
    auto& ports = attachment.gateway->ports;
    const auto found = ports.find(listener.spec->port);
    return listener.programmed.ok() && found != ports.end() ? &found->second : nullptr;
}

void note_parent(const Attachment& attachment, Plan::Turned& turned) {
    turned.gateways.insert(key_of(attachment.gateway->spec->meta));
    if (attachment.listener_set) turned.listener_sets.insert(key_of(attachment.listener_set->spec->meta));
}

// The route takes its place at the listeners; another parentRef may have led it there already.
void enter(const TlsRoute& route, const Attachment& attachment, Plan::Turned& turned) {
    note_parent(attachment, turned);
    for (auto* listener : attachment.listeners) {
        const bool is_new = listener->routes.insert(&route).second;
        auto* names = names_at(attachment, *listener);
        if (is_new && names) names->add(listener->hostname(), route, turned.routes);
    }
}

void leave(const TlsRoute& route, const Attachment& attachment, Plan::Turned& turned) {
    note_parent(attachment, turned);
    for (auto* listener : attachment.listeners) {
        const bool was_there = listener->routes.erase(&route) > 0;
        auto* names = names_at(attachment, *listener);
        if (was_there && names) names->remove(listener->hostname(), route, turned.routes);
    }
}

}  // namespace

Plan::Plan(const Snapshot& snapshot, const TranslateOptions& options, const Circumstances& circumstances)
    : snapshot_(snapshot),
      rules_(snapshot, options, circumstances),
      parents_(judge_parents(snapshot, options, rules_, circumstances)) {
    for (auto& [key, gateway] : parents_.gateways) gateway.ports = ports_of(gateway);
}

void Plan::add(const TlsRoute& route, Turned& turned) {
    auto attachments = attach(route, parents_, snapshot_);
    if (attachments.empty()) return;
    const auto key = key_of(route.meta);
    turned.tls_routes.insert(key);
    for (const auto& attachment : attachments) {
        enter(route, attachment, turned);
        const auto mode = attachment.gateway->source.mode;
        const auto [entry, is_new] = routes_.try_emplace(with_mode(key, mode));
        if (!is_new) continue;  // by another parentRef
        entry->second = resolve_backend_refs(route, mode, snapshot_);
        for (const auto& [backend, port] : entry->second.ports) {
            if (++backends_.try_emplace(backend, UsedBackend{port}).first->second.uses == 1)
                turned.backends.insert(backend);
        }
    }
    attachments_.emplace(key, std::move(attachments));
}

void Plan::remove(const TlsRoute& route, Turned& turned) {
    const auto key = key_of(route.meta);
    const auto found = attachments_.find(key);
    if (found == attachments_.end()) return;
    turned.tls_routes.insert(key);
    for (const auto& attachment : found->second) {
        leave(route, attachment, turned);
        const auto entry = routes_.find(with_mode(key, attachment.gateway->source.mode));
        if (entry == routes_.end()) continue;  // by another parentRef
        for (const auto& [backend, port] : entry->second.ports) {
            const auto used = backends_.find(backend);
            if (--used->second.uses > 0) continue;
            turned.backends.insert(backend);
            backends_.erase(used);
        }
        routes_.erase(entry);
    }
    attachments_.erase(found);
}

const std::vector<Attachment>& Plan::attachments(const std::string& tls_route) const {
    static const std::vector<Attachment> kNone;
    const auto found = attachments_.find(tls_route);
    return found == attachments_.end() ? kNone : found->second;
}

bool Plan::is_reachable(const std::string& route) const {
    const auto& all = attachments(std::string(without_mode(route)));
    return std::any_of(all.begin(), all.end(), [&](const Attachment& attachment) {
        const auto& gateway = *attachment.gateway;
        return !gateway.addresses.empty() && std::any_of(gateway.ports.begin(), gateway.ports.end(),
                                                         [&](const auto& port) { return port.second.lead_to(route); });
    });
}

const BackendPort* Plan::backend(const std::string& key) const {
    const auto found = backends_.find(key);
    return found == backends_.end() ? nullptr : &found->second.port;
}

}  // namespace slipgate
