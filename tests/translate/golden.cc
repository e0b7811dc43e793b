// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/golden.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

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

void set_option(TranslateOptions& options, const std::string& key, const std::vector<std::string>& values) {
    if (key == "addresses") {
        options.addresses.clear();
        for (const auto& value : values) options.addresses.push_back(parse_address(value));
    } else if (key == "local-addresses") {
        for (const auto& value : values) options.local_addresses.insert(parse_address(value));
    } else if (key == "bundle-versions") {
        for (const auto& value : values) options.bundle_versions.insert(value == "none" ? "" : value);
    } else {
        throw std::runtime_error("unknown option " + key);
    }
}

}  // namespace

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

TranslateOptions options_of(std::string_view input) {
    TranslateOptions options;
    options.addresses = {parse_address("192.0.2.1")};
    std::istringstream lines{std::string(input)};
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("#: ")) continue;
        std::istringstream words(line.substr(3));
        std::string key;
        words >> key;
        if (key.empty() || key.back() != ':') throw std::runtime_error("not '#: KEY: VALUE': " + line);
        key.pop_back();
        set_option(options, key, {std::istream_iterator<std::string>(words), {}});
    }
    return options;
}

Translated translate_yaml(const std::string& shared, const std::string& input) {
    const auto loaded = load_snapshot(shared + "\n---\n" + input, "input");
    Translated result;
    for (const auto& problem : loaded.problems) result.problems.push_back(problem.to_string());
    result.output = render(translate(loaded.snapshot, options_of(input)));
    return result;
}

}  // namespace slipgate::golden
