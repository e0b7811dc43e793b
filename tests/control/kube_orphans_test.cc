// SPDX-License-Identifier: Apache-2.0
// Statuses of Gateways and ListenerSets whose class or Gateway has gone.
#include "agent/source/kube/orphans.h"

#include <gmock/gmock.h>

namespace slipgate::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A Gateway "infra/edge" of class "ours", and a ListenerSet "shop/more" on it, each with one listener.
class Orphans : public testing::Test {
  protected:
    Orphans() {
        Listener listener;
        listener.name = "tls";
        Gateway gateway;
        gateway.meta = meta("infra", "edge");
        gateway.gateway_class_name = "ours";
        gateway.listeners = {listener};
        gateway.assigned = {*IpAddress::parse("192.0.2.1")};
        snapshot_.gateways.put("infra/edge", gateway);
        ListenerSet set;
        set.meta = meta("shop", "more");
        set.parent_ref.namespace_ = "infra";
        set.parent_ref.name = "edge";
        set.listeners = {listener};
        snapshot_.listener_sets.put("shop/more", set);
        before_.gateways["infra/edge"] = {};
        before_.listener_sets["shop/more"] = {};
    }

    static ObjectMeta meta(const std::string& space, const std::string& name) {
        ObjectMeta meta;
        meta.name = name;
        meta.namespace_ = space;
        meta.generation = 7;
        return meta;
    }

    [[nodiscard]] Statuses result(Statuses statuses = {}) const {
        return with_orphans(std::move(statuses), before_, snapshot_);
    }

    Snapshot snapshot_;
    Statuses before_;
};

TEST_F(Orphans, AGatewayWithoutItsClassWaits) {
    const auto* const why = "GatewayClass ours does not exist";
    const auto now = result();
    const auto& status = now.gateways.at("infra/edge");
    EXPECT_THAT(status.conditions, ElementsAre(Condition{"Accepted", "Unknown", "Pending", why, 7},
                                               Condition{"Programmed", "Unknown", "Pending", why, 7}));
    EXPECT_THAT(status.addresses, ElementsAre(GatewayAddress{"IPAddress", "192.0.2.1"}));
    EXPECT_EQ(status.listeners.at(0).name, "tls");
    EXPECT_THAT(status.listeners.at(0).conditions, ElementsAre(Condition{"Accepted", "Unknown", "Pending", why, 7},
                                                               Condition{"ResolvedRefs", "Unknown", "Pending", why, 7},
                                                               Condition{"Programmed", "Unknown", "Pending", why, 7}));
    EXPECT_EQ(now.listener_sets.at("shop/more").conditions.at(0).reason, "NotAllowed");
    snapshot_.gateways["infra/edge"].allowed_listeners.from = "All";
    EXPECT_EQ(result().listener_sets.at("shop/more").conditions.at(0).reason, "ParentNotAccepted");
}

TEST_F(Orphans, AreSoUntilTheyAreJudgedAgain) {
    before_ = result();
    EXPECT_EQ(result(), before_);
    Statuses judged;
    judged.gateways["infra/edge"] = {};
    judged.listener_sets["shop/more"] = {};
    EXPECT_EQ(result(judged), judged);
}

TEST_F(Orphans, OfAnotherControllersClassAreLeftToIt) {
    snapshot_.gateway_classes["ours"] = {};
    EXPECT_EQ(result(), Statuses{});
}

TEST_F(Orphans, ThatNeverWereOursAreLeftAlone) {
    before_ = {};
    EXPECT_EQ(result(), Statuses{});
}

TEST_F(Orphans, ThatAreGoneHaveNoStatus) {
    snapshot_ = {};
    EXPECT_EQ(result(), Statuses{});
}

TEST_F(Orphans, AListenerSetWithoutItsGatewayIsNotAccepted) {
    snapshot_.gateways.erase("infra/edge");
    const auto* const why = "Gateway infra/edge does not exist";
    const auto now = result();
    EXPECT_THAT(now.gateways, IsEmpty());
    const auto& status = now.listener_sets.at("shop/more");
    EXPECT_THAT(status.conditions, ElementsAre(Condition{"Accepted", "False", "ParentNotAccepted", why, 7},
                                               Condition{"Programmed", "False", "ParentNotProgrammed", why, 7}));
    EXPECT_THAT(status.listeners.at(0).conditions.back(), (Condition{"Programmed", "False", "Invalid", why, 7}));
}

TEST_F(Orphans, AListenerSetThatNamesSomethingElseNowIsLeftAlone) {
    auto set = snapshot_.listener_sets.at("shop/more");
    set.parent_ref.kind = "Service";
    snapshot_.listener_sets.put("shop/more", set);
    Statuses judged;
    judged.gateways["infra/edge"] = {};
    EXPECT_EQ(result(judged), judged);
    snapshot_.gateways.erase("infra/edge");
    EXPECT_EQ(result(), Statuses{});
}

}  // namespace
}  // namespace slipgate::kube
