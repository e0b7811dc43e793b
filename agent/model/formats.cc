// SPDX-License-Identifier: Apache-2.0
#include "agent/model/formats.h"

#include <algorithm>

#include "agent/model/timestamp.h"

namespace slipgate {
namespace {

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z');
}
bool is_alnum(char c) {
    return is_alpha(c) || is_digit(c);
}
// What the middle of a label's value, or of the name in its key, may hold.
bool is_label_value_char(char c) {
    return is_alnum(c) || c == '-' || c == '_' || c == '.';
}
constexpr std::string_view kPathPunctuation = "/-._~%!$&'()*+,;=:";
bool is_path_char(char c) {
    return is_alnum(c) || kPathPunctuation.find(c) != kPathPunctuation.npos;
}
bool is_label_end(char c) {
    return is_lower(c) || is_digit(c);
}

template <typename Predicate>
bool all(std::string_view text, Predicate predicate) {
    return std::all_of(text.begin(), text.end(), predicate);
}

}  // namespace

bool is_dns_label(std::string_view text) {
    return !text.empty() && is_label_end(text.front()) && is_label_end(text.back()) &&
           all(text, [](char c) { return is_label_end(c) || c == '-'; });
}

bool is_dns_subdomain(std::string_view text) {
    for (auto dot = text.find('.'); dot != text.npos; dot = text.find('.')) {
        if (!is_dns_label(text.substr(0, dot))) return false;
        text.remove_prefix(dot + 1);
    }
    return is_dns_label(text);
}

bool is_hostname(std::string_view text) {
    return is_dns_subdomain(text.starts_with("*.") ? text.substr(2) : text);
}

bool is_kind(std::string_view text) {
    return !text.empty() && is_alpha(text.front()) && is_alnum(text.back()) &&
           all(text, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_group(std::string_view text) {
    return text.empty() || is_dns_subdomain(text);
}

bool is_domain_path(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == text.npos || slash + 1 == text.size()) return false;
    return is_dns_subdomain(text.substr(0, slash)) && all(text.substr(slash + 1), is_path_char);
}

bool is_protocol(std::string_view text) {
    const auto slash = text.rfind('/');
    if (slash != text.npos) {
        const auto name = text.substr(slash + 1);
        return slash > 0 && is_label_end(text[slash - 1]) && !name.empty() && all(name, is_alnum);
    }
    return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
           all(text, [](char c) { return is_alnum(c) || c == '-'; });
}

bool is_address_type(std::string_view text) {
    if (text.starts_with("Hostname")) return true;
    for (const std::string_view type : {"IPAddress", "NamedAddress"}) {
        if (text.find(type) != text.npos) return true;
    }
    // The shortest domain is one character, and a path may hold slashes: the last slash that leaves a path decides.
    for (auto slash = text.find('/', 1); slash != text.npos; slash = text.find('/', slash + 1)) {
        const auto path = text.substr(slash + 1);
        if (is_label_end(text[slash - 1]) && !path.empty() && all(path, is_path_char)) return true;
    }
    return false;
}

bool is_qualified_name(std::string_view text) {
    constexpr std::size_t kLongestPrefix = 253, kLongestName = 63;
    const auto slash = text.find('/');
    if (slash != text.npos) {
        const auto prefix = text.substr(0, slash);
        if (prefix.size() > kLongestPrefix || !is_dns_subdomain(prefix)) return false;
        text.remove_prefix(slash + 1);
    }
    return !text.empty() && text.size() <= kLongestName && is_label_value(text);
}

bool is_infrastructure_key(std::string_view text) {
    return is_qualified_name(text) && text.substr(0, text.find('/')).size() < 253;
}

bool is_label_value(std::string_view text) {
    return text.empty() || (is_alnum(text.front()) && is_alnum(text.back()) && all(text, is_label_value_char));
}

bool is_port_name(std::string_view text) {
    return text.empty() || is_dns_label(text);
}

bool is_timestamp(std::string_view text) {
    return parse_timestamp(text).has_value();
}

bool is_anything(std::string_view) {
    return true;
}

}  // namespace slipgate
