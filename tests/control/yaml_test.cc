// SPDX-License-Identifier: Apache-2.0
// Text that is no YAML is an error with its line; above all, reading it ends.
#include "agent/source/file/yaml.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace slipgate {
namespace {

struct BadText {
    std::string_view name;
    std::string text;
    int line;
};

class BadYaml : public testing::TestWithParam<BadText> {};

TEST_P(BadYaml, IsAnErrorThatNamesTheLine) {
    const auto documents = parse_yaml(GetParam().text);
    ASSERT_FALSE(documents) << documents->size() << " documents";
    EXPECT_EQ(documents.error().line, GetParam().line);
    EXPECT_FALSE(documents.error().message.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Yaml, BadYaml,
    testing::Values(BadText{"DocumentStartsWithComma", "# comment\n, name: a\n", 2},
                    BadText{"SecondDocumentStartsWithBracket", "a: 1\n---\n]\n", 3},
                    BadText{"ControlCharacter", "a: 1\nb: \x01\n", 2}, BadText{"Nul", std::string("a: \0b\n", 6), 1},
                    BadText{"NotUtf8", "a: 1\nb: \xff\n", 2}, BadText{"OverlongUtf8", "a: \xc0\xaf\n", 1},
                    BadText{"SurrogateInUtf8", "a: \xed\xa0\x80\n", 1}, BadText{"UnfinishedUtf8", "a: \xe2\x82", 1}),
    [](const auto& bad) { return std::string(bad.param.name); });

TEST(Yaml, PrintableTextOfAnyLengthOfUtf8IsRead) {
    const auto documents = parse_yaml("a: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82\n---\nb: 2\n");
    ASSERT_TRUE(documents) << documents.error().message;
    ASSERT_EQ(documents->size(), 2U);
    EXPECT_EQ(documents->at(0).value().at("a"), "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x99\x82");
}

}  // namespace
}  // namespace slipgate
