// SPDX-License-Identifier: Apache-2.0
// Rule 11: what the settings promise to a client, and what becomes of its connection then.
#include <gtest/gtest.h>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

struct Setting {
    const char* name;
    bool timestamps, sack;
    int window_scale;
};

class SettingsTest : public SpliceBench, public testing::WithParamInterface<Setting> {
  protected:
    void SetUp() override {
        options.timestamps = GetParam().timestamps;
        options.sack = GetParam().sack;
        options.window_scale = static_cast<std::uint8_t>(GetParam().window_scale);
        SpliceBench::SetUp();
    }

    // The same answer with another window scale: its value is the last byte of the options.
    static Packet with_scale(Packet p, int scale) {
        p.options.back() = static_cast<std::uint8_t>(scale);
        return p;
    }

    // A SYN that offers everything; the SYN-ACK and all that follows are as if it had offered what the settings allow.
    void syn(Connection& c, const Connection& offers) {
        const auto outcome = run_packet(offers.packet(Side::kClient, kSyn), Side::kClient);
        ASSERT_EQ(outcome.action, kRedirected);
        const auto answer = parse(outcome.frame);
        ASSERT_TRUE(answer) << describe(outcome.frame);
        const Packet expected = c.expected_syn_ack(c.packet(Side::kClient, kSyn), *answer);
        ASSERT_TRUE(same_frame(outcome.frame, with_scale(expected, GetParam().window_scale).frame()));
        c.cookie = answer->seq;
        c.client.next++;
        c.client.acked = c.cookie + 1;
        if (c.start.timestamps) c.client.echo = c.our_clock_to_client = find_timestamps(*answer).value().value;
        c.client.clock++;
    }

    // The window field as the client must get it: what it says, by our scale instead of the endpoint's.
    static std::uint16_t rescaled(std::uint32_t field, int from, int to) {
        const std::uint32_t window = (field << from) >> to;
        return static_cast<std::uint16_t>(std::min(window || !field ? window : 1, 65535U));
    }
};

TEST_P(SettingsTest, PromisedIsWhatIsSetAndTranslatedAccordingly) {
    const auto& setting = GetParam();
    std::uint16_t port = 20000;
    for (const auto* family : kFamilies) {
        for (const int endpoint_scale : {0, 3, 7, 14}) {
            SCOPED_TRACE(testing::Message() << family->name << ", endpoint's scale " << endpoint_scale);
            const Connection offers(*this, *family, port);
            Connection c(*this, *family, port++,
                         {.timestamps = setting.timestamps, .sack = setting.sack, .endpoint_scale = endpoint_scale});
            ASSERT_NO_FATAL_FAILURE(syn(c, offers));
            ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
            ASSERT_NO_FATAL_FAILURE(c.syn_ack());
            c.endpoint.acked += static_cast<std::uint32_t>(c.hello.size());
            for (const auto window : std::vector<std::uint16_t>{0, 1, 7, 511, 512, 40000, 65535}) {
                Packet p = c.packet(Side::kEndpoint, kAck | kPsh, Bytes(100, 0x16));
                p.window = window;
                const auto outcome = run_packet(p, Side::kEndpoint);
                ASSERT_EQ(outcome.action, kRedirected);
                EXPECT_EQ(outcome.counted, Counted{});
                Packet expected = c.translated(Side::kEndpoint, p);
                expected.window = rescaled(window, endpoint_scale, setting.window_scale);
                ASSERT_TRUE(same_frame(outcome.frame, expected.frame()));
            }
            ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kAck | kPsh, Bytes(100, 0x17))));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Rule11, SettingsTest,
                         testing::Values(Setting{"NoTimestamps", false, true, 10}, Setting{"NoSack", true, false, 10},
                                         Setting{"Neither", false, false, 10}, Setting{"Scale0", true, true, 0},
                                         Setting{"Scale3", true, true, 3}, Setting{"Scale14", false, true, 14}),
                         [](const auto& setting) { return std::string(setting.param.name); });

}  // namespace
}  // namespace slipgate::test
