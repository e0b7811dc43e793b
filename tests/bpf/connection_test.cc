// SPDX-License-Identifier: Apache-2.0
// Connections from SYN to close, packet by packet, compared byte for byte on both legs.
#include <gmock/gmock.h>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

class ConnectionTest : public SpliceBench {};

TEST_F(ConnectionTest, WholeConnectionByteForByte) {
    std::uint16_t port = 20000;
    for (const auto* family : kFamilies) {
        for (const bool timestamps : {true, false}) {
            SCOPED_TRACE(testing::Message() << family->name << " timestamps " << timestamps);
            Connection c(*this, *family, port++, {.timestamps = timestamps});
            ASSERT_NO_FATAL_FAILURE(c.establish());
            ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kAck | kPsh, Bytes(333, 1))));
            ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kAck, Bytes(1400, 2))));
            ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kFin | kAck)));
            ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kFin | kAck)));
            const auto up = flow(c.packet(Side::kClient, kAck));
            const auto down = flow(c.packet(Side::kEndpoint, kAck));
            ASSERT_TRUE(up && down);
            EXPECT_EQ(up->state, SG_FLOW_CLOSING);
            EXPECT_EQ(down->state, SG_FLOW_CLOSING);
            EXPECT_EQ(up->bytes, c.hello.size() + 333);
            EXPECT_EQ(down->bytes, 100U + 1400U);
        }
    }
}

}  // namespace
}  // namespace slipgate::test
