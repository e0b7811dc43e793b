// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/backend_refs.h"

#include <algorithm>
#include <set>
#include <utility>

#include <tl/expected.hpp>

#include "agent/translate/grants.h"

namespace slipgate {
namespace {

// GEP-1911 protocols that are cleartext, so that no TLS server can be behind them. Others are carried as they are.
bool is_cleartext(const std::string& app_protocol) {
    return app_protocol == "kubernetes.io/h2c" || app_protocol == "kubernetes.io/ws";
}

// The TCP port of that number; one of another protocol if there is no such; none if the Service lacks the number.
const ServicePort* find_port(const Service& service, std::uint16_t number) {
    const ServicePort* found = nullptr;
    for (const auto& port : service.ports) {
        if (port.port != number) continue;
        if (port.protocol == "TCP") return &port;
        if (found == nullptr) found = &port;
    }
    return found;
}

// Said of a Service that the snapshot lacks.
std::string why_missing(const std::string& service, const Snapshot& snapshot) {
    const auto refused = snapshot.refused_services.find(service);
    if (refused == snapshot.refused_services.end()) return " does not exist";
    return " is there, but Slipgate refuses it: " + refused->second;
}

// The backend with its key, or why the ref is not valid.
using Resolution = tl::expected<std::pair<std::string, BackendPort>, Outcome>;

Resolution resolve(const BackendRef& ref, const std::string& route_namespace, SourceMode mode,
                   const Snapshot& snapshot) {
    const auto refuse = [](std::string reason, std::string message) -> Resolution {
        return tl::unexpected(failed(std::move(reason), std::move(message)));
    };
    if (!ref.group.empty() || ref.kind != "Service") {
        const auto kind = ref.group.empty() ? ref.kind : ref.kind + "." + ref.group;
        return refuse("InvalidKind", "kind " + kind + " of " + ref.name + " is not supported; supported is Service");
    }

    const auto service_namespace = ref.namespace_.value_or(route_namespace);
    const auto key = service_namespace + "/" + ref.name;
    if (!is_reference_permitted(snapshot, route_namespace, service_namespace, ref.name)) {
        return refuse("RefNotPermitted",
                      "no ReferenceGrant in namespace " + service_namespace + " permits Service " + key);
    }

    const auto service = snapshot.services.find(key);
    if (service == snapshot.services.end())
        return refuse("BackendNotFound", "Service " + key + why_missing(key, snapshot));
    if (service->second.type == "ExternalName") {
        return refuse("UnsupportedProtocol", "Service " + key + " is of type ExternalName, which is not supported");
    }

    if (!ref.port) return refuse("BackendNotFound", "the reference to Service " + key + " names no port");
    const auto backend = key + ":" + std::to_string(*ref.port);
    const auto* port = find_port(service->second, *ref.port);
    if (port == nullptr)
        return refuse("BackendNotFound", "Service " + key + " has no port " + std::to_string(*ref.port));
    if (port->protocol != "TCP") {
        return refuse("UnsupportedProtocol",
                      "Service " + backend + " has protocol " + port->protocol + "; supported is TCP");
    }
    if (port->app_protocol && is_cleartext(*port->app_protocol)) {
        return refuse("UnsupportedProtocol", "Service " + backend + " has appProtocol " + *port->app_protocol +
                                                 ", which is cleartext and cannot take a TLS connection");
    }

    return std::pair(with_mode(backend, mode), BackendPort{key, port->name, mode});
}

}  // namespace

ResolvedRoute resolve_backend_refs(const TlsRoute& route, SourceMode mode, const Snapshot& snapshot) {
    ResolvedRoute resolved;
    Outcome first_failure;
    std::string messages;
    for (const auto& ref : route.backend_refs) {
        const auto backend = resolve(ref, route.meta.namespace_, mode, snapshot);
        resolved.backends.push_back({backend ? std::optional(backend->first) : std::nullopt, ref.weight});
        if (backend) {
            resolved.ports.insert(*backend);
            continue;
        }
        if (first_failure.ok()) first_failure = backend.error();
        append(messages, backend.error().message, "; ");
    }
    resolved.resolved_refs = first_failure.ok() ? succeeded("ResolvedRefs", "all references are resolved")
                                                : failed(first_failure.reason, messages);
    const bool has_weight = std::any_of(route.backend_refs.begin(), route.backend_refs.end(),
                                        [](const auto& ref) { return ref.weight > 0; });
    if (!has_weight)
        append(resolved.resolved_refs.message, "no backendRef has weight, every connection is refused", "; ");
    return resolved;
}

Outcome name_empty(const ResolvedRoute& route, const std::function<bool(const std::string&)>& is_empty) {
    std::set<std::string> empty;
    for (const auto& share : route.backends) {
        if (share.backend && share.weight > 0 && is_empty(*share.backend)) empty.emplace(without_mode(*share.backend));
    }
    auto outcome = route.resolved_refs;
    for (const auto& backend : empty)
        append(outcome.message, "Service " + backend + " has no ready endpoint, its share is refused", "; ");
    return outcome;
}

}  // namespace slipgate
