// SPDX-License-Identifier: Apache-2.0
// What the kernel says of one interface.
#pragma once

#include "agent/datapath/interfaces.h"

namespace slipgate {

// `message` is an RTM_NEWLINK (rtnetlink(7)).
[[nodiscard]] Interface read_interface(const nlmsghdr* message);

}  // namespace slipgate
