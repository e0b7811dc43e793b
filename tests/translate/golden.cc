// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/golden.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>

#include "agent/model/supported_version.h"
#include "agent/source/file/load.h"
#include "tests/translate/render.h"

namespace slipgate::golden {
namespace {

constexpr std::string_view kInputSuffix = ".in.yaml";

IpAddress parse_address(const std::string& text) {
    const auto address = IpAddress::parse(text);
    if (!address) throw std::runtime_error("not an address: " + text);
    return *address;
}

std::uint16_t parse_port(const std::string& text) {
    return static_cast<std::uint16_t>(std::stoi(text));
}

SocketAddress parse_socket_address(const std::string& text) {
    const auto colon = text.rfind(':');
    auto address = text.substr(0, colon);
    if (address.starts_with('[')) address = address.substr(1, address.size() - 2);
    return {parse_address(address), parse_port(text.substr(colon + 1))};
}

using Words = std::vector<std::string>;

std::string rest(const Words& words, std::size_t first) {
    return fmt::format(
        "{}", fmt::join(words.begin() + static_cast<std::ptrdiff_t>(std::min(first, words.size())), words.end(), " "));
}

template <typename T>
std::vector<T> parse_all(const Words& words) {
    std::vector<T> all;
    for (const auto& word : words) all.push_back(T::parse(word).value());
    return all;
}

ExcludedEndpoint parse_excluded(const Words& words) {
    const auto text = std::find_if(kExclusions.begin(), kExclusions.end(),
                                   [&](const auto& candidate) { return candidate.reason == words.at(2); });
    if (text == kExclusions.end()) throw std::runtime_error("unknown exclusion " + words[2]);
    return {words[0], parse_socket_address(words[1]), text->exclusion, rest(words, 3)};
}

UnplacedPart parse_unplaced(const Words& words) {
    using Cause = UnplacedPart::Cause;
    static const std::map<std::string, std::pair<Cause, const char*>> kCauses = {
        {"no-room", {Cause::kNoRoom, "the map is full"}},
        {"invalid", {Cause::kInvalid, "no host name"}},
        {"pending", {Cause::kPending, "Cannot allocate memory"}}};
    const auto& [cause, detail] = kCauses.at(words.at(0));
    const auto& kind = words.at(1);
    if (kind == "vip") return {TablePart::of_vip(parse_socket_address(words.at(2))), cause, detail};
    if (kind == "name") return {TablePart::of_name(parse_socket_address(words.at(2)), words.at(3)), cause, detail};
    if (kind == "route") return {TablePart::of_route(words.at(2)), cause, detail};
    if (kind == "backend") return {TablePart::of_backend(words.at(2)), cause, detail};
    throw std::runtime_error("unknown part of a table: " + kind);
}

// What stands in the "#: KEY: VALUE" lines.
struct Settings {
    TranslateOptions options;
    Circumstances circumstances;
    Findings findings;
    std::map<std::string, std::string> bundle_versions;
    std::map<std::string, std::string> refused_services;

    void set(const std::string& key, const Words& values) {
        if (key == "addresses") {
            options.addresses = parse_all<IpAddress>(values);
        } else if (key == "address-range") {
            options.address_ranges = parse_all<IpPrefix>(values);
        } else if (key == "address-pool") {
            options.address_pool = parse_all<IpRange>(values);
        } else if (key == "node-address-port") {
            options.node_address_ports.clear();
            for (const auto& value : values) options.node_address_ports.insert(parse_port(value));
        } else if (key == "service-cidr") {
            options.service_cidrs = parse_all<IpPrefix>(values);
        } else if (key == "assigned") {
            circumstances.assigned[values.at(0)] = parse_all<IpAddress>({values.begin() + 1, values.end()});
        } else if (key == "node-address") {
            circumstances.node_addresses.push_back({values.at(0), parse_address(values.at(1))});
        } else if (key == "of-host") {
            for (const auto& value : values) circumstances.of_host.insert(parse_address(value));
        } else if (key == "missing") {
            circumstances.missing[parse_address(values.at(0))] = rest(values, 1);
        } else if (key == "unavailable") {
            circumstances.unavailable[parse_socket_address(values.at(0))] = rest(values, 1);
        } else if (key == "bundle-versions") {
            for (const auto& value : values) bundle_versions.emplace("crd-of-" + value, value == "none" ? "" : value);
            for (const auto* plural : {"listenersets", "referencegrants", "tlsroutes"})
                bundle_versions.emplace(std::string(plural) + "." + kGatewayGroup, bundle_versions.begin()->second);
        } else if (key == "definitions") {
            for (const auto& plural : values) bundle_versions.emplace(plural + "." + kGatewayGroup, kGatewayApiVersion);
        } else if (key == "refused-service") {
            refused_services[values.at(0)] = rest(values, 1);
        } else if (key == "source-mode") {
            options.source_mode = parse_source_mode(values.at(0)).value();
        } else if (key == "node-name") {
            options.node_name = values.at(0);
        } else if (key == "preserve-cidr") {
            options.preserve_cidrs = parse_all<IpPrefix>(values);
        } else if (key == "excluded") {
            findings.endpoints.push_back(parse_excluded(values));
        } else if (key == "unplaced") {
            findings.parts.push_back(parse_unplaced(values));
        } else {
            throw std::runtime_error("unknown option " + key);
        }
    }
};

Settings settings_of(std::string_view input) {
    Settings settings;
    settings.options.addresses = {parse_address("192.0.2.1")};
    std::istringstream lines{std::string(input)};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("#: ")) continue;
        std::istringstream words(line.substr(3));
        std::string key;
        words >> key;
        if (key.empty() || key.back() != ':') throw std::runtime_error("not '#: KEY: VALUE': " + line);
        key.pop_back();
        settings.set(key, {std::istream_iterator<std::string>(words), {}});
    }
    return settings;
}

}  // namespace

LoadedSnapshot load_files(const std::string& text) {
    return load_snapshot(text, "input");
}

std::string read_file(const std::filesystem::path& path) {
    std::ifstream file(path);
    if (!file) throw std::runtime_error("cannot read " + path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::filesystem::path> inputs_in(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> inputs;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().string().ends_with(kInputSuffix)) inputs.push_back(entry.path());
    }
    std::sort(inputs.begin(), inputs.end());
    return inputs;
}

std::filesystem::path output_of(const std::filesystem::path& input) {
    auto text = input.string();
    text.resize(text.size() - kInputSuffix.size());
    return text + ".out.yaml";
}

Translated translate_yaml(const std::string& shared, const std::string& input, const Load& load) {
    auto loaded = load(shared + "\n---\n" + input);
    Translated result;
    for (const auto& problem : loaded.problems) result.problems.push_back(problem.to_string());
    const auto [options, circumstances, findings, bundle_versions, refused_services] = settings_of(input);
    loaded.snapshot.bundle_versions = bundle_versions;
    loaded.snapshot.refused_services = refused_services;
    auto translation = translate(loaded.snapshot, options, circumstances);
    translation.statuses = add_findings(translation, loaded.snapshot, findings);
    result.output = render(translation);
    return result;
}

}  // namespace slipgate::golden
