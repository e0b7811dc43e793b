// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "agent/base/log.h"
#include "tests/control/file_source_fixture.h"

namespace slipgate {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;

namespace fs = std::filesystem;

TEST_F(FileSourceTest, TheFirstUpdateComesEvenForAnEmptyFolder) {
    start();
    EXPECT_EQ(state_.snapshot, Snapshot{});
    EXPECT_THAT(state_.problems, IsEmpty());
}

TEST_F(FileSourceTest, AFolderThatIsMissingIsNamed) {
    const auto opened = FileSource::open(folder_.path() + "/missing");
    ASSERT_FALSE(opened);
    EXPECT_THAT(opened.error().message, HasSubstr("/missing: No such file or directory"));
}

TEST_F(FileSourceTest, ReadsYamlYmlAndJsonAndNothingElse) {
    folder_.write("a.yaml", service("a", 1));
    folder_.write("b.yml", service("b", 2));
    folder_.write("c.json",
                  R"({"apiVersion":"v1","kind":"Service","metadata":{"name":"c"},"spec":{"ports":[{"port":3}]}})");
    for (const auto* name :
         {"d.txt", ".a.yaml.swp", "a.yaml~", "#a.yaml#", ".#a.yaml", "4913", ".hidden.yaml", "#x.yaml"})
        folder_.write(name, service("no", 4));
    fs::create_directory(folder_ / "folder.yaml");
    start();
    EXPECT_THAT(state_.snapshot.services, ElementsAre(Key("default/a"), Key("default/b"), Key("default/c")));
    EXPECT_THAT(problems(Severity::debug), IsEmpty());
}

TEST_F(FileSourceTest, EachObjectOfAnotherKindIsOneDebugLineHoweverOftenItIsRead) {
    const std::string others =
        "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}\n---\n"
        "{apiVersion: v1, kind: Secret, metadata: {name: key}}\n---\n"
        "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: r}}\n---\n";
    folder_.write("a.yaml", others + service("a", 1));
    const auto level = log::enabled(log::Level::debug) ? log::Level::debug : log::Level::info;
    log::set_level(log::Level::debug);
    testing::internal::CaptureStderr();
    start();
    folder_.write("a.yaml", others + service("a", 2));
    wait_for_port("default/a", 2);
    const auto said = testing::internal::GetCapturedStderr();
    log::set_level(level);
    for (const auto* ignored : {"apps/v1 Deployment", "v1 Secret", "gateway.networking.k8s.io/v1 HTTPRoute"}) {
        const auto first = said.find(fmt::format("ignored: {}", ignored));
        ASSERT_NE(first, said.npos) << ignored << " in " << said;
        EXPECT_EQ(said.find(fmt::format("ignored: {}", ignored), first + 1), said.npos) << said;
    }
}

TEST_F(FileSourceTest, FollowsFilesAddedChangedRenamedAndRemoved) {
    start();
    folder_.write("a.yaml", service("a", 1));
    wait_for_port("default/a", 1);
    folder_.write("a.yaml", service("a", 2));
    wait_for_port("default/a", 2);
    folder_.write(".new", service("a", 3));
    fs::rename(folder_ / ".new", folder_ / "a.yaml");  // how vim and kubectl-like tools save
    wait_for_port("default/a", 3);
    fs::rename(folder_ / "a.yaml", folder_ / "b.yaml");
    wait_for([](const SourceUpdate& update) { return update.snapshot.services.size() == 1; });
    EXPECT_EQ(state_.snapshot.services.at("default/a").meta.generation, 3) << "a renamed file changes no object";
    fs::rename(folder_ / "b.yaml", folder_ / "b.off");
    wait_for([](const SourceUpdate& update) { return update.snapshot.services.empty(); });
    fs::rename(folder_ / "b.off", folder_ / "b.yaml");
    wait_for_port("default/a", 3);
    EXPECT_EQ(state_.snapshot.services.at("default/a").meta.generation, 1) << "an object that was gone is a new one";
    fs::remove(folder_ / "b.yaml");
    wait_for([](const SourceUpdate& update) { return update.snapshot.services.empty(); });
}

TEST_F(FileSourceTest, FollowsTheSymbolicLinksOfAMountedConfigMap) {
    fs::create_directory(folder_ / "..v1");
    fs::create_directory(folder_ / "..v2");
    folder_.write("..v1/a.yaml", service("a", 1));
    folder_.write("..v2/a.yaml", service("a", 2));
    fs::create_symlink("..v1", folder_ / "..data");
    fs::create_symlink("..data/a.yaml", folder_ / "a.yaml");
    start();
    EXPECT_EQ(state_.snapshot.services.at("default/a").ports.at(0).port, 1);
    fs::create_symlink("..v2", folder_ / "..data_tmp");
    fs::rename(folder_ / "..data_tmp", folder_ / "..data");
    wait_for_port("default/a", 2);
}

TEST_F(FileSourceTest, GenerationCountsChangesOfTheContentOnly) {
    constexpr const char* text = R"(
apiVersion: v1
kind: Service
metadata: {{name: a, generation: 40, labels: {{l: "{}"}}}}
spec: {{ports: [{{port: {}}}]}}
)";
    const auto generation = [&] { return state_.snapshot.services.at("default/a").meta.generation; };
    folder_.write("a.yaml", fmt::format(text, "x", 1));
    start();
    EXPECT_EQ(generation(), 1);
    folder_.write("a.yaml", fmt::format(text, "y", 1));
    wait_for(
        [](const SourceUpdate& update) { return update.snapshot.services.at("default/a").meta.labels.at("l") == "y"; });
    EXPECT_EQ(generation(), 1);
    folder_.write("a.yaml", fmt::format(text, "y", 2));
    wait_for_port("default/a", 2);
    EXPECT_EQ(generation(), 2);
}

TEST_F(FileSourceTest, StatusOfAManifestIsOfAnotherCluster) {
    folder_.write("a.yaml", R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: a}
spec:
  gatewayClassName: slipgate
  listeners: [{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}]
status:
  addresses: [{type: IPAddress, value: 192.0.2.1}]
)");
    start();
    EXPECT_EQ(problems(), std::vector<std::string>{});
    EXPECT_TRUE(state_.snapshot.gateways.at("default/a").assigned.empty());
}

TEST_F(FileSourceTest, ADuplicateInALaterFileIsAnErrorThatNamesBoth) {
    folder_.write("b.yaml", service("a", 2));
    folder_.write("a.yaml", service("a", 1));
    start();
    EXPECT_EQ(state_.snapshot.services.at("default/a").ports.at(0).port, 1);
    EXPECT_THAT(problems(), ElementsAre("b.yaml:1: Duplicate definition of Service default/a: a.yaml:1 has it already, "
                                        "which counts"));
    fs::remove(folder_ / "a.yaml");
    wait_for_port("default/a", 2);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(FileSourceTest, BadYamlKeepsTheLastGoodContentOfItsFile) {
    folder_.write("a.yaml", service("a", 1));
    folder_.write("b.yaml", service("b", 1));
    start();
    folder_.write("a.yaml", "apiVersion: v1\nkind: {Service\n");
    folder_.write("b.yaml", service("b", 2));
    wait_for_port("default/b", 2);
    if (problems().empty()) wait_for([&](const SourceUpdate&) { return !problems().empty(); });
    EXPECT_EQ(state_.snapshot.services.at("default/a").ports.at(0).port, 1);
    ASSERT_EQ(problems(Severity::error).size(), 2U) << "one for the file, one for its object";
    EXPECT_THAT(problems(), Each(HasSubstr("the last readable content of the file stays in force")));
    EXPECT_EQ(state_.problems[1].object.to_string(), "Service default/a");
    EXPECT_EQ(state_.problems[1].generation, 1);
    folder_.write("a.yaml", service("a", 3));
    wait_for_port("default/a", 3);
    EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(FileSourceTest, AFileIsNotReadWhileSomebodyWritesIt) {
    folder_.write("a.yaml", service("a", 1) + "---\n" + service("b", 1));
    start();
    std::ofstream half(folder_ / "a.yaml");
    half << service("a", 2) << std::flush;
    folder_.write("other.yaml", service("other", 1));  // makes the source look at the folder
    wait_for_port("default/other", 1);
    EXPECT_EQ(state_.snapshot.services.at("default/a").ports.at(0).port, 1);
    EXPECT_TRUE(state_.snapshot.services.contains("default/b"));
    half << "---\n" << service("b", 2);
    half.close();
    wait_for_port("default/b", 2);
    EXPECT_EQ(state_.snapshot.services.at("default/a").ports.at(0).port, 2);
}

TEST_F(FileSourceTest, TheFolderMayGoAndComeBack) {
    folder_.write("a.yaml", service("a", 1));
    start();
    const auto away = folder_.path() + ".away";
    fs::rename(folder_.path(), away);
    fs::create_directory(folder_.path());
    folder_.write("a.yaml", service("a", 2));
    wait_for_port("default/a", 2);
    folder_.write("a.yaml", service("a", 3));
    wait_for_port("default/a", 3);
    fs::remove_all(away);
}

TEST_F(FileSourceTest, ManyChangesAreOneUpdateInTheEnd) {
    start();
    for (int i = 1; i <= 300; ++i)
        folder_.write(fmt::format("{}.yaml", i % 30), service(fmt::format("s{}", i % 30), i));
    wait_for([](const SourceUpdate& update) {
        if (update.snapshot.services.size() != 30) return false;
        for (const auto& [key, one] : update.snapshot.services) {
            if (one.ports.at(0).port <= 270) return false;
        }
        return true;
    });
    EXPECT_THAT(problems(), IsEmpty());
}

}  // namespace
}  // namespace slipgate
