// SPDX-License-Identifier: Apache-2.0
// Each rule of the CRDs, and of the API server for the core kinds, with values that keep it and values that break it.
// The tables in rules/ are the specification; rule_table.h says how they are read.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "agent/source/file/manifest.h"
#include "tests/unit/rule_table.h"

namespace slipgate {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr std::string_view kNeighbour = R"(---
apiVersion: v1
kind: Service
metadata: {name: neighbour}
spec: {ports: [{port: 1}]}
)";

std::string all_problems(const ManifestFile& file) {
    std::string text;
    for (const auto& problem : file.problems) text += problem.to_string() + "\n";
    return text.substr(0, 2000);
}

class CrdRule : public testing::TestWithParam<rules::Rule> {
  protected:
    const json& entry() const { return GetParam().entry; }
    const std::string& at() const { return GetParam().at; }

    // Reads the object with the value in its place; the neighbour in the same file must never suffer.
    ManifestFile read(const std::optional<json>& value) {
        manifest_ = rules::render(GetParam().object, at(), value);
        const auto file = read_manifest(manifest_.text + std::string(kNeighbour), "rule.yaml");
        if (!file) throw std::runtime_error(file.error().to_string());
        EXPECT_EQ(file->objects.size(), 2U);
        EXPECT_TRUE(file->objects.back().object) << "the rest of the file goes on";
        return *file;
    }

    void expect_good(const std::optional<json>& value) {
        const auto file = read(value);
        EXPECT_EQ(all_problems(file), "");
        EXPECT_TRUE(file.objects.front().object);
    }

    // The one thing that is wrong is named by object, file, line, field and reason.
    void expect_problem(const std::optional<json>& value, Severity severity, const std::string& field,
                        const std::string& reason) {
        const auto file = read(value);
        EXPECT_EQ(file.objects.front().object.has_value(), severity != Severity::error);
        ASSERT_EQ(file.problems.size(), 1U) << all_problems(file);
        const auto& found = file.problems.front();
        EXPECT_EQ(found.problem.severity, severity);
        EXPECT_EQ(found.problem.field, field);
        EXPECT_THAT(found.problem.message, HasSubstr(reason));
        EXPECT_EQ(found.file, "rule.yaml");
        EXPECT_EQ(found.line, manifest_.line) << manifest_.text.substr(0, 2000);
        EXPECT_EQ(found.object.kind, GetParam().object.at("kind").get<std::string>());
        if (!at().starts_with("metadata")) {
            EXPECT_EQ(found.object.name, GetParam().object.at("metadata").at("name").get<std::string>());
        }
        EXPECT_THAT(found.to_string(), testing::StartsWith(fmt::format("rule.yaml:{}: {}: ", found.line, field)));
    }

    // An absent field means this value. Some other value makes a difference, or nobody would notice.
    void expect_default(const json& value) {
        SCOPED_TRACE("default: " + value.dump());
        expect_good({});
        const auto absent = read({}).objects.front().object;
        EXPECT_EQ(absent, read(value).objects.front().object);
        const auto& others = entry().at("good");
        EXPECT_TRUE(std::any_of(others.begin(), others.end(), [&](const auto& other) {
            return read(rules::expand(other)).objects.front().object != absent;
        }));
    }

    void expect_problems(const char* list, Severity severity) {
        for (const auto& example : entry().value(list, json::array())) {
            SCOPED_TRACE(fmt::format("{}: {}", list, example.dump().substr(0, 500)));
            ASSERT_TRUE(example.is_array() && (example.size() == 2 || example.size() == 3));
            const auto below = example.size() == 3 ? rules::expand(example[1].get<std::string>()) : std::string();
            expect_problem(rules::expand(example.front()), severity, at() + below, example.back());
        }
    }

  private:
    rules::Manifest manifest_;
};

TEST_P(CrdRule, Holds) {
    ASSERT_TRUE(std::any_of(entry().begin(), entry().end(), [](const auto& part) { return !part.is_string(); }))
        << "a rule without an example";
    for (const auto& value : entry().value("good", json::array())) {
        SCOPED_TRACE("good: " + value.dump().substr(0, 500));
        expect_good(rules::expand(value));
    }
    if (entry().value("optional", false)) {
        SCOPED_TRACE("absent");
        expect_good({});
    }
    if (entry().value("required", false)) {
        SCOPED_TRACE("absent");
        expect_problem({}, Severity::error, at(), "Required value");
    }
    expect_problems("bad", Severity::error);
    expect_problems("warn", Severity::warning);
    expect_problems("info", Severity::info);
    if (entry().contains("default")) expect_default(entry().at("default"));
}

INSTANTIATE_TEST_SUITE_P(, CrdRule, testing::ValuesIn(rules::load_tables("rules")),
                         [](const auto& rule) { return rule.param.test_name; });

}  // namespace
}  // namespace slipgate
