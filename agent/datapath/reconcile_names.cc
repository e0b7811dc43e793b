// SPDX-License-Identifier: Apache-2.0
// The upper half of the reconciler: VIPs and their names.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "agent/datapath/reconcile_pass.h"

namespace slipgate {
namespace {

sg_vip_key vip_key(const SocketAddress& vip) {
    return {.address = vip.address.to_abi(), .port = __builtin_bswap16(vip.port), .zero = 0};
}
SocketAddress vip_address(const sg_vip_key& key) {
    return {IpAddress(key.address), __builtin_bswap16(key.port)};
}

using Depths = std::array<__u64, 2>;  // sg_vip.wildcard_depths

void add_depth(Depths& depths, std::string_view hostname) {
    if (!hostname.starts_with("*.")) return;
    const auto depth = static_cast<std::size_t>(std::count(hostname.begin(), hostname.end(), '.'));
    if (depth < 128) depths[depth / 64] |= 1ULL << depth % 64;
}

// Exact names before wildcards, wildcards of many labels before those of few.
bool more_specific(std::string_view a, std::string_view b) {
    const bool a_wildcard = a.starts_with('*');
    const bool b_wildcard = b.starts_with('*');
    if (a_wildcard != b_wildcard) return b_wildcard;
    return a_wildcard && std::count(a.begin(), a.end(), '.') > std::count(b.begin(), b.end(), '.');
}

}  // namespace

void Reconciler::place_names(Pass& pass) {
    for (const auto& [address, vip] : pass.table.vips) {
        if (pass.waiting_vips.contains(address)) continue;
        const auto key = vip_key(address);
        const auto to_come = place_names(pass, address, vip, vip_id(key));
        // A new VIP opens once its names are there: until then it would refuse what it is about to serve.
        if (!to_come || vips_.contains(key)) continue;
        pass.setback(TablePart::of_vip(address), waits(*to_come, "its names"));
        pass.waiting_vips.insert(address);
    }
}

// What a client may send must fit the way to any endpoint it can be spliced to.
std::uint16_t Reconciler::announced_mss(const Pass& pass, const SocketAddress& vip, VipMss mss) {
    auto lowest = mss.of(vip.address);
    if (mss.fixed) return lowest;
    for (const auto& [hostname, route_name] : pass.table.vips.at(vip).names) {
        const auto route = route_name ? pass.table.routes.find(*route_name) : pass.table.routes.end();
        if (route == pass.table.routes.end()) continue;
        for (const auto& share : route->second.backends) {
            const auto backend = share.backend ? pass.lowest_mss.find(*share.backend) : pass.lowest_mss.end();
            if (backend != pass.lowest_mss.end()) lowest = std::min(lowest, backend->second.of(vip.address));
        }
    }
    return lowest;
}

// Writes VIPs with the wildcard depths of all names they have and are to have: a depth too many costs a lookup, one too
// few would leave the names of that depth to a shorter wildcard.
void Reconciler::place_vips(Pass& pass, bool new_ones, VipMss mss) {
    std::map<std::uint32_t, Depths> in_use;
    for (const auto& [key, name] : names_) add_depth(in_use[key.vip], name.hostname);
    for (const auto& [address, vip] : pass.table.vips) {
        const auto key = vip_key(address);
        if (pass.waiting_vips.contains(address) || (!new_ones && !vips_.contains(key))) continue;
        const auto id = vip_id(key);
        auto depths = in_use[id];
        for (const auto& [hostname, route] : vip.names) add_depth(depths, hostname);
        const sg_vip value{
            .id = id, .mss = announced_mss(pass, address, mss), .zero = 0, .wildcard_depths = {depths[0], depths[1]}};
        const auto found = vips_.find(key);
        if (found != vips_.end() && std::memcmp(&found->second, &value, sizeof value) == 0) continue;
        if (found == vips_.end() && vips_.size() >= maps_.capacity().vips) {
            pass.setback(TablePart::of_vip(address), {Setback::Kind::kNoRoom, "the map vips is full"});
            pass.waiting_vips.insert(address);
            continue;
        }
        if (auto done = maps_.set_vip(key, value); !done) {
            pass.setback(TablePart::of_vip(address), {Setback::Kind::kFailed, done.error().message});
            pass.waiting_vips.insert(address);
            continue;
        }
        vips_.insert_or_assign(key, value);
    }
}

std::uint32_t Reconciler::vip_id(const sg_vip_key& key) {
    const auto [found, added] = ids_.try_emplace(key, next_vip_id_);
    if (added) ++next_vip_id_;
    return found->second;
}

// Why names are still to come; nothing: they are not.
std::optional<Setback> Reconciler::place_names(Pass& pass, const SocketAddress& address, const VipEntry& vip,
                                               std::uint32_t id) {
    // From the most to the least specific: a wildcard never stands alone where a longer name is about to come.
    std::vector<std::string_view> order;
    order.reserve(vip.names.size());
    for (const auto& [hostname, route] : vip.names) order.push_back(hostname);
    std::stable_sort(order.begin(), order.end(), more_specific);

    std::vector<std::pair<std::string_view, Setback>> missing;
    for (const auto hostname : order) {
        const auto part = TablePart::of_name(address, hostname);
        const auto found = name_key(hostname, id, secret_);
        if (!found) {
            pass.invalid(part, found.error().message);
            continue;
        }
        const auto key = *found;
        if (!pass.names.emplace(key, true).second) {
            pass.invalid(part, "is the same name as another one of this VIP");
            continue;
        }

        const auto longer = std::find_if(missing.begin(), missing.end(), [&](const auto& name) {
            return key.wildcard != 0 && name.first.ends_with(hostname.substr(1));
        });
        const auto placed =
            longer == missing.end()
                ? place_name(pass, part, key, vip.names.find(part.key)->second)
                : Placed<void>(tl::unexpected(
                      Setback{longer->second.kind, "would take the connections of " + std::string(longer->first)}));
        if (placed) continue;
        pass.setback(part, placed.error());
        missing.emplace_back(hostname, placed.error());
        // Not for want of room: then removing names is what helps.
        if (key.wildcard != 0 && placed.error().comes()) pass.stale_wildcards.emplace_back(id, hostname);
    }
    std::optional<Setback> to_come;
    for (const auto& [hostname, setback] : missing) {
        if (setback.comes() && (!to_come || setback.kind == Setback::Kind::kFailed)) to_come = setback;
    }
    return to_come;
}

Placed<void> Reconciler::place_name(Pass& pass, const TablePart& part, const sg_name_key& key,
                                    const std::optional<std::string>& route) {
    // A name that cannot lead to its route is refused, lest a wildcard of another route takes it.
    sg_name value{.route = SG_ROUTE_NONE, .check = sg_name_check(&key), .hostname = {}};
    part.key.copy(value.hostname, sizeof value.hostname - 1);
    if (route) {
        const auto placed = pass.routes.find(*route);
        if (placed == pass.routes.end()) {
            pass.invalid(part, "its route " + *route + " is not in the table");
        } else if (placed->second) {
            value.route = *placed->second;
        } else if (placed->second.error().comes()) {
            return tl::unexpected(waits(placed->second.error(), "route " + *route));
        }
    }
    const auto found = names_.find(key);
    if (found != names_.end() && std::memcmp(&found->second, &value, sizeof value) == 0) return {};
    if (found == names_.end() && names_.size() >= maps_.capacity().names) return no_room("the map names is full");
    if (auto done = maps_.set_name(key, value); !done) return failed(done.error().message);
    names_.insert_or_assign(key, value);
    return {};
}

void Reconciler::remove_vips(Pass& pass) {
    for (auto vip = vips_.begin(); vip != vips_.end();) {
        const auto& key = vip->first;
        const auto address = vip_address(key);
        const bool gone =
            !pass.table.vips.contains(address) && pass.gone("vip " + address.to_string(), maps_.delete_vip(key));
        if (gone) ids_.erase(key);
        vip = gone ? vips_.erase(vip) : std::next(vip);
    }
    // Ids kept for VIPs that were wanted but never came to be.
    std::erase_if(ids_, [&](const auto& id) {
        return !vips_.contains(id.first) && !pass.table.vips.contains(vip_address(id.first));
    });
}

void Reconciler::remove_names(Pass& pass) {
    std::vector<std::pair<std::string, sg_name_key>> unwanted;
    for (const auto& [key, name] : names_) {
        if (!pass.names.contains(key)) unwanted.emplace_back(name.hostname, key);
    }
    // Wildcards before the longer names they would take over.
    std::stable_sort(unwanted.begin(), unwanted.end(),
                     [](const auto& a, const auto& b) { return more_specific(b.first, a.first); });
    for (const auto& [hostname, key] : unwanted) {
        // A wildcard that still says what it said before must not take over.
        const auto takes_over = [&name = hostname, vip = key.vip](const auto& stale) {
            return stale.first == vip && name.ends_with(stale.second.substr(1));
        };
        const bool put_off = std::any_of(pass.stale_wildcards.begin(), pass.stale_wildcards.end(), takes_over);
        if (!put_off && pass.gone("name " + hostname, maps_.delete_name(key))) {
            names_.erase(key);
        } else if (key.wildcard != 0) {
            pass.stale_wildcards.emplace_back(key.vip, hostname);
        }
    }
}

}  // namespace slipgate
