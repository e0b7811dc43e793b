// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace slipgate {

// What Kubernetes calls this node, as far as can be told from here: $NODE_NAME, which a DaemonSet sets from
// spec.nodeName; else the host name in lower case, as kubelet takes it.
[[nodiscard]] std::string this_node_name();

}  // namespace slipgate
