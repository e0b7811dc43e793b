// SPDX-License-Identifier: Apache-2.0
// What is known of an object, from lists, watches and answers that overtake each other.
#include "agent/source/kube/stored_objects.h"

#include <gmock/gmock.h>

#include "tests/control/kube_resources.h"

namespace slipgate::kube {
namespace {

using testing::IsEmpty;

class StoredObjectsTest : public testing::Test {
  protected:
    static nlohmann::json route(const std::string& version, int generation = 1) {
        return {{"metadata",
                 {{"namespace", "shop"}, {"name", "r"}, {"resourceVersion", version}, {"generation", generation}}},
                {"status", {{"at", version}}}};
    }

    void tell(const std::string& version, Told by = Told::kByWatch) { stored_.put(routes_, "v1", route(version), by); }
    std::string known() const { return stored_.find(key_)->resource_version; }

    const Resource& routes_ = resource("tlsroutes");
    const ObjectKey key_{&routes_, "shop/r"};
    StoredObjects stored_;
};

TEST_F(StoredObjectsTest, AWatchThatLagsBehindAnAnswerTellsNothingNew) {
    tell("99");
    stored_.learn(key_, route("101"), "99");
    (void)stored_.take_changed();
    tell("100");
    EXPECT_EQ(known(), "101");
    EXPECT_THAT(stored_.take_changed(), IsEmpty());
    tell("102");
    EXPECT_EQ(known(), "102");
}

TEST_F(StoredObjectsTest, AListIsRightAboutEarlierVersions) {
    tell("1000");
    tell("20", Told::kByList);
    EXPECT_EQ(known(), "20");
    EXPECT_THAT(stored_.take_changed(), testing::ElementsAre(key_));
}

TEST_F(StoredObjectsTest, AnAnswerIsRightIfNothingElseWasToldSinceTheRequest) {
    tell("1000");
    stored_.learn(key_, route("20"), "1000");
    EXPECT_EQ(known(), "20");
    tell("22");
    stored_.learn(key_, route("21"), "20");
    EXPECT_EQ(known(), "22");
}

TEST_F(StoredObjectsTest, OurOwnWriteIsNoChange) {
    tell("1");
    (void)stored_.take_changed();
    stored_.learn(key_, route("2"), "1");
    tell("2");
    EXPECT_THAT(stored_.take_changed(), IsEmpty());
}

TEST_F(StoredObjectsTest, AnObjectThatIsGoneIsNotLearnedOf) {
    tell("1");
    stored_.erase(routes_, "shop/r");
    stored_.learn(key_, route("2"), "1");
    EXPECT_EQ(stored_.find(key_), nullptr);
}

}  // namespace
}  // namespace slipgate::kube
