// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/connection.h"

#include <algorithm>

#include <slipgate/cookie.h>

namespace slipgate::test {
namespace {

constexpr std::uint16_t kClientWindow = 20000, kEndpointWindow = 40000;

// Options of a SYN or SYN-ACK as the gateway writes them (RFC 9293 3.2, RFC 7323, RFC 2018), in Linux's order.
Bytes handshake_options(std::uint16_t mss, bool sack, std::optional<Timestamps> clock, int scale) {
    const Bytes permitted = sack ? Bytes{4, 2} : Bytes{1, 1};
    const Bytes window_scale = scale < 0 ? Bytes{} : Bytes{1, 3, 3, static_cast<std::uint8_t>(scale)};
    const Bytes times = clock ? Bytes{8, 10} + u32(clock->value) + u32(clock->echo) : Bytes{1, 1};
    return Bytes{2, 4} + u16(mss) + permitted + times + window_scale;
}

void add32(Bytes& bytes, std::size_t at, std::uint32_t delta) {
    const auto sum = u32(get32(bytes, at) + delta);
    std::copy(sum.begin(), sum.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

// TSval, TSecr unless it is zero, and SACK edges, wherever they stand.
Bytes shifted_options(Bytes o, std::uint32_t value, std::uint32_t echo, std::uint32_t edge) {
    for (std::size_t at = 0; at < o.size() && o[at] != 0;) {
        if (o[at] == 1) {
            ++at;
            continue;
        }
        if (at + 1 >= o.size() || o[at + 1] < 2 || at + o[at + 1] > o.size()) break;
        if (o[at] == 8 && o[at + 1] == 10) {
            add32(o, at + 2, value);
            if (get32(o, at + 6)) add32(o, at + 6, echo);
        } else if (o[at] == 5) {
            for (std::size_t i = at + 2; i + 4 <= at + o[at + 1]; i += 4) add32(o, i, edge);
        }
        at += o[at + 1];
    }
    return o;
}

std::uint16_t scaled(std::uint32_t window, int shift) {
    if (shift >= 0) return static_cast<std::uint16_t>(std::min(window << shift, 65535U));
    return static_cast<std::uint16_t>(window ? std::max(window >> -shift, 1U) : 0);
}

}  // namespace

Connection::Connection(SpliceBench& bench_, const Family& family_, std::uint16_t client_port_, const Start& start_)
    : bench(bench_), family(family_), start(start_), client_port(client_port_) {
    HelloParts parts;
    parts.extensions = {{server_name(kServerName)}};
    hello = parts.record();
    if (preserved()) our_port = client_port;
    client = {.isn = start.client_isn, .next = start.client_isn, .clock = start.client_clock};
    endpoint = {.isn = start.endpoint_isn, .next = start.endpoint_isn, .clock = start.endpoint_clock};
}

Bytes Connection::syn_options() const {
    std::optional<Timestamps> clock;
    if (start.timestamps) clock = {client.clock, 0};
    return handshake_options(1460, start.sack, clock, start.client_scale);
}

Bytes Connection::endpoint_syn_options() const {
    std::optional<Timestamps> clock;
    if (start.timestamps) clock = {endpoint.clock, endpoint.echo};
    return handshake_options(1460, start.sack, clock, start.client_scale < 0 ? -1 : start.endpoint_scale);
}

Packet Connection::packet(Side side, std::uint8_t flags, const Bytes& payload) const {
    const bool from_client = side == Side::kClient;
    const Numbers& own = from_client ? client : endpoint;
    Packet p;
    p.destination_mac = bench.gateway_mac(side);
    p.source_mac = bench.peer_mac(side);
    p.source = from_client ? family.client : family.endpoint;
    p.destination = from_client ? family.vip : family.ours;
    p.source_port = from_client ? client_port : kEndpointPort;
    p.destination_port = from_client ? kVipPort : our_port;
    p.seq = own.next;
    p.ack = own.acked;
    p.flags = flags;
    p.window = from_client ? kClientWindow : kEndpointWindow;
    p.id = family.vip == kIpv4.vip ? 4711 : 0;
    p.payload = payload;
    if (flags & kSyn) {
        p.options = from_client ? syn_options() : endpoint_syn_options();
    } else if (start.timestamps) {
        p.options = timestamps({own.clock, own.echo});
    }
    return p;
}

Packet Connection::answer_to(Side side) const {
    Packet p = packet(side, 0);
    std::swap(p.source, p.destination);
    std::swap(p.source_port, p.destination_port);
    std::swap(p.source_mac, p.destination_mac);
    p.seq = p.ack = 0;
    p.id = 0;
    p.options.clear();
    return p;
}

Packet Connection::translated(Side from, const Packet& packet) const {
    Packet p = packet;
    const bool up = from == Side::kClient;
    const Side to = up ? Side::kEndpoint : Side::kClient;
    p.source_mac = bench.gateway_mac(to);
    p.destination_mac = bench.peer_mac(to);
    p.source = up ? family.ours : family.vip;
    p.destination = up ? family.endpoint : family.client;
    p.source_port = up ? our_port : kVipPort;
    p.destination_port = up ? kEndpointPort : client_port;
    p.ttl--;
    const std::uint32_t up_seq = our_isn - client.isn, down_seq = cookie - endpoint.isn;
    const std::uint32_t up_clock = our_clock_to_endpoint - client_clock_at_syn;
    const std::uint32_t down_clock = our_clock_to_client - endpoint_clock_at_syn_ack;
    p.seq += up ? up_seq : down_seq;
    if (p.flags & kAck) p.ack -= up ? down_seq : up_seq;
    p.options = start.timestamps ? shifted_options(p.options, up ? up_clock : down_clock, up ? -down_clock : -up_clock,
                                                   up ? -down_seq : -up_seq)
                                 : shifted_options(p.options, 0, 0, up ? -down_seq : -up_seq);
    if (start.client_scale >= 0 && !(p.flags & kSyn)) {
        if (up) {
            p.window = scaled(p.window, start.endpoint_scale < 0 ? start.client_scale : 0);
        } else {
            p.window = scaled(p.window, std::max(start.endpoint_scale, 0) - kPromisedScale);
        }
    }
    return p;
}

Packet Connection::expected_syn_ack(const Packet& syn, const Packet& answer) const {
    Packet p = answer_to(Side::kClient);
    p.seq = answer.seq;
    p.ack = syn.seq + 1;
    p.flags = kSyn | kAck;
    p.window = 0xffff;
    std::optional<Timestamps> clock = find_timestamps(answer);  // our own clock is not predicted
    if (start.timestamps && clock) clock->echo = find_timestamps(syn).value_or(Timestamps{}).value;
    if (!start.timestamps) clock.reset();
    p.options = handshake_options(kVipMss, start.sack, clock, start.client_scale < 0 ? -1 : kPromisedScale);
    return p;
}

void Connection::syn() {
    const Packet p = packet(Side::kClient, kSyn);
    const auto outcome = bench.run_packet(p, Side::kClient);
    ASSERT_EQ(outcome.action, kRedirected);
    const auto answer = parse(outcome.frame);
    ASSERT_TRUE(answer) << describe(outcome.frame);
    ASSERT_TRUE(same_frame(outcome.frame, expected_syn_ack(p, *answer).frame()));
    const auto carried = sg_cookie_unpack(answer->seq);
    ASSERT_EQ(carried.mss, 1460);
    ASSERT_EQ(carried.sack, start.sack);
    ASSERT_EQ(carried.window_scale, start.client_scale < 0 ? SG_NO_WINDOW_SCALE : start.client_scale);
    cookie = answer->seq;
    client.next++;
    client.acked = cookie + 1;
    if (start.timestamps) client.echo = our_clock_to_client = find_timestamps(*answer)->value;
    client.clock++;
}

void Connection::part_of_hello(std::size_t bytes) {
    const Bytes part(hello.begin() + static_cast<std::ptrdiff_t>(hello_sent),
                     hello.begin() + static_cast<std::ptrdiff_t>(hello_sent + bytes));
    const auto outcome = bench.run_packet(packet(Side::kClient, kAck | kPsh, part), Side::kClient);
    ASSERT_EQ(outcome.action, kDropped);
    ASSERT_EQ(outcome.counted, (Counted{{"hello_segment", 1}, {"hello_incomplete", 1}}));
    client.next += static_cast<std::uint32_t>(bytes);
    client.clock++;
    hello_sent += bytes;
}

Packet Connection::expected_endpoint_syn(const Packet& sent) const {
    Packet p = answer_to(Side::kEndpoint);
    p.source_port = preserved() ? client_port : sent.source_port;
    p.seq = preserved() ? client.isn : sent.seq;
    p.flags = kSyn;
    p.window = 0xffff;
    std::optional<Timestamps> clock;
    if (start.timestamps) clock = {preserved() ? client.clock : find_timestamps(sent).value_or(Timestamps{}).value, 0};
    const std::uint16_t mss = p.ipv6() ? kLinkMtu - 60 : kLinkMtu - 40;
    p.options = handshake_options(mss, start.sack, clock, start.client_scale);
    return p;
}

void Connection::rest_of_hello(const Counted& also) {
    const Bytes rest(hello.begin() + static_cast<std::ptrdiff_t>(hello_sent), hello.end());
    const Packet p = packet(Side::kClient, kAck | kPsh, rest);
    const auto outcome = bench.run_packet(p, Side::kClient);
    ASSERT_EQ(outcome.action, kRedirected);
    const auto sent = parse(outcome.frame);
    ASSERT_TRUE(sent) << describe(outcome.frame);
    ASSERT_TRUE(same_frame(outcome.frame, expected_endpoint_syn(*sent).frame()));
    Counted counted{{"hello_segment", 1}, {"hello", 1}, {"endpoint_syn", 1}};
    if (preserved()) counted["preserve"] = 1;
    counted.insert(also.begin(), also.end());
    ASSERT_EQ(outcome.counted, counted);
    our_isn = sent->seq;
    our_port = sent->source_port;
    if (start.timestamps) endpoint.echo = our_clock_to_endpoint = find_timestamps(*sent)->value;
    client_clock_at_syn = client.clock;
    client.next += static_cast<std::uint32_t>(rest.size());
    hello_sent = hello.size();
    endpoint.acked = our_isn + 1;
}

Packet Connection::expected_hand_over() const {
    Packet p = answer_to(Side::kEndpoint);
    p.seq = our_isn + 1;
    p.ack = endpoint.isn + 1;
    p.flags = kAck | kPsh;
    p.window = kClientWindow;
    if (start.client_scale >= 0 && start.endpoint_scale < 0) p.window = scaled(p.window, start.client_scale);
    if (start.timestamps) p.options = timestamps({our_clock_to_endpoint, endpoint.clock});
    p.payload = hello;
    return p;
}

Packet Connection::expected_refusal() const {
    Packet p = answer_to(Side::kClient);
    p.flags = kRst;
    p.seq = cookie + 1;
    p.window = 0;
    return p;
}

void Connection::syn_ack() {
    Packet p = packet(Side::kEndpoint, kSyn | kAck);
    const auto outcome = bench.run_packet(p, Side::kEndpoint);
    ASSERT_EQ(outcome.action, kRedirected);
    ASSERT_TRUE(same_frame(outcome.frame, expected_hand_over().frame()));
    endpoint.next++;
    endpoint_clock_at_syn_ack = endpoint.clock++;
}

void Connection::send(Side side, const Packet& packet) {
    const auto outcome = bench.run_packet(packet, side);
    ASSERT_EQ(outcome.action, kRedirected);
    ASSERT_TRUE(same_frame(outcome.frame, translated(side, packet).frame()));
    Numbers& own = side == Side::kClient ? client : endpoint;
    Numbers& other = side == Side::kClient ? endpoint : client;
    const Packet there = translated(side, packet);
    own.next = packet.end();
    own.clock++;
    other.acked = there.end();
    if (const auto times = find_timestamps(there)) other.echo = times->value;
}

void Connection::first_exchange() {
    endpoint.acked = our_isn + 1 + static_cast<std::uint32_t>(hello.size());
    ASSERT_NO_FATAL_FAILURE(send(Side::kEndpoint, packet(Side::kEndpoint, kAck | kPsh, Bytes(100, 0x16))));
    ASSERT_NO_FATAL_FAILURE(send(Side::kClient, packet(Side::kClient, kAck)));
}

void Connection::establish() {
    ASSERT_NO_FATAL_FAILURE(syn());
    ASSERT_NO_FATAL_FAILURE(rest_of_hello());
    ASSERT_NO_FATAL_FAILURE(syn_ack());
    ASSERT_NO_FATAL_FAILURE(first_exchange());
}

void Connection::reestablish() {
    const Packet first = packet(Side::kClient, kSyn);
    do {  // one that meets a flow that is being removed is dropped, and sent again
        bench.run_packet(first, Side::kClient);
    } while (bench.flow(first));
    ASSERT_NO_FATAL_FAILURE(syn());
    Counted also;
    if (bench.flow(packet(Side::kEndpoint, kAck))) also["port_recycled"] = 1;  // abandoned: preserved() ones have it
    ASSERT_NO_FATAL_FAILURE(rest_of_hello(also));
    ASSERT_NO_FATAL_FAILURE(syn_ack());
    ASSERT_NO_FATAL_FAILURE(first_exchange());
}

void Connection::close() {
    ASSERT_NO_FATAL_FAILURE(send(Side::kClient, packet(Side::kClient, kFin | kAck)));
    ASSERT_NO_FATAL_FAILURE(send(Side::kEndpoint, packet(Side::kEndpoint, kFin | kAck)));
    ASSERT_NO_FATAL_FAILURE(send(Side::kClient, packet(Side::kClient, kAck)));
}

}  // namespace slipgate::test
