// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/overlaps.h"

#include <map>

#include "agent/translate/hostname.h"

namespace slipgate {
namespace {

// Of two hostnames with names in common one covers the other. Counting both ways keeps this linear in the number of
// listeners, of which ListenerSets may bring thousands.
class Hostnames {
  public:
    void add(const std::string& hostname) {
        ++equal_[hostname];
        for (std::optional<std::string> wide = hostname; wide; wide = wider(*wide)) ++covered_[*wide];
    }

    // Hostnames that overlap this one, which is one of them.
    [[nodiscard]] std::size_t overlaps_of(const std::string& hostname) const {
        std::size_t count = covered_.at(hostname) - 1;
        for (auto wide = wider(hostname); wide; wide = wider(*wide)) {
            if (const auto found = equal_.find(*wide); found != equal_.end()) count += found->second;
        }
        return count;
    }

  private:
    std::map<std::string, std::size_t> equal_;
    std::map<std::string, std::size_t> covered_;
};

bool can_overlap(const ListenerState& listener) {
    return listener.accepted.ok() && can_be_sni(listener.hostname());
}

// The listeners of its own object by name; others by number only, they may be from a namespace of somebody else.
std::string others_of(const ListenerState& listener, const ListenerStates& own, std::size_t count) {
    std::string others;
    for (const auto& other : own) {
        if (&other == &listener || !can_overlap(other) || other.spec->port != listener.spec->port) continue;
        if (!intersect(other.hostname(), listener.hostname())) continue;
        append(others, other.spec->name, ", ");
        --count;
    }
    if (count > 0) append(others, std::to_string(count) + " of other objects", ", ");
    return others;
}

}  // namespace

void mark_overlaps(const std::vector<ListenerStates*>& merged) {
    std::map<std::uint16_t, Hostnames> ports;
    for (const auto* listeners : merged) {
        for (const auto& listener : *listeners) {
            if (can_overlap(listener)) ports[listener.spec->port].add(listener.hostname());
        }
    }
    for (auto* listeners : merged) {
        for (auto& listener : *listeners) {
            if (!can_overlap(listener)) continue;
            const auto count = ports.at(listener.spec->port).overlaps_of(listener.hostname());
            if (count == 0) continue;
            listener.overlapping =
                succeeded("OverlappingHostnames", "names in common with " + others_of(listener, *listeners, count) +
                                                      "; the listener with the more specific hostname serves them");
        }
    }
}

}  // namespace slipgate
