// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/names.h"

#include <optional>
#include <utility>

#include "agent/translate/hostname.h"
#include "agent/translate/precedence.h"

namespace slipgate {
namespace {

// The most specific listener hostname that covers `name`.
std::optional<std::string> owner_of(const std::string& name, const std::set<std::string>& listeners) {
    for (std::optional<std::string> hostname = name; hostname; hostname = wider(*hostname)) {
        if (listeners.contains(*hostname)) return hostname;
    }
    return std::nullopt;
}

}  // namespace

// The original hostnames decide, not the intersections, which are equal here: a non-wildcard hostname first (there is
// only one that leads to a given name), then most characters, then the older route.
bool PortNames::Claim::operator<(const Claim& other) const {
    if (is_wildcard(hostname) != is_wildcard(other.hostname)) return is_wildcard(other.hostname);
    if (hostname.size() != other.hostname.size()) return hostname.size() > other.hostname.size();
    return precedes(route->meta, other.route->meta);
}

PortNames::PortNames(std::set<std::string> listeners, SourceMode mode) : listeners_(std::move(listeners)), mode_(mode) {
    std::erase_if(listeners_, [](const auto& hostname) { return !can_be_sni(hostname); });
    // A listener's own hostname always has an entry: it stops names nobody serves from reaching a broader listener. A
    // listener without hostname has none broader, and no match is a refusal anyway.
    for (const auto& hostname : listeners_) {
        if (!hostname.empty()) flat_.put(hostname, std::nullopt);
    }
}

void PortNames::add(const std::string& listener, const TlsRoute& route, std::set<std::string>& turned) {
    change_claims(listener, route, turned, [](Claims& claims, const Claim& claim) { claims.insert(claim); });
}

void PortNames::remove(const std::string& listener, const TlsRoute& route, std::set<std::string>& turned) {
    change_claims(listener, route, turned, [](Claims& claims, const Claim& claim) { claims.erase(claim); });
}

template <typename Change>
void PortNames::change_claims(const std::string& listener, const TlsRoute& route, std::set<std::string>& turned,
                              Change change) {
    if (!listeners_.contains(listener)) return;
    for (const auto& hostname : route.hostnames) {
        const auto name = intersect(listener, hostname);
        if (!name || owner_of(*name, listeners_) != listener) continue;
        change(claims_[*name], Claim{hostname, &route});
        settle(*name, turned);
    }
}

// After a change of its claims.
void PortNames::settle(const std::string& name, std::set<std::string>& turned) {
    const auto claims = claims_.find(name);
    std::optional<std::string> now;
    if (claims->second.empty())
        claims_.erase(claims);
    else
        now = with_mode(key_of(claims->second.begin()->route->meta), mode_);

    const auto found = flat_.find(name);
    const auto before = found == flat_.end() ? std::nullopt : found->second;
    if (before == now) return;
    if (before) {
        turned.insert(*before);
        if (--served_.at(*before) == 0) served_.erase(*before);
    }
    if (now) {
        turned.insert(*now);
        ++served_[*now];
    }
    if (now || listeners_.contains(name))
        flat_.put(name, std::move(now));
    else
        flat_.erase(name);
}

}  // namespace slipgate
