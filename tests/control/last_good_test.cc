// SPDX-License-Identifier: Apache-2.0
// A mistake saved into a manifest changes nothing but the log and the status, as a refused change does in a cluster.
#include <gmock/gmock.h>

#include "tests/control/file_source_fixture.h"

namespace slipgate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

class LastGood : public FileSourceTest {
  protected:
    // The file is read, and something in it is wrong.
    void write_mistake(const std::string& file, const std::string& text) {
        folder_.write(file, text);
        wait_for([](const SourceUpdate& update) { return has_mistake(update); });
    }

    static bool has_mistake(const SourceUpdate& update) {
        return std::any_of(update.problems.begin(), update.problems.end(),
                           [](const auto& found) { return found.problem.severity >= Severity::warning; });
    }

    const Service& a() const { return state_.snapshot.services.at("default/a"); }
};

TEST_F(LastGood, VersionOfAnObjectStaysUntilTheMistakeIsMended) {
    folder_.write("a.yaml", service("a", 1) + "---\n" + service("b", 1));
    start();
    write_mistake("a.yaml", service("b", 2) + "---\n" + service("a", 70000));
    EXPECT_EQ(a().ports.at(0).port, 1);
    EXPECT_EQ(a().meta.generation, 1) << "what is refused is no generation";
    EXPECT_EQ(state_.snapshot.services.at("default/b").ports.at(0).port, 2) << "the rest goes on";
    EXPECT_THAT(problems(),
                ElementsAre("a.yaml:3: spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535",
                            "a.yaml:3: the last version without fault, generation 1, stays in force"));
    for (const auto& found : state_.problems) EXPECT_EQ(found.object.to_string(), "Service default/a");

    write_mistake("a.yaml", service("a", 0));
    EXPECT_EQ(a().ports.at(0).port, 1) << "two mistakes in a row";

    folder_.write("a.yaml", service("a", 3));
    wait_for_port("default/a", 3);
    EXPECT_EQ(a().meta.generation, 2);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(LastGood, VersionIsTheLastOneNotTheFirst) {
    folder_.write("a.yaml", service("a", 1));
    start();
    folder_.write("a.yaml", service("a", 2));
    wait_for_port("default/a", 2);
    write_mistake("a.yaml", service("a", 0));
    EXPECT_EQ(a().ports.at(0).port, 2);
    EXPECT_EQ(a().meta.generation, 2);
}

TEST_F(LastGood, NoVersionNoObject) {
    folder_.write("a.yaml", service("a", 0));
    start();
    EXPECT_THAT(state_.snapshot.services, IsEmpty());
    ASSERT_THAT(problems(), ElementsAre(HasSubstr("a.yaml:1: spec.ports[0].port: ")));
    folder_.write("a.yaml", service("a", 1));
    wait_for_port("default/a", 1);
    EXPECT_EQ(a().meta.generation, 1);
}

TEST_F(LastGood, VersionGoesWhenTheObjectIsRemoved) {
    folder_.write("a.yaml", service("a", 1) + "---\n" + service("b", 1));
    start();
    write_mistake("a.yaml", service("a", 0) + "---\n" + service("b", 1));
    folder_.write("a.yaml", service("b", 1));
    wait_for([](const SourceUpdate& update) { return update.problems.empty(); });
    EXPECT_THAT(state_.snapshot.services, ElementsAre(Key("default/b")));
    write_mistake("a.yaml", service("a", 0) + "---\n" + service("b", 1));
    EXPECT_THAT(state_.snapshot.services, ElementsAre(Key("default/b"))) << "what was removed is forgotten";
}

TEST_F(LastGood, VersionGoesWithItsFile) {
    folder_.write("a.yaml", service("a", 1));
    start();
    write_mistake("a.yaml", service("a", 0));
    std::filesystem::remove(folder_ / "a.yaml");
    wait_for([](const SourceUpdate& update) { return update.snapshot.services.empty(); });
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(LastGood, VersionFollowsTheObjectIntoAnotherFile) {
    folder_.write("a.yaml", service("a", 1));
    start();
    write_mistake("a.yaml", service("a", 0));
    std::filesystem::rename(folder_ / "a.yaml", folder_ / "b.yaml");
    wait_for(
        [](const SourceUpdate& update) { return !update.problems.empty() && update.problems[0].file == "b.yaml"; });
    EXPECT_EQ(a().ports.at(0).port, 1);
}

TEST_F(LastGood, FileThatIsNoYamlKeepsWhatWasInForce) {
    folder_.write("a.yaml", service("a", 1));
    start();
    write_mistake("a.yaml", service("a", 0));
    folder_.write("a.yaml", "kind: {Service\n");
    wait_for([](const SourceUpdate& update) {
        return has_mistake(update) && update.problems[0].problem.message.find("file stays") != std::string::npos;
    });
    EXPECT_EQ(a().ports.at(0).port, 1);
}

// In these the document does not say any more which object it is.
class Nameless : public LastGood, public testing::WithParamInterface<const char*> {};

TEST_P(Nameless, DocumentMayMeanAnObjectThatIsMissing) {
    folder_.write("a.yaml", service("a", 1) + "---\n" + service("b", 1));
    start();
    const std::string mistake = GetParam();
    write_mistake("a.yaml", service("b", 2) + "---\n" + mistake);
    EXPECT_EQ(a().ports.at(0).port, 1);
    EXPECT_EQ(state_.snapshot.services.at("default/b").ports.at(0).port, 2);
    ASSERT_EQ(problems().size(), 2U);
    EXPECT_EQ(problems().back(), "a.yaml:3: Service default/a stays in force: perhaps this document means it");
    EXPECT_EQ(state_.problems.back().object.to_string(), "Service default/a") << "its status says so, too";
    folder_.write("a.yaml", service("b", 2));
    wait_for([](const SourceUpdate& update) { return update.problems.empty(); });
    EXPECT_THAT(state_.snapshot.services, ElementsAre(Key("default/b")));
}

INSTANTIATE_TEST_SUITE_P(
    , Nameless,
    testing::Values("{apiVersion: v1, kind: Service, metadata: {name: A_}, spec: {ports: [{port: 1}]}}\n",
                    "{apiVersion: v1, kind: Service, metadata: {name: a, namespace: B}, spec: {ports: [{port: 1}]}}\n",
                    "{apiVersion: v1, kind: Service, metadata: {}, spec: {ports: [{port: 1}]}}\n",
                    "{apiVersion: v1, knd: Service, metadata: {name: a}}\n", "a\n",
                    "{apiVersion: gateway.networking.k8s.io/v1, kind: TLSRuote, metadata: {name: a}}\n",
                    "{apiVersion: v1, kind: Servce, metadata: {name: a}, spec: {ports: [{port: 1}]}}\n"));

TEST_F(LastGood, ImmutableFieldKeepsItsValueUntilTheObjectIsRemoved) {
    const auto gateway_class = [](const std::string& controller) {
        return "apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: c}\nspec:\n  "
               "controllerName: " +
               controller + "\n";
    };
    const auto controller = [&] { return state_.snapshot.gateway_classes.at("c").controller_name; };
    folder_.write("c.yaml", gateway_class("example.com/a"));
    start();
    write_mistake("c.yaml", gateway_class("example.com/b"));
    EXPECT_EQ(controller(), "example.com/a");
    EXPECT_THAT(problems(), ElementsAre("c.yaml:5: spec.controllerName: Invalid value: \"example.com/b\": field is "
                                        "immutable, and was \"example.com/a\": remove the object first",
                                        "c.yaml:1: the last version without fault, generation 1, stays in force"));
    std::filesystem::remove(folder_ / "c.yaml");
    wait_for([](const SourceUpdate& update) { return update.snapshot.gateway_classes.empty(); });
    folder_.write("c.yaml", gateway_class("example.com/b"));
    wait_for([](const SourceUpdate& update) { return !update.snapshot.gateway_classes.empty(); });
    EXPECT_EQ(controller(), "example.com/b");
}

TEST_F(LastGood, AddressTypeOfASliceIsImmutable) {
    const auto slice = [](const std::string& type, const std::string& address) {
        return "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: s}, addressType: " + type +
               ", endpoints: [{addresses: [\"" + address + "\"]}]}\n";
    };
    folder_.write("s.yaml", slice("IPv4", "10.0.0.1"));
    start();
    write_mistake("s.yaml", slice("IPv6", "2001:db8::1"));
    EXPECT_EQ(state_.snapshot.endpoint_slices.at("default/s").address_type, "IPv4");
    EXPECT_THAT(problems().at(0), HasSubstr("s.yaml:1: addressType: Invalid value: \"IPv6\": field is immutable"));
}

}  // namespace
}  // namespace slipgate
