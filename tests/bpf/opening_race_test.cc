// SPDX-License-Identifier: Apache-2.0
// Segments of one hello, or the same one twice, on two CPUs at the same time: an opening belongs to one CPU, the other
// one drops.
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <numeric>

#include "tests/bpf/connection.h"
#include "tests/bpf/race.h"

namespace slipgate::test {
namespace {

// SG_MILLISECONDS units.
constexpr std::uint32_t kStale = 100;  // SG_CLAIM_STALE of bpf/lib/openings.h
constexpr std::uint32_t kNotSoon = 1U << 20;

class OpeningRaceTest : public SpliceBench {
  protected:
    enum class Fate { kKept, kBusy, kCompletes };

    // A hello of three parts, its name in the last one.
    Connection fresh(const Family& family) {
        Connection c(*this, family, port_++);
        if (port_ == 0) port_ = kFirstPort;
        HelloParts parts;
        parts.extensions = {{{21, Bytes(1200, 0)}, server_name(kServerName)}};
        c.hello = parts.record();
        return c;
    }
    static std::size_t part(const Connection& c) { return c.hello.size() / 3; }

    static Bytes segment(const Connection& c, std::size_t from, std::size_t to) {
        Packet p = c.packet(
            Side::kClient, kAck | kPsh,
            {c.hello.begin() + static_cast<std::ptrdiff_t>(from), c.hello.begin() + static_cast<std::ptrdiff_t>(to)});
        p.seq = c.client.isn + 1 + static_cast<std::uint32_t>(from);
        return p.frame();
    }

    std::vector<sg_counters> counters() {
        std::vector<sg_counters> per_cpu(static_cast<std::size_t>(libbpf_num_possible_cpus()));
        const __u32 zero = 0;
        EXPECT_EQ(bpf_map_lookup_elem(counters_.get(), &zero, per_cpu.data()), 0);
        return per_cpu;
    }

    // What became of the one packet that was between these: exactly one thing, and nothing else was counted.
    static Fate fate(const sg_counters& before, const sg_counters& after, int action) {
        const auto busy = after.stash_busy - before.stash_busy, kept = after.hello_incomplete - before.hello_incomplete,
                   sent = after.endpoint_syn - before.endpoint_syn;
        EXPECT_EQ(busy + kept + sent, 1U);
        EXPECT_EQ(after.hello_segment - before.hello_segment, kept + sent);
        EXPECT_EQ(after.hello - before.hello, sent);
        const auto gap = after.hello_gap - before.hello_gap;  // only where it may have been the first to arrive
        EXPECT_EQ(sum(after) - sum(before) - gap, busy + 2 * kept + 3 * sent);
        EXPECT_EQ(action, sent ? kRedirected : kDropped);
        return busy ? Fate::kBusy : kept ? Fate::kKept : Fate::kCompletes;
    }
    static std::uint64_t sum(const sg_counters& all) {
        const auto* first = reinterpret_cast<const __u64*>(&all);
        return std::accumulate(first, first + SG_COUNTER_MAX, std::uint64_t{0});
    }

    // The SYN to the endpoint has left; the endpoint gets the hello as the client sent it.
    void hand_over(Connection& c) {
        const auto kept = opening(c.packet(Side::kClient, kAck));
        ASSERT_TRUE(kept);
        ASSERT_EQ(kept->state, SG_OPENING_CONNECTING);
        c.our_isn = kept->our_isn;
        c.our_port = ntohs(kept->our_port);
        c.our_clock_to_endpoint = c.endpoint.echo = kept->our_tsval;
        c.client_clock_at_syn = c.client.clock;
        c.endpoint.acked = c.our_isn + 1;
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        for (const auto side : {Side::kClient, Side::kEndpoint}) forget_flow(c.packet(side, kAck));
    }

    // Two segments of a hello meet; with `opened`, a first one is kept already. Goes on until packets have collided
    // often enough to show something.
    void race(const Family& family, bool opened) {
        constexpr int kRounds = 2000, kRoundsMax = 20000;
        const Counted kCompleted{{"hello_segment", 1}, {"hello", 1}, {"endpoint_syn", 1}};
        std::optional<Connection> c;
        std::array<Bytes, 2> frames;
        std::array<int, 2> actions{};
        std::vector<sg_counters> before;
        int round = 0, collisions = 0;
        const auto begin = [&] {
            c.emplace(fresh(family));
            c->syn();
            const auto from = opened ? part(*c) : 0;
            if (opened) c->part_of_hello(from);
            frames = {segment(*c, from, 2 * part(*c)), segment(*c, 2 * part(*c), c->hello.size())};
            before = counters();
        };
        const auto send = [&](std::size_t runner) { actions.at(runner) = run_bare(frames.at(runner), Side::kClient); };
        const auto judge = [&] {
            const auto after = counters();
            std::array<Fate, 2> fates{};
            for (const std::size_t i : {0, 1})
                fates.at(i) = fate(before[race_.cpu(i)], after[race_.cpu(i)], actions.at(i));
            const auto count = [&](Fate which) { return std::count(fates.begin(), fates.end(), which); };
            collisions += static_cast<int>(count(Fate::kBusy));
            auto syns = count(Fate::kCompletes);
            EXPECT_LE(count(Fate::kBusy), 1) << "one of them owns the opening";
            EXPECT_TRUE(!opened || count(Fate::kBusy) + syns == 1) << "with both segments the hello is whole";
            // The client sends again. Where neither found an opening, what was kept may have lost its place.
            for (const std::size_t i : {0, 1}) {
                if (syns || (opened && fates.at(i) != Fate::kBusy)) continue;
                const auto outcome = run_packet(frames.at(i), Side::kClient);
                syns += static_cast<int>(outcome.counted.count("endpoint_syn"));
                EXPECT_TRUE(!opened || outcome.counted == kCompleted) << testing::PrintToString(outcome.counted);
            }
            EXPECT_EQ(syns, 1) << "SYNs to the endpoint";
            hand_over(*c);
            if (HasFailure()) return false;
            if (++round >= kRounds && collisions) return false;
            begin();
            return round < kRoundsMax;
        };
        begin();
        race_.rounds(send, judge);
        EXPECT_GT(collisions, 0) << "in " << round << " rounds: a run that does not show much";
    }

    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(SpliceBench::SetUp());
        counters_ = pinned("counters");
        openings_ = pinned("openings");
    }

    static std::uint32_t now() {
        timespec time{};
        clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
        return SG_MILLISECONDS(static_cast<__u64>(time.tv_sec) * 1'000'000'000ULL + static_cast<__u64>(time.tv_nsec));
    }

    // As if another CPU had claimed the client's opening at this time.
    void set_claim(const Packet& client, std::uint32_t since) {
        const auto wanted = opening(client);
        ASSERT_TRUE(wanted);
        auto o = std::make_unique<sg_opening>();
        for (__u32 index = 0; index < SG_OPENING_SETS * SG_OPENING_WAYS; ++index) {
            ASSERT_EQ(bpf_map_lookup_elem(openings_.get(), &index, o.get()), 0);
            if (o->state == SG_OPENING_FREE || std::memcmp(&o->client, &wanted->client, sizeof o->client) != 0)
                continue;
            o->lock = since;
            ASSERT_EQ(bpf_map_update_elem(openings_.get(), &index, o.get(), BPF_ANY), 0);
        }
    }

    static constexpr std::uint16_t kFirstPort = 1024;
    const Race race_;
    std::uint16_t port_ = kFirstPort;
    Fd counters_, openings_;
};

TEST_F(OpeningRaceTest, TwoSegmentsOfAnOpeningLeaveItIntact) {
    if (!race_.possible()) GTEST_SKIP() << "there is nothing to race with on one CPU";
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        race(*family, true);
    }
}

TEST_F(OpeningRaceTest, TwoSegmentsThatBothComeFirstLeadToOneConnection) {
    if (!race_.possible()) GTEST_SKIP() << "there is nothing to race with on one CPU";
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        race(*family, false);
    }
}

// Both CPUs may keep it in places of their own and read the name; then one of them finds that the other was faster.
TEST_F(OpeningRaceTest, TheSameHelloTwiceLeadsToOneConnection) {
    if (!race_.possible()) GTEST_SKIP() << "there is nothing to race with on one CPU";
    constexpr int kRounds = 2000, kRoundsMax = 20000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        std::optional<Connection> c;
        Bytes hello;
        std::vector<sg_counters> before;
        int round = 0, both = 0;
        const auto begin = [&] {
            c.emplace(fresh(*family));
            c->syn();
            hello = segment(*c, 0, c->hello.size());
            before = counters();
        };
        const auto judge = [&] {
            const auto after = counters();
            std::uint64_t names = 0, busy = 0, refused = 0;
            for (const auto cpu : {race_.cpu(0), race_.cpu(1)}) {
                names += after[cpu].hello - before[cpu].hello;
                busy += after[cpu].stash_busy - before[cpu].stash_busy;
#define X(name, help) refused += after[cpu].name - before[cpu].name;
                SG_REFUSALS(X)
#undef X
            }
            EXPECT_EQ(refused, 0U);
            EXPECT_TRUE(names == 1 || (names == 2 && busy == 1)) << names << " names, " << busy << " dropped";
            both += names == 2;
            EXPECT_EQ(run_packet(hello, Side::kClient).action, kRedirected) << "asks again, or anew";
            hand_over(*c);
            if (HasFailure() || (++round >= kRounds && both) || round >= kRoundsMax) return false;
            begin();
            return true;
        };
        begin();
        race_.rounds([&](std::size_t /*runner*/) { run_bare(hello, Side::kClient); }, judge);
        EXPECT_GT(both, 0) << "in " << round << " rounds: a run that does not show much";
        EXPECT_EQ(flow_entries(), 0U) << "a source port is still taken";
    }
}

TEST_F(OpeningRaceTest, SegmentOfAClaimedOpeningIsDroppedUntilTheClaimIsStale) {
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        ASSERT_NO_FATAL_FAILURE(c.part_of_hello(part(c)));
        const Packet any = c.packet(Side::kClient, kAck);
        const auto before = opening(any);
        const Bytes rest = segment(c, part(c), c.hello.size());
        set_claim(any, now() + kNotSoon);  // in the future: the test may be slow
        const auto outcome = run_packet(rest, Side::kClient);
        EXPECT_EQ(outcome.action, kDropped);
        EXPECT_EQ(outcome.counted, (Counted{{"stash_busy", 1}}));
        const auto after = opening(any);
        ASSERT_TRUE(before && after);
        EXPECT_EQ(after->contiguous, before->contiguous);
        EXPECT_EQ(after->segments, before->segments);
        EXPECT_EQ(flow_entries(), 0U);

        set_claim(any, now() - 2 * kStale);  // its owner is gone
        EXPECT_EQ(run_packet(rest, Side::kClient).action, kRedirected);
        EXPECT_EQ(opening(any)->lock, 0U) << "released";
        hand_over(c);
    }
}

}  // namespace
}  // namespace slipgate::test
