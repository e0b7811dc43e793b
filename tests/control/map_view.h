// SPDX-License-Identifier: Apache-2.0
// What the maps mean, read the way a BPF program reads them, without the ids: two sets of maps that serve alike
// have equal views.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <slipgate/sni.h>

#include "agent/base/address.h"
#include "agent/datapath/maps.h"
#include "agent/datapath/name_key.h"

namespace slipgate::test {

// Where one share of a route leads; refused if it names no backend.
struct ShareView {
    std::uint32_t weight = 0;
    std::string backend;                 // label; empty: invalid
    std::vector<std::string> endpoints;  // "10.0.0.1:443 preserve from 10.0.0.254 mss 1460"

    auto operator<=>(const ShareView&) const = default;
};

struct NameView {
    std::string route;  // label; empty: refused
    std::vector<ShareView> shares;

    auto operator<=>(const NameView&) const = default;
};

struct VipView {
    std::uint16_t mss = 0;
    std::set<std::uint32_t> wildcard_depths;
    std::map<std::string, NameView> names;

    auto operator<=>(const VipView&) const = default;
};

using MapView = std::map<std::string, VipView>;

// The value itself, safe to iterate over: `take(maps.vips())` in a range-for would outlive its temporary.
template <typename T>
T take(Result<T> result) {
    return std::move(result.value());
}

// " preserve"; empty: snat
inline std::string source_mode(__u32 flags) {
    if (!(flags & SG_ENDPOINT_PRESERVE)) return flags ? " ?" : "";
    return flags & SG_ENDPOINT_PRESERVE_ONLY ? " preserve-only" : " preserve";
}

inline NameView view_name(Maps& maps, const sg_name& name) {
    NameView view;
    if (name.route == SG_ROUTE_NONE) return view;
    const auto routes = take(maps.route_names());
    const auto backends = take(maps.backend_names());
    view.route = routes.contains(name.route) ? routes.at(name.route) : "?";
    const sg_range route = take(maps.route(name.route));
    const auto range = route.part;
    std::uint32_t total = 0;
    for (const auto& weight : take(maps.weights(range.first, range.count))) {
        ShareView share{.weight = weight.running_total - total, .backend = "", .endpoints = {}};
        total = weight.running_total;
        if (weight.backend != SG_BACKEND_INVALID) {
            share.backend = backends.contains(weight.backend) ? backends.at(weight.backend) : "?";
            for (const bool ipv6 : {false, true}) {
                const sg_range backend = take(maps.backend(SG_BACKEND_SLOT(weight.backend, ipv6)));
                for (const auto& e : take(maps.endpoints(backend.part.first, backend.part.count))) {
                    const SocketAddress address{IpAddress(e.address), __builtin_bswap16(e.port)};
                    share.endpoints.push_back(address.to_string() + source_mode(e.flags) + " from " +
                                              IpAddress(e.source).to_string() + " mss " + std::to_string(e.mss));
                }
            }
        }
        view.shares.push_back(std::move(share));
    }
    return view;
}

inline MapView view(Maps& maps) {
    MapView all;
    for (const auto& [key, vip] : take(maps.vips())) {
        VipView view{.mss = vip.mss, .wildcard_depths = {}, .names = {}};
        for (std::uint32_t depth = 0; depth < 128; ++depth) {
            if ((vip.wildcard_depths[depth / 64] >> depth % 64 & 1) != 0) view.wildcard_depths.insert(depth);
        }
        for (const auto& [name_key, name] : take(maps.names())) {
            if (name_key.vip == vip.id) view.names.emplace(name.hostname, view_name(maps, name));
        }
        all.emplace(SocketAddress{IpAddress(key.address), __builtin_bswap16(key.port)}.to_string(), std::move(view));
    }
    return all;
}

// The lookup of a client's name as the data plane does it: exact, then the wildcard depths of the VIP, longest first.
// None: the VIP is not there, so the packet is not ours.
inline std::optional<NameView> lookup(Maps& maps, const std::string& vip, const std::string& sni,
                                      const NameSecret& secret) {
    for (const auto& [vip_key, value] : take(maps.vips())) {
        if (SocketAddress{IpAddress(vip_key.address), __builtin_bswap16(vip_key.port)}.to_string() != vip) continue;
        sg_name_hash hash{};
        sg_name_begin(&hash, secret.data());
        for (auto c = sni.rbegin(); c != sni.rend(); ++c) sg_name_character(&hash, static_cast<__u8>(*c));
        sg_name_end(&hash);
        const auto find = [&](__u64 digest, __u32 wildcard) -> std::optional<NameView> {
            for (const auto& [key, name] : take(maps.names())) {
                if (key.hash != digest || key.vip != value.id || key.wildcard != wildcard) continue;
                if (name.check != sg_name_check(&key)) return NameView{.route = "check differs", .shares = {}};
                return view_name(maps, name);
            }
            return std::nullopt;
        };
        if (auto exact = find(hash.digest[hash.depth], 0)) return exact;
        for (std::uint32_t depth = hash.depth - 1; depth > 0; --depth) {
            if ((value.wildcard_depths[depth / 64] >> depth % 64 & 1) == 0) continue;
            if (auto wildcard = find(hash.digest[depth], 1)) return wildcard;
        }
        return NameView{};
    }
    return std::nullopt;
}

}  // namespace slipgate::test
