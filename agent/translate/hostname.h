// SPDX-License-Identifier: Apache-2.0
// Hostnames of the Gateway API: "a.example.com", or "*.example.com" for one or more labels in front of ".example.com".
// The empty string stands for a listener without hostname, which matches every name. Lower case is assumed: the CRDs
// enforce it, and the data plane lowers the SNI.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipgate {

[[nodiscard]] bool is_wildcard(std::string_view hostname);

// Can a ClientHello carry a name that this hostname matches? Not so for IP addresses (RFC 6066 section 3; the CRD of
// Gateway lets them pass) and for labels over 63 characters. Judged by sni.h, so that the data plane agrees.
[[nodiscard]] bool can_be_sni(std::string_view hostname);

// Does every name that `narrow` matches match `wide` too? With a name for `narrow`: does `wide` match it?
// A wildcard covers any number of labels, at least one: "*.example.com" covers "a.b.example.com", not "example.com".
[[nodiscard]] bool covers(std::string_view wide, std::string_view narrow);

// The hostname that matches exactly the names both match; none if there are no such names.
[[nodiscard]] std::optional<std::string> intersect(std::string_view a, std::string_view b);

// The next wider hostname: "a.b.c" -> "*.b.c" -> "*.c" -> "" -> none. Walking it visits every hostname that covers
// the first one, most specific first.
[[nodiscard]] std::optional<std::string> wider(std::string_view hostname);

}  // namespace slipgate
