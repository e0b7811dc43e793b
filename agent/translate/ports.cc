// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/ports.h"

#include <fmt/format.h>

namespace slipgate {

std::string PortOwners::refusal(const SocketAddress& vip, const std::string& gateway, Named named) {
    if (auto text = rules_.refusal_of_port(vip); !text.empty()) return text;
    if (const auto found = unavailable_.find(vip); found != unavailable_.end()) {
        missed_.insert(vip);
        return vip.to_string() + ": " + found->second;
    }
    const auto owner = owners_.find(vip);
    if (owner == owners_.end() || owner->second == gateway) return {};
    return vip.to_string() + " belongs to " + (named == Named::yes ? "Gateway " + owner->second : "another Gateway");
}

// All listeners are to answer on all addresses, so a port is taken on every one of them or not at all.
void PortOwners::claim(const GatewayState& gateway, ListenerStates& listeners, Named named) {
    const auto key = key_of(gateway.spec->meta);
    auto& ports = ports_[key];
    for (auto& listener : listeners) {
        if (!listener.accepted.ok()) continue;
        std::string taken;
        for (const auto& address : gateway.addresses) {
            const auto text = refusal({address, listener.spec->port}, key, named);
            if (!text.empty()) append(taken, text, ", ");
        }
        if (!taken.empty()) {
            listener.accepted = failed("PortUnavailable", taken);
            continue;
        }
        if (ports.size() >= kMaxPortsOfGateway && !ports.contains(listener.spec->port)) {
            listener.accepted =
                failed("TooManyListeners", fmt::format("the Gateway has {} ports, and takes no other", ports.size()));
            continue;
        }
        ports.insert(listener.spec->port);
        for (const auto& address : gateway.addresses) owners_.emplace(SocketAddress{address, listener.spec->port}, key);
    }
}

std::set<SocketAddress> PortOwners::to_listen_on() const {
    auto ports = missed_;
    for (const auto& [vip, owner] : owners_) ports.insert(vip);
    return ports;
}

}  // namespace slipgate
