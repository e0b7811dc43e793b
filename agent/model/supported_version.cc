// SPDX-License-Identifier: Apache-2.0
#include "agent/model/supported_version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace slipgate {
namespace {

// Patch releases change no schema.
constexpr std::string_view kSupportedSeries = "v1.7.";

}  // namespace

Condition supported_version(const std::map<std::string, std::string>& bundle_versions, std::int64_t generation) {
    std::set<std::string> found;
    for (const auto& [name, version] : bundle_versions) found.insert(version.empty() ? "none" : version);
    const auto is_supported = [](const std::string& version) { return version.starts_with(kSupportedSeries); };
    if (std::all_of(found.begin(), found.end(), is_supported)) {
        return {"SupportedVersion", "True", "SupportedVersion",
                fmt::format("Gateway API {} is supported", kGatewayApiVersion), generation};
    }
    return {
        "SupportedVersion", "False", "UnsupportedVersion",
        fmt::format("the Gateway API CRDs have bundle-version {}; supported is {}; Slipgate goes on as well as it can",
                    fmt::join(found, ", "), kGatewayApiVersion),
        generation};
}

}  // namespace slipgate
