// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/invariants.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace slipgate::test {
namespace {

using Names = std::vector<std::string>;

const Names& refusals() {
    static const Names kNames = {
#define X(name, help) #name,
        SG_REFUSALS(X)
#undef X
    };
    return kNames;
}

const Names& drops() {
    static const Names kNames = {
#define X(name, help) #name,
        SG_DROPS(X)
#undef X
    };
    return kNames;
}

// Counted once for each packet that is sent instead of the one received. (A refusal is counted by its reason.)
const Names kAnswers = {"syn_ack", "keepalive_answered", "rst_sent",       "endpoint_syn", "established",
                        "too_big", "syn_ack_repeated",   "icmp_translated"};

std::uint64_t sum(const Counted& counted, const Names& names) {
    return std::accumulate(names.begin(), names.end(), std::uint64_t{0}, [&](std::uint64_t so_far, const auto& name) {
        const auto found = counted.find(name);
        return so_far + (found == counted.end() ? 0 : found->second);
    });
}

// To the client's own port, which an endpoint of source mode preserve may use for a connection without us.
bool is_foreign(const Outcome& outcome) {
    return outcome.counted.count("preserve_foreign") != 0;
}

Tuple reversed(const Tuple& t) {
    return {t.destination, t.source, t.destination_port, t.source_port};
}

// To the client's own address and port: the entry of a connection in source mode preserve.
bool keeps_destination(const Tuple& key, const FlowEntry& entry) {
    return key.destination == entry.out.destination && key.destination_port == entry.out.destination_port;
}

// The checksum of an IPv4 header is the stack's to judge.
Bytes with_header_checksum(Bytes frame) {
    const std::size_t length = std::size_t{frame[kEthernet]} % 16 * 4;
    if (frame[12] != 0x08 || frame.size() < kEthernet + length) return frame;
    const auto start = frame.begin() + kEthernet;
    start[10] = start[11] = 0;
    const auto sum = internet_checksum(Bytes(start, start + static_cast<std::ptrdiff_t>(length)));
    start[10] = static_cast<std::uint8_t>(sum >> 8);
    start[11] = static_cast<std::uint8_t>(sum);
    return frame;
}

// The sequence number, as the endpoint sees it, after the last that went to it.
std::uint32_t next_to_endpoint(const FlowEntry& up) {
    return up.flow.seq_end + up.flow.seq_delta;
}

}  // namespace

// Passed: nothing is counted. Dropped: one drop. Sent: no drop, and at most one thing that was sent instead.
Fate Invariants::account(const Outcome& outcome) {
    const auto& counted = outcome.counted;
    const auto told = counted.count("too_big") ? 1U : 0U;  // dropped, but its sender is told
    const auto dropped = sum(counted, drops()) - told, refused = sum(counted, refusals());
    EXPECT_EQ(counted.count("internal") + counted.count("rebuild_failed"), 0U);
    if (outcome.action == kPassed) {
        EXPECT_EQ(counted, is_foreign(outcome) ? (Counted{{"preserve_foreign", 1}}) : Counted{});
        return Fate::kToStack;
    }
    if (outcome.action == kDropped) {
        EXPECT_EQ(dropped, 1U) << testing::PrintToString(counted);
        return Fate::kDiscarded;
    }
    EXPECT_EQ(outcome.action, kRedirected);
    EXPECT_EQ(dropped, 0U) << testing::PrintToString(counted);
    const auto answers = sum(counted, kAnswers) + refused;
    EXPECT_LE(answers, 1U) << testing::PrintToString(counted);
    return answers ? Fate::kAnswered : Fate::kForwarded;
}

// The stack must not see a TCP packet of ours.
void Invariants::check_passed(const Bytes& frame, const Outcome& outcome, const FlowTable& after) {
    EXPECT_TRUE(same_frame(outcome.frame, frame));
    if (is_foreign(outcome)) return check_foreign(parse(with_header_checksum(frame)), after);
    const auto packet = parse(frame);
    if (!packet) return;
    EXPECT_EQ(flows_.count(tuple_of(*packet)), 0U);
    for (const auto* family : kFamilies) {
        const bool vip = packet->destination == family->vip && packet->destination_port == kVipPort;
        const bool ours = packet->destination == family->ours && packet->destination_port >= bench_.first_source_port();
        EXPECT_FALSE(vip || ours);
    }
}

// What the endpoint of a flow sends to the client's own port, and no answer to what we sent it.
void Invariants::check_foreign(const std::optional<Packet>& packet, const FlowTable& after) {
    ASSERT_TRUE(packet) << "a wrong checksum decides nothing";
    const auto found = flows_.find(tuple_of(*packet));
    ASSERT_NE(found, flows_.end()) << "of no flow: that is not counted";
    const auto& [key, entry] = *found;
    EXPECT_TRUE(entry.flow.flags & SG_FLOW_TO_CLIENT && keeps_destination(key, entry));
    const auto state = entry.flow.state;
    if (state == SG_FLOW_CLOSING) {  // gives way: the client uses its port anew
        EXPECT_TRUE(packet->flags & kSyn);
        EXPECT_EQ(after.count(key), 0U);
        return;
    }
    ASSERT_TRUE(state == SG_FLOW_CONNECTING || state == SG_FLOW_ABANDONED) << state;
    EXPECT_TRUE(after.count(key) && after.at(key).flow.state == state) << "it changes nothing";
    const auto expected =
        state == SG_FLOW_ABANDONED ? entry.flow.ack : next_to_endpoint(flows_.at(reversed(entry.out)));
    EXPECT_FALSE(packet->flags & kAck && packet->ack == expected) << "it acknowledges what we sent";
}

// Whatever leaves goes to the peer of a flow, or back to the sender.
void Invariants::check_sent(const Bytes& frame, const Outcome& outcome, const FlowTable& after) {
    const auto sent = parse(outcome.frame, Checksums::kIgnored);
    if (!sent) {  // an ICMP error
        const auto packet = parse_ip(outcome.frame);
        ASSERT_TRUE(packet);
        EXPECT_TRUE(packet->next_header == 1 || packet->next_header == 58);
        const auto from = parse_ip(frame);
        const bool to_sender = from && packet->destination == from->source && packet->source == from->destination;
        const bool to_peer = std::any_of(flows_.begin(), flows_.end(), [&](const auto& flow) {
            const Tuple& out = flow.second.out;
            return packet->destination == out.destination && packet->source == out.source;
        });
        EXPECT_TRUE(to_peer || to_sender) << packet->source << " to " << packet->destination;
        return;
    }
    const auto received = parse(frame, Checksums::kIgnored);  // none: an ICMP error about the SYN to an endpoint
    EXPECT_TRUE((received && !parse(frame)) || parse(outcome.frame)) << "a right checksum became a wrong one";
    const auto tuple = tuple_of(*sent);
    const bool to_peer = after.count(reversed(tuple)) || flows_.count(reversed(tuple));
    const bool to_sender = received && tuple == reversed(tuple_of(*received));
    const bool refusal = sent->flags == kRst && sent->source_port == kVipPort;  // of an opening whose endpoint refused
    EXPECT_TRUE(to_peer || to_sender || refusal);
    if (!received) {
        EXPECT_TRUE(sent->flags == kSyn || refusal) << "asks another endpoint, or has none left";
    }
    const auto& to = sent->destination_mac;
    EXPECT_TRUE(to == kClientMac || to == kEndpointMac || (received && to == received->source_mac));
}

// An entry that was not there before takes a cookie. Only where an endpoint is replaced while it is asked, it may be
// the endpoint's word that makes one.
void Invariants::check_new(const Bytes& frame, const FlowTable& after) {
    const auto packet = parse(frame);
    for (const auto& [key, entry] : after) {
        if (flows_.count(key)) continue;
        const Tuple client = entry.flow.flags & SG_FLOW_TO_CLIENT ? reversed(entry.out) : key;
        const auto before = flows_.find(client);
        const bool connecting = before != flows_.end() && before->second.flow.state == SG_FLOW_CONNECTING;
        if (connecting && !(packet && tuple_of(*packet) == client)) continue;
        ASSERT_TRUE(packet) << "an entry made by a packet with a wrong checksum";
        EXPECT_TRUE(bench_.fits_a_cookie(*packet)) << "an entry without a cookie";
    }
}

// Both directions or none, each knowing the other.
void Invariants::check_flows(const FlowTable& after) {
    for (const auto& [key, entry] : after) {
        if (entry.flow.state == SG_FLOW_ABANDONED) {  // stays alone for a while
            EXPECT_TRUE(entry.flow.flags & SG_FLOW_TO_CLIENT && keeps_destination(key, entry));
            continue;
        }
        const auto other = after.find(reversed(entry.out));
        ASSERT_NE(other, after.end()) << "a direction without the other";
        EXPECT_EQ(reversed(other->second.out), key);
        EXPECT_EQ(entry.flow.state, other->second.flow.state);
        EXPECT_NE(entry.flow.flags & SG_FLOW_TO_CLIENT, other->second.flow.flags & SG_FLOW_TO_CLIENT);
        EXPECT_TRUE(entry.flow.state >= SG_FLOW_CONNECTING && entry.flow.state <= SG_FLOW_CLOSING);
    }
}

Fate Invariants::check(const Bytes& frame, const Outcome& outcome) {
    const Fate fate = account(outcome);
    auto after = bench_.flows();
    if (fate == Fate::kToStack) check_passed(frame, outcome, after);
    if (fate == Fate::kForwarded || fate == Fate::kAnswered) check_sent(frame, outcome, after);
    check_flows(after);
    check_new(frame, after);
    flows_ = std::move(after);
    return fate;
}

}  // namespace slipgate::test
