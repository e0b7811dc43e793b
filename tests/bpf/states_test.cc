// SPDX-License-Identifier: Apache-2.0
// Every row of the state tables of docs/dataplane.md: each state, each combination of TCP flags, from either side.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/bpf/connection.h"
#include "tests/bpf/state_table.h"

namespace slipgate::test {
namespace {

constexpr std::uint32_t kWrong = 0x40000000;
constexpr std::uint32_t kFar = 0x40000000 + 20000;  // nor does it look near to a cookie, which keeps 16 bits of it
constexpr std::size_t kPart = 10;
constexpr std::size_t kRepeated = 50;  // bytes of the hello that are sent again when all is established
constexpr int kFailuresShown = 2;
constexpr const char* kDocument = "../../docs/dataplane.md";

// Source mode, state, and whether the links have Ethernet headers: splice.bpf.c or splice_l3.bpf.c comes first.
using Parameter = std::tuple<const char*, const char*, Framing>;

class StatesTest : public SpliceBench, public testing::WithParamInterface<Parameter> {
  protected:
    StatesTest() : SpliceBench(std::get<2>(GetParam())) {}

    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(SpliceBench::SetUp());
        if (!preserve_) return;
        const auto snat = read_state_table(kDocument, "snat");
        rows_.insert(rows_.end(), snat.begin(), snat.end());
        serve({{at(families()[0]->endpoint, kEndpointPort), SourceMode::kPreserve},
               {at(families()[1]->endpoint, kEndpointPort), SourceMode::kPreserve}});
    }

    // A connection that the client gave up while the endpoint was asked.
    void abandon(Connection& c) {
        ASSERT_NO_FATAL_FAILURE(c.syn());
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
        ASSERT_EQ(run_packet(c.packet(Side::kClient, kRst), Side::kClient).action, kDropped);
    }

    // The connection in the situation's state, as seen from the side.
    void reach(Connection& c, const Situation& s, Side from) {
        const auto& state = s.state;
        Counted also;
        if (s.ack == "earlier") {
            Connection earlier(*this, c.family, c.client_port, {.client_isn = c.start.client_isn - kFar});
            ASSERT_NO_FATAL_FAILURE(abandon(earlier));
            earlier_ack_ = earlier.endpoint.acked;
            also["port_recycled"] = 1;
        }
        const Side other = from == Side::kClient ? Side::kEndpoint : Side::kClient;
        const auto send = [&](Side side, int flags) { c.send(side, c.packet(side, static_cast<std::uint8_t>(flags))); };
        if (state == "none" && from == Side::kEndpoint) {
            if (!preserve_) c.our_port = options.port_last;
            c.endpoint.acked = 0xabcd;
            return;
        }
        if (state == "abandoned") return abandon(c);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        if (state == "none") return;
        if (state == "collecting") return c.part_of_hello(40);
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello(also));
        if (state == "connecting") return;
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        ASSERT_NO_FATAL_FAILURE(c.first_exchange());
        if (state == "fin-sent" || state == "closing") {
            ASSERT_NO_FATAL_FAILURE(send(from, kFin | kAck));
            ASSERT_NO_FATAL_FAILURE(send(other, kAck));
        }
        if (state == "fin-received" || state == "closing") {
            ASSERT_NO_FATAL_FAILURE(send(other, kFin | kAck));
            ASSERT_NO_FATAL_FAILURE(send(from, kAck));
        }
        if (state == "reset-sent") send(from, kRst | kAck);
        if (state == "reset-received") send(other, kRst | kAck);
        if (state == "dead") {
            for (const auto side : {Side::kClient, Side::kEndpoint})
                change_flow(c.packet(side, kAck), [](sg_flow& flow) { flow.state = SG_FLOW_DEAD; });
        }
    }

    std::string state_of(const Connection& c, Side from) {
        const auto up = flow(c.packet(Side::kClient, kAck));
        const auto down = flow(c.packet(Side::kEndpoint, kAck));
        if (preserve_ && !up && down && down->state == SG_FLOW_ABANDONED) return "abandoned";
        EXPECT_EQ(up.has_value(), down.has_value()) << "both directions or none";
        if (!up || !down) {
            const auto hello = from == Side::kClient ? opening(c.packet(Side::kClient, kAck)) : std::nullopt;
            return hello && hello->state == SG_OPENING_COLLECTING ? "collecting" : "none";
        }
        EXPECT_EQ(up->state, down->state);
        const auto own = from == Side::kClient ? up->flags : down->flags;
        const auto other = from == Side::kClient ? down->flags : up->flags;
        switch (up->state) {
            case SG_FLOW_CONNECTING:
                return "connecting";
            case SG_FLOW_ESTABLISHED:
                return own & SG_FLOW_FIN ? "fin-sent" : other & SG_FLOW_FIN ? "fin-received" : "established";
            case SG_FLOW_CLOSING:
                return own & SG_FLOW_RST ? "reset-sent" : other & SG_FLOW_RST ? "reset-received" : "closing";
            default:
                return "dead";
        }
    }

    Packet packet_for(const Connection& c, const Situation& s, Side from) {
        Packet p = c.packet(from, s.flags);
        const Numbers& own = from == Side::kClient ? c.client : c.endpoint;
        if (s.seq == "isn") p.seq = own.isn;
        if (s.seq == "first") p.seq = own.isn + 1;
        if (s.seq == "far") p.seq = own.next + kFar;
        if (from == Side::kEndpoint && s.flags & kSyn && s.state != "none") p.ack = c.our_isn + 1;
        if (s.ack == "wrong") p.ack += kWrong;
        if (s.ack == "earlier") p.ack = earlier_ack_;
        const std::size_t place = p.seq - own.isn - 1;
        Bytes data(100, 0x17);
        if (from == Side::kClient && place < c.hello.size())
            data.assign(c.hello.begin() + static_cast<std::ptrdiff_t>(place), c.hello.end());
        if (place < c.hello.size() && s.state != "collecting" && s.state != "connecting" && s.state != "none")
            data.resize(kRepeated);
        if (s.data == "none") data.clear();
        if (s.data == "part") data.resize(kPart);
        p.payload = data;
        return p;
    }

    // What leaves instead of the packet. `sent` gives what nobody can foresee: our clock, our ISN and port.
    Packet expected(Connection& c, const Situation& s, const std::string& action, const Packet& p, Side from,
                    const Packet& sent) {
        if (action == "forward") return c.translated(from, p);
        if (action == "SYN-ACK to client") {
            Packet answer = c.expected_syn_ack(p, sent);
            if (s.state != "none" && s.seq == "isn") answer.seq = c.cookie;  // the SYN was sent twice
            return answer;
        }
        if (action == "SYN to endpoint" || action == "RST and SYN to endpoint") {
            Packet syn = c.expected_endpoint_syn(sent);
            if (s.state == "connecting") {
                syn.seq = c.our_isn;
                syn.source_port = c.our_port;
            }
            c.our_port = syn.source_port;
            return syn;
        }
        if (action == "ACK and hello to endpoint") {
            c.endpoint.isn = p.seq;
            return c.expected_hand_over();
        }
        Packet answer = c.answer_to(action == "RST back" ? from : Side::kClient);
        if (action == "ACK to client") {
            answer.flags = kAck;
            answer.window = 0xffff;
            answer.seq = p.ack;
            answer.ack = c.client.isn + 1;
            const auto clock = find_timestamps(p);
            answer.options = timestamps({clock->echo, clock->value});
            return answer;
        }
        answer.window = 0;
        answer.flags = kRst;
        answer.seq = action == "refuse" ? c.cookie + 1 : p.ack;
        if (action == "RST back" && !(p.flags & kAck)) {  // RFC 9293 3.5.2
            answer.flags = kRst | kAck;
            answer.seq = 0;
            answer.ack = p.end();
        }
        return answer;
    }

    void judge(Connection& c, const Situation& s, const Row& row, const Packet& p, Side from) {
        const auto outcome = run_packet(p, from);
        Counted counters = row.counters;
        if (row.action == "forward" && p.flags & kSyn) counters["option_walk"] = 1;  // the packet's, not the state's
        EXPECT_EQ(outcome.counted, counters);
        if (row.action == "drop") {
            EXPECT_EQ(outcome.action, kDropped);
        } else if (row.action == "left to the stack") {
            EXPECT_EQ(outcome.action, kPassed);
            EXPECT_TRUE(same_frame(outcome.frame, p.frame()));
        } else {
            ASSERT_EQ(outcome.action, kRedirected);
            const auto sent = parse(outcome.frame);
            ASSERT_TRUE(sent) << describe(outcome.frame);
            EXPECT_TRUE(same_frame(outcome.frame, expected(c, s, row.action, p, from, *sent).frame()));
        }
        EXPECT_EQ(state_of(c, from), row.next == "same" ? s.state : row.next);
    }

    void clean_up(const Connection& c) {
        Packet reset = c.packet(Side::kClient, kRst);
        reset.seq = c.client.isn + 1;
        run_packet(reset, Side::kClient);  // gives the place of an opening back
        forget_flow(c.packet(Side::kClient, kAck));
        forget_flow(c.packet(Side::kEndpoint, kAck));
    }

    void try_situation(const Situation& s, const Family& family) {
        const Side from = s.from == "client" ? Side::kClient : Side::kEndpoint;
        const auto row = std::find_if(rows_.begin(), rows_.end(), [&](const Row& r) { return r.fits(s); });
        ASSERT_NE(row, rows_.end()) << "no row";
        row->used++;
        SCOPED_TRACE(testing::Message() << kDocument << ":" << row->line << ": " << row->action);
        for (;;) {
            Connection c(*this, family, port_++);
            if (port_ < 1024) port_ = 1024;
            ASSERT_NO_FATAL_FAILURE(reach(c, s, from));
            const Packet p = packet_for(c, s, from);
            const bool by_chance = from == Side::kClient && (s.seq == "far" || s.ack == "wrong") && fits_a_cookie(p);
            if (!by_chance) judge(c, s, *row, p, from);
            clean_up(c);
            if (!by_chance) return;
        }
    }

    void try_all(const Situation& s) {
        for (const auto* family : families(preserve_ ? SourceMode::kPreserve : SourceMode::kSnat)) {
            SCOPED_TRACE(testing::Message() << family->name << ", " << to_string(s));
            if (failures_ > kFailuresShown) return;
            const int before = testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
            try_situation(s, *family);
            const int after = testing::UnitTest::GetInstance()->current_test_info()->result()->total_part_count();
            if (after > before) ++failures_;
        }
    }

    const std::string mode_ = std::get<0>(GetParam());
    const bool preserve_ = mode_ == "preserve";
    std::vector<Row> rows_ = read_state_table(kDocument, mode_);  // behind them those of snat, which hold for the rest
    const std::size_t own_rows_ = rows_.size();
    std::uint32_t earlier_ack_ = 0;  // acknowledges exactly the last of an earlier connection from the same port
    std::uint16_t port_ = 1024;
    int failures_ = 0;
};

TEST_P(StatesTest, EveryFlagCombination) {
    const std::string state = std::get<1>(GetParam());
    constexpr std::uint8_t kSignificant[] = {kFin, kSyn, kRst, kAck};
    for (const char* from : {"client", "endpoint"}) {
        const bool is_client = from == std::string("client");
        if (state == "collecting" && !is_client) continue;  // no endpoint yet
        if (state == "abandoned" && is_client) continue;    // it may begin anew
        std::vector<std::string> acks{"good", "wrong"};
        if (preserve_ && state == "connecting" && !is_client) acks.emplace_back("earlier");
        for (int flags = 0; flags < 256; ++flags)
            try_all({state, from, static_cast<std::uint8_t>(flags), "next", "good", "none"});
        for (int bits = 0; bits < 16; ++bits) {
            std::uint8_t flags = 0;
            for (int i = 0; i < 4; ++i) {
                if (bits >> i & 1) flags |= kSignificant[i];
            }
            for (const char* seq : {"isn", "first", "next", "far"}) {
                for (const auto& ack : acks) {
                    for (const char* data : {"none", "part", "whole"}) try_all({state, from, flags, seq, ack, data});
                }
            }
        }
    }
    for (std::size_t i = 0; i < own_rows_; ++i) {
        const auto& row = rows_[i];
        const bool ours = std::find(row.states.begin(), row.states.end(), state) != row.states.end();
        EXPECT_TRUE(row.used > 0 || !ours) << kDocument << ":" << row.line << " never decides";
    }
}

constexpr const char* kStates[] = {"none",         "collecting", "connecting", "established",    "fin-sent",
                                   "fin-received", "closing",    "reset-sent", "reset-received", "dead"};

std::string name_of_state(const testing::TestParamInfo<Parameter>& parameter) {
    std::string name = std::get<1>(parameter.param);
    name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
    return name;
}

constexpr auto kWithEthernet = Framing::kEthernet, kWithoutEthernet = Framing::kNone;

INSTANTIATE_TEST_SUITE_P(Snat, StatesTest,
                         testing::Combine(testing::Values("snat"), testing::ValuesIn(kStates),
                                          testing::Values(kWithEthernet)),
                         name_of_state);
INSTANTIATE_TEST_SUITE_P(Preserve, StatesTest,
                         testing::Combine(testing::Values("preserve"), testing::ValuesIn(kStates),
                                          testing::Values(kWithEthernet)),
                         name_of_state);
INSTANTIATE_TEST_SUITE_P(Abandoned, StatesTest,
                         testing::Combine(testing::Values("preserve"), testing::Values("abandoned"),
                                          testing::Values(kWithEthernet)),
                         name_of_state);
INSTANTIATE_TEST_SUITE_P(SnatWithoutEthernet, StatesTest,
                         testing::Combine(testing::Values("snat"), testing::ValuesIn(kStates),
                                          testing::Values(kWithoutEthernet)),
                         name_of_state);
INSTANTIATE_TEST_SUITE_P(PreserveWithoutEthernet, StatesTest,
                         testing::Combine(testing::Values("preserve"), testing::ValuesIn(kStates),
                                          testing::Values(kWithoutEthernet)),
                         name_of_state);

}  // namespace
}  // namespace slipgate::test
