// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/source_modes.h"

#include <algorithm>

#include "agent/model/reader.h"

namespace slipgate {
namespace {

constexpr const char* kAnnotation = "slipgate.dev/source-mode";

Outcome describe(SourceMode mode) {
    switch (mode) {
        case SourceMode::kSnat:
            return succeeded("Snat", "endpoints see an address of the gateway");
        case SourceMode::kPreserve:
            return succeeded("Preserve",
                             "endpoints see the client's address where their answers come back through this node, "
                             "else an address of the gateway");
        case SourceMode::kPreserveOnly:
            return succeeded("PreserveOnly",
                             "endpoints see the client's address; those whose answers do not come back through this "
                             "node get no connections");
    }
    return {};
}

}  // namespace

SourceModeChoice choose_source_mode(const Gateway& gateway, const TranslateOptions& options) {
    const auto annotation = gateway.meta.annotations.find(kAnnotation);
    if (annotation == gateway.meta.annotations.end()) {
        if (options.source_mode == SourceMode::kSnat) return {};
        return {options.source_mode, describe(options.source_mode)};
    }
    if (const auto mode = parse_source_mode(annotation->second)) return {*mode, describe(*mode)};
    return {
        options.source_mode,
        failed("InvalidValue", std::string("metadata.annotations[") + kAnnotation + "]: " + shown(annotation->second) +
                                   " is not one of snat, preserve and preserve-only; in use is " +
                                   std::string(name_of(options.source_mode)) + ", the agent's setting")};
}

bool answers_through_here(const EndpointSlice::Endpoint& endpoint, const IpAddress& address,
                          const TranslateOptions& options) {
    if (endpoint.node_name && !options.node_name.empty() && *endpoint.node_name == options.node_name) return true;
    return std::any_of(options.preserve_cidrs.begin(), options.preserve_cidrs.end(),
                       [&](const IpPrefix& prefix) { return prefix.contains(address); });
}

}  // namespace slipgate
