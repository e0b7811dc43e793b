// SPDX-License-Identifier: Apache-2.0
// The table of settings: flag `--key VALUE` and `key: VALUE` in the file are the same thing.
#pragma once

#include <span>
#include <string_view>

#include "agent/app/config.h"

namespace slipgate::config {

struct Setting {
    std::string_view key;
    std::string_view group;          // heading in --help
    std::string_view argument;       // what the value is, in capitals; empty: a switch, true if no value follows
    std::string_view default_value;  // as an operator would write it; empty: none
    std::string_view help;
    // Checks the value and takes it over. The error does not name the key.
    Status (*set)(Config& config, std::string_view value);

    [[nodiscard]] bool is_switch() const { return argument.empty(); }
};

[[nodiscard]] std::span<const Setting> settings();

[[nodiscard]] const Setting* find_setting(std::string_view key);

// The known key with the smallest edit distance: "windowscale" -> "window-scale".
[[nodiscard]] std::string_view nearest_key(std::string_view key);

}  // namespace slipgate::config
