// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/hostname.h"

#include <slipgate/sni.h>
#include <array>

namespace slipgate {
namespace {

constexpr std::string_view kWildcard = "*.";

}  // namespace

bool is_wildcard(std::string_view hostname) {
    return hostname.starts_with(kWildcard);
}

bool can_be_sni(std::string_view hostname) {
    if (hostname.empty()) return true;
    if (is_wildcard(hostname)) hostname.remove_prefix(kWildcard.size());
    constexpr std::array<__u64, 2> kAnyKey{};  // only the verdict is of interest, not the hash
    sg_name_hash name;
    sg_name_begin(&name, kAnyKey.data());
    for (auto character = hostname.rbegin(); character != hostname.rend(); ++character) {
        if (sg_name_character(&name, static_cast<__u8>(*character)) != 0) break;
    }
    sg_name_end(&name);
    return name.status == SG_NAME_OK;
}

bool covers(std::string_view wide, std::string_view narrow) {
    if (wide.empty() || wide == narrow) return true;
    if (!is_wildcard(wide) || narrow.empty()) return false;
    const auto suffix = wide.substr(1);  // ".example.com": the dot keeps the match on a label boundary
    if (is_wildcard(narrow)) narrow.remove_prefix(1);
    return narrow.size() > suffix.size() && narrow.ends_with(suffix);
}

std::optional<std::string> intersect(std::string_view a, std::string_view b) {
    if (!can_be_sni(a) || !can_be_sni(b)) return std::nullopt;
    if (covers(a, b)) return std::string(b);
    if (covers(b, a)) return std::string(a);
    return std::nullopt;
}

std::optional<std::string> wider(std::string_view hostname) {
    if (hostname.empty()) return std::nullopt;
    if (is_wildcard(hostname)) hostname.remove_prefix(kWildcard.size());
    const auto dot = hostname.find('.');
    return dot == std::string_view::npos ? std::string()
                                         : std::string(kWildcard) + std::string(hostname.substr(dot + 1));
}

}  // namespace slipgate
