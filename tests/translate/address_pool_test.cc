// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/address_pool.h"

#include <gtest/gtest.h>

#include "tests/translate/one_gateway.h"
#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::ip;

// To its end it would be a walk of 2^64 steps.
TEST(AddressPool, AWalkOverAddressesThatNobodyCanHaveEnds) {
    const auto pool = {*IpRange::parse("2001:db8:1::/64"), *IpRange::parse("2001:db8:2::1")};
    const auto is_usable = [](const IpAddress& address) { return address == ip("2001:db8:2::1"); };
    const AssignedAddresses next_range = {{"default/a", {ip("2001:db8:2::1")}}};
    EXPECT_EQ(assign_from_pool({{"default/a", {}}, {"default/b", {}}}, pool, is_usable), next_range);
}

// One that the API server takes and the agent does not: no file has such.
TEST(AddressPool, AGatewayThatIsRefusedKeepsWhatItHas) {
    auto snapshot = one_gateway();
    auto& refused = snapshot.refused_gateways["default/other"];
    refused = snapshot.gateways.at("default/gw");
    refused.meta.name = "other";
    refused.assigned = {ip("198.51.100.1")};
    TranslateOptions options;
    options.address_pool = {*IpRange::parse("198.51.100.1-198.51.100.2")};
    const AssignedAddresses each_its_own{{"default/gw", {ip("198.51.100.2")}}, {"default/other", {ip("198.51.100.1")}}};
    const auto translation = translate(snapshot, options);
    EXPECT_EQ(translation.assigned, each_its_own);
    EXPECT_FALSE(translation.statuses.gateways.contains("default/other")) << "nothing else is found out about it";
    snapshot.gateway_classes["slipgate"].controller_name = "acme.example/controller";
    EXPECT_TRUE(translate(snapshot, options).assigned.empty()) << "they are not ours";
}

}  // namespace
}  // namespace slipgate
