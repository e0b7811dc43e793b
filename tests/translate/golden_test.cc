// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/golden.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/translate/api_objects.h"

namespace slipgate {
namespace {

const std::filesystem::path kFolder = "testdata";  // ctest runs in this file's folder

std::string shared() {
    return golden::read_file(kFolder / "shared.yaml");
}

void expect_each_output(const golden::Load& load) {
    const auto inputs = golden::inputs_in(kFolder);
    ASSERT_GT(inputs.size(), 100U);
    for (const auto& input : inputs) {
        SCOPED_TRACE(input.filename().string() +
                     " (scripts/regen-golden writes the outputs anew; read the difference)");
        const auto actual = golden::translate_yaml(shared(), golden::read_file(input), load);
        EXPECT_EQ(actual.problems, std::vector<std::string>{});
        ASSERT_TRUE(std::filesystem::exists(golden::output_of(input)));
        EXPECT_EQ(actual.output, golden::read_file(golden::output_of(input)));
    }
}

TEST(Golden, EveryInputBecomesItsOutput) {
    expect_each_output(golden::load_files);
}

TEST(Golden, EveryInputOfAnApiServerBecomesTheSameOutput) {
    expect_each_output(golden::load_api_objects);
}

TEST(Golden, AnInputWithAMistakeIsNoticed) {
    const std::string mistake = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 70000}]}\n";
    EXPECT_EQ(golden::translate_yaml(shared(), mistake).problems.size(), 1U);
}

TEST(Golden, EveryOutputHasAnInput) {
    std::size_t outputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        if (entry.path().string().ends_with(".out.yaml")) ++outputs;
    }
    EXPECT_EQ(outputs, golden::inputs_in(kFolder).size());
}

std::vector<std::string> split_documents(const std::string& text) {
    constexpr std::string_view kSeparator = "\n---\n";
    std::vector<std::string> documents;
    std::size_t start = 0;
    for (auto end = text.find(kSeparator); end != std::string::npos; end = text.find(kSeparator, start)) {
        documents.push_back(text.substr(start, end - start));
        start = end + kSeparator.size();
    }
    documents.push_back(text.substr(start));
    return documents;
}

TEST(Golden, OrderOfTheObjectsMakesNoDifference) {
    std::mt19937 random(1);
    for (const auto& input : golden::inputs_in(kFolder)) {
        SCOPED_TRACE(input.filename().string());
        auto documents = split_documents(shared() + "\n---\n" + golden::read_file(input));
        for (int round = 0; round < 3; ++round) {
            std::shuffle(documents.begin(), documents.end(), random);
            std::string shuffled;
            for (const auto& document : documents) shuffled += document + "\n---\n";
            EXPECT_EQ(golden::translate_yaml("", shuffled).output, golden::read_file(golden::output_of(input)));
        }
    }
}

}  // namespace
}  // namespace slipgate
