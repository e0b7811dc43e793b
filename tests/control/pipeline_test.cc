// SPDX-License-Identifier: Apache-2.0
// Objects to maps and statuses: in which order, how often, and what is tried again.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <sstream>

#include "tests/control/pipeline_fixture.h"

namespace slipgate {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

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
    const auto programmed_now = [&] { return programmed(published_.back().gateways.at("shop/gw")); };
    EXPECT_THAT(programmed_now(), HasSubstr("NoResources: "));
    findings_ = {};
    EXPECT_TRUE(pipeline.settle());
    EXPECT_THAT(programmed_now(), HasSubstr("Programmed: "));
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
