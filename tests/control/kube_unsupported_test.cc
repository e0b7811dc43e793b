// SPDX-License-Identifier: Apache-2.0
// Statuses of objects that the API server takes and the agent does not, and of what leads to them.
#include "agent/source/kube/unsupported_status.h"

#include <gmock/gmock.h>

#include "agent/model/controller.h"
#include "agent/source/kube/unserved.h"
#include "agent/source/kube/unsupported_parents.h"

namespace slipgate::kube {
namespace {

using testing::ElementsAre;
using testing::Field;

ObjectMeta meta(const std::string& space) {
    ObjectMeta meta;
    meta.name = "it";
    meta.namespace_ = space;
    meta.generation = 7;
    return meta;
}

Statuses statuses() {
    Statuses statuses;
    statuses.gateway_classes["ours"] = {};
    statuses.gateways["infra/edge"] = {};
    statuses.listener_sets["shop/more"] = {};
    return statuses;
}

std::optional<WantedStatus> status_of(Object object) {
    return unsupported_status({std::move(object), "spec.x: no"}, statuses(), {});
}

template <typename Reference>
Reference reference(const std::string& kind, std::optional<std::string> space, const std::string& name) {
    Reference ref;
    ref.kind = kind;
    ref.namespace_ = std::move(space);
    ref.name = name;
    return ref;
}

Condition bad(const std::string& type, const std::string& reason) {
    return {type, "False", reason, "spec.x: no", 7};
}

TEST(UnsupportedStatus, OfARouteIsUnderEachParentOfOurs) {
    TlsRoute route{.meta = meta("shop"), .parent_refs = {}, .hostnames = {}, .backend_refs = {}};
    const auto ours = {reference<ParentReference>("Gateway", "infra", "edge"),
                       reference<ParentReference>("ListenerSet", {}, "more")};
    route.parent_refs = ours;
    route.parent_refs.push_back(reference<ParentReference>("Gateway", {}, "edge"));
    route.parent_refs.push_back(reference<ParentReference>("Service", "infra", "edge"));
    route.parent_refs.push_back(reference<ParentReference>("Gateway", "infra", "edge"));
    route.parent_refs.back().group = "acme.example";
    const auto status = std::get<TlsRouteStatus>(status_of(route).value());
    std::vector<ParentReference> parents;
    for (const auto& parent : status.parents) {
        parents.push_back(parent.parent_ref);
        EXPECT_EQ(parent.controller_name, kOurController);
        EXPECT_THAT(parent.conditions,
                    ElementsAre(bad("Accepted", "UnsupportedValue"), Field(&Condition::status, "Unknown")));
    }
    EXPECT_EQ(parents, std::vector(ours));
    route.parent_refs.erase(route.parent_refs.begin(), route.parent_refs.begin() + 2);
    EXPECT_FALSE(status_of(route));
}

TEST(UnsupportedStatus, OfAGatewayIsForOneOfOurClasses) {
    Gateway gateway;
    gateway.meta = meta("infra");
    gateway.gateway_class_name = "ours";
    gateway.assigned = {*IpAddress::parse("192.0.2.1")};
    const auto status = std::get<GatewayStatus>(status_of(gateway).value());
    EXPECT_THAT(status.conditions, ElementsAre(bad("Accepted", "Invalid"), bad("Programmed", "Invalid")));
    EXPECT_THAT(status.addresses, ElementsAre(GatewayAddress{"IPAddress", "192.0.2.1"}));
    gateway.gateway_class_name = "other";
    EXPECT_FALSE(status_of(gateway));
}

TEST(UnsupportedStatus, OfAListenerSetIsForAGatewayOfOurs) {
    ListenerSet set;
    set.meta = meta("shop");
    set.parent_ref = reference<ParentGatewayReference>("Gateway", "infra", "edge");
    const auto status = std::get<ListenerSetStatus>(status_of(set).value());
    EXPECT_THAT(status.conditions, ElementsAre(bad("Accepted", "Invalid"), bad("Programmed", "Invalid")));
    set.parent_ref.namespace_.reset();
    EXPECT_FALSE(status_of(set));
}

TEST(UnsupportedStatus, OfAGatewayClassIsForOurController) {
    GatewayClass gateway_class;
    gateway_class.meta = meta("");
    gateway_class.controller_name = kOurController;
    const auto status = std::get<GatewayClassStatus>(status_of(gateway_class).value());
    EXPECT_THAT(status.conditions,
                ElementsAre(bad("Accepted", "Unsupported"), Field(&Condition::type, "SupportedVersion")));
    EXPECT_EQ(status.conditions.back().observed_generation, 7);
    gateway_class.controller_name = "acme.example/controller";
    EXPECT_FALSE(status_of(gateway_class));
}

TEST(UnsupportedStatus, OfOtherKindsIsNone) {
    EXPECT_FALSE(status_of(Service{.meta = meta("shop"), .ports = {}, .cluster_ips = {}}));
}

// A Gateway "infra/bad", which takes ListenerSets of its namespace and of "shop", and a ListenerSet "shop/bad" that the
// agent does not take, each of ours.
class UnsupportedParents : public testing::Test {
  protected:
    UnsupportedParents() {
        for (const auto* space : {"infra", "shop", "other"}) {
            Namespace labelled;
            labelled.meta.labels = {{"is", space}};
            snapshot_.namespaces.put(space, labelled);
        }
        unsupported_[{&resource_of("Gateway"), "infra/bad"}] = {gateway("bad", "ours"), "spec.x: no"};
        ListenerSet set;
        set.meta = meta("shop");
        set.parent_ref = reference<ParentGatewayReference>("Gateway", "infra", "edge");
        unsupported_[{&resource_of("ListenerSet"), "shop/bad"}] = {set, "spec.y: no"};
    }

    static Gateway gateway(const std::string& name, const std::string& gateway_class) {
        Gateway gateway;
        gateway.meta = meta("infra");
        gateway.meta.name = name;
        gateway.gateway_class_name = gateway_class;
        gateway.allowed_listeners = {"Selector", LabelSelector{{}, {{"is", "In", {"infra", "shop"}}}}};
        return gateway;
    }

    // A ListenerSet "on-it" of that Gateway in "infra".
    void add_set(const std::string& space, const std::string& on) {
        ListenerSet set;
        set.meta = meta(space);
        set.parent_ref = reference<ParentGatewayReference>("Gateway", "infra", on);
        snapshot_.listener_sets.put(space + "/on-it", set);
    }

    // A route in "shop".
    void add_route(const std::string& name, const std::vector<ParentReference>& parents) {
        TlsRoute route{.meta = meta("shop"), .parent_refs = parents, .hostnames = {}, .backend_refs = {}};
        snapshot_.tls_routes.put("shop/" + name, std::move(route));
    }

    [[nodiscard]] Statuses result() const { return with_unsupported_parents(known_, snapshot_, unsupported_); }

    const ParentReference edge_ = reference<ParentReference>("Gateway", "infra", "edge");
    const ParentReference gateway_ = reference<ParentReference>("Gateway", "infra", "bad");
    const ParentReference set_ = reference<ParentReference>("ListenerSet", {}, "bad");
    std::map<ObjectKey, UnsupportedObject> unsupported_;
    Snapshot snapshot_;
    Statuses known_ = statuses();
};

const char* const kOfGateway = "Gateway infra/bad is not accepted; its conditions say why";
const char* const kOfSet = "ListenerSet shop/bad is not accepted; its conditions say why";

RouteParentStatus no_parent(const ParentReference& ref, const char* why) {
    return refused_entry(ref, "NoMatchingParent", why, 7);
}

TEST_F(UnsupportedParents, KeepAnEntryOfEachRoute) {
    const RouteParentStatus good{edge_, kOurController, {{"Accepted", "True", "Accepted", "", 7}}};
    known_.tls_routes["shop/all"].parents = {good};
    add_route("all", {gateway_, edge_, set_});
    add_route("alone", {gateway_});
    add_route("elsewhere", {reference<ParentReference>("Gateway", {}, "bad")});
    const auto routes = result().tls_routes;
    EXPECT_THAT(routes.at("shop/all").parents,
                ElementsAre(no_parent(gateway_, kOfGateway), good, no_parent(set_, kOfSet)));
    EXPECT_THAT(routes.at("shop/alone").parents, ElementsAre(no_parent(gateway_, kOfGateway)));
    EXPECT_EQ(routes.size(), 2U);
}

TEST_F(UnsupportedParents, TakeTheirListenerSetsAlong) {
    add_set("shop", "bad");
    add_route("on-it", {reference<ParentReference>("ListenerSet", {}, "on-it")});
    const auto now = result();
    EXPECT_THAT(now.listener_sets.at("shop/on-it").conditions,
                ElementsAre(Condition{"Accepted", "False", "ParentNotAccepted", kOfGateway, 7},
                            Condition{"Programmed", "False", "ParentNotProgrammed", kOfGateway, 7}));
    EXPECT_THAT(now.tls_routes.at("shop/on-it").parents,
                ElementsAre(no_parent(reference<ParentReference>("ListenerSet", {}, "on-it"),
                                      "ListenerSet shop/on-it is not accepted; its conditions say why")));
}

TEST_F(UnsupportedParents, TellListenerSetsThatAreNotAllowedNothingElse) {
    add_set("other", "bad");
    const auto* const why = "spec.allowedListeners of Gateway infra/bad takes no ListenerSets from namespace other";
    EXPECT_THAT(result().listener_sets.at("other/on-it").conditions,
                ElementsAre(Condition{"Accepted", "False", "NotAllowed", why, 7},
                            Condition{"Programmed", "False", "NotAllowed", why, 7}));
}

TEST_F(UnsupportedParents, OfAClassAreAllThatIsBelowIt) {
    GatewayClass gateway_class;
    gateway_class.meta = meta("");
    gateway_class.controller_name = kOurController;
    unsupported_[{&resource_of("GatewayClass"), "refused"}] = {gateway_class, "spec.z: no"};
    unsupported_[{&resource_of("Gateway"), "infra/worse"}] = {gateway("worse", "refused"), "spec.x: no"};
    auto below = gateway("below", "refused");
    below.assigned = {*IpAddress::parse("192.0.2.1")};
    snapshot_.gateways.put("infra/below", below);
    add_set("shop", "below");
    add_route("below", {reference<ParentReference>("Gateway", "infra", "below")});
    const auto now = result();
    EXPECT_THAT(now.gateway_classes.at("refused").conditions,
                ElementsAre(Condition{"Accepted", "False", "Unsupported", "spec.z: no", 7},
                            Field(&Condition::type, "SupportedVersion")));
    EXPECT_THAT(now.gateways.at("infra/worse").conditions,
                ElementsAre(bad("Accepted", "Invalid"), bad("Programmed", "Invalid")));
    const auto* const of_class = "GatewayClass refused is not accepted; its conditions say why";
    const auto& status = now.gateways.at("infra/below");
    EXPECT_THAT(status.conditions, ElementsAre(Condition{"Accepted", "False", "Invalid", of_class, 7},
                                               Condition{"Programmed", "False", "Invalid", of_class, 7}));
    EXPECT_THAT(status.addresses, ElementsAre(GatewayAddress{"IPAddress", "192.0.2.1"}));
    EXPECT_EQ(now.listener_sets.at("shop/on-it").conditions.at(0).reason, "ParentNotAccepted");
    EXPECT_THAT(now.tls_routes.at("shop/below").parents,
                ElementsAre(no_parent(reference<ParentReference>("Gateway", "infra", "below"),
                                      "Gateway infra/below is not accepted; its conditions say why")));
}

TEST_F(UnsupportedParents, OfOthersAreNone) {
    known_.gateway_classes.erase("ours");
    known_.gateways.erase("infra/edge");
    add_route("all", {gateway_, set_});
    EXPECT_EQ(result(), known_);
}

}  // namespace
}  // namespace slipgate::kube
