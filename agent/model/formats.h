// SPDX-License-Identifier: Apache-2.0
// The string formats of the Gateway API schemas. Written out because std::regex recurses once per character of the
// input, which a long string from outside must not be able to exploit.
#pragma once

#include <cstddef>
#include <string_view>

namespace slipgate {

// [a-z0-9]([-a-z0-9]*[a-z0-9])? : a label of RFC 1123, any length.
[[nodiscard]] bool is_dns_label(std::string_view text);
// Labels joined by dots.
[[nodiscard]] bool is_dns_subdomain(std::string_view text);
// A subdomain, or "*." and a subdomain.
[[nodiscard]] bool is_hostname(std::string_view text);
// [a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?
[[nodiscard]] bool is_kind(std::string_view text);
// A subdomain or nothing (the core group).
[[nodiscard]] bool is_group(std::string_view text);
// "example.com/name": a subdomain, a slash, and at least one character a URL path may have.
[[nodiscard]] bool is_domain_path(std::string_view text);
// "TLS", or what ends like "example.com/name" with a purely alphanumeric name: the schema's pattern is not anchored.
[[nodiscard]] bool is_protocol(std::string_view text);
// IPAddress, Hostname, NamedAddress or a domain-prefixed type; with the same lack of anchors.
[[nodiscard]] bool is_address_type(std::string_view text);
// "example.com/name" or "name": what Kubernetes calls a qualified name, the key of a label.
[[nodiscard]] bool is_qualified_name(std::string_view text);
// A qualified name whose domain has less than 253 characters: one less than for a label.
[[nodiscard]] bool is_infrastructure_key(std::string_view text);
// Nothing, or letters, digits, '-', '_' and '.' between two letters or digits.
[[nodiscard]] bool is_label_value(std::string_view text);
// A DNS label or nothing.
[[nodiscard]] bool is_port_name(std::string_view text);
// What parse_timestamp() takes.
[[nodiscard]] bool is_timestamp(std::string_view text);
[[nodiscard]] bool is_anything(std::string_view text);

// What a string field may hold. Lengths are in characters (code points).
struct Format {
    std::size_t min_length = 0;
    std::size_t max_length = 0;
    bool (*matches)(std::string_view) = is_anything;
    const char* must = "";  // completes "... must "
};

inline constexpr Format kAnyText{0, static_cast<std::size_t>(-1), is_anything, ""};
inline constexpr Format kObjectName{1, 253, is_anything, ""};  // the schemas leave the name of a reference open
inline constexpr Format kDnsLabel{1, 63, is_dns_label, "be a DNS label: lower-case letters, digits and '-' (RFC 1123)"};
inline constexpr Format kDnsSubdomain{1, 253, is_dns_subdomain,
                                      "be a DNS name: lower-case letters, digits, '-' and '.' (RFC 1123)"};
inline constexpr Format kHostname{
    1, 253, is_hostname,
    "be a lower-case DNS name (RFC 1123) without a trailing dot; \"*\" only as the whole first label"};
inline constexpr Format kGroup{0, 253, is_group, "be empty (the core group) or a DNS name"};
inline constexpr Format kKind{1, 63, is_kind, "start with a letter and hold only letters, digits and '-'"};
inline constexpr Format kControllerName{1, 253, is_domain_path, "be a domain and a path, like example.com/controller"};
inline constexpr Format kProtocol{1, 255, is_protocol, "be a protocol like TLS, or a domain and a name"};
inline constexpr Format kAddressType{1, 253, is_address_type, "be IPAddress, Hostname, or a domain and a type"};
inline constexpr Format kQualifiedName{
    1, 317, is_qualified_name, "be up to 63 letters, digits, '-', '_' or '.', after an optional DNS name and '/'"};
inline constexpr Format kInfrastructureKey{1, 316, is_infrastructure_key, kQualifiedName.must};
inline constexpr Format kLabelValue{0, 63, is_label_value,
                                    "hold only letters, digits, '-', '_' and '.', and begin and end with one of the "
                                    "first two"};
inline constexpr Format kPortName{0, 63, is_port_name, "be empty or a DNS label"};
inline constexpr Format kOptionValue{0, 4096, is_anything, ""};  // of an annotation or a TLS option
inline constexpr Format kTimestamp{1, 64, is_timestamp, "be a time like 2026-01-31T12:00:00Z (RFC 3339)"};

}  // namespace slipgate
