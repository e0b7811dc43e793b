// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <slipgate/abi.h>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/datapath/clock.h"
#include "agent/datapath/label_table.h"
#include "agent/datapath/maps.h"
#include "agent/datapath/name_key.h"
#include "agent/datapath/range_table.h"
#include "agent/ir/findings.h"
#include "agent/ir/routing_table.h"

namespace slipgate {

// How packets get to an endpoint.
struct EndpointWay {
    IpAddress source;   // what the kernel's routing would choose
    std::uint16_t mss;  // bytes: the largest segment that fits
};

// Why there is none.
struct NoWay {
    std::optional<Exclusion> exclusion;  // none: it could not be found out, for now
    std::string detail;                  // of ExcludedEndpoint, or of the failure
};

// The way to an endpoint, or why it must not or cannot be spliced to (dataplane.md 10.5, 10.6). That it is none of the
// table's VIPs has been seen to.
using EndpointResolver = std::function<tl::expected<EndpointWay, NoWay>(const IpAddress&)>;

// Bytes, by family: the largest segment that may be announced to the clients of a VIP.
struct VipMss {
    std::uint16_t ipv4;
    std::uint16_t ipv6;
    bool fixed = false;  // as the operator wants it; else lowered to what fits the ways to the VIP's endpoints

    bool operator==(const VipMss&) const = default;
    [[nodiscard]] std::uint16_t of(const IpAddress& vip) const { return vip.is_ipv4() ? ipv4 : ipv6; }
};

struct ReconcileReport {
    Findings findings;                  // what is not as the table says
    std::vector<std::string> failures;  // refused by the kernel: call again
    bool again = false;                 // another call may bring more
    bool asked_for_all = true;          // the resolver, for every endpoint of the table
};

// Makes the maps equal to a routing table. Knows what the kernel has accepted: the maps are read once, at start, and
// the knowledge changes only after a write has succeeded, so a call can be repeated at any time.
//
// Order: what leads somewhere is written after what it leads to (endpoints, weights, names, VIPs) and removed before
// it. So at any moment, also after a crash in the middle, a connection reaches either the right endpoint or a refusal.
class Reconciler {
  public:
    Reconciler(Maps& maps, Clock clock, EndpointResolver resolver, const NameSecret& secret, bool fresh_maps);

    // Reads back what the maps hold. Once, before reconcile(). An error: the maps are damaged or unreadable.
    [[nodiscard]] Status adopt();

    [[nodiscard]] ReconcileReport reconcile(const RoutingTable& table, VipMss mss);

    // The same, where the resolver would still answer what it answered the last time. As long as the
    // VIPs are the same, what a table shares with the one before is not placed again, nor asked for; names are gone
    // through.
    [[nodiscard]] ReconcileReport update(const RoutingTable& table, VipMss mss);

  private:
    template <typename T>
    struct BytesLess {
        bool operator()(const T& a, const T& b) const { return std::memcmp(&a, &b, sizeof(T)) < 0; }
    };
    template <typename Value>
    using Names = std::map<sg_name_key, Value, BytesLess<sg_name_key>>;
    using Addresses = std::set<sg_address, BytesLess<sg_address>>;
    struct Pass;  // what one reconcile() gathers

    using Exclusions = std::map<std::string, std::vector<ExcludedEndpoint>>;  // by backend

    // A table that is in the maps as a whole, but for the endpoints it excludes.
    struct Settled {
        RoutingTable table;
        VipMss mss;
        std::map<std::string, VipMss> lowest_mss;  // by backend, of its endpoints
        Exclusions exclusions;
    };
    void run(Pass& pass, VipMss mss);
    void settle(Pass& pass, VipMss mss, Exclusions exclusions);

    void place_backends(Pass& pass, VipMss mss);
    void place_backend(Pass& pass, const std::string& name, const BackendEntry& backend);
    void keep_backend(Pass& pass, const std::string& name, const std::string& why);
    [[nodiscard]] Placed<void> place_source(Pass& pass, const IpAddress& source);
    void place_routes(Pass& pass);
    void place_route(Pass& pass, const std::string& name, const RouteEntry& route);
    void place_names(Pass& pass);
    std::optional<Setback> place_names(Pass& pass, const SocketAddress& address, const FlatNames& before,
                                       const FlatNames& wanted, std::uint32_t id);
    Placed<void> place_name(Pass& pass, const TablePart& part, const sg_name_key& key,
                            const std::optional<std::string>& route);
    void place_vips(Pass& pass, bool new_ones, VipMss mss);
    static std::uint16_t announced_mss(Pass& pass, const SocketAddress& vip, const VipMss& mss);
    std::uint32_t vip_id(const sg_vip_key& key);

    void remove_vips(Pass& pass);
    [[nodiscard]] std::vector<std::pair<std::string, sg_name_key>> unwanted_names(const Pass& pass);
    void remove_names(Pass& pass);
    void remove_routes(Pass& pass);
    void remove_backends(Pass& pass);
    void remove_sources(Pass& pass);

    Maps& maps_;
    Clock clock_;
    EndpointResolver resolver_;
    NameSecret secret_;

    LabelTable routes_;
    LabelTable backends_;
    RangeTable<sg_weight> weights_;      // by route
    RangeTable<sg_endpoint> endpoints_;  // by backend and family
    std::map<sg_vip_key, sg_vip, BytesLess<sg_vip_key>> vips_;
    std::map<sg_vip_key, std::uint32_t, BytesLess<sg_vip_key>> ids_;  // of VIPs placed or about to be
    std::uint32_t next_vip_id_ = 1;                                   // never goes back
    Names<sg_name> names_;
    Addresses sources_;
    std::optional<Settled> settled_;  // none: the last pass left something to do
};

}  // namespace slipgate
