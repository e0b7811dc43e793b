// SPDX-License-Identifier: Apache-2.0
// Gateways that an API server with today's CRDs would not let pass, so that no golden pair can say it.
#include "agent/translate/listeners.h"

#include <gtest/gtest.h>

#include "tests/translate/one_gateway.h"

namespace slipgate {
namespace {

Listener make_listener(std::string name, std::optional<std::string> hostname, std::optional<std::string> tls_mode) {
    Listener listener;
    listener.name = std::move(name);
    listener.hostname = std::move(hostname);
    listener.port = 443;
    listener.protocol = "TLS";
    listener.tls_mode = std::move(tls_mode);
    return listener;
}

TEST(Listeners, OneHostnameTwiceConflictsOnBoth) {
    Gateway gateway;
    gateway.listeners = {make_listener("a", "www.example.com", "Passthrough"),
                         make_listener("b", "www.example.com", "Passthrough"),
                         make_listener("c", "api.example.com", "Passthrough")};
    const auto states = judge_listeners(gateway.listeners, {});
    for (const auto* state : {&states[0], &states[1]}) {
        EXPECT_EQ(state->accepted.status, "False");
        EXPECT_EQ(state->accepted.reason, "HostnameConflict");
        ASSERT_TRUE(state->conflicted);
        EXPECT_EQ(state->conflicted->status, "True");
        EXPECT_EQ(state->conflicted->reason, "HostnameConflict");
    }
    EXPECT_TRUE(states[2].accepted.ok());
    EXPECT_FALSE(states[2].conflicted);
}

TEST(Listeners, TlsWithoutModeIsTerminate) {
    Gateway gateway;
    gateway.listeners = {make_listener("a", std::nullopt, std::nullopt)};
    EXPECT_EQ(judge_listeners(gateway.listeners, {}).front().accepted.reason, "UnsupportedValue");
}

TEST(Translate, GatewayWithoutListenersIsNotAccepted) {
    const auto result = translate(one_gateway(), {});
    EXPECT_EQ(result.statuses.gateways.at("default/gw").conditions.front().reason, "ListenersNotValid");
    EXPECT_EQ(result.table, RoutingTable{});
}

}  // namespace
}  // namespace slipgate
