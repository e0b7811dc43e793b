// SPDX-License-Identifier: Apache-2.0
#include "agent/app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "agent/app/settings.h"
#include "agent/app/source.h"
#include "agent/source/kube/resource.h"

namespace slipgate {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

Result<CommandLine> parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "slipgated");
    return parse_command_line(static_cast<int>(arguments.size()), arguments.data());
}

// The configuration that --manifests and one more flag yield.
Config config_with(const std::string& key, const std::string& value) {
    const std::string flag = "--" + key + "=" + value;
    const auto line = parse({"--manifests=/m", flag.c_str()});
    EXPECT_TRUE(line) << line.error().message;
    return line ? line->config : Config{};
}

std::string error_of(std::vector<const char*> arguments) {
    const auto line = parse(std::move(arguments));
    return line ? "no error" : line.error().message;
}

std::string yaml_error(std::string_view text) {
    Config config;
    const auto status = apply_config_yaml(text, "s.yaml", config);
    return status ? "no error" : status.error().message;
}

TEST(Config, ValuesInTheDocumentedFormsAreTaken) {
    EXPECT_EQ(config_with("status-dir", "/run/s").status_dir, "/run/s");
    EXPECT_EQ(config_with("pin-dir", "/bpf/x").datapath.pin_dir, "/bpf/x");
    EXPECT_THAT(config_with("interface", "eth0,br0").datapath.interfaces, ElementsAre("eth0", "br0"));
    EXPECT_THAT(config_with("address", "192.0.2.1, 2001:db8::1").addresses,
                ElementsAre(*IpAddress::parse("192.0.2.1"), *IpAddress::parse("2001:db8::1")));
    EXPECT_THAT(config_with("address-range", "192.0.2.0/24, 2001:db8::/64").address_ranges,
                ElementsAre(*IpPrefix::parse("192.0.2.0/24"), *IpPrefix::parse("2001:db8::/64")));
    EXPECT_THAT(config_with("address-pool", "192.0.2.0/24, 198.51.100.1-198.51.100.9").address_pool,
                ElementsAre(*IpRange::parse("192.0.2.1-192.0.2.254"), *IpRange::parse("198.51.100.1-198.51.100.9")));
    EXPECT_THAT(config_with("node-address-port", "8443, 1,65535").node_address_ports, ElementsAre(1, 8443, 65535));
    EXPECT_THAT(config_with("service-cidr", "10.96.0.0/12").service_cidrs,
                ElementsAre(*IpPrefix::parse("10.96.0.0/12")));
    EXPECT_EQ(config_with("attach", "auto").datapath.attach, AttachMode::kAuto);
    EXPECT_EQ(config_with("attach", "tcx").datapath.attach, AttachMode::kTcx);
    EXPECT_EQ(config_with("attach", "clsact").datapath.attach, AttachMode::kClsact);
    EXPECT_EQ(config_with("source-mode", "preserve-only").source_mode, SourceMode::kPreserveOnly);
    EXPECT_EQ(config_with("node-name", "node-1.example.com").node_name, "node-1.example.com");
    EXPECT_THAT(config_with("preserve-cidr", "10.1.0.0/16, 2001:db8::/32").preserve_cidrs,
                ElementsAre(*IpPrefix::parse("10.1.0.0/16"), *IpPrefix::parse("2001:db8::/32")));
    EXPECT_EQ(config_with("source-ports", "1024-1025").datapath.port_first, 1024);
    EXPECT_EQ(config_with("source-ports", "1024-1025").datapath.port_last, 1025);
    EXPECT_EQ(config_with("max-connections", "1000").datapath.max_connections, 1000u);
    EXPECT_EQ(config_with("connect-timeout", "250ms").datapath.connect_timeout, 250ms);
    EXPECT_EQ(config_with("closing-time", "1m").datapath.closing_time, 60s);
    EXPECT_EQ(config_with("idle-timeout", "1h30m").datapath.idle_timeout, 90min);
    EXPECT_EQ(config_with("window-scale", "14").datapath.window_scale, 14);
    EXPECT_EQ(config_with("mss", "1220").datapath.mss, 1220);
    EXPECT_FALSE(config_with("no-timestamps", "true").datapath.timestamps);
    EXPECT_TRUE(config_with("no-timestamps", "false").datapath.timestamps);
    EXPECT_FALSE(config_with("no-sack", "true").datapath.sack);
    EXPECT_EQ(config_with("rst-per-second", "0").datapath.rst_per_second, 0u);
    EXPECT_EQ(config_with("http-address", "[::1]:0").http_address->to_string(), "[::1]:0");
    EXPECT_FALSE(config_with("http-address", "off").http_address);
    EXPECT_EQ(config_with("access-log", "off").access_log, "off");
    EXPECT_EQ(config_with("log-level", "error").log_level, log::Level::err);
}

TEST(Config, SwitchesNeedNoValue) {
    const auto line = parse({"--no-sack", "--manifests", "/m", "--access-log", "-"});
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_FALSE(line->config.datapath.sack);
    EXPECT_EQ(line->config.manifests, "/m");
    EXPECT_EQ(line->config.access_log, "-");
}

// --help prints these defaults; they must be those that hold.
TEST(Config, DocumentedDefaultsAreTheRealOnes) {
    const Config untouched;
    Config documented;
    for (const auto& setting : config::settings()) {
        if (setting.default_value.empty()) continue;
        ASSERT_TRUE(setting.set(documented, setting.default_value)) << setting.key;
    }
    EXPECT_EQ(documented.source_mode, untouched.source_mode);
    EXPECT_EQ(documented.node_address_ports, untouched.node_address_ports);
    EXPECT_EQ(documented.datapath.pin_dir, untouched.datapath.pin_dir);
    EXPECT_EQ(documented.datapath.attach, untouched.datapath.attach);
    EXPECT_EQ(documented.datapath.port_first, untouched.datapath.port_first);
    EXPECT_EQ(documented.datapath.port_last, untouched.datapath.port_last);
    EXPECT_EQ(documented.datapath.max_connections, untouched.datapath.max_connections);
    EXPECT_EQ(documented.datapath.connect_timeout, untouched.datapath.connect_timeout);
    EXPECT_EQ(documented.datapath.closing_time, untouched.datapath.closing_time);
    EXPECT_EQ(documented.datapath.idle_timeout, untouched.datapath.idle_timeout);
    EXPECT_EQ(documented.datapath.window_scale, untouched.datapath.window_scale);
    EXPECT_EQ(documented.datapath.timestamps, untouched.datapath.timestamps);
    EXPECT_EQ(documented.datapath.sack, untouched.datapath.sack);
    EXPECT_EQ(documented.datapath.rst_per_second, untouched.datapath.rst_per_second);
    EXPECT_EQ(documented.http_address, untouched.http_address);
    EXPECT_EQ(documented.access_log, untouched.access_log);
    EXPECT_EQ(documented.log_level, untouched.log_level);
}

struct BadValue {
    const char *key, *value, *allowed;
};

constexpr BadValue kBadValues[] = {
    {"pin-dir", "relative/path", "absolute"},
    {"address-range", "192.0.2.1/24", "no bit set after LENGTH"},
    {"address-pool", "192.0.2.9-192.0.2.1", "192.0.2.10-192.0.2.19"},
    {"address-pool", "", "separated by commas"},
    {"address-pool", "fe80::/64", "link-local"},
    {"address-pool", "169.254.0.0/16", "link-local"},
    {"address-pool", "224.0.0.0/4", "multicast"},
    {"address-pool", "127.0.0.1", "loopback"},
    {"address-pool", "0.0.0.0", "unspecified"},
    {"node-address-port", "0", "1 to 65535"},
    {"node-address-port", "443,", "1 to 65535"},
    {"node-address-port", "65536", "1 to 65535"},
    {"service-cidr", "services", "give networks"},
    {"interface", "name-of-sixteen-", "1 to 15"},
    {"interface", "a/b", "names of network interfaces"},
    {"interface", "eth0,,eth1", "names of network interfaces"},
    {"address", "example.com", "IPv4 or IPv6 addresses"},
    {"address", "192.0.2.0/24", "IPv4 or IPv6 addresses"},
    {"address", "127.0.0.1", "not unspecified, loopback"},
    {"address", "fe80::1", "link-local"},
    {"address", "ff02::1", "multicast"},
    {"address", "0.0.0.0", "unspecified"},
    {"attach", "xdp", "auto, tcx or clsact"},
    {"source-ports", "61000", "FIRST-LAST"},
    {"source-ports", "80-443", "1024 <= FIRST"},
    {"source-ports", "62000-61000", "FIRST <= LAST"},
    {"source-mode", "Preserve", "snat, preserve or preserve-only"},
    {"node-name", "Node_1", "lower case"},
    {"preserve-cidr", "10.1.0.0/33", "ADDRESS/LENGTH"},
    {"preserve-cidr", "10.1.0.1/16", "no bit set after LENGTH"},
    {"source-ports", "61000-65536", "LAST <= 65535"},
    {"source-ports", "1-2-3", "FIRST-LAST"},
    {"max-connections", "0", "from 1 to 16777216"},
    {"max-connections", "16777217", "from 1 to 16777216"},
    {"max-connections", "-1", "from 1 to 16777216"},
    {"max-connections", "99999999999999999999", "from 1 to 16777216"},
    {"connect-timeout", "1", "from 10ms to 1m"},
    {"connect-timeout", "9ms", "from 10ms to 1m"},
    {"connect-timeout", "61s", "from 10ms to 1m"},
    {"connect-timeout", "1.5s", "from 10ms to 1m"},
    {"connect-timeout", "1d", "from 10ms to 1m"},
    {"connect-timeout", "s", "from 10ms to 1m"},
    {"connect-timeout", "99999999999999999999h", "from 10ms to 1m"},
    {"closing-time", "11m", "from 1s to 10m"},
    {"closing-time", "1500ms", "whole seconds"},
    {"idle-timeout", "0s", "from 1s to 168h"},
    {"idle-timeout", "169h", "from 1s to 168h"},
    {"window-scale", "15", "from 0 to 14"},
    {"window-scale", "x", "from 0 to 14"},
    {"mss", "535", "from 536 to 65495"},
    {"no-sack", "yes", "true or false"},
    {"rst-per-second", "1000001", "from 0 to 1000000"},
    {"http-address", "9470", "ADDRESS:PORT"},
    {"http-address", "localhost:9470", "ADDRESS:PORT"},
    {"http-address", "::1:9470", "ADDRESS:PORT"},
    {"http-address", "127.0.0.1:65536", "port 0 to 65535"},
    {"manifests", "", "an empty value"},
    {"status-dir", "", "an empty value"},
    {"kubernetes", "no", "true or false"},
    {"kubeconfig", "", "an empty value"},
    {"context", "", "an empty value"},
    {"lease-namespace", "Not_valid", "the name of a namespace"},
    {"access-log", "", "an empty value"},
    {"no-timestamps", "1", "true or false"},
    {"mss", "65496", "from 536 to 65495"},
    {"window-scale", "-1", "from 0 to 14"},
    {"closing-time", "0s", "from 1s to 10m"},
    {"rst-per-second", "-1", "from 0 to 1000000"},
    {"log-level", "verbose", "trace, debug, info, warn or error"},
};

void PrintTo(const BadValue& bad, std::ostream* out) {
    *out << bad.key << "=" << bad.value;
}

class BadValues : public testing::TestWithParam<BadValue> {};

TEST_P(BadValues, AreRefusedNamingKeyValueAndRange) {
    const auto& [key, value, allowed] = GetParam();
    const std::string flag = fmt::format("--{}={}", key, value);
    EXPECT_THAT(error_of({flag.c_str()}),
                AllOf(HasSubstr(fmt::format("--{}: ", key)), HasSubstr(value), HasSubstr(allowed)));
    const auto yaml = fmt::format("# a comment\n{}: '{}'\n", key, value);
    EXPECT_THAT(yaml_error(yaml),
                AllOf(HasSubstr(fmt::format("s.yaml:2: {}: ", key)), HasSubstr(value), HasSubstr(allowed)));
}

INSTANTIATE_TEST_SUITE_P(Config, BadValues, testing::ValuesIn(kBadValues));

TEST(Config, EverySettingHasABadValue) {
    std::set<std::string_view> tried;
    for (const auto& bad : kBadValues) tried.insert(bad.key);
    for (const auto& setting : config::settings()) EXPECT_TRUE(tried.contains(setting.key)) << setting.key;
}

TEST(Config, UnknownFlagNamesTheNearest) {
    EXPECT_THAT(error_of({"--manifests=/m", "--windowscale=3"}),
                HasSubstr("--windowscale: unknown flag; the nearest known one is --window-scale"));
    EXPECT_THAT(error_of({"--manifests=/m", "serve"}), HasSubstr("serve: not a flag"));
}

TEST(Config, MissingManifestsIsAnErrorOnlyWhenRunning) {
    EXPECT_THAT(error_of({}), HasSubstr("--manifests: missing"));
    const auto uninstall = parse({"--uninstall", "--pin-dir=/bpf/x"});
    ASSERT_TRUE(uninstall) << uninstall.error().message;
    EXPECT_EQ(uninstall->action, CommandLine::Action::kUninstall);
    EXPECT_EQ(uninstall->config.datapath.pin_dir, "/bpf/x");
    EXPECT_EQ(parse({"--help"})->action, CommandLine::Action::kHelp);
    EXPECT_EQ(parse({"--version"})->action, CommandLine::Action::kVersion);
}

TEST(Config, ObjectsComeFromOneSource) {
    const auto in_pod = parse({"--kubernetes"});
    ASSERT_TRUE(in_pod) << in_pod.error().message;
    EXPECT_TRUE(in_pod->config.kubernetes);
    EXPECT_EQ(in_pod->config.kubeconfig, "");
    const auto outside = parse({"--kubernetes", "--kubeconfig=/k", "--context=c", "--status-dir=/s"});
    ASSERT_TRUE(outside) << outside.error().message;
    EXPECT_EQ(outside->config.kubeconfig, "/k");
    EXPECT_EQ(outside->config.context, "c");
    EXPECT_THAT(error_of({"--kubernetes", "--manifests=/m"}), HasSubstr("--kubernetes: not together with --manifests"));
    EXPECT_THAT(error_of({"--kubernetes=false"}), HasSubstr("--manifests: missing"));
    EXPECT_THAT(error_of({"--manifests=/m", "--kubeconfig=/k"}), HasSubstr("--kubeconfig: only together with"));
    EXPECT_THAT(error_of({"--kubernetes", "--context=c"}), HasSubstr("--context: only together with --kubeconfig"));
    EXPECT_THAT(error_of({"--kubernetes", "--kubeconfig="}), HasSubstr("--kubeconfig: an empty value"));
    EXPECT_THAT(error_of({"--kubernetes", "--kubeconfig=/k", "--context="}), HasSubstr("--context: an empty value"));
}

struct Folders {
    const char *manifests, *status_dir, *relation;
};

void PrintTo(const Folders& folders, std::ostream* out) {
    *out << folders.manifests << " and " << folders.status_dir;
}

class FoldersThatMeet : public testing::TestWithParam<Folders> {};

TEST_P(FoldersThatMeet, AreRefusedNamingBothKeys) {
    const auto& [manifests, status_dir, relation] = GetParam();
    EXPECT_EQ(error_of({"--manifests", manifests, "--status-dir", status_dir}),
              fmt::format("--status-dir: {} {} --manifests, {}: give a folder apart from it", status_dir, relation,
                          manifests));
    const auto uninstall = parse({"--uninstall", "--manifests", manifests, "--status-dir", status_dir});
    EXPECT_TRUE(uninstall) << "--uninstall uses neither";
}

INSTANTIATE_TEST_SUITE_P(
    Config, FoldersThatMeet,
    testing::Values(Folders{"/m", "/m", "is the folder of"}, Folders{"/m", "/m/", "is the folder of"},
                    Folders{"/m/.", "/x/../m", "is the folder of"}, Folders{"m", "./m", "is the folder of"},
                    Folders{"/m", "/m/status", "lies inside of"}, Folders{"m", "m/a/b", "lies inside of"},
                    Folders{"/m/a", "/m", "contains"}, Folders{"m", ".", "contains"}, Folders{"/m", "/", "contains"},
                    Folders{"/dev/fd/m", "/proc/self/fd/m", "is the folder of"}));  // by a symbolic link

TEST(Config, FoldersApartAreTaken) {
    EXPECT_EQ(error_of({"--manifests=/m", "--status-dir=/ms"}), "no error");
    EXPECT_EQ(error_of({"--manifests=/x/m", "--status-dir=/x/s"}), "no error");
    EXPECT_EQ(error_of({"--manifests=m", "--status-dir=../m"}), "no error");
}

TEST(Config, FlagGivenTwiceIsRefused) {
    EXPECT_THAT(error_of({"--manifests=/m", "--manifests=/n"}), HasSubstr("--manifests: given twice"));
}

TEST(Config, AllErrorsAreReportedAtOnce) {
    EXPECT_THAT(error_of({"--manifests=/m", "--mss=1", "--window-scale=99"}),
                AllOf(HasSubstr("--mss: 1 "), HasSubstr("\n--window-scale: 99 ")));
    EXPECT_THAT(yaml_error("mss: 1\nwindow-scale: 99\n"),
                AllOf(HasSubstr("s.yaml:1: mss"), HasSubstr("\ns.yaml:2: window-scale")));
}

TEST(ConfigFile, ListsAndScalarsAreTaken) {
    Config config;
    const auto status = apply_config_yaml(
        "address: [192.0.2.1, '2001:db8::1']\ninterface:\n  - eth0\n  - eth1\nmss: 1300\nno-sack: true\n", "s.yaml",
        config);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(config.addresses.size(), 2u);
    EXPECT_THAT(config.datapath.interfaces, ElementsAre("eth0", "eth1"));
    EXPECT_EQ(config.datapath.mss, 1300);
    EXPECT_FALSE(config.datapath.sack);
}

TEST(ConfigFile, EmptyFileChangesNothing) {
    Config config;
    EXPECT_TRUE(apply_config_yaml("# nothing yet\n", "s.yaml", config));
}

TEST(ConfigFile, MistakesNameTheLine) {
    EXPECT_THAT(yaml_error("mss: 1300\n\nidel-timeout: 3h\n"),
                HasSubstr("s.yaml:3: idel-timeout: unknown key; the nearest known one is idle-timeout"));
    EXPECT_THAT(yaml_error("mss: 1300\nmss: 1400\n"), HasSubstr("s.yaml:2: mss: given twice"));
    EXPECT_THAT(yaml_error("mss: {a: b}\n"), HasSubstr("s.yaml:1: mss: give a value"));
    EXPECT_THAT(yaml_error("mss:\n"), HasSubstr("s.yaml:1: mss: give a value"));
    EXPECT_THAT(yaml_error("- mss\n"), HasSubstr("s.yaml: give one `key: value` per line"));
    EXPECT_THAT(yaml_error("mss: 1\n  - x: ["), HasSubstr("s.yaml:2: no valid YAML"));
    EXPECT_THAT(yaml_error(", mss: 1300\n"), HasSubstr("s.yaml:1: no valid YAML"));
    EXPECT_THAT(yaml_error("uninstall: true\n"), HasSubstr("uninstall: unknown key"));
}

TEST(ConfigFile, FlagsWinOverTheFile) {
    const std::string path = testing::TempDir() + "slipgate_config_test.yaml";
    std::ofstream(path) << "manifests: /from/file\nmss: 1300\nwindow-scale: 7\n";
    const auto line = parse({"--mss=1400", "--config", path.c_str()});
    std::remove(path.c_str());
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_EQ(line->config.manifests, "/from/file");
    EXPECT_EQ(line->config.datapath.mss, 1400);
    EXPECT_EQ(line->config.datapath.window_scale, 7);
}

TEST(ConfigFile, SecondDocumentIsRefused) {
    EXPECT_THAT(yaml_error("mss: 1300\n---\nwindow-scale: 7\n"), HasSubstr("s.yaml:3: a second YAML document"));
    EXPECT_EQ(yaml_error("---\n# nothing here\n---\nmss: 1300\n---\n"), "no error") << "empty ones set nothing";
}

TEST(ConfigFile, UnreadableFileIsNamed) {
    EXPECT_THAT(error_of({"--config=/nonexistent/slipgated.yaml"}),
                HasSubstr("--config: /nonexistent/slipgated.yaml: No such file"));
    EXPECT_THAT(error_of({"--manifests=/m", "--config=/"}), HasSubstr("--config: /: Is a directory"));
}

TEST(ConfigFile, EmptyFileIsTaken) {
    EXPECT_EQ(error_of({"--manifests=/m", "--config=/dev/null"}), "no error");
}

TEST(Help, NamesEverySettingWithItsDefaultAndTheExitCodes) {
    const auto help = help_text();
    for (const auto& setting : config::settings()) {
        EXPECT_THAT(help, HasSubstr(fmt::format("--{}", setting.key)));
        EXPECT_THAT(help, HasSubstr(std::string(setting.group)));
        if (setting.is_switch() || setting.default_value.empty()) continue;
        EXPECT_THAT(help, HasSubstr(fmt::format("[{}]\n", setting.default_value)));
    }
    EXPECT_THAT(help, AllOf(HasSubstr("Exit codes: 0 "), HasSubstr("Example:"), HasSubstr("--uninstall")));
}

TEST(Kubeconfig, ThatIsMissingIsNamedWithItsFlag) {
    Config config;
    config.kubernetes = true;
    config.kubeconfig = "/nonexistent/kubeconfig";
    EXPECT_THAT(open_source(config).error().message, HasSubstr("--kubeconfig: /nonexistent/kubeconfig: No such file"));
}

// Who writes the ClusterRole reads it there.
TEST(Help, NamesEveryKindThatTheAgentMustBeAllowedToRead) {
    const auto help = help_text();
    for (const auto& resource : kube::resources()) {
        EXPECT_THAT(help, HasSubstr(std::string(resource.plural)));
        EXPECT_THAT(help, HasSubstr(std::string(resource.group)));
    }
}

}  // namespace
}  // namespace slipgate
