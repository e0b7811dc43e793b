// SPDX-License-Identifier: Apache-2.0
#include "agent/base/shared_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace slipgate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Map = SharedMap<std::string, int>;

std::map<std::string, int> entries(const Map& map) {
    std::map<std::string, int> all;
    for (const auto& [key, value] : map) all.emplace(key, value);
    return all;
}

// "+key": it came, "-key": it went, "*key": it is another value.
std::vector<std::string> differences(const Map& before, const Map& after) {
    std::vector<std::string> all;
    for_each_difference(before, after, [&](const std::string& key, const int* old, const int* now) {
        all.push_back((old == nullptr ? "+" : now == nullptr ? "-" : "*") + key);
    });
    return all;
}

TEST(SharedMap, TellsWhetherAValueChanged) {
    Map map;
    EXPECT_TRUE(map.put("a", 1));
    EXPECT_FALSE(map.put("a", 1));
    EXPECT_TRUE(map.put("a", 2));
    EXPECT_EQ(map.at("a"), 2);
    EXPECT_EQ(map.find("b"), map.end());
    EXPECT_EQ(map.find("a")->second, 2);
    EXPECT_EQ(map.erase("b"), 0U);
    EXPECT_EQ(map.erase("a"), 1U);
    EXPECT_TRUE(map.empty());
}

TEST(SharedMap, ACopyIsNotChangedWithItsOriginal) {
    Map map;
    for (const auto* key : {"a", "b", "c"}) map.put(key, 1);
    const Map copy = map;
    EXPECT_TRUE(copy.shares_all(map));
    map["a"] = 2;
    map.put("b", 3);
    map.erase("c");
    EXPECT_EQ(entries(copy), (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"c", 1}}));
    EXPECT_EQ(entries(map), (std::map<std::string, int>{{"a", 2}, {"b", 3}}));
}

TEST(SharedMap, WhatChangesNothingLeavesItShared) {
    Map map;
    map.put("a", 1);
    const Map copy = map;
    map.put("a", 1);
    map.erase("b");
    map.retain({"a", "b"});
    EXPECT_TRUE(copy.shares_all(map));
    EXPECT_EQ(map.retain({"b"}), 1U);
    EXPECT_THAT(entries(map), IsEmpty());
}

TEST(SharedMap, DifferencesAreFoundInTheOrderOfKeys) {
    Map before;
    for (const auto* key : {"b", "c", "d", "f"}) before.put(key, 1);
    EXPECT_THAT(differences(before, before), IsEmpty());
    Map after = before;
    after.put("a", 1);
    after.put("c", 2);
    after.erase("d");
    after.put("g", 1);
    EXPECT_THAT(differences(before, after), ElementsAre("+a", "*c", "-d", "+g"));
    EXPECT_THAT(differences(after, before), ElementsAre("-a", "*c", "+d", "-g"));
    EXPECT_NE(before, after);
}

TEST(SharedMap, BecomesAnotherAndKeepsWhatIsEqual) {
    Map map;
    for (const auto* key : {"a", "b", "c"}) map.put(key, 1);
    const Map before = map;
    Map same;
    for (const auto* key : {"a", "b", "c"}) same.put(key, 1);
    map.become(same);
    EXPECT_TRUE(map.shares_all(before));
    same.put("b", 2);
    same.erase("c");
    map.become(same);
    EXPECT_EQ(map, same);
    EXPECT_THAT(differences(before, map), ElementsAre("*b", "-c")) << "a is still shared";
}

// Enough entries that they are kept in many pieces, which come, split and go.
TEST(SharedMap, IsASortedMapWhateverItsSize) {
    std::mt19937 random(1);
    const auto below = [&](int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random); };
    SharedMap<int, int> map;
    std::map<int, int> expected;
    for (int round = 0; round < 60; ++round) {
        const auto copy = map;
        const auto expected_of_copy = expected;
        const bool grows = below(3) > 0;
        for (int n = 0; n < 200; ++n) {
            const int key = below(5000);
            if (grows) {
                const int value = below(3);
                EXPECT_EQ(map.put(key, value), !expected.contains(key) || expected.at(key) != value);
                expected[key] = value;
            } else {
                EXPECT_EQ(map.erase(key), expected.erase(key));
            }
            EXPECT_EQ(map.contains(key), grows);
            const int other = below(5000);
            const auto found = map.lower_bound(other);
            const auto wanted = expected.lower_bound(other);
            ASSERT_EQ(found == map.end(), wanted == expected.end());
            if (wanted != expected.end()) {
                ASSERT_EQ(found->first, wanted->first);
            }
        }
        ASSERT_EQ(map.size(), expected.size());
        ASSERT_TRUE(
            std::equal(map.begin(), map.end(), expected.begin(), expected.end(),
                       [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
        ASSERT_TRUE(
            std::equal(copy.begin(), copy.end(), expected_of_copy.begin(), expected_of_copy.end(),
                       [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
        std::map<int, int> patched = expected_of_copy;
        for_each_difference(copy, map, [&](int key, const int* /*before*/, const int* after) {
            if (after == nullptr)
                patched.erase(key);
            else
                patched[key] = *after;
        });
        ASSERT_EQ(patched, expected);
    }
    EXPECT_GT(expected.size(), 1000U);
    map.retain({});
    EXPECT_TRUE(map.empty());
}

// Maps that share nothing, some or all, after changes at random: what std::map says.
TEST(SharedMap, EqualityIsThatOfTheValues) {
    std::mt19937 random(1);
    const auto below = [&](int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random); };
    int equal = 0;
    for (int round = 0; round < 2000; ++round) {
        Map one;
        for (int n = below(4); n > 0; --n) one.put(std::to_string(below(3)), below(2));
        Map other = below(2) == 0 ? one : Map();
        for (int n = below(4); n > 0; --n) {
            const auto key = std::to_string(below(3));
            if (below(3) == 0)
                other.erase(key);
            else
                other[key] = below(2);
        }
        ASSERT_EQ(one == other, entries(one) == entries(other)) << "round " << round;
        equal += one == other ? 1 : 0;
    }
    EXPECT_GT(equal, 100);
    EXPECT_LT(equal, 1900);
}

}  // namespace
}  // namespace slipgate
