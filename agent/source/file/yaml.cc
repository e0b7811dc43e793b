// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <sstream>
#include <string>
#include <type_traits>

#include "agent/source/file/yaml_text.h"

namespace slipgate {
namespace {

// Notes where a document starts; everything else is of no interest.
class DocumentStart final : public YAML::EventHandler {
  public:
    YAML::Mark mark;

    void OnDocumentStart(const YAML::Mark& at) override { mark = at; }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& /*at*/, YAML::anchor_t /*anchor*/) override {}
    void OnAlias(const YAML::Mark& /*at*/, YAML::anchor_t /*anchor*/) override {}
    void OnScalar(const YAML::Mark& /*at*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                  const std::string& /*value*/) override {}
    void OnSequenceStart(const YAML::Mark& /*at*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                         YAML::EmitterStyle::value /*style*/) override {}
    void OnSequenceEnd() override {}
    void OnMapStart(const YAML::Mark& /*at*/, const std::string& /*tag*/, YAML::anchor_t /*anchor*/,
                    YAML::EmitterStyle::value /*style*/) override {}
    void OnMapEnd() override {}
};

constexpr int kMaxDepth = 100;
// Aliases may repeat a part of the text, but not until memory is full. A node written out takes at least one byte.
constexpr std::size_t kExtraNodes = 100'000;

template <typename Number>
std::optional<Number> number(std::string_view text, int base = 10) {
    Number result{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result, base);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return result;
}

template <typename Range>
bool is_one_of(std::string_view text, const Range& words) {
    return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<nlohmann::json> integer(std::string_view text) {
    if (text.starts_with("0x")) {
        if (const auto value = number<std::uint64_t>(text.substr(2), 16)) return *value;
        return {};
    }
    auto digits = text;
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto magnitude = digits.starts_with('-') ? digits.substr(1) : digits;
    // YAML 1.1 takes 0755 as octal and YAML 1.2 as decimal: a string is what neither mistakes for a number.
    if (magnitude.size() > 1 && magnitude[0] == '0') return {};
    if (const auto value = number<std::int64_t>(digits)) return *value;
    if (const auto value = number<std::uint64_t>(digits)) return *value;
    return {};
}

std::optional<nlohmann::json> real(std::string_view text) {
    if (text.find_first_not_of("+-.0123456789eE") != text.npos || text.find_first_of(".eE") == text.npos) return {};
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

class Converter {
  public:
    explicit Converter(std::size_t max_nodes) : nodes_left_(max_nodes) {}

    nlohmann::json convert(const YAML::Node& node, int depth = 0) {
        if (depth > kMaxDepth) throw YAML::ParserException(node.Mark(), "nested too deeply");
        if (nodes_left_-- == 0) throw YAML::ParserException(node.Mark(), "aliases expand to too much");
        switch (node.Type()) {
            case YAML::NodeType::Scalar:
                return node.Tag() == "?" ? plain_scalar(node.Scalar()) : nlohmann::json(node.Scalar());
            case YAML::NodeType::Sequence:
                return sequence(node, depth);
            case YAML::NodeType::Map:
                return map(node, depth);
            case YAML::NodeType::Null:
            case YAML::NodeType::Undefined:
                break;
        }
        return nullptr;
    }

  private:
    nlohmann::json sequence(const YAML::Node& node, int depth) {
        auto result = nlohmann::json::array();
        for (const auto& item : node) result.push_back(convert(item, depth + 1));
        return result;
    }

    nlohmann::json map(const YAML::Node& node, int depth) {
        auto result = nlohmann::json::object();
        for (const auto& entry : node) {
            const auto& key = entry.first;
            if (!key.IsScalar()) throw YAML::ParserException(key.Mark(), "a key must be a scalar");
            if (result.contains(key.Scalar())) {
                throw YAML::ParserException(key.Mark(), fmt::format("key \"{}\" already set in map", key.Scalar()));
            }
            result[key.Scalar()] = convert(entry.second, depth + 1);
        }
        return result;
    }

    std::size_t nodes_left_;
};

// Takes the next step of a path off its front: "[3]" of a sequence, or the longest key of a map that fits (keys may
// hold dots themselves). Returns the value and its line, or nothing if the path leads nowhere.
struct Step {
    YAML::Node node;
    int line;
};

std::optional<Step> step(const YAML::Node& node, std::string_view& path) {
    if (node.IsSequence() && path.starts_with('[')) {
        const auto close = path.find(']');
        if (close == path.npos) return {};
        const auto index = number<std::size_t>(path.substr(1, close - 1));
        if (!index || *index >= node.size()) return {};
        path.remove_prefix(close + 1);
        const auto child = node[*index];
        return Step{child, child.Mark().line};
    }
    if (!node.IsMap()) return {};
    if (path.starts_with('.')) path.remove_prefix(1);
    std::optional<Step> best;
    std::size_t length = 0;
    for (const auto& entry : node) {
        const auto& name = entry.first.Scalar();
        if (!path.starts_with(name) || (best && name.size() <= length)) continue;
        if (path.size() > name.size() && path[name.size()] != '.' && path[name.size()] != '[') continue;
        best = Step{entry.second, entry.first.Mark().line};
        length = name.size();
    }
    path.remove_prefix(length);
    return best;
}

// Where yaml-cpp 0.7 would stay for ever, making empty documents of a token that no document may start with (", a: b");
// none: it ends.
std::optional<YAML::Mark> endless_document(const std::string& text) {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    DocumentStart start;
    std::optional<int> previous;
    while (parser.HandleNextDocument(start)) {
        if (previous == start.mark.pos) return start.mark;
        previous = start.mark.pos;
    }
    return std::nullopt;
}

}  // namespace

nlohmann::json plain_scalar(const std::string& text) {
    using namespace std::string_view_literals;
    static constexpr std::array kNull = {""sv, "~"sv, "null"sv, "Null"sv, "NULL"sv};
    static constexpr std::array kTrue = {"true"sv, "True"sv, "TRUE"sv, "yes"sv, "Yes"sv,
                                         "YES"sv,  "on"sv,   "On"sv,   "ON"sv};
    static constexpr std::array kFalse = {"false"sv, "False"sv, "FALSE"sv, "no"sv, "No"sv,
                                          "NO"sv,    "off"sv,   "Off"sv,   "OFF"sv};
    if (is_one_of(text, kNull)) return nullptr;
    if (is_one_of(text, kTrue)) return true;
    if (is_one_of(text, kFalse)) return false;
    if (auto value = integer(text)) return *std::move(value);
    if (auto value = real(text)) return *std::move(value);
    return text;
}

int YamlDocument::line_of(std::string_view path) const {
    auto node = root_;
    auto line = root_.Mark().line;
    while (!path.empty()) {
        const auto next = step(node, path);
        if (!next) break;
        node.reset(next->node);
        if (next->line >= 0) line = next->line;
    }
    return line + 1;
}

namespace {

// What `work` returns, or what yaml-cpp threw.
template <typename Work>
std::invoke_result_t<Work> catching(const Work& work) {
    try {
        return work();
    } catch (const YAML::Exception& error) {
        return tl::unexpected(YamlError{error.mark.line + 1, error.msg});
    } catch (const std::exception& error) {
        return tl::unexpected(YamlError{1, error.what()});
    }
}

}  // namespace

tl::expected<std::vector<YAML::Node>, YamlError> load_yaml(std::string_view text) {
    if (auto error = find_unprintable(text)) return tl::unexpected(YamlError{error->line, std::move(error->message)});
    return catching([&]() -> tl::expected<std::vector<YAML::Node>, YamlError> {
        const std::string whole(text);
        if (const auto mark = endless_document(whole))
            return tl::unexpected(YamlError{mark->line + 1, "no YAML document can start here"});
        return YAML::LoadAll(whole);
    });
}

tl::expected<std::vector<YamlDocument>, YamlError> parse_yaml(std::string_view text) {
    const auto nodes = load_yaml(text);
    if (!nodes) return tl::unexpected(nodes.error());
    return catching([&]() -> tl::expected<std::vector<YamlDocument>, YamlError> {
        std::vector<YamlDocument> documents;
        Converter converter(text.size() + kExtraNodes);
        for (const auto& node : *nodes) {
            auto value = converter.convert(node);
            if (!value.is_null()) documents.emplace_back(node, std::move(value));
        }
        return documents;
    });
}

}  // namespace slipgate
