// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/naive_routing.h"

#include <algorithm>
#include <tuple>

namespace slipgate::naive {
namespace {

bool ends_in_a_number(std::string_view name) {
    const auto last = name.substr(name.rfind('.') + 1);
    return last.find_first_not_of("0123456789") == std::string_view::npos;
}

// exact > wildcard with more dots to its right > wildcard with fewer > none.
std::pair<int, std::ptrdiff_t> listener_rank(std::string_view hostname) {
    const auto dots = std::count(hostname.begin(), hostname.end(), '.');
    if (hostname.empty()) return {0, 0};
    return hostname[0] == '*' ? std::pair{1, dots} : std::pair{2, dots};
}

// Sorts the winner first: characters of the matching non-wildcard hostname, characters of the matching hostname, age,
// name.
auto route_rank(const TlsRoute& route, std::string_view sni) {
    std::ptrdiff_t exact = 0;
    std::ptrdiff_t any = 0;
    for (const auto& hostname : route.hostnames) {
        if (!is_match(hostname, sni)) continue;
        const auto length = static_cast<std::ptrdiff_t>(hostname.size());
        any = std::max(any, length);
        if (hostname[0] != '*') exact = std::max(exact, length);
    }
    return std::tuple(-exact, -any, route.meta.creation_timestamp, route.meta.namespace_ + "/" + route.meta.name);
}

}  // namespace

bool is_match(std::string_view hostname, std::string_view sni) {
    if (hostname.empty()) return true;
    if (ends_in_a_number(hostname) || ends_in_a_number(sni)) return false;
    if (hostname[0] != '*') return hostname == sni;
    const auto suffix = hostname.substr(1);
    return sni.size() > suffix.size() && sni.substr(sni.size() - suffix.size()) == suffix;
}

std::optional<std::string> route_for(const std::vector<ListenerRoutes>& listeners, const std::string& sni) {
    const ListenerRoutes* listener = nullptr;
    for (const auto& candidate : listeners) {
        if (!is_match(candidate.hostname, sni)) continue;
        if (!listener || listener_rank(candidate.hostname) > listener_rank(listener->hostname)) listener = &candidate;
    }
    if (!listener) return std::nullopt;

    const TlsRoute* best = nullptr;
    for (const auto* route : listener->routes) {
        const bool matches = std::any_of(route->hostnames.begin(), route->hostnames.end(),
                                         [&](const auto& hostname) { return is_match(hostname, sni); });
        if (matches && (!best || route_rank(*route, sni) < route_rank(*best, sni))) best = route;
    }
    if (!best) return std::nullopt;
    return best->meta.namespace_ + "/" + best->meta.name;
}

}  // namespace slipgate::naive
