// SPDX-License-Identifier: Apache-2.0
// From a JSON document to a typed object, with the defaults of the CRD schemas filled in and their rules enforced, CEL
// rules included: what the API server would refuse is refused here, in its words.
// The rules: Gateway API v1.7.0, config/crd/standard; Service, EndpointSlice, Namespace, Node and ServiceCIDR of
// Kubernetes 1.37.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "agent/model/objects.h"
#include "agent/model/problem.h"

namespace slipgate {

struct ObjectId {
    std::string api_version;
    std::string kind;
    std::string namespace_;  // empty for cluster-scoped kinds
    std::string name;        // empty: the document does not say (that is a problem of its own)

    [[nodiscard]] std::string to_string() const;  // "TLSRoute default/shop"
    bool operator==(const ObjectId&) const = default;
};

// Group and kind are ones Slipgate reads, in whatever version. parse_object() accepts only such documents; a version it
// does not know is a problem of the object, so that nothing is passed over in silence.
[[nodiscard]] bool reads_kind(std::string_view api_version, std::string_view kind);

// False for a kind that its group does not have, so a typing mistake; only the Gateway API's kinds are all known here.
[[nodiscard]] bool is_known_kind(std::string_view api_version, std::string_view kind);

// The kind Slipgate reads that one of the same group, which it does not know, is likely a misspelling of: at most two
// letters differ. Empty if there is none, or if the group is none it reads kinds of.
[[nodiscard]] std::string_view nearest_kind(std::string_view api_version, std::string_view kind);

struct ParseOutcome {
    ObjectId id;                    // as far as it could be read
    std::optional<Object> object;   // absent: refused, some problem is an error
    std::optional<Object> refused;  // what could be read of one that is; what could not is as if it were absent
    Problems problems;
};

// Whether the object is in an API server. That refuses what breaks a rule, but may have stored it before it knew the
// rule: then the object is used, and its conditions say what is wrong.
enum class Stored { no, yes };

// `document` must be a JSON object whose apiVersion and kind satisfy reads_kind(). A namespaced object without a
// namespace is in "default"; the namespace of a cluster-scoped one is dropped. `status` is read of a Node, and of a
// Gateway its addresses.
[[nodiscard]] ParseOutcome parse_object(const nlohmann::json& document, Stored stored = Stored::no);

}  // namespace slipgate
