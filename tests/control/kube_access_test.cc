// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/access.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>

#include "agent/source/kube/base64.h"
#include "tests/control/temp_folder.h"

namespace slipgate::kube {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// A kubeconfig whose contexts `one` and `two` differ in everything; the fields of cluster and user `one` are given.
std::string kubeconfig(const std::string& cluster, const std::string& user) {
    return fmt::format(R"(
apiVersion: v1
kind: Config
current-context: one
contexts:
- {{name: one, context: {{cluster: c1, user: u1, namespace: ignored}}}}
- {{name: two, context: {{cluster: c2, user: u2}}}}
- {{name: anonymous, context: {{cluster: c2}}}}
- {{name: no-user, context: {{cluster: c2, user: missing}}}}
- {{name: no-cluster, context: {{cluster: missing, user: u2}}}}
clusters:
- {{name: c2, cluster: {{server: "https://two.example.com/"}}}}
- {{name: c1, cluster: {{{}}}}}
users:
- {{name: u2, user: {{token: token-of-two}}}}
- {{name: u1, user: {{{}}}}}
)",
                       cluster, user);
}

constexpr const char* kServer = "server: https://192.0.2.1:6443";

struct Good {
    const char* name;
    std::string cluster, user;
    Access access;
    const char* context = "";
};

void PrintTo(const Good& row, std::ostream* out) {
    *out << row.name;
}

class GoodKubeconfigs : public testing::TestWithParam<Good> {};

TEST_P(GoodKubeconfigs, AreTaken) {
    const auto access =
        parse_kubeconfig(kubeconfig(GetParam().cluster, GetParam().user), GetParam().context, "/etc/kube");
    ASSERT_TRUE(access) << access.error().message;
    EXPECT_EQ(access->server, GetParam().access.server);
    EXPECT_EQ(*access, GetParam().access);
}

// base64: "Y2E=" ca, "Y2VydA==" cert, "a2V5" key
INSTANTIATE_TEST_SUITE_P(
    Kube, GoodKubeconfigs,
    testing::Values(Good{"Data", fmt::format("{}, certificate-authority-data: Y2E=", kServer),
                         "client-certificate-data: Y2VydA==, client-key-data: a2V5",
                         Access{"https://192.0.2.1:6443", {"ca", {}}, {"cert", {}}, {"key", {}}, {}}},
                    Good{"Files", fmt::format("{}, certificate-authority: ca.crt", kServer),
                         "client-certificate: pki/my.crt, client-key: /elsewhere/my.key",
                         Access{"https://192.0.2.1:6443",
                                {"", "/etc/kube/ca.crt"},
                                {"", "/etc/kube/pki/my.crt"},
                                {"", "/elsewhere/my.key"},
                                {}}},
                    Good{"DataWinsOverFiles",
                         fmt::format("{}, certificate-authority: ca.crt, certificate-authority-data: Y2E=", kServer),
                         "token: abc", Access{"https://192.0.2.1:6443", {"ca", {}}, {}, {}, {"abc", {}}}},
                    Good{"TokenFileWinsOverToken", kServer, "token: abc, tokenFile: token",
                         Access{"https://192.0.2.1:6443", {}, {}, {}, {"", "/etc/kube/token"}}},
                    Good{"AnotherContext", kServer, "exec: {command: x}",
                         Access{"https://two.example.com", {}, {}, {}, {"token-of-two", {}}}, "two"},
                    Good{"NoUser", kServer, "", Access{"https://two.example.com", {}, {}, {}, {}}, "anonymous"},
                    Good{"WhatIsSwitchedOff",
                         "server: \"http://127.0.0.1:8001/prefix/\", insecure-skip-tls-verify: false, proxy-url: \"\"",
                         "exec: null", Access{"http://127.0.0.1:8001/prefix", {}, {}, {}, {}}}),
    [](const auto& row) { return std::string(row.param.name); });

struct Bad {
    const char* name;
    std::string cluster, user;
    std::vector<const char*> said;
    const char* context = "";
};

void PrintTo(const Bad& row, std::ostream* out) {
    *out << row.name;
}

class BadKubeconfigs : public testing::TestWithParam<Bad> {};

TEST_P(BadKubeconfigs, AreRefusedByWhatIsWrong) {
    const auto access =
        parse_kubeconfig(kubeconfig(GetParam().cluster, GetParam().user), GetParam().context, "/etc/kube");
    ASSERT_FALSE(access);
    for (const auto* text : GetParam().said) EXPECT_THAT(access.error().message, HasSubstr(text));
}

INSTANTIATE_TEST_SUITE_P(
    Kube, BadKubeconfigs,
    testing::Values(
        Bad{"Exec", kServer, "exec: {command: aws, args: [eks]}", {"user \"u1\"", "exec is not supported", "token"}},
        Bad{"AuthProvider", kServer, "auth-provider: {name: gcp}", {"user \"u1\"", "auth-provider is not supported"}},
        Bad{"Password", kServer, "username: me, password: secret", {"user \"u1\"", "username is not supported"}},
        Bad{"Impersonation", kServer, "as: someone", {"user \"u1\"", "as is not supported"}},
        Bad{"NoVerification",
            fmt::format("{}, insecure-skip-tls-verify: true", kServer),
            "",
            {"cluster \"c1\"", "insecure-skip-tls-verify is not supported", "certificate-authority"}},
        Bad{"Proxy", fmt::format("{}, proxy-url: \"http://p\"", kServer), "", {"proxy-url is not supported"}},
        Bad{"ServerName", fmt::format("{}, tls-server-name: a", kServer), "", {"tls-server-name is not supported"}},
        Bad{"NoServer", "", "", {"cluster \"c1\"", "server"}},
        Bad{"NoUrl", "server: 192.0.2.1", "", {"cluster \"c1\"", "server", "https://"}},
        Bad{"NotBase64",
            fmt::format("{}, certificate-authority-data: \"a?\"", kServer),
            "",
            {"cluster \"c1\"", "certificate-authority-data", "base64"}},
        Bad{"CertificateWithoutKey", kServer, "client-certificate-data: Y2VydA==", {"user \"u1\"", "together"}},
        Bad{"WrongType", kServer, "token: 17", {"user \"u1\"", "token", "string"}},
        Bad{"UnknownContext", kServer, "", {"contexts", "three"}, "three"},
        Bad{"UnknownUser", kServer, "", {"context \"no-user\"", "users", "missing"}, "no-user"},
        Bad{"UnknownCluster", kServer, "", {"context \"no-cluster\"", "clusters", "missing"}, "no-cluster"}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(Kubeconfig, TextThatIsNoneIsRefused) {
    EXPECT_THAT(parse_kubeconfig("a: b: c", "", "/").error().message, HasSubstr("line 1"));
    EXPECT_THAT(parse_kubeconfig("", "", "/").error().message, HasSubstr("no kubeconfig"));
    EXPECT_THAT(parse_kubeconfig("[]", "", "/").error().message, HasSubstr("no kubeconfig"));
    EXPECT_THAT(parse_kubeconfig("{}", "", "/").error().message, HasSubstr("current-context"));
    EXPECT_THAT(parse_kubeconfig("contexts: 5", "a", "/").error().message, HasSubstr("contexts"));
}

TEST(Kubeconfig, AFileNamesItselfAndIsTheOriginOfPaths) {
    const TempFolder folder;
    folder.write("config", kubeconfig(fmt::format("{}, certificate-authority: ca.crt", kServer), "tokenFile: token"));
    const auto access = read_kubeconfig(folder / "config", "");
    ASSERT_TRUE(access) << access.error().message;
    EXPECT_EQ(access->ca.file, folder / "ca.crt");
    EXPECT_EQ(access->token.file, folder / "token");
    EXPECT_THAT(read_kubeconfig(folder / "config", "three").error().message,
                AllOf(HasSubstr(folder / "config"), HasSubstr("three")));
    EXPECT_THAT(read_kubeconfig(folder / "missing", "").error().message,
                AllOf(HasSubstr(folder / "missing"), HasSubstr("No such file")));
}

TEST(Credentials, AreReadAnewEachTime) {
    const TempFolder folder;
    folder.write("ca.crt", "the CA\n");
    folder.write("token", "first\n");
    Access access;
    access.ca.file = folder / "ca.crt";
    access.token.file = folder / "token";
    auto credentials = read_credentials(access);
    ASSERT_TRUE(credentials) << credentials.error().message;
    EXPECT_EQ(credentials->ca, "the CA\n");
    EXPECT_EQ(credentials->token, "first");
    folder.write("token", "second\n");
    EXPECT_EQ(read_credentials(access)->token, "second");
    folder.write("token", "two\r\nHeader: lines\n");
    EXPECT_THAT(read_credentials(access).error().message, HasSubstr("token"));
    std::filesystem::remove(folder / "token");
    EXPECT_THAT(read_credentials(access).error().message, AllOf(HasSubstr("token"), HasSubstr("No such file")));
}

TEST(Credentials, AreNeverTakenFromAnEmptyFile) {
    const TempFolder folder;
    folder.write("empty", " \n");
    const Material empty{"", folder / "empty"};
    for (const auto& [access, what] :
         {std::pair(Access{"", empty, {}, {}, {}}, "certificate authority"),
          std::pair(Access{"", {}, empty, {}, {}}, "client certificate"),
          std::pair(Access{"", {}, {}, empty, {}}, "client key"), std::pair(Access{"", {}, {}, {}, empty}, "token")}) {
        const auto credentials = read_credentials(access);
        ASSERT_FALSE(credentials) << what;
        EXPECT_THAT(credentials.error().message, AllOf(HasSubstr(what), HasSubstr(folder / "empty")));
    }
}

Environment environment(std::map<std::string, std::string> variables) {
    return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return {};
        return found->second;
    };
}

TEST(InCluster, AddressComesFromTheEnvironmentAndTheRestFromFiles) {
    const auto access = in_cluster_access(
        environment({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}, {"KUBERNETES_SERVICE_PORT", "443"}}), "/sa");
    ASSERT_TRUE(access) << access.error().message;
    EXPECT_EQ(*access, (Access{"https://10.96.0.1:443", {"", "/sa/ca.crt"}, {}, {}, {"", "/sa/token"}}));
    const auto ipv6 =
        in_cluster_access(environment({{"KUBERNETES_SERVICE_HOST", "fd00::1"}, {"KUBERNETES_SERVICE_PORT", "6443"}}));
    ASSERT_TRUE(ipv6) << ipv6.error().message;
    EXPECT_EQ(ipv6->server, "https://[fd00::1]:6443");
    EXPECT_EQ(ipv6->token.file, "/var/run/secrets/kubernetes.io/serviceaccount/token");
}

TEST(InCluster, TheNamespaceIsThatOfThePod) {
    const TempFolder folder;
    EXPECT_EQ(in_cluster_namespace(folder.path()), std::nullopt);
    folder.write("namespace", "gateways\n");
    EXPECT_EQ(in_cluster_namespace(folder.path()), "gateways");
    folder.write("namespace", "\n");
    EXPECT_EQ(in_cluster_namespace(folder.path()), std::nullopt);
}

TEST(InCluster, OutsideOfAPodKubeconfigIsAdvised) {
    EXPECT_THAT(in_cluster_access(environment({})).error().message, HasSubstr("--kubeconfig"));
    EXPECT_FALSE(in_cluster_access(environment({{"KUBERNETES_SERVICE_HOST", "10.96.0.1"}})));
}

// RFC 4648 section 10.
TEST(Base64, TakesTheVectorsOfItsRfc) {
    EXPECT_EQ(decode_base64(""), "");
    EXPECT_EQ(decode_base64("Zg=="), "f");
    EXPECT_EQ(decode_base64("Zm8="), "fo");
    EXPECT_EQ(decode_base64("Zm9v"), "foo");
    EXPECT_EQ(decode_base64("Zm9vYg=="), "foob");
    EXPECT_EQ(decode_base64("Zm9v\nYmE=\n"), "fooba");
    EXPECT_EQ(decode_base64("Zm9vYmFy"), "foobar");
    EXPECT_EQ(decode_base64("+/8="), "\xfb\xff");
}

TEST(Base64, RefusesWhatIsNone) {
    for (const auto* text : {"Zg", "Zg=", "Zg=v", "Z===", "====", "Zm9v Zg==", "Zm9-", "Zg==Zg==", "Zm9v="})
        EXPECT_FALSE(decode_base64(text)) << text;
}

}  // namespace
}  // namespace slipgate::kube
