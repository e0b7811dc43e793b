// SPDX-License-Identifier: Apache-2.0
// Whether a kind is served, and in which version: what the reflector does about it, as scripts.
#include "tests/control/reflector_script.h"

namespace slipgate::kube {
namespace {

// The lines that lead to a watch where the best version is not served.
std::vector<Line> watching_v1alpha3(std::vector<Line> rest) {
    std::vector<Line> lines = {{Started{}, "discover v1"},
                               {Served{false}, "discover v1alpha3"},
                               {Served{true}, "list"},
                               {Page{"10", ""}, "keep, replace, watch 10"}};
    lines.insert(lines.end(), rest.begin(), rest.end());
    return lines;
}

const std::vector<Script> kScripts = {
    {"ACrdThatIsMissing",
     {{Started{}, "discover v1"},
      {Served{false}, "discover v1alpha3"},
      {Refused{404, "no group"}, "find v1alpha3"},
      {Served{false}, "discover v1alpha2"},
      {Served{false}, "forget all, wait 30000ms"},
      {WaitOver{}, "discover v1"},
      {Served{true}, "list"},
      {Page{"10", ""}, "keep, replace, watch 10"}}},
    {"AnOlderVersionIsServed", watching_v1alpha3({})},
    {"ABetterVersionIsLookedForWhenAWatchEnds", watching_v1alpha3({{Ended{}, "wait 100ms"},
                                                                   {WaitOver{}, "discover v1"},
                                                                   {Served{false}, "discover v1alpha3"},
                                                                   {Served{true}, "watch 10"},
                                                                   {Silent{}, "drop connections, wait 100ms"},
                                                                   {WaitOver{}, "discover v1"},
                                                                   {Served{true}, "list"},
                                                                   {Page{"12", ""}, "keep, replace, watch 12"},
                                                                   {Ended{}, "wait 100ms"},
                                                                   {WaitOver{}, "watch 12"}})},
    {"AnOlderVersionThanThatOfTheWatchIsListed", watching_v1alpha3({{Ended{}, "wait 100ms"},
                                                                    {WaitOver{}, "discover v1"},
                                                                    {Served{false}, "discover v1alpha3"},
                                                                    {Served{false}, "discover v1alpha2"},
                                                                    {Served{true}, "list"}})},
    {"AVersionThatWasDoubtedIsListed",
     watching_v1alpha3({{Ended{}, "wait 100ms"},
                        {WaitOver{}, "discover v1"},
                        {Served{false}, "discover v1alpha3"},
                        {Served{false}, "discover v1alpha2"},
                        {Served{false}, "wait 100ms"},
                        {WaitOver{}, "discover v1"},
                        {Served{false}, "discover v1alpha3"},
                        {Served{true}, "list"}}),
     "the API server does not serve tlsroutes.gateway.networking.k8s.io: is its CustomResourceDefinition installed?"},
    {"AVersionTakenAwayIsLookedForFromTheBestOn",
     watching_v1alpha3({{Refused{404, "not found"}, "wait 100ms"}, {WaitOver{}, "discover v1"}}),
     "the API server refuses: 404 not found"},
    {"ACrdRemovedLater",
     watching({{Ended{}, "wait 100ms"},
               {WaitOver{}, "watch 10"},
               {Refused{404, "not found"}, "wait 100ms"},
               {WaitOver{}, "discover v1"},
               {Served{false}, "discover v1alpha3"},
               {Served{false}, "discover v1alpha2"},
               {Served{false}, "wait 200ms"},
               {WaitOver{}, "discover v1"},
               {Served{false}, "discover v1alpha3"},
               {Served{false}, "discover v1alpha2"},
               {Served{false}, "forget all, wait 30000ms"}}),
     "the API server does not serve tlsroutes.gateway.networking.k8s.io: is its CustomResourceDefinition installed?"},
    {"AnApiServerThatDoesNotKnowYetWhatItServesIsAskedAgain", watching({{Refused{404, "not found"}, "wait 100ms"},
                                                                        {WaitOver{}, "discover v1"},
                                                                        {Served{false}, "discover v1alpha3"},
                                                                        {Served{false}, "discover v1alpha2"},
                                                                        {Served{false}, "wait 200ms"},
                                                                        {WaitOver{}, "discover v1"},
                                                                        {Served{true}, "list"},
                                                                        {Page{"10", ""}, "keep, replace, watch 10"}})},
    {"A404ThatDiscoveryDoesNotConfirmForgetsNothing",
     watching({{Refused{404, "not found"}, "wait 100ms"},
               {WaitOver{}, "discover v1"},
               {Broken{"reset"}, "wait 200ms"},
               {WaitOver{}, "discover v1"},
               {Served{true}, "list"}}),
     "reset"},
    {"A404IsNoProofIfTheVersionIsListed",
     {{Started{}, "discover v1"},
      {Refused{404, "default backend"}, "find v1"},
      {Served{true}, "wait 100ms"},
      {WaitOver{}, "discover v1"}},
     "a version that the API server lists is not found"},
    {"A404IsNoProofIfThereIsNoListOfVersions",
     {{Started{}, "discover v1"},
      {Refused{404, "default backend"}, "find v1"},
      {Refused{404, "default backend"}, "wait 100ms"},
      {WaitOver{}, "discover v1"},
      {Refused{404, "default backend"}, "find v1"},
      {Garbled{"not JSON"}, "wait 200ms"}},
     "not JSON"},
    {"RbacThatForbidsDiscovery",
     {{Started{}, "discover v1"}, {Refused{403, "user cannot get path x"}, "wait 100ms"}, {WaitOver{}, "discover v1"}},
     "RBAC does not allow to ask what the API server serves: a ClusterRole bound to the agent needs the rule "
     R"({nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*"], verbs: ["get"]}, as system:discovery has it (user cannot get path x))"},
};

INSTANTIATE_TEST_SUITE_P(Discovery, ReflectorScripts, testing::ValuesIn(kScripts),
                         [](const auto& script) { return std::string(script.param.name); });

TEST(Reflector, WatchesOfAnOlderVersionAreShort) {
    Reflector state{&resource("tlsroutes")};
    run(state, Started{});
    run(state, Served{false});
    run(state, Served{true});
    const auto actions = step(state, Page{"10", ""}, 0.5).actions;
    EXPECT_EQ(std::get<Watch>(actions.back()).timeout.count(), 45);
}

}  // namespace
}  // namespace slipgate::kube
