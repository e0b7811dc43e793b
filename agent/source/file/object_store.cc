// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/object_store.h"

#include <fmt/format.h>

namespace slipgate {

InForce ObjectStore::admit(const std::string& file, const ManifestObject& offered) {
    const auto id = offered.id.to_string();
    seen_.insert(id);
    auto& stored = stored_[id];
    std::vector<SourceProblem> problems;
    const auto report = [&](int line, Problem problem) {
        problems.push_back({file, line, offered.id, stored.generation, std::move(problem)});
    };
    const bool moved = stored.object && offered.object && offered.immutable != stored.immutable;
    if (moved) {
        const auto& [path, value] = *offered.immutable;
        report(offered.immutable_line, {Severity::error, path,
                                        fmt::format("Invalid value: \"{}\": field is immutable, and was \"{}\": remove "
                                                    "the object first",
                                                    value, stored.immutable->value)});
    }
    if (offered.object && !moved) {
        if (stored.object && stored.content != offered.content) ++stored.generation;
        stored.object = offered.object;
        if (auto* gateway = std::get_if<Gateway>(&*stored.object)) gateway->assigned.clear();
        stored.immutable = offered.immutable;
        stored.content = offered.content;
    } else if (stored.object) {
        report(offered.line,
               {Severity::warning, "",
                fmt::format("the last version without fault, generation {}, stays in force", stored.generation)});
    }
    return {stored.object, stored.generation, std::move(problems)};
}

void ObjectStore::forget_unseen() {
    std::erase_if(stored_, [&](const auto& entry) { return !seen_.contains(entry.first); });
    seen_.clear();
}

}  // namespace slipgate
