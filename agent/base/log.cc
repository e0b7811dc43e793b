// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

namespace slipgate::log {
namespace {

spdlog::logger& logger() {
    static const auto instance = [] {
        auto created = spdlog::stderr_logger_mt("slipgate");
        created->set_pattern("time=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
        created->flush_on(spdlog::level::info);
        return created;
    }();
    return *instance;
}

}  // namespace

void set_level(Level level) {
    logger().set_level(level);
}

bool enabled(Level level) {
    return logger().should_log(level);
}

void write(Level level, std::string_view component, std::string_view message, std::initializer_list<Field> fields) {
    if (!enabled(level)) return;
    std::string line = fmt::format("component={} msg={}", component, quote(message));
    for (const auto& field : fields) fmt::format_to(std::back_inserter(line), " {}={}", field.key, quote(field.value));
    logger().log(level, line);
}

std::string quote(std::string_view value) {
    const bool plain = !value.empty() && std::all_of(value.begin(), value.end(), [](unsigned char c) {
        return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
    });
    if (plain) return std::string(value);
    std::string quoted = "\"";
    for (const char character : value) {
        const auto c = static_cast<unsigned char>(character);
        if (c == '"' || c == '\\') {
            quoted += '\\';
            quoted += character;
        } else if (c < ' ' || c >= 0x7f) {
            fmt::format_to(std::back_inserter(quoted), "\\x{:02x}", c);
        } else {
            quoted += character;
        }
    }
    return quoted + '"';
}

}  // namespace slipgate::log
