// SPDX-License-Identifier: Apache-2.0
// What an agent does about the Lease, as scripts: when, what happens, and what must follow.
#include "agent/source/kube/lease.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

namespace slipgate::kube::lease {
namespace {

using namespace std::chrono_literals;

const Time kStart{1000s};

struct ToText {
    std::string operator()(const Read& /*a*/) const { return "read"; }
    std::string operator()(const Create& /*a*/) const { return "create"; }
    std::string operator()(const Write& a) const {
        const auto what = a.holder.empty() ? "give up" : a.acquires ? "take" : "renew";
        return fmt::format("{} at {}, {} transitions", what, a.resource_version, a.transitions);
    }
    std::string operator()(const Cancel& /*a*/) const { return "cancel"; }
};

// A line of a script; the random number is 0, so there is no jitter.
struct Line {
    std::chrono::milliseconds at;
    Event event;
    std::string actions;
    bool holds = false;                   // afterwards
    std::chrono::milliseconds next = {};  // tick, if it is not 0
};

struct Script {
    const char* name;
    std::vector<Line> lines;
    std::string problem = {};  // at the end
};

void PrintTo(const Script& script, std::ostream* out) {
    *out << script.name;
}

class LeaseScripts : public testing::TestWithParam<Script> {};

TEST_P(LeaseScripts, AreFollowed) {
    State state{.identity = "me"};
    for (std::size_t i = 0; i < GetParam().lines.size(); ++i) {
        const auto& line = GetParam().lines[i];
        auto [next, actions] = step(std::move(state), line.event, kStart + line.at, 0);
        state = std::move(next);
        std::vector<std::string> texts;
        for (const auto& action : actions) texts.push_back(std::visit(ToText{}, action));
        EXPECT_EQ(fmt::format("{}", fmt::join(texts, ", ")), line.actions) << "line " << i;
        EXPECT_EQ(state.holds, line.holds) << "line " << i;
        if (line.next != 0ms) {
            EXPECT_EQ(next_tick(state), kStart + line.next) << "line " << i;
        }
    }
    EXPECT_EQ(state.problem, GetParam().problem);
}

Found found(const std::string& holder, const std::string& renew_time, const std::string& version = "7",
            std::chrono::seconds duration = kDuration) {
    return {{version, holder, renew_time, duration, 4}};
}

// The lines that make this agent the holder, at 0 s.
std::vector<Line> holding(std::vector<Line> rest) {
    std::vector<Line> lines = {
        {0s, Tick{}, "read"}, {0s, found("", "a"), "take at 7, 5 transitions"}, {0s, Written{"8"}, "", true, 2s}};
    lines.insert(lines.end(), rest.begin(), rest.end());
    return lines;
}

const std::vector<Script> kScripts = {
    {"ThereIsNone", {{0s, Tick{}, "read"}, {0s, Absent{}, "create"}, {0s, Written{"1"}, "", true, 2s}}},
    {"SomebodyElseIsFasterToCreateIt",
     {{0s, Tick{}, "read"},
      {0s, Absent{}, "create"},
      {0s, Conflict{}, "", false, 2s},
      {2s, Tick{}, "read"},
      {2s, found("other", "a"), "", false, 7s}}},
    {"NobodyHoldsIt", holding({})},
    {"AnotherAgentKeepsItForAsLongAsItRenewsIt",
     {{0s, Tick{}, "read"},
      {0s, found("other", "a"), "", false, 5s},
      {5s, Tick{}, "read"},
      {5s, found("other", "b"), "", false, 10s},
      {10s, Tick{}, "read"},
      {10s, found("other", "b"), "", false, 15s},
      {15s, Tick{}, "read"},
      {15s, found("other", "b"), "", false, 20s},
      {20s, Tick{}, "read"},
      {20s, found("other", "b", "9"), "take at 9, 5 transitions"},
      {20s, Written{"10"}, "", true}}},
    {"ItsOwnDurationCounts",
     {{0s, Tick{}, "read"},
      {0s, found("other", "a", "7", 2s), "", false, 2s},
      {2s, Tick{}, "read"},
      {2s, found("other", "a", "7", 2s), "take at 7, 5 transitions"}}},
    {"WhatItsClockSaysIsNoMatter",
     {{0s, Tick{}, "read"},
      {0s, found("other", "1970-01-01T00:00:00.000000Z"), "", false, 5s},
      {5s, Tick{}, "read"},
      {5s, found("other", "2999-01-01T00:00:00.000000Z"), "", false, 10s}}},
    {"AnotherAgentTakesItFirst",
     {{0s, Tick{}, "read"},
      {0s, found("", "a"), "take at 7, 5 transitions"},
      {0s, Conflict{}, "", false, 2s},
      {2s, Tick{}, "read"},
      {2s, found("other", "b"), "", false, 7s}}},
    {"ItIsRenewed", holding({{1s, Tick{}, "", true, 2s},
                             {2s, Tick{}, "renew at 8, 5 transitions", true, 5s},
                             {3s, Written{"9"}, "", true, 5s},
                             {5s, Tick{}, "renew at 9, 5 transitions", true, 8s}})},
    {"AHolderThatCannotRenewItStopsInTime",
     holding({{2s, Tick{}, "renew at 8, 5 transitions", true},
              {2s, Failed{"refused"}, "", true, 2200ms},
              {2200ms, Tick{}, "read", true},
              {2200ms, Failed{"refused"}, "", true, 2600ms},
              {8s, Tick{}, "read", true, 10s},
              {10s, Tick{}, "", false, 11s}}),
     "refused"},
    {"ItsLastRenewalCountsFromTheRequestOn", holding({{2s, Tick{}, "renew at 8, 5 transitions", true, 5s},
                                                      {4s, Written{"9"}, "", true, 6s},
                                                      {10s, Tick{}, "renew at 9, 5 transitions", true, 12s},
                                                      {12s, Tick{}, "", false, 13s}})},
    {"ARenewalThatIsNeverAnsweredDoesNotCostTheRole",
     holding({{2400ms, Tick{}, "renew at 8, 5 transitions", true, 5400ms},
              {5400ms, Tick{}, "cancel", true, 5600ms},
              {5600ms, Tick{}, "read", true, 8600ms},
              {8600ms, Tick{}, "cancel", true, 9s},
              {9s, Tick{}, "read", true, 10s},
              {9500ms, found("me", "b", "8"), "renew at 8, 4 transitions", true},
              {9900ms, Written{"9"}, "", true, 11900ms}})},
    {"ARequestWithoutAnAnswerIsGivenUp",
     {{0s, Tick{}, "read", false, 3s}, {3s, Tick{}, "cancel", false, 3200ms}, {3200ms, Tick{}, "read"}},
     "the API server is silent"},
    {"FailuresAreTriedAgainLaterAndLater",
     {{0s, Tick{}, "read"},
      {0s, Failed{"refused"}, "", false, 200ms},
      {1s, Tick{}, "read"},
      {1s, Failed{"refused"}, "", false, 1400ms},
      {2s, Tick{}, "read"},
      {2s, Failed{"refused"}, "", false, 2800ms},
      {3s, Tick{}, "read"},
      {3s, Failed{"refused"}, "", false, 4600ms},
      {5s, Tick{}, "read"},
      {5s, Failed{"refused"}, "", false, 8200ms},
      {9s, Tick{}, "read"},
      {9s, Failed{"refused"}, "", false, 14s},
      {14s, Tick{}, "read"},
      {14s, found("other", "a"), "", false, 19s},
      {19s, Tick{}, "read"},
      {19s, Failed{"refused"}, "", false, 19200ms}},
     "refused"},
    {"ARenewalThatWasDoneAllTheSameIsRecognised",
     holding({{2s, Tick{}, "renew at 8, 5 transitions", true},
              {2s, Failed{"reset"}, "", true, 2200ms},
              {3s, Tick{}, "read", true},
              {3s, found("me", "b", "9"), "renew at 9, 4 transitions", true},
              {3s, Written{"10"}, "", true, 5s}})},
    {"AHolderThatLearnsOfAnotherStops", holding({{2s, Tick{}, "renew at 8, 5 transitions", true},
                                                 {2s, Conflict{}, "", true, 4s},
                                                 {4s, Tick{}, "read", true},
                                                 {4s, found("other", "b"), "", false, 9s}})},
    {"ALeaseThatWasDeletedIsMadeAnew", holding({{5s, Tick{}, "renew at 8, 5 transitions", true},
                                                {5s, Absent{}, "create", true},
                                                {5s, Written{"20"}, "", true, 7s}})},
    {"AHolderThatEndsGivesItUp", holding({{1s, Stopping{}, "give up at 8, 5 transitions", false}})},
    {"AHolderThatEndsWhileItRenewsGivesUpWhatItRenewed",
     holding({{2s, Tick{}, "renew at 8, 5 transitions", true},
              {2s, Stopping{}, "", false},
              {2s, Written{"9"}, "give up at 9, 5 transitions", false}})},
    {"AHolderThatEndsWhileOthersWriteLeavesItToThem",
     holding(
         {{2s, Tick{}, "renew at 8, 5 transitions", true}, {2s, Stopping{}, "", false}, {2s, Conflict{}, "", false}})},
    {"OthersThatEndDoNothing",
     {{0s, Tick{}, "read"}, {0s, found("other", "a"), "", false, 5s}, {1s, Stopping{}, "", false}}},
    {"WhatComesTooLateIsIgnored",
     {{0s, Tick{}, "read"},
      {3s, Tick{}, "cancel", false, 3200ms},
      {3100ms, found("", "a"), "", false, 3200ms},
      {3100ms, Absent{}, ""},
      {3100ms, Written{"8"}, ""},
      {3100ms, Conflict{}, ""},
      {3100ms, Failed{"late"}, "", false, 3200ms}},
     "the API server is silent"},
    {"FailuresAreForgottenWhenItWorks",
     {{0s, Tick{}, "read"},
      {0s, Failed{"refused"}, "", false, 200ms},
      {2s, Tick{}, "read"},
      {2s, found("other", "a"), ""}}},
};

INSTANTIATE_TEST_SUITE_P(Kube, LeaseScripts, testing::ValuesIn(kScripts),
                         [](const auto& script) { return std::string(script.param.name); });

TEST(Lease, AgentsDoNotAllAskAtTheSameTime) {
    std::vector<Time> times;
    for (const double random : {0.0, 0.5}) {
        auto state = step(State{.identity = "me"}, Tick{}, kStart, random).state;
        times.push_back(next_tick(step(state, found("other", "a"), kStart, random).state));
    }
    EXPECT_LT(times[0], times[1]);
}

}  // namespace
}  // namespace slipgate::kube::lease
