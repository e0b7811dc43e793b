// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/app/config.h"

namespace slipgate {

// What Kubernetes calls this node, as far as can be told from here: $NODE_NAME, which a DaemonSet sets from
// spec.nodeName; else the host name in lower case, as kubelet takes it.
[[nodiscard]] std::string this_node_name();

// That of the configuration, else this_node_name().
[[nodiscard]] inline std::string node_name(const Config& config) {
    return config.node_name.empty() ? this_node_name() : config.node_name;
}

}  // namespace slipgate
