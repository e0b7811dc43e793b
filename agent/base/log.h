// SPDX-License-Identifier: Apache-2.0
// Logs to standard error as key=value (logfmt): time=... level=info component=datapath msg="programs attached"
// interface=eth0
#pragma once

#include <fmt/format.h>
#include <spdlog/common.h>

#include <initializer_list>
#include <string>
#include <string_view>

namespace slipgate::log {

struct Field {
    std::string_view key;
    std::string value;

    template <typename T>
    Field(std::string_view k, const T& v) : key(k), value(fmt::format("{}", v)) {}
};

using Level = spdlog::level::level_enum;

// What is less severe is not written from now on; info at first.
void set_level(Level level);
[[nodiscard]] bool enabled(Level level);

void write(Level level, std::string_view component, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::debug, component, message, fields);
}
inline void info(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::info, component, message, fields);
}
inline void warn(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::warn, component, message, fields);
}
inline void error(std::string_view component, std::string_view message, std::initializer_list<Field> fields = {}) {
    write(Level::err, component, message, fields);
}

// A logfmt value: quoted when it has spaces, quotes or '='; control and non-ASCII bytes as \xNN. Safe for foreign
// bytes.
[[nodiscard]] std::string quote(std::string_view value);

}  // namespace slipgate::log
