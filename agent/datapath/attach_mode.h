// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace slipgate {

// How the entry program comes to TC ingress of an interface.
enum class AttachMode : std::uint8_t {
    kAuto,    // tcx where the kernel has it, clsact elsewhere
    kTcx,     // a tcx link: Linux 6.6 and later
    kClsact,  // a filter of the clsact qdisc: every kernel; other filters and their order stay as they are
};

}  // namespace slipgate
