// SPDX-License-Identifier: Apache-2.0
// One function per kind, called by parse_object(). `root` is the whole document; what is returned after a reported
// error is what could be read.
#pragma once

#include <algorithm>
#include <array>

#include "agent/model/objects.h"
#include "agent/model/reader.h"

namespace slipgate {

[[nodiscard]] Object parse_gateway_class(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_gateway(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_listener_set(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_tls_route(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_reference_grant(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_service(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_endpoint_slice(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_namespace(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_node(const ObjectReader& root, ObjectMeta meta);
[[nodiscard]] Object parse_service_cidr(const ObjectReader& root, ObjectMeta meta);

// spec.listeners, with the rules that compare listeners.
[[nodiscard]] std::vector<Listener> parse_listeners(const ObjectReader& spec);

// metav1.LabelSelector. The API server stores one with a wrong operator, key or value; here that is a warning, and the
// selector matches nothing.
[[nodiscard]] LabelSelector parse_selector(const ObjectReader& in);

// namespaces of allowedRoutes or allowedListeners: `from`, one of `choices` and by default `fallback`, and a selector.
[[nodiscard]] AllowedNamespaces parse_allowed_namespaces(const ObjectReader& owner, FieldNames choices,
                                                         std::string_view fallback);

// Gateway.spec.tls is of no use to a gateway without keys; checked all the same, as the API server does.
void check_gateway_tls(const ObjectReader& spec);

// The fields of a reference to an object of any kind.
inline constexpr std::array<std::string_view, 4> kObjectReferenceFields = {"group", "kind", "name", "namespace"};

// `kind_presence`: of group and kind; a reference without them is one to a Secret.
void check_object_reference(const ObjectReader& in, Presence kind_presence);

// infrastructure.parametersRef of a Gateway and parametersRef of a GatewayClass: checked, its presence is the result.
[[nodiscard]] bool check_parameters_ref(const ObjectReader& owner, FieldNames known);

// The index of an earlier item equal to items[index] in the sense of `same`, or `index` if there is none.
template <typename T, typename Same>
[[nodiscard]] std::size_t first_equal(const std::vector<T>& items, std::size_t index, Same same) {
    const auto end = items.begin() + static_cast<std::ptrdiff_t>(index);
    const auto found = std::find_if(items.begin(), end, [&](const T& earlier) { return same(earlier, items[index]); });
    return static_cast<std::size_t>(found - items.begin());
}

}  // namespace slipgate
