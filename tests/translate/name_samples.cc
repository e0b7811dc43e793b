// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/name_samples.h"

#include <fmt/format.h>

#include <array>

namespace slipgate {
namespace {

const std::vector<std::string> kLabels{"a", "b", "cc", "1"};

}  // namespace

std::optional<std::string> look_up(const FlatNames& names, const std::string& sni) {
    if (const auto exact = names.find(sni); exact != names.end()) return exact->second;
    for (auto dot = sni.find('.'); dot != std::string::npos; dot = sni.find('.', dot + 1)) {
        if (const auto wildcard = names.find("*" + sni.substr(dot)); wildcard != names.end()) return wildcard->second;
    }
    return std::nullopt;
}

std::string Generator::hostname() {
    std::string text = below(2) == 0 ? "*." : "";
    for (auto labels = 1 + below(3); labels > 0; --labels) text += kLabels[below(4)] + (labels > 1 ? "." : "");
    return text;
}

std::vector<std::string> Generator::hostnames(std::size_t at_most) {
    std::vector<std::string> names;
    for (auto n = 1 + below(at_most); n > 0; --n) names.push_back(hostname());
    return names;
}

std::optional<Timestamp> Generator::creation_timestamp() {
    constexpr std::array kAges{"", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"};
    return parse_timestamp(kAges.at(below(kAges.size())));
}

std::vector<std::string> Generator::every_sni() {
    std::vector<std::string> names;
    std::vector<std::string> shorter{""};
    for (int depth = 1; depth <= 4; ++depth) {
        std::vector<std::string> longer;
        for (const auto& name : shorter) {
            for (const auto& label : kLabels)
                longer.push_back(name.empty() ? label : fmt::format("{}.{}", label, name));
        }
        names.insert(names.end(), longer.begin(), longer.end());
        shorter = std::move(longer);
    }
    return names;
}

}  // namespace slipgate
