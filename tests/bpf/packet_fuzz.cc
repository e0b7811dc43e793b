// SPDX-License-Identifier: Apache-2.0
// packet_fuzz [SECONDS [SEED]]: random packets, most of them near to those of live connections, against the programs,
// with the rules of invariants.h checked after each; so long in each source mode.
#include <chrono>
#include <cstdlib>
#include <deque>
#include <iostream>

#include "tests/bpf/connection.h"
#include "tests/bpf/invariants.h"
#include "tests/bpf/packet_mutator.h"

namespace slipgate::test {
namespace {

std::chrono::seconds duration{5};  // arguments
std::uint64_t seed = 20261125;
constexpr std::size_t kPlayers = 16;   // connections at a time
constexpr std::size_t kReplayed = 64;  // frames that may come again

// A connection whose packets are right, as far as the other packets let it live.
struct Player {
    enum class Stage { kSyn, kHello, kSynAck, kOpen } stage = Stage::kSyn;
    Connection connection;
    std::string endpoint;  // the one that was chosen
};

class PacketFuzz : public SpliceBench, public testing::WithParamInterface<SourceMode> {
  protected:
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(SpliceBench::SetUp());
        auto settings = config();
        settings.cookie_key[0] = settings.cookie_key[1] = 4711;  // the same cookies each time
        settings.rst_per_second = 100;
        set_config(settings);
        const char* more[] = {"10.7.0.20", "10.7.0.21", "fd07::20", "fd07::21"};
        std::vector<BackendEndpoint> endpoints;
        for (const char* address : more) endpoints.emplace_back(at(address, kEndpointPort), GetParam());
        serve(endpoints);
    }

    Player& player() {
        if (players_.size() < kPlayers || mutator_.one_in(40)) {
            if (players_.size() >= kPlayers) retire(players_.front());
            if (players_.size() >= kPlayers) players_.pop_front();
            const auto& families = GetParam() == SourceMode::kSnat ? kFamilies : kPreservedFamilies;
            const Family& family = *families[mutator_.below(2)];
            const auto number = [&] { return static_cast<std::uint32_t>(mutator_.below(1ULL << 32)); };
            const auto port = static_cast<std::uint16_t>(1024 + mutator_.below(60000));
            const Start start{.client_isn = number(), .endpoint_isn = number(), .timestamps = !mutator_.one_in(3)};
            players_.push_back({Player::Stage::kSyn, {*this, family, port, start}, family.endpoint});
        }
        return players_[mutator_.below(players_.size())];
    }

    void retire(Player& p) {
        Packet reset = p.connection.packet(Side::kClient, kRst);
        reset.seq = p.connection.client.isn + 1;
        run_packet(reset, Side::kClient);
        const Packet up = p.connection.packet(Side::kClient, kAck);
        const auto all = flows();
        if (const auto entry = all.find(tuple_of(up)); entry != all.end()) {
            const Tuple& out = entry->second.out;  // to whichever endpoint was chosen
            Packet down = p.connection.packet(Side::kEndpoint, kAck);
            down.source = out.destination;
            down.destination = out.source;
            down.destination_port = out.source_port;
            forget_flow(up);
            forget_flow(down);
        }
        invariants_.look_again();
    }

    // What the connection would send next.
    Packet next(Player& p, Side& side) {
        Connection& c = p.connection;
        side = p.stage == Player::Stage::kSynAck ? Side::kEndpoint : Side::kClient;
        switch (p.stage) {
            case Player::Stage::kSyn:
                return c.packet(side, kSyn);
            case Player::Stage::kHello: {
                if (c.hello_sent == c.hello.size()) {  // nothing came of it: from the start
                    c.hello_sent = 0;
                    c.client.next = c.client.isn + 1;
                }
                Bytes all(c.hello.begin() + static_cast<std::ptrdiff_t>(c.hello_sent), c.hello.end());
                if (mutator_.one_in(3)) all.resize(1 + mutator_.below(all.size()));
                return c.packet(side, kAck | kPsh, all);
            }
            case Player::Stage::kSynAck:
                return c.packet(side, kSyn | kAck);
            default: {
                side = mutator_.one_in(2) ? Side::kClient : Side::kEndpoint;
                const bool end = mutator_.one_in(20);
                const std::uint8_t flags = end ? (mutator_.one_in(2) ? kFin | kAck : kRst | kAck) : kAck;
                return c.packet(side, flags, Bytes(mutator_.below(1000), 0x17));
            }
        }
    }

    // What the connection learns from it.
    static void learn(Player& p, Side side, const Packet& sent, const Outcome& outcome) {
        Connection& c = p.connection;
        const auto out = outcome.action == kRedirected ? parse(outcome.frame) : std::nullopt;
        if (p.stage == Player::Stage::kHello && outcome.counted.count("hello_incomplete")) {
            c.hello_sent += sent.payload.size();
            c.client.next = sent.end();
        }
        if (!out) return;
        if (p.stage == Player::Stage::kSyn && out->flags == (kSyn | kAck)) {
            c.cookie = out->seq;
            c.client.acked = out->end();
            c.client.next = sent.end();
            if (const auto clock = find_timestamps(*out)) c.client.echo = clock->value;
            p.stage = Player::Stage::kHello;
        } else if (p.stage == Player::Stage::kHello && out->flags == kSyn) {
            c.our_isn = out->seq;
            p.endpoint = out->destination;
            c.our_port = out->source_port;
            c.endpoint.acked = out->end();
            c.client.next = sent.end();
            p.stage = Player::Stage::kSynAck;
        } else if (p.stage == Player::Stage::kSynAck && out->flags & kPsh) {
            c.endpoint.next = sent.end();
            c.endpoint.acked = out->end();
            p.stage = Player::Stage::kOpen;
        } else if (p.stage == Player::Stage::kOpen) {
            (side == Side::kClient ? c.client : c.endpoint).next = sent.end();
            (side == Side::kClient ? c.endpoint : c.client).acked = out->end();
        }
    }

    void judge(const Bytes& frame, Side side, const Outcome& outcome) {
        SCOPED_TRACE(testing::Message() << "seed " << seed << ", packet " << packets_ << " from the "
                                        << (side == Side::kClient ? "client" : "endpoint") << ": " << describe(frame)
                                        << "counted " << testing::PrintToString(outcome.counted));
        fates_[invariants_.check(frame, outcome)]++;
        for (const auto& [name, count] : outcome.counted) counted_[name] += count;
        ++packets_;
    }

    void play() {
        Side side{};
        Player& p = player();
        Packet packet = next(p, side);
        if (side == Side::kEndpoint) packet.source = p.endpoint;
        const auto dice = mutator_.below(100);
        Bytes frame = packet.frame();
        if (dice < 35) {
            const auto outcome = run_packet(frame, side);
            judge(frame, side, outcome);
            learn(p, side, packet, outcome);
        } else {
            if (dice < 85) {
                frame = mutator_.mutate(packet);
            } else if (dice < 91 && !recent_.empty()) {
                frame = recent_[mutator_.below(recent_.size())];
                if (mutator_.one_in(2)) side = side == Side::kClient ? Side::kEndpoint : Side::kClient;
            } else if (dice < 97) {
                Packet quoted = packet;
                quoted.flags = kAck;
                quoted.payload.clear();
                std::swap(quoted.source, quoted.destination);  // as it left towards this side
                std::swap(quoted.source_port, quoted.destination_port);
                quoted.seq = quoted.ack;
                frame = mutator_.icmp_error(quoted, packet.source_mac, packet.destination_mac, quoted.destination);
            } else {
                frame = mutator_.garbage();
            }
            judge(frame, side, run_packet(frame, side));
        }
        recent_.push_back(frame);
        if (recent_.size() > kReplayed) recent_.pop_front();
    }

    PacketMutator mutator_{seed};
    Invariants invariants_{*this};
    std::deque<Player> players_;
    std::deque<Bytes> recent_;
    std::map<Fate, std::uint64_t> fates_;
    Counted counted_;
    std::uint64_t packets_ = 0;
};

TEST_P(PacketFuzz, NoPacketBreaksTheRules) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end && !HasFailure()) play();
    for (const auto fate : {Fate::kToStack, Fate::kForwarded, Fate::kAnswered, Fate::kDiscarded})
        EXPECT_GT(fates_[fate], 0U) << "a run that does not show much";
    std::cout << name_of(GetParam()) << ", seed " << seed << ": " << packets_ << " packets, " << fates_[Fate::kToStack]
              << " passed, " << fates_[Fate::kForwarded] << " forwarded, " << fates_[Fate::kAnswered] << " answered, "
              << fates_[Fate::kDiscarded] << " dropped; " << counted_.size() << " of " << SG_COUNTER_MAX
              << " counters:";
    for (const auto& [name, count] : counted_) std::cout << " " << name << " " << count;
    std::cout << "\n";
}

INSTANTIATE_TEST_SUITE_P(Modes, PacketFuzz, testing::Values(SourceMode::kSnat, SourceMode::kPreserve),
                         [](const auto& mode) { return std::string(name_of(mode.param)); });

}  // namespace
}  // namespace slipgate::test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc > 1) slipgate::test::duration = std::chrono::seconds(std::strtoul(argv[1], nullptr, 10));
    if (argc > 2) slipgate::test::seed = std::strtoull(argv[2], nullptr, 10);
    return RUN_ALL_TESTS();
}
