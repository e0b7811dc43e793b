// SPDX-License-Identifier: Apache-2.0
// The SYN cookie: what it carries, and how segments without state are judged by it.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>

#include <slipgate/client_hello.h>
#include <slipgate/cookie.h>

namespace slipgate {
namespace {

constexpr std::array<__u64, 2> kKey{0x1111111111111111, 0x2222222222222222};
constexpr __u32 kStash = SG_STASH_BYTES;
constexpr __u64 kTick = 1000;

using Tuple = std::array<__u64, 5>;

Tuple tuple_of(__u64 n) {
    return {0x20010db8, n, 0x20010db8, 0xff, (n << 16) | 443};
}

struct Judgement {
    sg_cookie_verdict verdict;
    __u32 client_isn;
};

Judgement judge(const Tuple& tuple, __u64 tick, __u32 isn, __u32 seq) {
    Judgement result{SG_COOKIE_FOREIGN, 0xdeadbeef};
    result.verdict = sg_cookie_check(kKey.data(), tuple.data(), tick, isn, seq, kStash, &result.client_isn);
    return result;
}

__u32 make(const Tuple& tuple, __u64 tick, __u32 client_isn, sg_cookie options = {1460, 1, 7}) {
    return sg_cookie_make(sg_cookie_hash(kKey.data(), tuple.data(), tick), client_isn, options);
}

TEST(Cookie, CarriesSackAndWindowScale) {
    for (const int sack : {0, 1}) {
        for (int scale = 0; scale <= SG_NO_WINDOW_SCALE; scale++) {
            const sg_cookie options{1460, static_cast<__u8>(sack), static_cast<__u8>(scale)};
            const auto read = sg_cookie_unpack(make(tuple_of(1), kTick, 0x12345678, options));
            EXPECT_EQ(read.sack, options.sack);
            EXPECT_EQ(read.window_scale, options.window_scale);
            EXPECT_EQ(read.mss, options.mss);
        }
    }
}

// A segment larger than the client's MSS could be lost on its path; RFC 9293 3.7.1 takes 536 for granted.
TEST(Cookie, MssIsNeverAboveTheOffer) {
    __u32 last = 0;
    for (__u32 offered = 0; offered <= 65535; offered++) {
        const auto carried = sg_cookie_unpack(make(tuple_of(1), kTick, 5, {static_cast<__u16>(offered), 0, 0})).mss;
        ASSERT_LE(carried, std::max(offered, 536U)) << offered;
        ASSERT_GE(carried, last) << offered;
        ASSERT_EQ(sg_class_mss(sg_mss_class(carried)), carried) << offered;
        last = carried;
    }
    EXPECT_EQ(last, 8900U);
}

TEST(Cookie, UsualMssAreCarriedExactly) {
    for (const auto mss : std::array<__u16, 6>{1220, 1340, 1400, 1440, 1460, 8900}) {
        EXPECT_EQ(sg_cookie_unpack(make(tuple_of(1), kTick, 5, {mss, 0, 0})).mss, mss);
    }
}

class CookieAge : public testing::TestWithParam<__u64> {};
INSTANTIATE_TEST_SUITE_P(Ticks, CookieAge, testing::Values(0, 1));

TEST_P(CookieAge, FirstSegmentIsAlwaysKnown) {
    std::mt19937_64 random(3);
    for (__u64 n = 0; n < 100000; n++) {
        const auto client_isn = static_cast<__u32>(random());
        const auto verdict =
            judge(tuple_of(n), kTick + GetParam(), make(tuple_of(n), kTick, client_isn), client_isn + 1);
        ASSERT_EQ(verdict.verdict, SG_COOKIE_FIRST) << "connection " << n;
        ASSERT_EQ(verdict.client_isn, client_isn);
    }
}

TEST_P(CookieAge, KeepaliveProbeIsAlwaysKnown) {
    std::mt19937_64 random(4);
    for (__u64 n = 0; n < 100000; n++) {
        const auto client_isn = static_cast<__u32>(random());
        const auto verdict = judge(tuple_of(n), kTick + GetParam(), make(tuple_of(n), kTick, client_isn), client_isn);
        ASSERT_EQ(verdict.verdict, SG_COOKIE_PROBE) << "connection " << n;
        ASSERT_EQ(verdict.client_isn, client_isn);
    }
}

TEST(Cookie, LaterSegmentIsPlacedAnywhereInTheStash) {
    for (const __u32 client_isn : {0U, 0xffffffffU, 0x1234ffffU, 0xffff0000U, 0x7fffffffU}) {
        const auto isn = make(tuple_of(7), kTick, client_isn);
        for (__u32 place = 1; place < kStash; place++) {
            const auto verdict = judge(tuple_of(7), kTick, isn, client_isn + 1 + place);
            ASSERT_EQ(verdict.verdict, SG_COOKIE_LATER) << client_isn << " + " << place;
            ASSERT_EQ(verdict.client_isn, client_isn) << place;
        }
        EXPECT_EQ(judge(tuple_of(7), kTick, isn, client_isn + 1 + kStash).verdict, SG_COOKIE_FOREIGN);
        EXPECT_EQ(judge(tuple_of(7), kTick, isn, client_isn - 1).verdict, SG_COOKIE_FOREIGN);
        EXPECT_EQ(judge(tuple_of(7), kTick, isn, client_isn + 0x8000).verdict, SG_COOKIE_FOREIGN);
    }
}

// With a cookie of the tick before, T of the tick at hand is equal by chance once in 256, and then the place is inside
// the stash once in 8. Such a segment is misplaced; nearly all are not.
TEST(Cookie, LaterSegmentOfAnOlderCookieIsPlacedNearlyAlways) {
    std::mt19937_64 random(5);
    int misplaced = 0;
    for (__u64 n = 0; n < 100000; n++) {
        const auto client_isn = static_cast<__u32>(random());
        const auto verdict = judge(tuple_of(n), kTick + 1, make(tuple_of(n), kTick, client_isn), client_isn + 1 + 1400);
        ASSERT_NE(verdict.verdict, SG_COOKIE_FOREIGN);
        misplaced += verdict.verdict != SG_COOKIE_LATER || verdict.client_isn != client_isn;
    }
    EXPECT_LT(misplaced, 100);  // 100000 / 2048 = 49, standard deviation 7
}

// How many of 200,000 segments that are none of ours get a verdict. Fixed keys: the same number in every run.
template <typename Foreign>
std::array<int, 4> count_verdicts(Foreign foreign) {
    std::array<int, 4> counts{};
    std::mt19937_64 random(6);
    for (__u64 n = 0; n < 200000; n++) counts[foreign(n, random)]++;
    return counts;
}

void expect_foreign(const std::array<int, 4>& counts) {
    EXPECT_LE(counts[SG_COOKIE_FIRST], 2);    // 200000 * 2 / 2^24 = 0.02
    EXPECT_LE(counts[SG_COOKIE_PROBE], 2);    // the same
    EXPECT_LE(counts[SG_COOKIE_LATER], 280);  // 200000 * 2 / 2^11 = 195, standard deviation 14
    EXPECT_GE(counts[SG_COOKIE_FOREIGN], 199716);
}

TEST(Cookie, GuessedNumberIsForeign) {
    expect_foreign(count_verdicts([](__u64 n, auto& random) {
        return judge(tuple_of(n), kTick, static_cast<__u32>(random()), static_cast<__u32>(random())).verdict;
    }));
}

TEST(Cookie, CookieOfAnotherTupleIsForeign) {
    expect_foreign(count_verdicts([](__u64 n, auto& random) {
        const auto isn = static_cast<__u32>(random());
        return judge(tuple_of(n + 1), kTick, make(tuple_of(n), kTick, isn), isn + 1).verdict;
    }));
}

TEST(Cookie, ExpiredCookieIsForeign) {
    for (const __u64 age : {2, 3, 256}) {
        expect_foreign(count_verdicts([age](__u64 n, auto& random) {
            const auto isn = static_cast<__u32>(random());
            return judge(tuple_of(n), kTick + age, make(tuple_of(n), kTick, isn), isn + 1).verdict;
        }));
    }
}

TEST(Cookie, CookieOfTheFutureIsForeign) {
    expect_foreign(count_verdicts([](__u64 n, auto& random) {
        const auto isn = static_cast<__u32>(random());
        return judge(tuple_of(n), kTick - 1, make(tuple_of(n), kTick, isn), isn + 1).verdict;
    }));
}

TEST(Cookie, FirstTickSinceBootWorks) {
    const auto isn = make(tuple_of(9), 0, 77);
    EXPECT_EQ(judge(tuple_of(9), 0, isn, 78).verdict, SG_COOKIE_FIRST);
}

TEST(Cookie, EveryWordOfTheTupleMatters) {
    const auto hash = sg_cookie_hash(kKey.data(), tuple_of(1).data(), kTick);
    for (std::size_t word = 0; word < 5; word++) {
        auto other = tuple_of(1);
        other[word] ^= 1ULL << 40;
        EXPECT_NE(sg_cookie_hash(kKey.data(), other.data(), kTick), hash) << word;
    }
    EXPECT_LE(hash, 0xffffffU);
}

}  // namespace
}  // namespace slipgate
