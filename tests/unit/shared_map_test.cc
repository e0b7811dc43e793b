// SPDX-License-Identifier: Apache-2.0
#include "agent/base/shared_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
