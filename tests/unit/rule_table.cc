// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rule_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <stdexcept>

#include "agent/source/file/folder.h"
#include "agent/source/file/yaml.h"

namespace slipgate::rules {
namespace {

using Json = nlohmann::json;

void replace_all(std::string& text, std::string_view from, const std::string& to) {
    for (auto at = text.find(from); at != text.npos; at = text.find(from, at + to.size()))
        text.replace(at, from.size(), to);
}

Json numbered(const Json& value, int position) {
    if (value == "##") return position + 1;
    if (value.is_string()) {
        auto text = value.get<std::string>();
        replace_all(text, "#", std::to_string(position));
        return text;
    }
    auto result = value;
    if (value.is_structured()) {
        for (auto& item : result) item = numbered(item, position);
    }
    return result;
}

Json repeated(const Json& macro) {
    Json result = macro.contains("item") ? Json::array() : Json::object();
    for (int i = 0; i < macro.at("times").get<int>(); ++i) {
        if (macro.contains("item")) {
            result.push_back(numbered(macro.at("item"), i));
        } else {
            result[numbered(macro.at("key"), i).get<std::string>()] = macro.at("value");
        }
    }
    return expand(result);
}

// "spec.listeners[0].tls" -> "spec", "0", "tls"
std::vector<std::string> steps_of(std::string_view path) {
    std::vector<std::string> steps;
    while (!path.empty()) {
        const auto end = std::min(path.find_first_of(".["), path.size());
        auto step = path.substr(0, end);
        if (step.ends_with(']')) step.remove_suffix(1);
        steps.emplace_back(step);
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return steps;
}

// Block style along the path, flow style for everything else.
class Renderer {
  public:
    Renderer(std::vector<std::string> path, const std::optional<Json>& value) : path_(std::move(path)), value_(value) {}

    Manifest render(const Json& object) {
        write_parts(object, 0, 1);
        return std::move(result_);
    }

  private:
    void write_line(const std::string& text) {
        result_.text += text + "\n";
        ++line_;
    }

    void write_parts(const Json& container, std::size_t depth, int own_line) {
        const bool last = depth + 1 == path_.size();
        const std::string indent(2 * depth, ' ');
        if (last) result_.line = own_line;
        bool found = false;
        for (const auto& [key, part] : container.items()) {
            const auto start = indent + (container.is_array() ? "-" : Json(key).dump() + ":");
            const bool on_path = key == path_[depth];
            found |= on_path;
            if (!on_path) {
                write_line(start + " " + part.dump());
            } else if (!last) {
                write_line(start);
                write_parts(part, depth + 1, container.is_array() ? line_ : line_ - 1);
            } else if (value_) {
                write_value(start);
            }
        }
        if (!found && last && value_) write_value(indent + path_[depth] + ":");
        if (!found && !last) throw std::runtime_error("no such field: " + path_[depth]);
    }

    void write_value(const std::string& start) {
        result_.line = line_;
        write_line(start + " " + value_->dump());
    }

    std::vector<std::string> path_;
    const std::optional<Json>& value_;
    Manifest result_;
    int line_ = 1;
};

// Short, so that a list of tests stays readable; the rules of one field are numbered.
std::string test_name(const std::string& file, const std::string& at, std::size_t number) {
    auto name = fmt::format("{}_{}_{}", file, at, number);
    std::replace_if(name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
    return name;
}

void check_keys(const Json& entry) {
    static const std::set<std::string> kKnown = {"at",   "rule", "optional", "required", "default",
                                                 "good", "bad",  "warn",     "info"};
    for (const auto& [key, value] : entry.items()) {
        if (!kKnown.contains(key)) throw std::runtime_error("unknown key of a rule: " + key);
    }
}

void load_table(const std::filesystem::path& path, std::vector<Rule>& rules) {
    const auto text = read_file(path);
    if (!text) throw std::runtime_error(text.error().message);
    const auto documents = parse_yaml(*text);
    if (!documents)
        throw std::runtime_error(fmt::format("line {}: {}", documents.error().line, documents.error().message));
    const auto& table = documents->at(0).value();
    const auto& object = table.at("object");
    const auto file = path.stem().string();
    std::map<std::string, std::size_t> numbers;
    const auto add = [&](const Json& at, std::string rule, Json entry) {
        const auto field = at.get<std::string>();
        rules.push_back({test_name(file, field, ++numbers[field]), std::move(rule), object, field, std::move(entry)});
    };
    for (const auto& entry : table.at("rules")) {
        check_keys(entry);
        add(entry.at("at"), entry.at("rule"), entry);
    }
    for (const auto& item : table.value("unchecked", Json::array())) {
        add(item.at(0), "unchecked: " + item.at(2).get<std::string>(), {{"good", {item.at(1)}}});
    }
}

}  // namespace

std::string expand(const std::string& text) {
    static const std::regex kRepeat(R"(\((.[\x80-\xbf]*)\*(\d+)\))");
    std::string result = text;
    for (std::smatch match; std::regex_search(result, match, kRepeat);) {
        std::string run;
        for (int i = std::stoi(match[2]); i > 0; --i) run += match[1];
        result = match.prefix().str() + run + match.suffix().str();
    }
    return result;
}

Json expand(const Json& value) {
    if (value.is_string()) return expand(value.get<std::string>());
    if (value.is_object() && value.contains("times")) return repeated(value);
    if (value.is_object()) {
        Json result = Json::object();
        for (const auto& [key, part] : value.items()) result[expand(key)] = expand(part);
        return result;
    }
    Json result = value;
    if (value.is_array()) {
        for (auto& item : result) item = expand(item);
    }
    return result;
}

std::vector<Rule> load_tables(const std::string& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::vector<Rule> rules;
    for (const auto& file : files) {
        try {
            load_table(file, rules);
        } catch (const std::exception& error) {
            throw std::runtime_error(file.string() + ": " + error.what());
        }
    }
    return rules;
}

Manifest render(const Json& object, std::string_view path, const std::optional<Json>& value) {
    return Renderer(steps_of(path), value).render(object);
}

}  // namespace slipgate::rules
