// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/naive_merging.h"

#include <algorithm>
#include <tuple>

namespace slipgate::naive {
namespace {

struct Entry {
    const Listener* listener;
    std::string kind;  // of its object
    const ObjectMeta* object;
};

bool clash(const Listener& a, const Listener& b) {
    return a.port == b.port && (a.tls_mode != b.tls_mode || a.hostname == b.hostname);
}

bool is_allowed(const AllowedNamespaces& allowed, const ObjectMeta& to, const ObjectMeta& from) {
    return allowed.from == "All" || (allowed.from == "Same" && to.namespace_ == from.namespace_);
}

// "the first Listener on the precedence list MUST be accepted"; inside one object, "ALL indistinct Listeners must not
// be accepted".
void add_object(std::vector<Entry>& merged, const std::string& kind, const ObjectMeta& object,
                const std::vector<Listener>& listeners) {
    std::vector<const Listener*> left;
    for (const auto& listener : listeners) {
        const bool loses = std::any_of(merged.begin(), merged.end(),
                                       [&](const Entry& earlier) { return clash(*earlier.listener, listener); });
        if (!loses) left.push_back(&listener);
    }
    for (const auto* listener : left) {
        const bool is_distinct = std::none_of(left.begin(), left.end(), [&](const Listener* other) {
            return other != listener && clash(*other, *listener);
        });
        if (is_distinct && listener->tls_mode == "Passthrough") merged.push_back({listener, kind, &object});
    }
}

bool names(const ParentReference& ref, const TlsRoute& route, const Entry& entry) {
    return ref.kind == entry.kind && ref.name == entry.object->name &&
           ref.namespace_.value_or(route.meta.namespace_) == entry.object->namespace_;
}

}  // namespace

ServedListeners merge(const Gateway& gateway, const Snapshot& snapshot) {
    std::vector<Entry> merged;
    add_object(merged, "Gateway", gateway.meta, gateway.listeners);
    if (merged.empty()) return {};  // the Gateway is not accepted, nor are its ListenerSets

    std::vector<const ListenerSet*> sets;
    for (const auto& [key, set] : snapshot.listener_sets) {
        if (is_allowed(gateway.allowed_listeners, gateway.meta, set.meta)) sets.push_back(&set);
    }
    std::sort(sets.begin(), sets.end(), [](const ListenerSet* a, const ListenerSet* b) {
        const auto rank = [](const ObjectMeta& meta) {
            return std::tuple(meta.creation_timestamp, meta.namespace_ + "/" + meta.name);
        };
        return rank(a->meta) < rank(b->meta);
    });
    for (const auto* set : sets) add_object(merged, "ListenerSet", set->meta, set->listeners);

    ServedListeners served;
    for (const auto& entry : merged) {
        ListenerRoutes listener{entry.listener->hostname.value_or(""), {}};
        for (const auto& [key, route] : snapshot.tls_routes) {
            const bool is_parent =
                std::any_of(route.parent_refs.begin(), route.parent_refs.end(),
                            [&, &route = route](const auto& ref) { return names(ref, route, entry); });
            if (is_parent && is_allowed(entry.listener->allowed_routes, *entry.object, route.meta))
                listener.routes.push_back(&route);
        }
        served[entry.listener->port].push_back(std::move(listener));
    }
    return served;
}

}  // namespace slipgate::naive
