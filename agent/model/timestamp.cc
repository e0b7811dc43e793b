// SPDX-License-Identifier: Apache-2.0
#include "agent/model/timestamp.h"

#include <algorithm>
#include <charconv>
#include <string>

namespace slipgate {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// A 0 in the shape stands for any digit.
bool has_shape(std::string_view text, std::string_view shape) {
    return std::equal(text.begin(), text.end(), shape.begin(), shape.end(),
                      [](char c, char wanted) { return wanted == '0' ? is_digit(c) : c == wanted; });
}

// Of a few digits.
int number(std::string_view digits) {
    int value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return value;
}

std::optional<Timestamp> parse_date_and_time(std::string_view text) {
    if (!has_shape(text, "0000-00-00T00:00:00")) return {};
    const std::chrono::year_month_day date{std::chrono::year(number(text.substr(0, 4))),
                                           std::chrono::month(static_cast<unsigned>(number(text.substr(5, 2)))),
                                           std::chrono::day(static_cast<unsigned>(number(text.substr(8, 2))))};
    const hours hour(number(text.substr(11, 2)));
    const minutes minute(number(text.substr(14, 2)));
    const seconds second(number(text.substr(17, 2)));
    if (!date.ok() || hour >= hours(24) || minute >= minutes(60) || second >= seconds(60)) return {};
    return std::chrono::sys_days(date) + hour + minute + second;
}

// ".5": at least one digit.
std::optional<microseconds> parse_fraction(std::string_view text) {
    if (text.size() < 2 || text.front() != '.' || !std::all_of(text.begin() + 1, text.end(), is_digit)) return {};
    std::string digits(text.substr(1, 6));
    digits.resize(6, '0');
    return microseconds(number(digits));
}

// "Z", "+02:00": what local time is ahead of UTC.
std::optional<minutes> parse_offset(std::string_view text) {
    if (text == "Z") return minutes(0);
    if (!has_shape(text, "+00:00") && !has_shape(text, "-00:00")) return {};
    const hours hour(number(text.substr(1, 2)));
    const minutes minute(number(text.substr(4, 2)));
    if (hour >= hours(24) || minute >= minutes(60)) return {};
    return text.front() == '-' ? -(hour + minute) : hour + minute;
}

}  // namespace

std::optional<Timestamp> parse_timestamp(std::string_view text) {
    constexpr std::size_t kDateAndTime = 19;
    const auto zone = text.find_first_of("Z+-", kDateAndTime);
    if (zone == text.npos) return {};
    const auto local = parse_date_and_time(text.substr(0, kDateAndTime));
    const auto fraction =
        zone == kDateAndTime ? microseconds(0) : parse_fraction(text.substr(kDateAndTime, zone - kDateAndTime));
    const auto offset = parse_offset(text.substr(zone));
    if (!local || !fraction || !offset) return {};
    return *local + *fraction - *offset;
}

}  // namespace slipgate
