// SPDX-License-Identifier: Apache-2.0
#include "agent/host/address_plan.h"

#include <gmock/gmock.h>

#include "tests/unit/addresses.h"

namespace slipgate {

void PrintTo(const PlacedAddress& placed, std::ostream* out) {
    *out << placed.address.to_string() << " on " << placed.ifindex;
}

namespace {

using test::ip;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kLan = 2, kUplink = 3, kOther = 4;

constexpr AddressOwner kOwner = 7, kOtherAgent = 8;

// Of the host itself.
HostAddress theirs(const char* address, unsigned length, int ifindex) {
    return {ip(address), IpPrefix::around(ip(address), length), ifindex, {}};
}

HostAddress ours(const char* address, int ifindex) {
    return {ip(address), *IpPrefix::parse(address), ifindex, kOwner};
}

std::optional<int> by_the_uplink(const IpAddress& /*address*/) {
    return kUplink;
}

std::optional<int> no_way(const IpAddress& /*address*/) {
    return {};
}

const std::vector<HostAddress> kHost = {theirs("192.0.2.1", 24, kLan), theirs("2001:db8::1", 64, kLan),
                                        theirs("203.0.113.1", 24, kUplink)};

std::vector<HostAddress> host_with(std::initializer_list<HostAddress> more) {
    auto host = kHost;
    host.insert(host.end(), more);
    return host;
}

AddressPlan plan(const std::vector<HostAddress>& have, const std::set<IpAddress>& want,
                 const std::function<std::optional<int>(const IpAddress&)>& way_to) {
    return plan_addresses(have, want, kOwner, way_to);
}

TEST(AddressPlan, AnAddressGoesWhereItsNeighboursAre) {
    const auto made = plan(kHost, {ip("192.0.2.7"), ip("2001:db8::7"), ip("203.0.113.7")}, no_way);
    EXPECT_THAT(made.add, testing::UnorderedElementsAre(PlacedAddress{ip("192.0.2.7"), kLan},
                                                        PlacedAddress{ip("2001:db8::7"), kLan},
                                                        PlacedAddress{ip("203.0.113.7"), kUplink}));
    EXPECT_THAT(made.remove, IsEmpty());
    EXPECT_THAT(made.homeless, IsEmpty());
}

TEST(AddressPlan, OfSeveralNetworksTheSmallestHasTheNeighbours) {
    const auto made = plan(host_with({theirs("192.0.2.65", 26, kOther)}), {ip("192.0.2.70")}, no_way);
    EXPECT_THAT(made.add, ElementsAre(PlacedAddress{ip("192.0.2.70"), kOther}));
}

TEST(AddressPlan, WithoutNeighboursTheWayToItDecides) {
    EXPECT_THAT(plan(kHost, {ip("198.51.100.1")}, by_the_uplink).add,
                ElementsAre(PlacedAddress{ip("198.51.100.1"), kUplink}));
    const auto made = plan(kHost, {ip("198.51.100.1")}, no_way);
    EXPECT_THAT(made.add, IsEmpty());
    EXPECT_THAT(made.homeless, ElementsAre(ip("198.51.100.1")));
}

TEST(AddressPlan, WhatIsThereStays) {
    const auto host = host_with({ours("192.0.2.7", kLan), ours("198.51.100.1", kOther)});
    EXPECT_EQ(plan(host, {ip("192.0.2.7"), ip("198.51.100.1")}, by_the_uplink), AddressPlan{})
        << "the kernel says of an address that the host has that it is local: there is no way to ask for";
}

TEST(AddressPlan, WhatIsNotWantedIsGivenBack) {
    const auto host = host_with({ours("192.0.2.7", kLan), ours("192.0.2.8", kLan), ours("2001:db8::7", kLan)});
    EXPECT_THAT(plan(host, {ip("192.0.2.8")}, no_way).remove,
                ElementsAre(PlacedAddress{ip("192.0.2.7"), kLan}, PlacedAddress{ip("2001:db8::7"), kLan}));
    EXPECT_EQ(plan(host, {}, no_way).remove.size(), 3U);
}

TEST(AddressPlan, WhatOthersPutThereIsLeftAloneAndIsEnough) {
    EXPECT_EQ(plan(kHost, {}, by_the_uplink), AddressPlan{});
    EXPECT_EQ(plan(kHost, {ip("192.0.2.1")}, by_the_uplink), AddressPlan{});
    const auto made =
        plan(host_with({theirs("192.0.2.7", 24, kLan), ours("192.0.2.7", kLan)}), {ip("192.0.2.7")}, by_the_uplink);
    EXPECT_THAT(made.add, IsEmpty());
    EXPECT_THAT(made.remove, ElementsAre(PlacedAddress{ip("192.0.2.7"), kLan})) << "one of the two is ours";
}

TEST(AddressPlan, WhatAnotherAgentPutThereIsLeftToIt) {
    auto another = ours("192.0.2.7", kLan);
    another.owner = kOtherAgent;
    EXPECT_EQ(plan(host_with({another}), {}, by_the_uplink), AddressPlan{});
    EXPECT_EQ(plan(host_with({another}), {ip("192.0.2.7")}, by_the_uplink), AddressPlan{});
}

TEST(AddressPlan, AnAddressFollowsItsNetworkToAnotherInterface) {
    const auto made = plan(host_with({ours("192.0.2.7", kOther)}), {ip("192.0.2.7")}, no_way);
    EXPECT_THAT(made.add, ElementsAre(PlacedAddress{ip("192.0.2.7"), kLan}));
    EXPECT_THAT(made.remove, ElementsAre(PlacedAddress{ip("192.0.2.7"), kOther}));
}

}  // namespace
}  // namespace slipgate
