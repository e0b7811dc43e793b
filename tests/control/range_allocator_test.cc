// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/range_allocator.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "agent/datapath/id_allocator.h"

namespace slipgate {
namespace {

using std::chrono::milliseconds;

const TimePoint kStart{std::chrono::hours(1)};

TEST(RangeAllocator, ReleasedRangeRestsForASecond) {
    RangeAllocator allocator(8, std::nullopt);
    ASSERT_EQ(allocator.allocate(8, kStart), 0U);
    allocator.release(0, 8, kStart);
    EXPECT_TRUE(allocator.resting());
    EXPECT_EQ(allocator.allocate(1, kStart + milliseconds(999)), std::nullopt);
    EXPECT_EQ(allocator.allocate(1, kStart + milliseconds(1000)), 0U);
    EXPECT_FALSE(allocator.resting());
}

TEST(RangeAllocator, NeighboursJoinAgain) {
    RangeAllocator allocator(6, std::nullopt);
    for (std::uint32_t first = 0; first < 6; first += 2) ASSERT_EQ(allocator.allocate(2, kStart), first);
    allocator.release(2, 2, kStart);
    allocator.release(0, 2, kStart);
    allocator.release(4, 2, kStart);
    EXPECT_EQ(allocator.allocate(6, kStart + RangeAllocator::kRest), 0U);
}

TEST(RangeAllocator, AdoptedMapsRestWhereNothingIsPublished) {
    RangeAllocator allocator(10, kStart);
    ASSERT_TRUE(allocator.reserve(4, 3));
    EXPECT_FALSE(allocator.reserve(6, 1)) << "taken";
    EXPECT_FALSE(allocator.reserve(9, 2)) << "past the end";
    EXPECT_EQ(allocator.allocate(1, kStart), std::nullopt);
    EXPECT_EQ(allocator.allocate(4, kStart + RangeAllocator::kRest), 0U);
    EXPECT_EQ(allocator.allocate(3, kStart + RangeAllocator::kRest), 7U);
    EXPECT_EQ(allocator.allocate(1, kStart + RangeAllocator::kRest), std::nullopt);
}

TEST(RangeAllocator, NeverHandsOutWhatIsInUseOrResting) {
    constexpr std::uint32_t kCapacity = 64;
    std::mt19937 random(7);
    RangeAllocator allocator(kCapacity, std::nullopt);
    std::vector<std::pair<std::uint32_t, std::uint32_t>> held;
    std::vector<TimePoint> usable_from(kCapacity, kStart);  // of each element; max: in use
    TimePoint now = kStart;
    int allocated = 0;
    for (int step = 0; step < 20000; ++step) {
        now += milliseconds(random() % 100);
        if (random() % 2 == 0) {
            const auto count = static_cast<std::uint32_t>(1 + random() % 9);
            const auto first = allocator.allocate(count, now);
            if (!first) continue;
            ++allocated;
            ASSERT_LE(*first + count, kCapacity);
            for (auto i = *first; i < *first + count; ++i) {
                ASSERT_LE(usable_from[i], now) << "element " << i << " in step " << step;
                usable_from[i] = TimePoint::max();
            }
            held.emplace_back(*first, count);
        } else if (!held.empty()) {
            const auto picked = held.begin() + static_cast<std::ptrdiff_t>(random() % held.size());
            for (auto i = picked->first; i < picked->first + picked->second; ++i) {
                usable_from[i] = now + RangeAllocator::kRest;
            }
            allocator.release(picked->first, picked->second, now);
            held.erase(picked);
        }
    }
    EXPECT_GT(allocated, 1000);
    for (const auto& [first, count] : held) allocator.release(first, count, now);
    EXPECT_EQ(allocator.allocate(kCapacity, now + RangeAllocator::kRest), 0U) << "room was lost";
}

TEST(IdAllocator, NewIdsBeforeUsedOnesAndThoseAfterARest) {
    IdAllocator ids(3);
    ASSERT_EQ(ids.allocate(kStart), 0U);
    ids.release(0, kStart);
    EXPECT_EQ(ids.allocate(kStart), 1U);
    EXPECT_EQ(ids.allocate(kStart), 2U);
    EXPECT_EQ(ids.allocate(kStart), std::nullopt);
    EXPECT_EQ(ids.allocate(kStart + IdAllocator::kRest), 0U);
}

TEST(IdAllocator, AdoptionContinuesAfterTheHighestIdThatWasEverInUse) {
    IdAllocator ids(6);
    ids.adopt({0, 2}, 4, kStart);
    EXPECT_EQ(ids.allocate(kStart), 4U);
    EXPECT_EQ(ids.allocate(kStart), 5U);
    EXPECT_EQ(ids.allocate(kStart), std::nullopt);
    EXPECT_EQ(ids.allocate(kStart + IdAllocator::kRest), 1U);
    EXPECT_EQ(ids.allocate(kStart + IdAllocator::kRest), 3U);

    IdAllocator unmarked(4);
    unmarked.adopt({0, 2}, 0, kStart);
    EXPECT_EQ(unmarked.allocate(kStart), 3U);
    IdAllocator smaller(2);
    smaller.adopt({}, 4, kStart);
    EXPECT_EQ(smaller.allocate(kStart), std::nullopt) << "all of them may have been in use";
    EXPECT_EQ(smaller.allocate(kStart + IdAllocator::kRest), 0U);
}

}  // namespace
}  // namespace slipgate
