// SPDX-License-Identifier: Apache-2.0
// Reads one JSON object field by field and writes down everything that is wrong with it, by path.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/formats.h"
#include "agent/model/problem.h"

namespace slipgate {

// The fields a schema has, used by us or not; any other is reported as unknown.
using FieldNames = std::span<const std::string_view>;

enum class Presence { optional, required };

struct Limits {
    std::size_t min = 0;
    std::size_t max = static_cast<std::size_t>(-1);
};

struct Range {
    std::int64_t min;
    std::int64_t max;
};
inline constexpr Range kPortRange{1, 65535};

// A view: the JSON value and the problem list must outlive it. A field that is null counts as absent, as it does in the
// API server. A getter that reports a problem returns what an absent field would give.
class ObjectReader {
  public:
    // Reports unknown fields of `object` at once. `object` must be a JSON object.
    ObjectReader(const nlohmann::json& object, std::string path, Problems& problems, FieldNames known);

    [[nodiscard]] bool has(std::string_view key) const { return find(key) != nullptr; }
    [[nodiscard]] std::string path_of(std::string_view key) const;

    [[nodiscard]] std::optional<std::string> text(std::string_view key, const Format& format,
                                                  Presence presence = Presence::optional) const;
    [[nodiscard]] std::string required_text(std::string_view key, const Format& format) const;
    [[nodiscard]] std::string choice(std::string_view key, FieldNames allowed, std::string_view fallback,
                                     Presence presence = Presence::optional) const;
    [[nodiscard]] std::optional<std::int64_t> integer(std::string_view key, Range range,
                                                      Presence presence = Presence::optional) const;
    [[nodiscard]] std::optional<std::uint16_t> port(std::string_view key, Presence presence = Presence::optional) const;
    [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    [[nodiscard]] std::map<std::string, std::string> text_map(std::string_view key, Limits limits, const Format& keys,
                                                              const Format& values) const;
    [[nodiscard]] std::vector<std::string> texts(std::string_view key, Limits limits, const Format& format,
                                                 Presence presence = Presence::optional) const;

    [[nodiscard]] std::optional<ObjectReader> object(std::string_view key, FieldNames known,
                                                     Presence presence = Presence::optional) const;
    [[nodiscard]] std::vector<ObjectReader> objects(std::string_view key, Limits limits, FieldNames known,
                                                    Presence presence = Presence::optional) const;

    // The wording of the API server: `field: Required value`, `field: Invalid value: VALUE: must ...`.
    void required(std::string_view key) const;
    void invalid(std::string_view key, std::string_view reason) const;  // shows the field's value
    void invalid_value(std::string_view key, std::string_view value, std::string_view reason) const;
    void error(std::string_view key, std::string message) const;
    void warn(std::string_view key, std::string message) const;

    // This reader, whose errors are of Severity::admission.
    [[nodiscard]] ObjectReader for_admission() const;

    // Nothing so far for which this object is refused: rules that compare its fields with each other make sense.
    [[nodiscard]] bool clean() const;

  private:
    [[nodiscard]] const nlohmann::json* find(std::string_view key) const;
    [[nodiscard]] const nlohmann::json* find(std::string_view key, Presence presence) const;
    [[nodiscard]] const nlohmann::json* array(std::string_view key, Limits limits, Presence presence) const;
    [[nodiscard]] std::optional<std::string> check_text(std::string_view key, const nlohmann::json& value,
                                                        const Format& format) const;
    void wrong_type(std::string_view key, const nlohmann::json& value, std::string_view expected) const;

    const nlohmann::json* object_;
    std::string path_;
    Problems* problems_;
    Severity error_ = Severity::error;
};

// A JSON value for a message: compact, short, and valid UTF-8 whatever the input was.
[[nodiscard]] std::string shown(const nlohmann::json& value);

}  // namespace slipgate
