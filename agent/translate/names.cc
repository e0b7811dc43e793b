// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/names.h"

#include <set>
#include <string_view>

#include "agent/translate/hostname.h"
#include "agent/translate/precedence.h"

namespace slipgate {
namespace {

// A route's claim to a name, by the one of its hostnames that led there.
struct Claim {
    std::string_view hostname;
    const TlsRoute* route = nullptr;
};

// The original hostnames decide, not the intersections, which are equal here: a non-wildcard hostname first (there is
// only one that leads to a given name), then most characters, then the older route.
bool beats(const Claim& a, const Claim& b) {
    if (is_wildcard(a.hostname) != is_wildcard(b.hostname)) return is_wildcard(b.hostname);
    if (a.hostname.size() != b.hostname.size()) return a.hostname.size() > b.hostname.size();
    return precedes(a.route->meta, b.route->meta);
}

// What each name would lead to if the listener were alone.
std::map<std::string, Claim> names_of(const ListenerNames& listener) {
    std::map<std::string, Claim> names;
    for (const auto* route : listener.routes) {
        for (const auto& hostname : route->hostnames) {
            const auto name = intersect(listener.hostname, hostname);
            if (!name) continue;
            const Claim claim{hostname, route};
            const auto [entry, is_new] = names.try_emplace(*name, claim);
            if (!is_new && beats(claim, entry->second)) entry->second = claim;
        }
    }
    return names;
}

// The most specific listener hostname that covers `name`.
std::optional<std::string> owner_of(const std::string& name, const std::set<std::string>& listener_hostnames) {
    for (std::optional<std::string> hostname = name; hostname; hostname = wider(*hostname)) {
        if (listener_hostnames.contains(*hostname)) return hostname;
    }
    return std::nullopt;
}

}  // namespace

FlatNames flatten_names(const std::vector<ListenerNames>& listeners) {
    std::set<std::string> hostnames;
    for (const auto& listener : listeners) {
        if (can_be_sni(listener.hostname)) hostnames.insert(listener.hostname);
    }

    FlatNames flat;
    for (const auto& listener : listeners) {
        if (!hostnames.contains(listener.hostname)) continue;
        // The listener's own hostname always has an entry: it stops names nobody serves from reaching a broader
        // listener. A listener without hostname has none broader, and no match is a refusal anyway.
        if (!listener.hostname.empty()) flat.emplace(listener.hostname, std::nullopt);
        for (const auto& [name, claim] : names_of(listener)) {
            if (owner_of(name, hostnames) == listener.hostname) flat[name] = key_of(claim.route->meta);
        }
    }
    return flat;
}

}  // namespace slipgate
