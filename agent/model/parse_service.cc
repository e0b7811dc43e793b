// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"allocateLoadBalancerNodePorts"sv,
                                    "clusterIP"sv,
                                    "clusterIPs"sv,
                                    "externalIPs"sv,
                                    "externalName"sv,
                                    "externalTrafficPolicy"sv,
                                    "healthCheckNodePort"sv,
                                    "internalTrafficPolicy"sv,
                                    "ipFamilies"sv,
                                    "ipFamilyPolicy"sv,
                                    "loadBalancerClass"sv,
                                    "loadBalancerIP"sv,
                                    "loadBalancerSourceRanges"sv,
                                    "ports"sv,
                                    "publishNotReadyAddresses"sv,
                                    "selector"sv,
                                    "sessionAffinity"sv,
                                    "sessionAffinityConfig"sv,
                                    "trafficDistribution"sv,
                                    "type"sv};
constexpr std::array kPortFields = {"name"sv, "protocol"sv, "appProtocol"sv, "port"sv, "targetPort"sv, "nodePort"sv};
constexpr std::array kTypes = {"ClusterIP"sv, "NodePort"sv, "LoadBalancer"sv, "ExternalName"sv};
constexpr std::array kProtocols = {"TCP"sv, "UDP"sv, "SCTP"sv};

void check_unique_ports(const ObjectReader& spec, const std::vector<ServicePort>& ports) {
    const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
    const auto same_port = [](const auto& a, const auto& b) { return a.port == b.port && a.protocol == b.protocol; };
    for (std::size_t i = 0; i < ports.size(); ++i) {
        const auto field = fmt::format("ports[{}]", i);
        if (ports.size() > 1 && ports[i].name.empty()) {
            spec.error(field + ".name", "Required value: a Service with several ports names each of them");
        } else if (first_equal(ports, i, same_name) != i) {
            spec.error(field + ".name", fmt::format("Duplicate value: \"{}\"", ports[i].name));
        }
        if (first_equal(ports, i, same_port) != i) {
            spec.error(field, fmt::format("Duplicate value: port {}, protocol {}", ports[i].port, ports[i].protocol));
        }
    }
}

// What is no address is "None" or empty.
std::vector<IpAddress> read_addresses(const std::vector<std::string>& texts) {
    std::vector<IpAddress> addresses;
    for (const auto& text : texts) {
        if (const auto address = IpAddress::parse(text)) addresses.push_back(*address);
    }
    return addresses;
}

}  // namespace

Object parse_service(const ObjectReader& root, ObjectMeta meta) {
    Service service{.meta = std::move(meta), .ports = {}, .cluster_ips = {}};
    const auto spec = root.object("spec", kSpecFields, Presence::required);
    if (!spec) return service;
    service.type = spec->choice("type", kTypes, "ClusterIP");
    for (const auto& in : spec->objects("ports", {}, kPortFields)) {
        ServicePort port;
        port.name = in.text("name", kPortName).value_or("");
        port.protocol = in.choice("protocol", kProtocols, "TCP");
        port.port = in.port("port", Presence::required).value_or(0);
        port.app_protocol = in.text("appProtocol", kQualifiedName);
        service.ports.push_back(std::move(port));
    }
    const auto cluster_ip = spec->text("clusterIP", kAnyText).value_or("");
    service.cluster_ips = read_addresses({cluster_ip});
    if (const auto all = read_addresses(spec->texts("clusterIPs", {}, kAnyText)); !all.empty())
        service.cluster_ips = all;
    if (service.ports.empty() && service.type != "ExternalName" && cluster_ip != "None" && spec->clean()) {
        spec->error("ports", "Required value: only a headless or an ExternalName Service may have no ports");
    }
    if (spec->clean()) check_unique_ports(*spec, service.ports);
    return service;
}

}  // namespace slipgate
