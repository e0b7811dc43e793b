// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agent/app/config.h"
#include "agent/source/source.h"

namespace slipgate {

// The source of objects that the configuration names. Fails if its folder or its credentials cannot be read; does not
// wait for an API server.
[[nodiscard]] Result<std::unique_ptr<Source>> open_source(const Config& config);

}  // namespace slipgate
