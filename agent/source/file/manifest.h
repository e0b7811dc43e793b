// SPDX-License-Identifier: Apache-2.0
// One manifest file: its objects and what is wrong with them, by file and line.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "agent/model/immutable.h"
#include "agent/model/parse.h"

namespace slipgate {

struct SourceProblem {
    std::string file;  // empty: from elsewhere
    int line = 0;
    ObjectId object;              // without a kind: the file as a whole
    std::int64_t generation = 0;  // of the object, as far as known
    Problem problem;

    // "shop.yaml:12: spec.rules: Required value"
    [[nodiscard]] std::string to_string() const;
};

struct ManifestObject {
    ObjectId id;
    int line = 0;
    std::optional<Object> object;  // absent: refused
    nlohmann::json content;        // the document without metadata and status: what generation counts the changes of
    std::optional<ImmutableField> immutable;
    int immutable_line = 0;
};

struct ManifestFile {
    std::string name;
    std::vector<ManifestObject> objects;  // in the order of the file, refused ones included
    std::vector<SourceProblem> problems;
};

// Reads the documents of a file, the items of a `kind: List` like documents of their own. Documents of other kinds are
// noted as a problem of severity debug, or warning where the kind looks like a misspelt one. An error or warning
// without an object's name is of a document that does not say which object it is. A file that is no YAML at all is the
// error here: nothing in it can be trusted.
[[nodiscard]] tl::expected<ManifestFile, SourceProblem> read_manifest(std::string_view text, std::string name);

}  // namespace slipgate
