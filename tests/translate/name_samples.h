// SPDX-License-Identifier: Apache-2.0
// What property tests of names need: names at random, every name a client could ask for, and the look-up of the data
// plane.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/model/timestamp.h"
#include "agent/translate/names.h"

namespace slipgate {

// The exact name, else the longest wildcard.
[[nodiscard]] std::optional<std::string> look_up(const FlatNames& names, const std::string& sni);

// Few labels make many collisions; "1" makes names that no ClientHello carries.
class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::size_t below(std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random_); }

    std::string hostname();
    std::vector<std::string> hostnames(std::size_t at_most);

    // Empty, or one of two, so that many are of equal age.
    std::optional<Timestamp> creation_timestamp();

    static std::vector<std::string> every_sni();

  private:
    std::mt19937 random_;
};

}  // namespace slipgate
