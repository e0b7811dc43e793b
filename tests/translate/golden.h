// SPDX-License-Identifier: Apache-2.0
// Golden pairs: NAME.in.yaml holds objects, NAME.out.yaml what they become. A line "#: KEY: VALUE" of the input sets
//   addresses         the node's own, separated by blanks (default 192.0.2.1)
//   address-range, address-pool, node-address-port, service-cidr   the agent's, as its settings
//   assigned          what a Gateway has of the pool by the translation before: KEY ADDRESS...
//   node-address      what this node had by the translation before: TYPE ADDRESS
//   of-host           addresses that the host has of itself
//   missing           one that the host could not be given: ADDRESS WHY...
//   unavailable       what the host cannot listen on: VIP WHY...
//   bundle-versions   those of the CRDs, all of which are there; "none" for a CRD without
//   definitions       the CRDs that are there, by their plurals; without either there is no API server
//   refused-service   one that the source refuses: KEY WHY...
//   source-mode, node-name, preserve-cidr   the agent's, as its settings
//   excluded          a finding of the data path: BACKEND ENDPOINT REASON [DETAIL...]
//   unplaced          another: no-room|invalid|pending, then vip VIP | name VIP HOSTNAME | route KEY | backend KEY
// Lines that are not about the agent's settings may be repeated.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/source/file/load.h"
#include "agent/translate/findings.h"

namespace slipgate::golden {

[[nodiscard]] std::string read_file(const std::filesystem::path& path);

// The *.in.yaml of a folder, sorted.
[[nodiscard]] std::vector<std::filesystem::path> inputs_in(const std::filesystem::path& folder);

[[nodiscard]] std::filesystem::path output_of(const std::filesystem::path& input);

struct Translated {
    std::string output;
    std::vector<std::string> problems;  // of reading the input: there should be none
};

// The way of a source from YAML documents to a snapshot.
using Load = std::function<LoadedSnapshot(const std::string& text)>;
[[nodiscard]] LoadedSnapshot load_files(const std::string& text);

// Translates the documents of `input` together with those of `shared`.
[[nodiscard]] Translated translate_yaml(const std::string& shared, const std::string& input,
                                        const Load& load = load_files);

}  // namespace slipgate::golden
