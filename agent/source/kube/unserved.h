// SPDX-License-Identifier: Apache-2.0
// Statuses of objects that are not served, and not looked into: they are refused, or what they belong to is. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "agent/model/status.h"

namespace slipgate::kube {

// Status and reasons of Accepted and Programmed. The conditions of listeners are Unknown, but that a listener is not
// programmed is known if its object is not.
struct Verdict {
    std::string status = "False";
    std::string accepted;    // reason
    std::string programmed;  // reason
};

inline const Verdict kInvalid{.accepted = "Invalid", .programmed = "Invalid"};
inline const Verdict kPending{.status = "Unknown", .accepted = "Pending", .programmed = "Pending"};
inline const Verdict kNotAllowed{.accepted = "NotAllowed", .programmed = "NotAllowed"};
inline const Verdict kParentNotAccepted{.accepted = "ParentNotAccepted", .programmed = "ParentNotProgrammed"};

// A Gateway keeps its addresses, to be served on the same ones when it is taken again.
[[nodiscard]] GatewayStatus unserved(const Gateway& gateway, const Verdict& verdict, const std::string& why);
[[nodiscard]] ListenerSetStatus unserved(const ListenerSet& set, const Verdict& verdict, const std::string& why);

// What a route says of a parent under which it is not accepted, so that its references were not looked at.
[[nodiscard]] RouteParentStatus refused_entry(const ParentReference& parent, std::string reason, std::string why,
                                              std::int64_t generation);

}  // namespace slipgate::kube
