// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace slipgate {

// Why bpf(2) may have said EPERM or EACCES to this process: the capabilities (capabilities(7)) that it lacks or, if it
// lacks none, what else stands in its way.
[[nodiscard]] std::string explain_missing_permission();

}  // namespace slipgate
