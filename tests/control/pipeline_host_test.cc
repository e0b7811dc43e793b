// SPDX-License-Identifier: Apache-2.0
// What the pipeline does with the host: ports it listens on, addresses it gives to Gateways and to the host.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/control/pipeline_fixture.h"

namespace slipgate {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class PipelineHostTest : public PipelineTest {
  protected:
    std::string address_of(const std::string& gateway) const {
        return published_.back().gateways.at(gateway).addresses.at(0).value;
    }
};

const SocketAddress kVip{*IpAddress::parse("192.0.2.1"), 443};

std::string accepted_of_listener(const Statuses& statuses) {
    const auto& condition = statuses.gateways.at("shop/gw").listeners.at(0).conditions.at(0);
    return condition.type + " " + condition.reason;
}

TEST_F(PipelineHostTest, PortThatAnotherProcessHasIsLeftToItUntilItIsFree) {
    auto pipeline = make();
    taken_ = {kVip};
    pipeline.update(shop());
    EXPECT_TRUE(pipeline.settle());
    ASSERT_EQ(applied_.size(), 1u) << "a table with the VIP is never applied";
    EXPECT_TRUE(applied_.back().vips.empty());
    EXPECT_EQ(accepted_of_listener(published_.back()), "Accepted PortUnavailable");

    EXPECT_FALSE(pipeline.retry_host());
    EXPECT_EQ(listened_.back(), std::set{kVip}) << "it is tried again";
    EXPECT_EQ(applied_.size(), 1u);

    taken_.clear();
    EXPECT_TRUE(pipeline.retry_host());
    EXPECT_TRUE(pipeline.settle());
    EXPECT_TRUE(applied_.back().vips.contains(kVip));
    EXPECT_EQ(accepted_of_listener(published_.back()), "Accepted Accepted");
    const auto tables = applied_.size();
    EXPECT_FALSE(pipeline.retry_host());
    EXPECT_EQ(applied_.size(), tables) << "nothing is left to do";
}

TEST_F(PipelineHostTest, PortOfAGatewayThatIsGoneIsNotTriedAgain) {
    auto pipeline = make();
    taken_ = {kVip};
    pipeline.update(shop());
    pipeline.update(LoadedSnapshot{});
    EXPECT_TRUE(listened_.back().empty());
    EXPECT_FALSE(pipeline.retry_host());
    EXPECT_TRUE(listened_.back().empty());
}

TEST_F(PipelineHostTest, AddressesSetAsideForGatewaysAreConfigured) {
    const std::set<IpAddress> address = {kVip.address};
    options_.address_ranges = {*IpPrefix::parse("192.0.2.0/24")};
    auto pipeline = make();
    pipeline.on_network_change();
    EXPECT_TRUE(configured_.empty()) << "nothing is known yet: what an earlier agent configured stays";
    configure_status_ = fail("Operation not permitted");
    pipeline.update(shop());
    EXPECT_TRUE(pipeline.settle()) << "a router may lead packets here all the same";
    pipeline.retry_host();
    EXPECT_THAT(configured_, testing::ElementsAre(address, address)) << "it is tried again";
    configure_status_ = {};
    pipeline.retry_host();
    pipeline.retry_host();
    pipeline.update(shop());
    EXPECT_EQ(configured_.size(), 3u) << "it is done";
    pipeline.on_network_change();
    EXPECT_EQ(configured_.size(), 4u) << "the interface may be another one";
    pipeline.update(LoadedSnapshot{});
    EXPECT_TRUE(configured_.back().empty()) << "its Gateway is gone";
}

constexpr std::string_view kClass = kManifests.substr(0, kManifests.find("---"));

// Gateways that name no address.
LoadedSnapshot gateways(std::initializer_list<const char*> names, std::string_view gateway_class = kClass) {
    std::string text(gateway_class);
    for (const char* name : names) {
        text += fmt::format(
            "---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: {}}}\n"
            "spec:\n  gatewayClassName: slipgate\n"
            "  listeners: [{{name: tls, port: 443, protocol: TLS, tls: {{mode: Passthrough}}}}]\n",
            name);
    }
    return load_snapshot(text, "gateways.yaml");
}

TEST_F(PipelineHostTest, GatewayKeepsTheAddressItWasGiven) {
    options_.address_pool = {*IpRange::parse("198.51.100.1-198.51.100.9")};
    Pipeline pipeline = make();
    pipeline.update(gateways({"m"}));
    ASSERT_TRUE(pipeline.settle());
    EXPECT_EQ(address_of("default/m"), "198.51.100.1");
    pipeline.update(gateways({"a", "m"}));
    ASSERT_TRUE(pipeline.settle());
    EXPECT_EQ(address_of("default/m"), "198.51.100.1");
    EXPECT_EQ(address_of("default/a"), "198.51.100.2");
}

TEST_F(PipelineHostTest, GatewayComesBackToItsAddressWhenItsClassDoes) {
    options_.address_pool = {*IpRange::parse("198.51.100.1-198.51.100.9")};
    auto pipeline = make();
    pipeline.update(gateways({"m"}));
    pipeline.update(gateways({"m"}, ""));
    ASSERT_TRUE(applied_.back().vips.empty());
    pipeline.update(gateways({"a", "m"}));
    ASSERT_TRUE(pipeline.settle());
    EXPECT_EQ(address_of("default/m"), "198.51.100.1");
}

TEST_F(PipelineHostTest, AddressThatTheHostCannotHaveIsInTheStatusUntilItCan) {
    options_.address_ranges = {*IpPrefix::parse("192.0.2.0/24")};
    configure_status_ = fail("address 192.0.2.1 on eth0: Permission denied");
    missing_ = {{kVip.address, "Permission denied"}};
    auto pipeline = make();
    pipeline.update(shop());
    ASSERT_TRUE(pipeline.settle());
    ASSERT_EQ(published_.size(), 1u);
    EXPECT_THAT(programmed(published_[0].gateways.at("shop/gw")),
                AllOf(HasSubstr("AddressNotUsable"), HasSubstr("192.0.2.1 (Permission denied)")));
    EXPECT_TRUE(applied_.back().vips.contains(kVip)) << "a router may lead packets here all the same";
    EXPECT_THAT(metrics_.render({}), HasSubstr("slipgate_missing_addresses 1\n"));

    EXPECT_FALSE(pipeline.retry_host());
    configure_status_ = {};
    missing_.clear();
    EXPECT_TRUE(pipeline.retry_host());
    ASSERT_TRUE(pipeline.settle());
    EXPECT_THAT(programmed(published_.back().gateways.at("shop/gw")), HasSubstr("Programmed: "));
    EXPECT_THAT(metrics_.render({}), HasSubstr("slipgate_missing_addresses 0\n"));
}

TEST_F(PipelineHostTest, AddressThatBecomesTheHostsOwnIsNoGatewaysAnyMore) {
    options_.address_pool = {*IpRange::parse("198.51.100.1-198.51.100.9")};
    of_host_ = {*IpAddress::parse("198.51.100.1")};
    auto pipeline = make();
    pipeline.update(gateways({"m"}));
    ASSERT_TRUE(pipeline.settle());
    EXPECT_EQ(address_of("default/m"), "198.51.100.2");
    of_host_ = {*IpAddress::parse("198.51.100.2")};
    pipeline.on_network_change();
    ASSERT_TRUE(pipeline.settle());
    EXPECT_EQ(address_of("default/m"), "198.51.100.1");
}

TEST_F(PipelineHostTest, NodeKeepsItsAddressesWhileItsObjectNamesNone) {
    options_.node_name = "node-1";
    const auto with_node = [](const char* addresses) {
        const auto node = fmt::format(
            "---\napiVersion: v1\nkind: Node\nmetadata: {{name: node-1}}\nstatus: {{addresses: [{}]}}\n", addresses);
        return gateways({"m"}, std::string(kClass) + node);
    };
    const auto is_served = [&](const char* address) {
        return applied_.back().vips.contains({*IpAddress::parse(address), 443});
    };
    auto pipeline = make();
    pipeline.update(with_node("{type: InternalIP, address: 192.0.2.7}"));
    ASSERT_TRUE(is_served("192.0.2.7"));
    pipeline.update(with_node(""));
    pipeline.update(gateways({"m"}));
    EXPECT_TRUE(is_served("192.0.2.7"));
    pipeline.update(with_node("{type: InternalIP, address: 192.0.2.8}"));
    EXPECT_FALSE(is_served("192.0.2.7"));
    EXPECT_TRUE(is_served("192.0.2.8"));
}

}  // namespace
}  // namespace slipgate
