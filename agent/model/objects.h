// SPDX-License-Identifier: Apache-2.0
// The Kubernetes objects Slipgate reads, reduced to the fields it uses. Names are those of the APIs. Defaults of the
// CRD schemas (kind, group, weight, from ...) are filled in by the parser, so that every source yields the same
// objects.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/ip_prefix.h"
#include "agent/base/shared_map.h"
#include "agent/model/timestamp.h"

namespace slipgate {

inline constexpr const char* kGatewayGroup = "gateway.networking.k8s.io";

struct ObjectMeta {
    std::string name;
    std::string namespace_;  // empty for cluster-scoped kinds
    std::map<std::string, std::string> labels;
    std::map<std::string, std::string> annotations;
    std::optional<Timestamp> creation_timestamp;  // none: in a file that does not say; see precedes()
    std::int64_t generation = 0;
    std::uint64_t uid = 0;  // its hash: that of another object of this name is another; 0: none, as in a file

    bool operator==(const ObjectMeta&) const = default;
};

// metav1.LabelSelector.
struct LabelSelector {
    struct Expression {
        std::string key;
        std::string op;  // In, NotIn, Exists, DoesNotExist; empty: not valid, matches nothing
        std::vector<std::string> values;
        bool operator==(const Expression&) const = default;
    };
    std::map<std::string, std::string> match_labels;
    std::vector<Expression> match_expressions;
    bool operator==(const LabelSelector&) const = default;
};

struct GatewayClass {
    ObjectMeta meta;
    std::string controller_name;
    bool has_parameters_ref = false;
    bool operator==(const GatewayClass&) const = default;
};

struct RouteGroupKind {
    std::string group = kGatewayGroup;
    std::string kind;
    bool operator==(const RouteGroupKind&) const = default;
};

// Whose objects may attach: those of the namespaces a Gateway's allowedListeners or a listener's allowedRoutes name.
struct AllowedNamespaces {
    std::string from;                       // All, Selector, Same, None
    std::optional<LabelSelector> selector;  // for Selector; absent: selects nothing
    bool operator==(const AllowedNamespaces&) const = default;
};

// Of a Gateway or a ListenerSet.
struct Listener {
    std::string name;
    std::optional<std::string> hostname;
    std::uint16_t port = 0;
    std::string protocol;
    std::optional<std::string> tls_mode;           // absent: no tls block
    AllowedNamespaces allowed_routes{"Same", {}};  // never None
    std::vector<RouteGroupKind> kinds;             // empty: decided by the protocol
    bool operator==(const Listener&) const = default;
};

struct GatewayAddress {
    std::string type = "IPAddress";
    std::string value;  // may be empty: "assign one"
    bool operator==(const GatewayAddress&) const = default;
};

struct Gateway {
    ObjectMeta meta;
    std::string gateway_class_name;
    std::vector<Listener> listeners;
    std::vector<GatewayAddress> addresses;
    AllowedNamespaces allowed_listeners{"None", {}};  // of ListenerSets
    bool has_parameters_ref = false;                  // spec.infrastructure.parametersRef
    std::vector<IpAddress> assigned;                  // status.addresses
    bool operator==(const Gateway&) const = default;
};

struct ParentGatewayReference {
    std::string group = kGatewayGroup;
    std::string kind = "Gateway";
    std::optional<std::string> namespace_;
    std::string name;
    bool operator==(const ParentGatewayReference&) const = default;
};

struct ListenerSet {
    ObjectMeta meta;
    ParentGatewayReference parent_ref;
    std::vector<Listener> listeners;
    bool operator==(const ListenerSet&) const = default;
};

struct ParentReference {
    std::string group = kGatewayGroup;
    std::string kind = "Gateway";
    std::optional<std::string> namespace_;
    std::string name;
    std::optional<std::string> section_name;
    std::optional<std::uint16_t> port;
    bool operator==(const ParentReference&) const = default;
};

struct BackendRef {
    std::string group;  // "" is core
    std::string kind = "Service";
    std::optional<std::string> namespace_;
    std::string name;
    std::optional<std::uint16_t> port;
    std::uint32_t weight = 1;
    bool operator==(const BackendRef&) const = default;
};

// A v1 TLSRoute has exactly one rule; the parser refuses anything else.
struct TlsRoute {
    ObjectMeta meta;
    std::vector<ParentReference> parent_refs;
    std::vector<std::string> hostnames;
    std::vector<BackendRef> backend_refs;
    bool operator==(const TlsRoute&) const = default;
};

struct ReferenceGrant {
    struct From {
        std::string group, kind, namespace_;
        bool operator==(const From&) const = default;
    };
    struct To {
        std::string group, kind;
        std::optional<std::string> name;
        bool operator==(const To&) const = default;
    };
    ObjectMeta meta;
    std::vector<From> from;
    std::vector<To> to;
    bool operator==(const ReferenceGrant&) const = default;
};

struct ServicePort {
    std::string name;  // may be empty
    std::string protocol = "TCP";
    std::uint16_t port = 0;
    std::optional<std::string> app_protocol;
    bool operator==(const ServicePort&) const = default;
};

struct Service {
    ObjectMeta meta;
    std::string type = "ClusterIP";
    std::vector<ServicePort> ports;
    std::vector<IpAddress> cluster_ips;
    bool operator==(const Service&) const = default;
};

struct EndpointSlice {
    struct Endpoint {
        std::vector<std::string> addresses;  // only the first has meaning
        bool ready = true;                   // conditions, with their defaults filled in
        bool serving = true;
        bool terminating = false;
        std::optional<std::string> node_name;
        std::vector<std::string> for_nodes;  // hints: where its connections should come from
        std::vector<std::string> for_zones;
        bool operator==(const Endpoint&) const = default;
    };
    struct Port {
        std::string name;
        std::string protocol = "TCP";
        std::optional<std::uint16_t> port;
        bool operator==(const Port&) const = default;
    };
    ObjectMeta meta;
    std::string address_type;  // IPv4, IPv6, FQDN
    std::vector<Endpoint> endpoints;
    std::vector<Port> ports;
    bool operator==(const EndpointSlice&) const = default;
};

struct Namespace {
    ObjectMeta meta;
    bool operator==(const Namespace&) const = default;
};

struct NodeAddress {
    std::string type;  // InternalIP, ExternalIP
    IpAddress address;
    bool operator==(const NodeAddress&) const = default;
};

struct Node {
    ObjectMeta meta;
    std::vector<NodeAddress> addresses;
    bool operator==(const Node&) const = default;
};

struct ServiceCidr {
    ObjectMeta meta;
    std::vector<IpPrefix> cidrs;
    bool operator==(const ServiceCidr&) const = default;
};

using Object = std::variant<GatewayClass, Gateway, ListenerSet, TlsRoute, ReferenceGrant, Service, EndpointSlice,
                            Namespace, Node, ServiceCidr>;

// "namespace/name", or "name" for a cluster-scoped object.
[[nodiscard]] std::string key_of(const ObjectMeta& meta);

// The Gateway a ListenerSet names, by key; empty: it names something else.
[[nodiscard]] std::string parent_gateway(const ListenerSet& set);

// Of one kind, by key_of().
template <typename T>
using ObjectMap = SharedMap<std::string, T>;

// Everything known at one moment. A copy costs next to nothing.
struct Snapshot {
    ObjectMap<GatewayClass> gateway_classes;
    ObjectMap<Gateway> gateways;
    ObjectMap<ListenerSet> listener_sets;
    ObjectMap<TlsRoute> tls_routes;
    ObjectMap<ReferenceGrant> reference_grants;
    ObjectMap<Service> services;
    ObjectMap<EndpointSlice> endpoint_slices;
    ObjectMap<Namespace> namespaces;
    ObjectMap<Node> nodes;
    ObjectMap<ServiceCidr> service_cidrs;

    // Of the Gateway API's CustomResourceDefinitions, by their names: the release each is of, empty where it does not
    // say. Where there is no API server, there are none.
    std::map<std::string, std::string> bundle_versions;

    // Gateways of an API server that Slipgate does not take, as far as they could be read: they keep their addresses.
    ObjectMap<Gateway> refused_gateways;

    // Services that are there, but of which no version is taken: why, by their keys.
    std::map<std::string, std::string> refused_services;

    bool operator==(const Snapshot&) const = default;
};

}  // namespace slipgate
