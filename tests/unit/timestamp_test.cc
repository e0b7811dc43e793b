// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "agent/model/timestamp_text.h"

namespace slipgate {
namespace {

TEST(Timestamp, IsWrittenAsTheApiServerDoes) {
    const auto time = *parse_timestamp("2026-01-31T12:00:09.000042Z");
    EXPECT_EQ(to_time(time), "2026-01-31T12:00:09Z");
    EXPECT_EQ(to_micro_time(time), "2026-01-31T12:00:09.000042Z");
    EXPECT_EQ(to_micro_time(*parse_timestamp("2026-01-31T12:00:09Z")), "2026-01-31T12:00:09.000000Z");
    EXPECT_EQ(to_time(*parse_timestamp("1969-12-31T23:59:59.5Z")), "1969-12-31T23:59:59Z");
}

}  // namespace
}  // namespace slipgate
