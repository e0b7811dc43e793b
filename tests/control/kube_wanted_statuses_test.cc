// SPDX-License-Identifier: Apache-2.0
// Of which objects a status is wanted: of those that were judged, in the life and generation that is there.
#include "agent/source/kube/wanted_statuses.h"

#include <gmock/gmock.h>

#include "agent/model/controller.h"

namespace slipgate::kube {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Pair;
using Change = WantedStatuses::Change;

constexpr std::uint64_t kUid = 1, kOtherUid = 2;

// A route "shop/web" of generation 7, which was judged.
class Wanted : public testing::Test {
  protected:
    Wanted() {
        TlsRoute route;
        route.meta.name = "web";
        route.meta.namespace_ = "shop";
        route.meta.generation = 7;
        route.meta.uid = kUid;
        snapshot_.tls_routes.put("shop/web", route);
        statuses_.tls_routes["shop/web"].parents = {{{}, kOurController, {{"Accepted", "True", "Accepted", "", 7}}}};
        update();
    }

    // Those that were visited.
    std::vector<std::pair<ObjectKey, Change>> update() {
        std::vector<std::pair<ObjectKey, Change>> visited;
        wanted_.update(statuses_, snapshot_,
                       [&](const auto& key, Change change) { visited.emplace_back(key, change); });
        return visited;
    }

    [[nodiscard]] std::optional<WantedStatus> of(std::int64_t generation, std::uint64_t uid = kUid,
                                                 std::string status = {}) const {
        return wanted_.of(key_, {.version = "v1",
                                 .resource_version = "1",
                                 .generation = generation,
                                 .uid = uid,
                                 .status = std::move(status)});
    }

    const ObjectKey key_{&resource_of("TLSRoute"), "shop/web"};
    StoredObjects stored_;
    Snapshot snapshot_;
    Statuses statuses_;
    WantedStatuses wanted_{stored_};
};

TEST_F(Wanted, IsTheStatusOfTheObjectThatWasJudged) {
    ASSERT_TRUE(of(7));
    EXPECT_EQ(std::get<TlsRouteStatus>(*of(7)), statuses_.tls_routes.at("shop/web"));
    EXPECT_TRUE(of(6)) << "an earlier state of it was restored";
}

TEST_F(Wanted, IsNothingOfALaterGenerationOrAnotherLife) {
    EXPECT_FALSE(of(8));
    EXPECT_FALSE(of(7, kOtherUid));
}

TEST_F(Wanted, IsThatOurEntriesGoWhenTheRouteIsNoneOfOurs) {
    const auto ours = std::string(R"({"parents": [{"controllerName": ")") + kOurController + R"("}]})";
    statuses_.tls_routes.erase("shop/web");
    EXPECT_THAT(update(), Contains(Pair(key_, Change::kStatus)));
    ASSERT_TRUE(of(7, kUid, ours));
    EXPECT_THAT(std::get<TlsRouteStatus>(*of(7, kUid, ours)).parents, IsEmpty());
    EXPECT_FALSE(of(7, kUid, R"({"parents": [{"controllerName": "acme.example/controller"}]})"));
    EXPECT_FALSE(of(8, kUid, ours)) << "it may be ours again";
    EXPECT_FALSE(of(7, kOtherUid, ours));
}

TEST_F(Wanted, IsLookedAtAgainForAnotherLifeWithTheSameStatus) {
    EXPECT_THAT(update(), IsEmpty());
    auto route = snapshot_.tls_routes.at("shop/web");
    route.meta.uid = kOtherUid;
    snapshot_.tls_routes.put("shop/web", route);
    EXPECT_THAT(update(), Contains(Pair(key_, Change::kObject)));
    EXPECT_TRUE(of(7, kOtherUid));
}

}  // namespace
}  // namespace slipgate::kube
