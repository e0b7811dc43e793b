// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/address_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace slipgate {
namespace {

// Packets to these never arrive from another host (link-local ones would need an interface beside the address).
bool is_reachable(const IpAddress& address) {
    return !address.is_loopback() && !address.is_link_local() && !address.is_multicast() && !address.is_unspecified();
}

bool contain(const std::vector<IpPrefix>& networks, const IpAddress& address) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const auto& network) { return network.contains(address); });
}

}  // namespace

AddressRules::AddressRules(const Snapshot& snapshot, const TranslateOptions& options,
                           const Circumstances& circumstances)
    : options_(options), circumstances_(circumstances), own_(options.addresses) {
    for (const auto& [name, node] : snapshot.nodes) {
        if (name == options.node_name) {
            node_addresses_ = node.addresses;
        } else {
            for (const auto& [type, address] : node.addresses) of_other_nodes_.insert(address);
        }
    }
    if (node_addresses_.empty()) node_addresses_ = circumstances.node_addresses;
    for (const auto& [type, address] : node_addresses_) {
        all_own_.insert(address);
        if (type == "InternalIP" && options.addresses.empty()) own_.push_back(address);
    }
    all_own_.insert(own_.begin(), own_.end());
    for (const auto& network : options.service_cidrs) networks_of_services_.emplace_back(network, "--service-cidr");
    for (const auto& [name, service_cidr] : snapshot.service_cidrs) {
        for (const auto& network : service_cidr.cidrs)
            networks_of_services_.emplace_back(network, "ServiceCIDR " + name);
    }
    for (const auto& [key, service] : snapshot.services)
        of_services_.insert(of_services_.end(), service.cluster_ips.begin(), service.cluster_ips.end());
    std::sort(of_services_.begin(), of_services_.end());
}

std::string AddressRules::refusal(const IpAddress& address) const {
    if (!is_reachable(address)) return "no client reaches it";
    for (const auto& [network, name] : networks_of_services_) {
        if (network.contains(address)) return "it lies in " + name;
    }
    if (std::binary_search(of_services_.begin(), of_services_.end(), address))
        return "it is the cluster IP of a Service";
    if (of_other_nodes_.contains(address) && !is_own(address)) return "it belongs to another node";
    return {};
}

std::string AddressRules::refusal_from_pool(const IpAddress& address) const {
    if (is_own(address)) return "it is the node's own";
    return is_of_host(address) ? "it is the host's own, or the first or last of its network" : refusal(address);
}

std::string AddressRules::refusal_of_request(const IpAddress& address) const {
    auto reason = refusal(address);
    if (reason.empty() && is_in_pool(address)) reason = "it lies in --address-pool, which is given out in turn";
    if (reason.empty() && options_.address_ranges && !is_in_range(address)) {
        reason = options_.address_ranges->empty() ? "no --address-range is set" : "it lies outside of --address-range";
    }
    // Without ranges it is the administrator who writes the Gateways.
    if (reason.empty() && options_.address_ranges && is_of_host(address) && !is_own(address))
        reason = "it is the host's own, which --address would lend, or the first or last of its network";
    return reason;
}

std::string AddressRules::refusal_of_port(const SocketAddress& vip) const {
    if (!is_own(vip.address) || options_.node_address_ports.contains(vip.port)) return {};
    return fmt::format("{} is an address of the node itself, which lends its ports {} only (--node-address-port)",
                       vip.address.to_string(), fmt::join(options_.node_address_ports, ", "));
}

bool AddressRules::is_set_aside(const IpAddress& address) const {
    return is_in_range(address) || is_in_pool(address);
}

bool AddressRules::is_of_host(const IpAddress& address) const {
    return circumstances_.of_host.contains(address);
}

bool AddressRules::is_in_pool(const IpAddress& address) const {
    const auto& pool = options_.address_pool;
    return std::any_of(pool.begin(), pool.end(), [&](const auto& range) { return range.contains(address); });
}

bool AddressRules::is_in_range(const IpAddress& address) const {
    return options_.address_ranges && contain(*options_.address_ranges, address);
}

}  // namespace slipgate
