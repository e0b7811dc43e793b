// SPDX-License-Identifier: Apache-2.0
// Whatever a manifest holds, reading it ends, and each outcome keeps its promises.
#include <cstddef>
#include <cstdint>
#include <string>

#include "agent/source/file/load.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto file = slipgate::read_manifest(text, "fuzz.yaml");
    if (!file) {
        FUZZ_CHECK(file.error().line >= 0);
        FUZZ_CHECK(!file.error().problem.message.empty());
        return 0;
    }
    for (const auto& problem : file->problems) FUZZ_CHECK(problem.line >= 1);
    for (const auto& object : file->objects) {
        bool refused = false;
        for (const auto& problem : file->problems) {
            refused |= problem.object == object.id && problem.problem.severity == slipgate::Severity::error;
        }
        FUZZ_CHECK(object.object || refused);  // no object is lost without a word
    }
    (void)slipgate::load_snapshot(text, "fuzz.yaml");
    return 0;
}
