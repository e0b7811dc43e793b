// SPDX-License-Identifier: Apache-2.0
#include "agent/app/pipeline.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

namespace slipgate {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kManifests = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: slipgate}
spec: {controllerName: slipgate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: shop}
spec:
  gatewayClassName: slipgate
  addresses: [{type: IPAddress, value: 192.0.2.1}]
  listeners: [{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: gw}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: web, port: 443}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.7]}]
ports: [{port: 8443}]
)";

// The pipeline between a text and sinks that remember, and fail when told to.
class PipelineTest : public testing::Test {
  protected:
    Pipeline make() {
        return {options_,
                {[this](const std::set<SocketAddress>& vips) {
                     listened_.push_back(vips);
                     return unavailable_of(vips);
                 },
                 [this]() -> Result<std::set<IpAddress>> { return of_host_; },
                 [this](const std::set<IpAddress>& addresses) {
                     configured_.push_back(addresses);
                     return ConfiguredAddresses{configure_status_, missing_};
                 },
                 [this](RoutingTable table) {
                     applied_.push_back(std::move(table));
                     return apply_status_;
                 },
                 [this] { return synced_; }, [this]() -> const Findings& { return findings_; },
                 [this](const Statuses& statuses, const LoadedSnapshot&) {
                     published_.push_back(statuses);
                     return publish_status_;
                 }},
                metrics_};
    }

    UnavailablePorts unavailable_of(const std::set<SocketAddress>& vips) const {
        UnavailablePorts unavailable;
        for (const auto& vip : vips) {
            if (taken_.contains(vip)) unavailable[vip] = "another process of the node listens there";
        }
        return unavailable;
    }

    std::string address_of(const std::string& gateway) const {
        return published_.back().gateways.at(gateway).addresses.at(0).value;
    }

    static LoadedSnapshot shop() { return load_snapshot(kManifests, "shop.yaml"); }

    TranslateOptions options_;
    Metrics metrics_;
    Status apply_status_, publish_status_, configure_status_;
    std::set<SocketAddress> taken_;  // by another process of the host
    std::set<IpAddress> of_host_;
    std::map<IpAddress, std::string> missing_;  // that cannot be configured
    bool synced_ = true;
    Findings findings_;
    std::vector<std::set<SocketAddress>> listened_;
    std::vector<std::set<IpAddress>> configured_;
    std::vector<RoutingTable> applied_;
    std::vector<Statuses> published_;
};

TEST_F(PipelineTest, ManifestsReachMapsAndStatuses) {
    auto pipeline = make();
    EXPECT_THAT(pipeline.ready().error().message, HasSubstr("not been read"));
    EXPECT_FALSE(pipeline.settle());
    EXPECT_TRUE(applied_.empty());

    pipeline.update(shop());
    EXPECT_TRUE(pipeline.settle());
    EXPECT_TRUE(pipeline.ready());
    ASSERT_EQ(applied_.size(), 1u);
    EXPECT_TRUE(applied_[0].routes.contains("shop/web"));
    ASSERT_EQ(applied_[0].backends.size(), 1u);
    EXPECT_EQ(applied_[0].backends.begin()->second.endpoints.size(), 1u);
    ASSERT_EQ(published_.size(), 1u);
    EXPECT_TRUE(published_[0].tls_routes.contains("shop/web"));
    EXPECT_THAT(metrics_.render({}), HasSubstr("slipgate_objects{kind=\"TLSRoute\"} 1\n"));

    EXPECT_TRUE(pipeline.settle());
    EXPECT_EQ(published_.size(), 1u) << "nothing was left to do";
}

TEST_F(PipelineTest, StatusesWaitForTheMaps) {
    auto pipeline = make();
    synced_ = false;
    apply_status_ = fail("map names: No space left on device");
    pipeline.update(shop());
    EXPECT_FALSE(pipeline.settle());
    EXPECT_TRUE(published_.empty());
    EXPECT_THAT(pipeline.ready().error().message, HasSubstr("map names: No space left on device"));
    EXPECT_THAT(metrics_.render({}), HasSubstr("success_timestamp_seconds 0\n"));

    synced_ = true;  // the data path tried again by itself
    EXPECT_TRUE(pipeline.settle());
    EXPECT_EQ(published_.size(), 1u);
    EXPECT_TRUE(pipeline.ready());
}

// How many changes took how long to be in the maps: by the bounds of the histogram, in seconds.
std::string delays(const Metrics& metrics) {
    std::string found;
    std::istringstream text(metrics.render({}));
    for (std::string line; std::getline(text, line);) {
        const std::string_view start = "slipgate_apply_duration_seconds_bucket{le=\"";
        if (line.starts_with(start)) found += line.substr(start.size()) + "\n";
    }
    return found;
}

TEST_F(PipelineTest, DelayOfAChangeEndsWhenTheMapsHoldIt) {
    using std::chrono::seconds;
    auto pipeline = make();
    synced_ = false;
    const auto now = Pipeline::Clock::now();
    pipeline.update(shop(), now - seconds(4));
    pipeline.settle();
    EXPECT_THAT(delays(metrics_), HasSubstr("+Inf\"} 0\n")) << "the maps do not hold it yet";
    pipeline.update(shop(), now - seconds(1));
    synced_ = true;
    pipeline.settle();
    EXPECT_THAT(delays(metrics_), AllOf(HasSubstr("2.5\"} 0\n"), HasSubstr("+Inf\"} 1\n"))) << "the older one counts";
    pipeline.settle();
    EXPECT_THAT(delays(metrics_), HasSubstr("+Inf\"} 1\n")) << "nothing was new";
    pipeline.update(shop());
    EXPECT_THAT(delays(metrics_), AllOf(HasSubstr("2.5\"} 1\n"), HasSubstr("+Inf\"} 2\n")));
}

TEST_F(PipelineTest, StatusesAreTriedAgain) {
    auto pipeline = make();
    publish_status_ = fail("no space");
    pipeline.update(shop());
    EXPECT_FALSE(pipeline.settle());
    EXPECT_TRUE(pipeline.ready()) << "traffic is served all the same";
    publish_status_ = {};
    EXPECT_TRUE(pipeline.settle());
    EXPECT_EQ(published_.size(), 2u);
}

TEST_F(PipelineTest, ReadyStaysOnceItWas) {
    auto pipeline = make();
    pipeline.update(shop());
    ASSERT_TRUE(pipeline.settle());
    synced_ = false;  // a later change is on its way
    pipeline.update(LoadedSnapshot{});
    EXPECT_FALSE(pipeline.settle());
    EXPECT_TRUE(pipeline.ready());
}

// Each condition of a route's first parent, "type reason".
std::vector<std::string> conditions_of(const Statuses& statuses, const std::string& route) {
    std::vector<std::string> all;
    for (const auto& condition : statuses.tls_routes.at(route).parents.at(0).conditions)
        all.push_back(condition.type + " " + condition.reason);
    return all;
}

TEST_F(PipelineTest, FindingsOfTheDataPathAreInTheStatuses) {
    auto pipeline = make();
    findings_.endpoints = {{"shop/web:443", {*IpAddress::parse("10.0.0.7"), 8443}, Exclusion::kLocalAddress, ""}};
    pipeline.update(shop());
    EXPECT_TRUE(pipeline.settle());
    ASSERT_EQ(published_.size(), 1u);
    EXPECT_THAT(conditions_of(published_[0], "shop/web"), Contains("slipgate.dev/EndpointsExcluded LocalAddress"));
    EXPECT_THAT(metrics_.render({}), HasSubstr("slipgate_config_errors{kind=\"TLSRoute\"} 1\n"));

    EXPECT_TRUE(pipeline.settle());
    EXPECT_EQ(published_.size(), 1u) << "the data path says what it said";

    findings_ = {};  // the network has changed
    EXPECT_TRUE(pipeline.settle());
    ASSERT_EQ(published_.size(), 2u);
    EXPECT_THAT(conditions_of(published_[1], "shop/web"), Not(Contains(HasSubstr("EndpointsExcluded"))));
    EXPECT_EQ(applied_.size(), 1u) << "the table is the same";
    EXPECT_THAT(metrics_.render({}), Not(HasSubstr("config_errors{kind=\"TLSRoute\"}")));
}

TEST_F(PipelineTest, EndpointsLeftOutByEitherSideAreCounted) {
    const auto counted = [&](std::string_view reason, int endpoints) {
        return HasSubstr(fmt::format("slipgate_excluded_endpoints{{reason=\"{}\"}} {}\n", reason, endpoints));
    };
    options_.source_mode = SourceMode::kPreserveOnly;  // no manifest says which node an endpoint is on
    auto pipeline = make();
    pipeline.update(shop());
    EXPECT_THAT(metrics_.render({}), AllOf(counted("AnswersElsewhere", 1), counted("NoRoute", 0)));

    findings_.endpoints = {{"shop/web:443", {*IpAddress::parse("10.0.0.8"), 8443}, Exclusion::kNoRoute, ""}};
    pipeline.settle();
    EXPECT_THAT(metrics_.render({}), AllOf(counted("AnswersElsewhere", 1), counted("NoRoute", 1)));
}

TEST_F(PipelineTest, VipThatIsNotInTheMapsIsNotProgrammed) {
    auto pipeline = make();
    findings_.parts = {{TablePart::of_vip({*IpAddress::parse("192.0.2.1"), 443}), UnplacedPart::Cause::kNoRoom,
                        "the map vips is full"}};
    pipeline.update(shop());
    EXPECT_TRUE(pipeline.settle());
    const auto programmed = [&] {
        const auto& conditions = published_.back().gateways.at("shop/gw").conditions;
        return std::find_if(conditions.begin(), conditions.end(), [](const auto& c) { return c.type == "Programmed"; });
    };
    EXPECT_EQ(programmed()->status, "False");
    EXPECT_EQ(programmed()->reason, "NoResources");
    findings_ = {};
    EXPECT_TRUE(pipeline.settle());
    EXPECT_EQ(programmed()->status, "True");
}

TEST_F(PipelineTest, AfterTheFirstSyncStatusesSayWhatIsPending) {
    auto pipeline = make();
    pipeline.update(shop());
    ASSERT_TRUE(pipeline.settle());
    synced_ = false;
    findings_.parts = {{TablePart::of_route("shop/web"), UnplacedPart::Cause::kPending, "waits for a backend"}};
    pipeline.update(shop());
    EXPECT_FALSE(pipeline.settle());
    EXPECT_THAT(conditions_of(published_.back(), "shop/web"), Contains("slipgate.dev/NotProgrammed Pending"));
    synced_ = true;
    findings_ = {};
    EXPECT_TRUE(pipeline.settle());
    EXPECT_THAT(conditions_of(published_.back(), "shop/web"), Not(Contains(HasSubstr("NotProgrammed"))));
}

const SocketAddress kVip{*IpAddress::parse("192.0.2.1"), 443};

std::string accepted_of_listener(const Statuses& statuses) {
    const auto& condition = statuses.gateways.at("shop/gw").listeners.at(0).conditions.at(0);
    return condition.type + " " + condition.reason;
}

TEST_F(PipelineTest, PortThatAnotherProcessHasIsLeftToItUntilItIsFree) {
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

TEST_F(PipelineTest, PortOfAGatewayThatIsGoneIsNotTriedAgain) {
    auto pipeline = make();
    taken_ = {kVip};
    pipeline.update(shop());
    pipeline.update(LoadedSnapshot{});
    EXPECT_TRUE(listened_.back().empty());
    EXPECT_FALSE(pipeline.retry_host());
    EXPECT_TRUE(listened_.back().empty());
}

TEST_F(PipelineTest, AddressesSetAsideForGatewaysAreConfigured) {
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

TEST_F(PipelineTest, GatewayKeepsTheAddressItWasGiven) {
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

TEST_F(PipelineTest, GatewayComesBackToItsAddressWhenItsClassDoes) {
    options_.address_pool = {*IpRange::parse("198.51.100.1-198.51.100.9")};
    auto pipeline = make();
    pipeline.update(gateways({"m"}));
    pipeline.update(gateways({"m"}, ""));
    ASSERT_TRUE(applied_.back().vips.empty());
    pipeline.update(gateways({"a", "m"}));
    ASSERT_TRUE(pipeline.settle());
    EXPECT_EQ(address_of("default/m"), "198.51.100.1");
}

std::string programmed(const GatewayStatus& gateway) {
    const auto& conditions = gateway.conditions;
    const auto found =
        std::find_if(conditions.begin(), conditions.end(), [](const auto& c) { return c.type == "Programmed"; });
    return found->reason + ": " + found->message;
}

TEST_F(PipelineTest, AddressThatTheHostCannotHaveIsInTheStatusUntilItCan) {
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

TEST_F(PipelineTest, AddressThatBecomesTheHostsOwnIsNoGatewaysAnyMore) {
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

TEST_F(PipelineTest, NodeKeepsItsAddressesWhileItsObjectNamesNone) {
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

TEST_F(PipelineTest, UnreadableObjectsAreCounted) {
    auto pipeline = make();
    auto loaded = load_snapshot(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: TLSRoute\nmetadata: {name: web}\nspec: {rules: 1}\n",
        "bad.yaml");
    ASSERT_FALSE(loaded.problems.empty());
    pipeline.update(std::move(loaded));
    EXPECT_THAT(metrics_.render({}), HasSubstr("slipgate_config_errors{kind=\"manifest\"} "));
}

}  // namespace
}  // namespace slipgate
