// SPDX-License-Identifier: Apache-2.0
// What the reconciler holds on to: endpoints whose way cannot be found out just now, and indices that an earlier agent
// gave away a moment ago.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "agent/datapath/reconcile.h"
#include "tests/control/fake_maps.h"
#include "tests/control/map_view.h"

namespace slipgate {
namespace {

using test::lookup;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr NameSecret kSecret{3, 5};
constexpr VipMss kMss{1460, 1440};

IpAddress address(const char* text) {
    return *IpAddress::parse(text);
}

RoutingTable shop(const std::vector<const char*>& endpoints) {
    RoutingTable table;
    auto& backend = table.backends["shop/web:443"];
    for (const auto* text : endpoints) backend.endpoints.emplace_back(SocketAddress{address(text), 8443});
    table.routes["shop/web"].backends = {{"shop/web:443", 1}};
    table.vips[{address("192.0.2.1"), 443}].names = {{"shop.example.com", "shop/web"}};
    return table;
}

class ReconcileKeep : public testing::Test {
  protected:
    void SetUp() override { restart(); }
    void restart() {
        const auto resolve = [this](const IpAddress& endpoint) -> tl::expected<EndpointWay, NoWay> {
            if (endpoint == unknown_) return tl::unexpected(NoWay{std::nullopt, "No buffer space available"});
            return EndpointWay{address("10.0.0.254"),
                               endpoint == address("10.0.0.1") ? std::uint16_t{1300} : kMss.ipv4};
        };
        reconciler_ = std::make_unique<Reconciler>(maps_, [this] { return now_; }, resolve, kSecret, false);
        ASSERT_TRUE(reconciler_->adopt());
        now_ += std::chrono::seconds(2);  // ranges of the last run may be used again
    }
    std::vector<std::string> endpoints() {
        const auto name = lookup(maps_, "192.0.2.1:443", "shop.example.com", kSecret);
        return name && !name->shares.empty() ? name->shares[0].endpoints : std::vector<std::string>{"refused"};
    }

    test::FakeMaps maps_;
    TimePoint now_{std::chrono::hours(1)};
    std::optional<IpAddress> unknown_;
    std::unique_ptr<Reconciler> reconciler_;
};

TEST_F(ReconcileKeep, EndpointsStayWhileTheWayToOneIsUnknown) {
    ASSERT_THAT(reconciler_->reconcile(shop({"10.0.0.1", "10.0.0.2"}), kMss).failures, IsEmpty());
    const auto before = endpoints();
    ASSERT_EQ(before.size(), 2U);

    unknown_ = address("10.0.0.3");
    for (const auto* agent : {"the same", "another one, that knows only the maps"}) {
        SCOPED_TRACE(agent);
        const auto report = reconciler_->reconcile(shop({"10.0.0.1", "10.0.0.3"}), kMss);
        EXPECT_TRUE(report.again);
        EXPECT_THAT(report.failures, ElementsAre(HasSubstr("10.0.0.3:8443: No buffer space available")));
        EXPECT_THAT(report.findings.endpoints, IsEmpty()) << "nothing is known against it";
        EXPECT_EQ(endpoints(), before);
        EXPECT_EQ(test::view(maps_).at("192.0.2.1:443").mss, 1300) << "what is served fits the way to 10.0.0.1";
        restart();
    }

    unknown_.reset();
    const auto report = reconciler_->reconcile(shop({"10.0.0.1", "10.0.0.3"}), kMss);
    EXPECT_FALSE(report.again);
    EXPECT_THAT(endpoints(), ElementsAre(HasSubstr("10.0.0.1:"), HasSubstr("10.0.0.3:")));
}

TEST_F(ReconcileKeep, ANewVipWaitsForABackendWhoseWaysAreUnknown) {
    unknown_ = address("10.0.0.1");
    EXPECT_TRUE(reconciler_->reconcile(shop({"10.0.0.1"}), kMss).again);
    EXPECT_THAT(test::view(maps_), IsEmpty());
    unknown_.reset();
    EXPECT_FALSE(reconciler_->reconcile(shop({"10.0.0.1"}), kMss).again);
    EXPECT_THAT(endpoints(), ElementsAre(HasSubstr("10.0.0.1:8443")));
}

// An opening that was under way when the old agent ended knows its backend by the index.
TEST_F(ReconcileKeep, TheNextAgentLetsIndicesOfRemovedObjectsRest) {
    ASSERT_THAT(reconciler_->reconcile(shop({"10.0.0.1"}), kMss).failures, IsEmpty());
    const auto routes = *maps_.route_names();
    const auto backends = *maps_.backend_names();
    ASSERT_EQ(routes.size(), 1U);
    ASSERT_EQ(backends.size(), 1U);
    ASSERT_THAT(reconciler_->reconcile({}, kMss).failures, IsEmpty());
    ASSERT_TRUE(maps_.empty());

    restart();
    ASSERT_THAT(reconciler_->reconcile(shop({"10.0.0.2"}), kMss).failures, IsEmpty());
    EXPECT_NE(maps_.route_names()->begin()->first, routes.begin()->first);
    EXPECT_NE(maps_.backend_names()->begin()->first, backends.begin()->first);
}

}  // namespace
}  // namespace slipgate
