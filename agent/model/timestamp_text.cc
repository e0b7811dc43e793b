// SPDX-License-Identifier: Apache-2.0
#include "agent/model/timestamp_text.h"

#include <fmt/chrono.h>

namespace slipgate {

using std::chrono::floor;
using std::chrono::seconds;

Timestamp now_utc() {
    return floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

std::string to_time(Timestamp time) {
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", floor<seconds>(time));
}

std::string to_micro_time(Timestamp time) {
    const auto whole = floor<seconds>(time);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:06}Z", whole, (time - whole).count());
}

}  // namespace slipgate
