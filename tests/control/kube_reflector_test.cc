// SPDX-License-Identifier: Apache-2.0
// What the reflector does, as scripts: what happens, and the actions that must follow.
#include <gmock/gmock.h>

#include "tests/control/reflector_script.h"

namespace slipgate::kube {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

TEST_P(ReflectorScripts, AreFollowed) {
    Reflector state{&resource(GetParam().plural)};
    for (std::size_t i = 0; i < GetParam().lines.size(); ++i) {
        const auto& [event, actions] = GetParam().lines[i];
        EXPECT_EQ(run(state, event), actions) << "line " << i;
    }
    EXPECT_EQ(state.problem, GetParam().problem);
}

const std::vector<Script> kScripts = {
    {"Paging", listing({{Page{"10", "a"}, "keep, list a"},
                        {Page{"10", "b"}, "keep, list b"},
                        {Page{"10", ""}, "keep, replace, watch 10"}})},
    {"ABrokenPageIsAskedForAgain", listing({{Page{"10", "a"}, "keep, list a"},
                                            {Broken{"reset"}, "wait 100ms"},
                                            {WaitOver{}, "list a"},
                                            {Page{"10", ""}, "keep, replace, watch 10"}})},
    {"AGarbledPageIsAskedForAgain",
     listing({{Page{"10", "a"}, "keep, list a"}, {Garbled{"not JSON"}, "wait 100ms"}, {WaitOver{}, "list a"}}),
     "not JSON"},
    {"APageTokenThatExpiredBeginsAnew", listing({{Page{"10", "a"}, "keep, list a"},
                                                 {Refused{410, "expired"}, "wait 100ms"},
                                                 {WaitOver{}, "list"},
                                                 {Page{"12", ""}, "keep, replace, watch 12"}})},
    {"APageTokenThatIsNothingToTheServerBeginsAnew",
     listing({{Page{"10", "a"}, "keep, list a"}, {Refused{400, "invalid token"}, "wait 100ms"}, {WaitOver{}, "list"}}),
     "the API server refuses: 400 invalid token"},
    {"APageThatFailsTimeAndAgainBeginsAnew",
     listing({{Page{"10", "a"}, "keep, list a"},
              {Refused{500, "future revision"}, "wait 100ms"},
              {WaitOver{}, "list a"},
              {Broken{"reset"}, "wait 200ms"},
              {WaitOver{}, "list a"},
              {Silent{}, "drop connections, wait 400ms"},
              {WaitOver{}, "list a"},
              {Garbled{"not JSON"}, "wait 800ms"},
              {WaitOver{}, "list"}}),
     "not JSON"},
    {"APageThatIsTooLongIsAskedForInParts",
     listing({{Page{"10", "a"}, "keep, list a"},
              {TooLong{}, "list a by 250"},
              {TooLong{}, "list a by 125"},
              {Page{"10", "b"}, "keep, list b by 125"},
              {Page{"10", ""}, "keep, replace, watch 10"},
              {Refused{410, "too old"}, "wait 100ms"},
              {WaitOver{}, "list"}}),
     "the API server refuses: 410 too old"},
    {"AnObjectThatIsTooLongIsAFailure",
     listing({{TooLong{}, "list by 250"},
              {TooLong{}, "list by 125"},
              {TooLong{}, "list by 62"},
              {TooLong{}, "list by 31"},
              {TooLong{}, "list by 15"},
              {TooLong{}, "list by 7"},
              {TooLong{}, "list by 3"},
              {TooLong{}, "list by 1"},
              {TooLong{}, "wait 100ms"},
              {WaitOver{}, "list"}}),
     "an object of the API server is too long"},
    {"AWatchGoesOnFromTheLastChangeOrBookmark", watching({{Changed{"11"}, "apply"},
                                                          {Bookmark{"15"}, ""},
                                                          {Ended{}, "wait 100ms"},
                                                          {WaitOver{}, "watch 15"},
                                                          {Changed{"16"}, "apply"},
                                                          {Ended{}, "wait 100ms"},
                                                          {WaitOver{}, "watch 16"}})},
    {"DuplicateEventsAreAppliedAgainWhichChangesNothing",
     watching({{Changed{"11"}, "apply"}, {Changed{"11"}, "apply"}, {Ended{}, "wait 100ms"}, {WaitOver{}, "watch 11"}})},
    {"GoneAsStatusListsAnew",
     watching(
         {{Refused{410, "too old"}, "wait 100ms"}, {WaitOver{}, "list"}, {Page{"20", ""}, "keep, replace, watch 20"}})},
    {"GoneAsEventListsAnew", watching({{Changed{"11"}, "apply"},
                                       {Refused{410, "too old", {}, true}, "wait 100ms"},
                                       {WaitOver{}, "list"},
                                       {Page{"20", ""}, "keep, replace, watch 20"}})},
    {"AnyErrorEventListsAnew", watching({{Refused{500, "etcd", {}, true}, "wait 100ms"}, {WaitOver{}, "list"}}),
     "the API server refuses: 500 etcd"},
    {"TooManyRequestsWaitsAsLongAsItSays",
     listing(
         {{Page{"10", "a"}, "keep, list a"}, {Refused{429, "slow down", 7s}, "wait 7100ms"}, {WaitOver{}, "list a"}}),
     "the API server refuses: 429 slow down"},
    {"RetryAfterHasAnEnd", watching({{Refused{429, "slow down", std::chrono::seconds::max()}, "wait 300000ms"}}),
     "the API server refuses: 429 slow down"},
    {"ASilentConnectionIsLeft",
     watching({{Changed{"11"}, "apply"}, {Silent{}, "drop connections, wait 100ms"}, {WaitOver{}, "watch 11"}}),
     "the API server is silent"},
    {"WatchesThatTellNothingForTooLongMayBeAheadOfTheServer",
     watching({{Silent{}, "drop connections, wait 100ms"},
               {WaitOver{}, "watch 10"},
               {Silent{News::kOverdue}, "drop connections, wait 200ms"},
               {WaitOver{}, "list"},
               {Page{"4", ""}, "keep, replace, watch 4"},
               {Bookmark{"4"}, ""}})},
    {"SoMayOneThatEndsInOrder", watching({{Ended{News::kOverdue}, "wait 100ms"}, {WaitOver{}, "list"}})},
    {"AListThatIsSilentIsNoWatch",
     listing({{Page{"10", "a"}, "keep, list a"},
              {Silent{News::kOverdue}, "drop connections, wait 100ms"},
              {WaitOver{}, "list a"}}),
     "the API server is silent"},
    {"ASilentListIsLeft", listing({{Silent{}, "drop connections, wait 100ms"}, {WaitOver{}, "list"}}),
     "the API server is silent"},
    {"ALineCutOffIsFetchedAgain",
     watching({{Changed{"11"}, "apply"}, {Broken{"cut off"}, "wait 100ms"}, {WaitOver{}, "watch 11"}}), "cut off"},
    {"AGarbledLineListsAnew",
     watching({{Changed{"11"}, "apply"}, {Garbled{"not JSON"}, "wait 100ms"}, {WaitOver{}, "list"}}), "not JSON"},
    {"AnApiServerThatRestartsIsWaitedFor",
     watching({{Changed{"11"}, "apply"},
               {Broken{"closed"}, "wait 100ms"},
               {WaitOver{}, "watch 11"},
               {Broken{"refused"}, "wait 200ms"},
               {WaitOver{}, "watch 11"},
               {Refused{503, "starting"}, "wait 400ms"},
               {WaitOver{}, "watch 11"},
               {Changed{"12"}, "apply"},
               {Broken{"closed"}, "wait 100ms"}}),
     "closed"},
    {"AWatchThatWorkedEndsARowOfFailures",
     watching({{Broken{"at once"}, "wait 100ms"},
               {WaitOver{}, "watch 10"},
               {Broken{"at once"}, "wait 200ms"},
               {WaitOver{}, "watch 10"},
               {Ended{}, "wait 100ms"},
               {WaitOver{}, "watch 10"},
               {Broken{"at once"}, "wait 100ms"}}),
     "at once"},
    {"SoDoesOneThatStandsAndTellsNothing",
     watching({{Broken{"at once"}, "wait 100ms"},
               {WaitOver{}, "watch 10"},
               {Broken{"at once"}, "wait 200ms"},
               {WaitOver{}, "watch 10"},
               {Standing{}, ""},
               {Broken{"at once"}, "wait 100ms"}}),
     "at once"},
    {"AWatchThatStandsIsNoProblemAnyMore",
     watching({{Broken{"reset"}, "wait 100ms"}, {WaitOver{}, "watch 10"}, {Standing{}, ""}})},
    {"FailuresCountUntilAWatchTellsSomething",
     watching({{Refused{410, "too old"}, "wait 100ms"},
               {WaitOver{}, "list"},
               {Page{"20", ""}, "keep, replace, watch 20"},
               {Refused{410, "too old"}, "wait 200ms"},
               {WaitOver{}, "list"},
               {Page{"20", ""}, "keep, replace, watch 20"},
               {Bookmark{"21"}, ""},
               {Refused{410, "too old"}, "wait 100ms"}}),
     "the API server refuses: 410 too old"},
    {"ABuiltInKindIsNeverMissing",
     {{Started{}, "list"},
      {Refused{404, "default backend"}, "wait 100ms"},
      {WaitOver{}, "list"},
      {Page{"10", ""}, "keep, replace, watch 10"},
      {Refused{404, "default backend"}, "wait 200ms"},
      {WaitOver{}, "watch 10"}},
     "the API server refuses: 404 default backend",
     "services"},
    {"RbacThatForbidsToList",
     listing({{Refused{403, "user cannot list resource x"}, "wait 100ms"}, {WaitOver{}, "list"}}),
     "RBAC does not allow to list tlsroutes.gateway.networking.k8s.io: a ClusterRole bound to the agent needs the rule "
     R"({apiGroups: ["gateway.networking.k8s.io"], resources: ["tlsroutes"], verbs: ["list", "watch"]} (user cannot list resource x))"},
    {"RbacThatForbidsToWatch",
     {{Started{}, "list"},
      {Page{"10", ""}, "keep, replace, watch 10"},
      {Refused{403, "user cannot watch resource x"}, "wait 100ms"},
      {WaitOver{}, "watch 10"}},
     "RBAC does not allow to watch services: a ClusterRole bound to the agent needs the rule "
     R"({apiGroups: [""], resources: ["services"], verbs: ["list", "watch"]} (user cannot watch resource x))",
     "services"},
    {"WhatForbidsMayBeSomethingElse",
     listing({{Refused{403, "a firewall says no"}, "wait 100ms"}, {WaitOver{}, "list"}}),
     "the API server refuses: 403 a firewall says no"},
    {"CredentialsThatExpired", watching({{Refused{401, "Unauthorized"}, "wait 100ms"}, {WaitOver{}, "watch 10"}}),
     "the API server does not take the agent's credentials: 401 Unauthorized"},
    {"WhatComesTooLateIsIgnored",
     watching({{Broken{"reset"}, "wait 100ms"},
               {Changed{"11"}, ""},
               {Bookmark{"12"}, ""},
               {Standing{}, ""},
               {Ended{}, ""},
               {Silent{}, ""},
               {Page{"9", ""}, ""},
               {Served{true}, ""},
               {Refused{410, "late"}, ""},
               {Garbled{"late"}, ""},
               {WaitOver{}, "watch 10"}}),
     "reset"},
};

INSTANTIATE_TEST_SUITE_P(Kube, ReflectorScripts, testing::ValuesIn(kScripts),
                         [](const auto& script) { return std::string(script.param.name); });

Reflector watched() {
    Reflector state{&resource("services")};
    for (const Event& event : {Event{Started{}}, Event{Page{"10", ""}}}) run(state, event);
    return state;
}

TEST(Reflector, BacksOffUpToALimitWithJitter) {
    auto state = watched();
    std::vector<std::string> waits;
    for (int i = 0; i < 10; ++i) {
        waits.push_back(run(state, Broken{"refused"}, i % 2 == 0 ? 0.0 : 0.5));
        run(state, WaitOver{});
    }
    EXPECT_THAT(waits, ElementsAre("wait 100ms", "wait 300ms", "wait 400ms", "wait 1200ms", "wait 1600ms",
                                   "wait 4800ms", "wait 6400ms", "wait 19200ms", "wait 15000ms", "wait 22500ms"));
}

TEST(Reflector, WatchesEndAtDifferentTimes) {
    for (const double random : {0.0, 0.5, 0.99}) {
        const auto actions = step(watched(), Ended{}, random);
        const auto again = step(actions.state, WaitOver{}, random).actions;
        ASSERT_EQ(again.size(), 1u);
        EXPECT_EQ(std::get<Watch>(again[0]).timeout.count(), static_cast<int>(300 * (1 + random)));
    }
}

TEST(Reflector, IsSyncedAfterTheLastPageOrWhenTheKindIsNotServed) {
    Reflector listed{&resource("services")};
    run(listed, Started{});
    run(listed, Page{"10", "a"});
    EXPECT_FALSE(listed.synced);
    run(listed, Page{"10", ""});
    EXPECT_TRUE(listed.synced);
    run(listed, Refused{410, "too old"});
    EXPECT_TRUE(listed.synced) << "what was known stays in force meanwhile";

    Reflector missing{&resource("listenersets")};
    run(missing, Started{});
    EXPECT_FALSE(missing.synced);
    run(missing, Served{false});
    EXPECT_TRUE(missing.synced);
}

TEST(Reflector, KindThatIsNotServedIsFollowedUntilThatIsInDoubt) {
    Reflector state{&resource("listenersets")};
    run(state, Started{});
    run(state, Served{false});
    EXPECT_TRUE(is_followed(state));
    run(state, WaitOver{});
    EXPECT_TRUE(is_followed(state)) << "another look is no doubt";
    run(state, Broken{"connection refused"});
    EXPECT_FALSE(is_followed(state));
    run(state, WaitOver{});
    run(state, Served{true});
    run(state, Page{"10", ""});
    EXPECT_TRUE(is_followed(state));
}

}  // namespace
}  // namespace slipgate::kube
