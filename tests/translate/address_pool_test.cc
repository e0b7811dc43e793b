// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/address_pool.h"

#include <gtest/gtest.h>

#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::ip;

// To its end it would be a walk of 2^64 steps.
TEST(AddressPool, AWalkOverAddressesThatNobodyCanHaveEnds) {
    const auto pool = {*IpRange::parse("2001:db8:1::/64"), *IpRange::parse("2001:db8:2::1")};
    const auto is_usable = [](const IpAddress& address) { return address == ip("2001:db8:2::1"); };
    const AssignedAddresses next_range = {{"default/a", {ip("2001:db8:2::1")}}};
    EXPECT_EQ(assign_from_pool({{"default/a", {}}, {"default/b", {}}}, pool, is_usable, {}), next_range);
}

}  // namespace
}  // namespace slipgate
