// SPDX-License-Identifier: Apache-2.0
// Writes the *.out.yaml of the folder given, from its *.in.yaml. For scripts/regen-golden.
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>

#include "tests/translate/golden.h"

namespace {

int regenerate(const std::filesystem::path& folder) {
    using namespace slipgate;
    int result = EXIT_SUCCESS;
    const auto shared = golden::read_file(folder / "shared.yaml");
    for (const auto& input : golden::inputs_in(folder)) {
        const auto translated = golden::translate_yaml(shared, golden::read_file(input));
        for (const auto& problem : translated.problems) {
            std::cerr << input.filename().string() << ": " << problem << "\n";
            result = EXIT_FAILURE;
        }
        std::ofstream(golden::output_of(input)) << translated.output;
    }
    return result;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: regen_golden FOLDER\n";
        return EXIT_FAILURE;
    }
    try {
        return regenerate(argv[1]);
    } catch (const std::exception& error) {
        std::cerr << "regen_golden: " << error.what() << "\n";
        return EXIT_FAILURE;
    }
}
