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
        const auto known = pass.before.vips.find(address);
        const auto before = known == pass.before.vips.end() ? FlatNames{} : known->second.names;
        const auto to_come = place_names(pass, address, before, vip.names, vip_id(key));
        // A new VIP opens once its names are there: until then it would refuse what it is about to serve.
        if (!to_come || vips_.contains(key)) continue;
        pass.setback(TablePart::of_vip(address), waits(*to_come, "its names"));
        pass.waiting_vips.insert(address);
    }
}

// What a client may send must fit the way to any endpoint it can be spliced to.
std::uint16_t Reconciler::announced_mss(Pass& pass, const SocketAddress& vip, const VipMss& mss) {
    if (mss.fixed) return mss.of(vip.address);
    const auto [known, is_new] = pass.announced_mss.try_emplace(vip, mss.of(vip.address));
    auto& lowest = known->second;
    if (!is_new) return lowest;
    const auto floor = pass.lowest_of_all().of(vip.address);
    for (const auto& [hostname, route_name] : pass.table.vips.at(vip).names) {
        if (lowest <= floor) break;  // most of the time at once
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
std::optional<Setback> Reconciler::place_names(Pass& pass, const SocketAddress& address, const FlatNames& before,
                                               const FlatNames& wanted, std::uint32_t id) {
    // From the most to the least specific: a wildcard never stands alone where a longer name is about to come.
    std::vector<std::string_view> order;
    for_each_new(before, wanted, [&](const auto& hostname, const auto& /*route*/) { order.push_back(hostname); });
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
        if (!pass.is_whole && names_.contains(key) && !before.contains(part.key)) {
            pass.held = true;  // as above, by one that is as before
            continue;
        }

        const auto longer = std::find_if(missing.begin(), missing.end(), [&](const auto& name) {
            return key.wildcard != 0 && name.first.ends_with(hostname.substr(1));
        });
        const auto placed =
            longer == missing.end()
                ? place_name(pass, part, key, wanted.at(part.key))
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
        const auto placed = Pass::find(pass.routes, routes_, pass.table.routes, *route);
        if (!placed) {
            pass.invalid(part, "its route " + *route + " is not in the table");
        } else if (*placed) {
            value.route = **placed;
        } else if (placed->error().comes()) {
            return tl::unexpected(waits(placed->error(), "route " + *route));
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

// The names that the maps have and the table lacks, with their keys.
std::vector<std::pair<std::string, sg_name_key>> Reconciler::unwanted_names(const Pass& pass) {
    std::vector<std::pair<std::string, sg_name_key>> unwanted;
    if (pass.is_whole) {
        for (const auto& [key, name] : names_) {
            if (!pass.names.contains(key)) unwanted.emplace_back(name.hostname, key);
        }
        return unwanted;
    }
    for_each_new(pass.before.vips, pass.table.vips, [&](const SocketAddress& address, const VipEntry& vip) {
        const auto id = vip_id(vip_key(address));
        for_each_gone(pass.before.vips.at(address).names, vip.names, [&](const auto& hostname) {
            if (const auto key = name_key(hostname, id, secret_)) unwanted.emplace_back(hostname, *key);
        });
    });
    return unwanted;
}

void Reconciler::remove_names(Pass& pass) {
    auto unwanted = unwanted_names(pass);
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
