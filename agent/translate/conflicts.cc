// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/conflicts.h"

#include <algorithm>

namespace slipgate {
namespace {

Outcome mode_conflict(const Listener& listener, const std::string& other) {
    return succeeded("ProtocolConflict",
                     "Passthrough and Terminate cannot share port " + std::to_string(listener.port) + ": " + other);
}

}  // namespace

bool is_tls(const Listener& listener) {
    return listener.protocol == "TLS";
}

bool is_passthrough(const Listener& listener) {
    return is_tls(listener) && listener.tls_mode == "Passthrough";
}

void TakenNames::add(const ListenerStates& listeners, const char* owner) {
    for (const auto& listener : listeners) {
        if (listener.accepted.ok()) ports_[listener.spec->port].emplace(listener.hostname(), owner);
    }
}

std::optional<Outcome> TakenNames::conflict_of(const Listener& listener) const {
    const auto port = ports_.find(listener.port);
    if (!is_tls(listener) || port == ports_.end()) return std::nullopt;
    if (!is_passthrough(listener)) {
        return mode_conflict(listener, std::string(port->second.begin()->second) + " has Passthrough and comes first");
    }
    const auto name = port->second.find(listener.hostname.value_or(""));
    if (name == port->second.end()) return std::nullopt;
    return succeeded("HostnameConflict", std::string(name->second) + " has the same port and hostname and comes first");
}

std::optional<Outcome> conflict_among(const std::vector<const Listener*>& rivals, const Listener& listener) {
    if (!is_tls(listener)) return std::nullopt;  // unsupported protocols stand in nobody's way
    const auto rival_that = [&](auto&& is_rival) {
        return std::find_if(rivals.begin(), rivals.end(), [&](const Listener* other) {
            return other != &listener && is_tls(*other) && other->port == listener.port && is_rival(*other);
        });
    };
    const auto other_mode =
        rival_that([&](const Listener& o) { return is_passthrough(o) != is_passthrough(listener); });
    if (other_mode != rivals.end()) return mode_conflict(listener, "the other listener is " + (*other_mode)->name);
    const auto same_name = rival_that([&](const Listener& o) { return o.hostname == listener.hostname; });
    if (is_passthrough(listener) && same_name != rivals.end()) {
        return succeeded("HostnameConflict", "listener " + (*same_name)->name + " has the same port and hostname");
    }
    return std::nullopt;
}

}  // namespace slipgate
