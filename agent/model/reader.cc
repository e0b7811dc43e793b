// SPDX-License-Identifier: Apache-2.0
#include "agent/model/reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

namespace slipgate {
namespace {

std::string_view type_of(const nlohmann::json& value) {
    if (value.is_number_integer()) return "integer";
    return value.type_name();
}

std::string item(std::string_view key, std::size_t index) {
    return fmt::format("{}[{}]", key, index);
}

// In code points; the text is UTF-8.
std::size_t length_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; }));
}

// "1 item", "2 items"
std::string counted(std::size_t count, std::string_view noun) {
    return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

// Why the text is not of the format, in the API server's words; empty: it is.
std::string complaint_about(const std::string& text, const Format& format) {
    const auto length = length_of(text);
    if (length < format.min_length) {
        return fmt::format("Invalid value: {}: must have at least {}", shown(text),
                           counted(format.min_length, "character"));
    }
    if (length > format.max_length) {
        return fmt::format("Too long: {}: must have at most {}", shown(text), counted(format.max_length, "character"));
    }
    if (!format.matches(text)) return fmt::format("Invalid value: {}: must {}", shown(text), format.must);
    return {};
}

}  // namespace

std::string shown(const nlohmann::json& value) {
    constexpr std::size_t kLongest = 120;
    auto text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);  // ASCII: may be cut anywhere
    if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
    return text;
}

ObjectReader::ObjectReader(const nlohmann::json& object, std::string path, Problems& problems, FieldNames known)
    : object_(&object), path_(std::move(path)), problems_(&problems) {
    for (const auto& [key, value] : object.items()) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        problems_->push_back({Severity::warning, path_of(key), "unknown field"});
    }
}

std::string ObjectReader::path_of(std::string_view key) const {
    return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

const nlohmann::json* ObjectReader::find(std::string_view key) const {
    const auto found = object_->find(key);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
}

const nlohmann::json* ObjectReader::find(std::string_view key, Presence presence) const {
    const auto* value = find(key);
    if (value == nullptr && presence == Presence::required) required(key);
    return value;
}

void ObjectReader::error(std::string_view key, std::string message) const {
    problems_->push_back({error_, path_of(key), std::move(message)});
}

void ObjectReader::warn(std::string_view key, std::string message) const {
    problems_->push_back({Severity::warning, path_of(key), std::move(message)});
}

ObjectReader ObjectReader::for_admission() const {
    auto reader = *this;
    reader.error_ = Severity::admission;
    return reader;
}

bool ObjectReader::clean() const {
    return std::none_of(problems_->begin(), problems_->end(), [&](const Problem& problem) {
        if (problem.severity < Severity::admission || !problem.field.starts_with(path_)) return false;
        const auto rest = std::string_view(problem.field).substr(path_.size());
        return path_.empty() || rest.empty() || rest.front() == '.' || rest.front() == '[';
    });
}

void ObjectReader::required(std::string_view key) const {
    error(key, "Required value");
}

void ObjectReader::invalid_value(std::string_view key, std::string_view value, std::string_view reason) const {
    error(key, fmt::format("Invalid value: {}: {}", value, reason));
}

void ObjectReader::invalid(std::string_view key, std::string_view reason) const {
    const auto* value = find(key);
    invalid_value(key, value == nullptr ? "null" : shown(*value), reason);
}

void ObjectReader::wrong_type(std::string_view key, const nlohmann::json& value, std::string_view expected) const {
    invalid_value(key, shown(value), fmt::format("must be of type {}, is {}", expected, type_of(value)));
}

std::optional<std::string> ObjectReader::check_text(std::string_view key, const nlohmann::json& value,
                                                    const Format& format) const {
    if (!value.is_string()) {
        wrong_type(key, value, "string");
        return {};
    }
    const auto& text = value.get_ref<const std::string&>();
    auto complaint = complaint_about(text, format);
    if (complaint.empty()) return text;
    error(key, std::move(complaint));
    return {};
}

std::optional<std::string> ObjectReader::text(std::string_view key, const Format& format, Presence presence) const {
    const auto* value = find(key, presence);
    if (value == nullptr) return {};
    return check_text(key, *value, format);
}

std::string ObjectReader::required_text(std::string_view key, const Format& format) const {
    return text(key, format, Presence::required).value_or("");
}

std::string ObjectReader::choice(std::string_view key, FieldNames allowed, std::string_view fallback,
                                 Presence presence) const {
    const auto given = text(key, kAnyText, presence);
    if (!given) return std::string(fallback);
    if (std::find(allowed.begin(), allowed.end(), *given) != allowed.end()) return *given;
    error(key,
          fmt::format("Unsupported value: {}: supported values: \"{}\"", shown(*given), fmt::join(allowed, "\", \"")));
    return std::string(fallback);
}

std::optional<std::int64_t> ObjectReader::integer(std::string_view key, Range range, Presence presence) const {
    const auto* value = find(key, presence);
    if (value == nullptr) return {};
    if (!value->is_number_integer()) {
        wrong_type(key, *value, "integer");
        return {};
    }
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    const bool huge = value->is_number_unsigned() && value->get<std::uint64_t>() > kMax;
    const auto number = huge ? std::numeric_limits<std::int64_t>::max() : value->get<std::int64_t>();
    if (number >= range.min && number <= range.max && !huge) return number;
    invalid_value(key, shown(*value), fmt::format("must be between {} and {}", range.min, range.max));
    return {};
}

std::optional<std::uint16_t> ObjectReader::port(std::string_view key, Presence presence) const {
    const auto number = integer(key, kPortRange, presence);
    if (!number) return {};
    return static_cast<std::uint16_t>(*number);
}

std::optional<bool> ObjectReader::boolean(std::string_view key) const {
    const auto* value = find(key);
    if (value == nullptr) return {};
    if (value->is_boolean()) return value->get<bool>();
    wrong_type(key, *value, "boolean");
    return {};
}

std::map<std::string, std::string> ObjectReader::text_map(std::string_view key, Limits limits, const Format& keys,
                                                          const Format& values) const {
    std::map<std::string, std::string> entries;
    const auto* value = find(key);
    if (value == nullptr) return entries;
    if (!value->is_object()) {
        wrong_type(key, *value, "object");
        return entries;
    }
    if (value->size() > limits.max) {
        error(key, fmt::format("Too many: {}: must have at most {}", value->size(), counted(limits.max, "item")));
    }
    for (const auto& [name, entry] : value->items()) {
        const auto field = fmt::format("{}.{}", key, name);
        if (auto complaint = complaint_about(name, keys); !complaint.empty()) error(field, std::move(complaint));
        if (auto text = check_text(field, entry, values)) entries[name] = *std::move(text);
    }
    return entries;
}

const nlohmann::json* ObjectReader::array(std::string_view key, Limits limits, Presence presence) const {
    const auto* value = find(key, presence);
    if (value == nullptr) return nullptr;
    if (!value->is_array()) {
        wrong_type(key, *value, "array");
        return nullptr;
    }
    const auto size = value->size();
    if (size >= limits.min && size <= limits.max) return value;
    if (limits.min == limits.max) {
        invalid_value(key, std::to_string(size), "must have exactly " + counted(limits.min, "item"));
    } else if (size < limits.min) {
        invalid_value(key, std::to_string(size), "must have at least " + counted(limits.min, "item"));
    } else {
        error(key, fmt::format("Too many: {}: must have at most {}", size, counted(limits.max, "item")));
    }
    return nullptr;
}

std::vector<std::string> ObjectReader::texts(std::string_view key, Limits limits, const Format& format,
                                             Presence presence) const {
    std::vector<std::string> result;
    const auto* values = array(key, limits, presence);
    if (values == nullptr) return result;
    for (std::size_t i = 0; i < values->size(); ++i) {
        if (auto text = check_text(item(key, i), (*values)[i], format)) result.push_back(*std::move(text));
    }
    return result;
}

std::optional<ObjectReader> ObjectReader::object(std::string_view key, FieldNames known, Presence presence) const {
    const auto* value = find(key, presence);
    if (value == nullptr) return {};
    if (value->is_object()) return ObjectReader(*value, path_of(key), *problems_, known);
    wrong_type(key, *value, "object");
    return {};
}

std::vector<ObjectReader> ObjectReader::objects(std::string_view key, Limits limits, FieldNames known,
                                                Presence presence) const {
    std::vector<ObjectReader> result;
    const auto* values = array(key, limits, presence);
    if (values == nullptr) return result;
    result.reserve(values->size());
    for (std::size_t i = 0; i < values->size(); ++i) {
        const auto& value = (*values)[i];
        if (value.is_object()) {
            result.emplace_back(value, path_of(item(key, i)), *problems_, known);
        } else {
            wrong_type(item(key, i), value, "object");
        }
    }
    return result;
}

}  // namespace slipgate
