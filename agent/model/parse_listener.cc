// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kListenerFields = {"name"sv, "hostname"sv, "port"sv, "protocol"sv, "tls"sv, "allowedRoutes"sv};
constexpr std::array kTlsFields = {"mode"sv, "certificateRefs"sv, "options"sv};
constexpr std::array kAllowedRoutesFields = {"namespaces"sv, "kinds"sv};
constexpr std::array kRouteKindFields = {"group"sv, "kind"sv};

constexpr std::array kModes = {"Terminate"sv, "Passthrough"sv};
constexpr std::array kFrom = {"All"sv, "Selector"sv, "Same"sv};

void parse_allowed_routes(const ObjectReader& in, Listener& listener) {
    listener.allowed_routes = parse_allowed_namespaces(in, kFrom, "Same");
    for (const auto& item : in.objects("kinds", {0, 8}, kRouteKindFields)) {
        RouteGroupKind kind;
        kind.group = item.text("group", kGroup).value_or(kGatewayGroup);
        kind.kind = item.required_text("kind", kKind);
        listener.kinds.push_back(std::move(kind));
    }
}

std::string parse_tls(const ObjectReader& tls) {
    auto mode = tls.choice("mode", kModes, "Terminate");
    const auto certificates = tls.objects("certificateRefs", {0, 64}, kObjectReferenceFields);
    for (const auto& certificate : certificates) check_object_reference(certificate, Presence::optional);
    const auto options = tls.text_map("options", {0, 16}, kAnyText, kOptionValue);
    if (mode == "Terminate" && certificates.empty() && options.empty() && tls.clean()) {
        tls.for_admission().error(
            "certificateRefs", "Required value: certificateRefs or options must be specified when mode is Terminate");
    }
    return mode;
}

// The CEL rules of spec.listeners that look at one listener. In an API server there may be objects that are older than
// the rules: the release 1.5 brought that of tls.mode.
void check_protocol_rules(const ObjectReader& in, const Listener& listener) {
    const auto& protocol = listener.protocol;
    if ((protocol == "HTTP" || protocol == "TCP" || protocol == "UDP") && in.has("tls")) {
        in.invalid("tls", "tls must not be specified for protocols HTTP, TCP and UDP");
    }
    if (protocol == "HTTPS" && listener.tls_mode && *listener.tls_mode != "Terminate") {
        in.invalid_value("tls.mode", shown(*listener.tls_mode), "tls mode must be Terminate for protocol HTTPS");
    }
    if (protocol == "TLS" && !in.has("tls")) {
        in.error("tls.mode", "Required value: tls mode must be set for protocol TLS");
    }
    if ((protocol == "TCP" || protocol == "UDP") && in.has("hostname")) {
        in.invalid("hostname", "hostname must not be specified for protocols TCP and UDP");
    }
}

Listener parse_listener(const ObjectReader& in) {
    Listener listener;
    listener.name = in.required_text("name", kDnsSubdomain);
    listener.hostname = in.text("hostname", kHostname);
    listener.port = in.port("port", Presence::required).value_or(0);
    listener.protocol = in.required_text("protocol", kProtocol);
    if (const auto tls = in.object("tls", kTlsFields)) listener.tls_mode = parse_tls(*tls);
    if (const auto routes = in.object("allowedRoutes", kAllowedRoutesFields)) parse_allowed_routes(*routes, listener);
    check_protocol_rules(in.for_admission(), listener);
    return listener;
}

bool same_name(const Listener& a, const Listener& b) {
    return a.name == b.name;
}

bool same_place(const Listener& a, const Listener& b) {
    return a.port == b.port && a.protocol == b.protocol && a.hostname == b.hostname;
}

// The CEL rules that compare listeners.
void check_unique_listeners(const ObjectReader& spec, const std::vector<Listener>& listeners) {
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        const auto& listener = listeners[i];
        if (first_equal(listeners, i, same_name) != i) {
            spec.error(fmt::format("listeners[{}].name", i),
                       fmt::format("Duplicate value: \"{}\": listener name must be "
                                   "unique within the Gateway",
                                   listener.name));
        }
        if (const auto earlier = first_equal(listeners, i, same_place); earlier != i) {
            spec.for_admission().error(
                fmt::format("listeners[{}]", i),
                fmt::format("Duplicate value: port {}, protocol {}, hostname \"{}\": the combination must be unique "
                            "for each listener, and listeners[{}] has it",
                            listener.port, listener.protocol, listener.hostname.value_or(""), earlier));
        }
    }
}

}  // namespace

std::vector<Listener> parse_listeners(const ObjectReader& spec) {
    std::vector<Listener> listeners;
    for (const auto& item : spec.objects("listeners", {1, 64}, kListenerFields, Presence::required)) {
        listeners.push_back(parse_listener(item));
    }
    if (spec.clean()) check_unique_listeners(spec, listeners);
    return listeners;
}

}  // namespace slipgate
