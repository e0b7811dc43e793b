// SPDX-License-Identifier: Apache-2.0
// What an API server would not let pass, so that no golden pair can say it.
#include "agent/translate/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipgate {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Snapshot snapshot_with(const std::vector<std::string>& addresses) {
    EndpointSlice slice;
    slice.meta.namespace_ = "default";
    slice.meta.name = "web-1";
    slice.meta.labels["kubernetes.io/service-name"] = "web";
    slice.ports.push_back({"tls", "TCP", std::uint16_t{8443}});
    for (const auto& address : addresses) {
        EndpointSlice::Endpoint endpoint;
        if (!address.empty()) endpoint.addresses.push_back(address);
        slice.endpoints.push_back(endpoint);
    }
    Snapshot snapshot;
    snapshot.endpoint_slices["default/web-1"] = slice;
    return snapshot;
}

TEST(Endpoints, AddressesThatNeverLeaveTheNodeAreExcludedByName) {
    const auto snapshot =
        snapshot_with({"127.0.0.1", "::1", "169.254.0.1", "fe80::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::"});
    const auto choice = EndpointIndex(snapshot, {}).choose("default/web", "tls");
    EXPECT_THAT(choice.endpoints, IsEmpty());
    EXPECT_THAT(choice.excluded,
                ElementsAre("0.0.0.0:8443 (unspecified)", "127.0.0.1:8443 (loopback)", "169.254.0.1:8443 (link-local)",
                            "224.0.0.1:8443 (multicast)", "[::1]:8443 (loopback)", "[::]:8443 (unspecified)",
                            "[fe80::1]:8443 (link-local)", "[ff02::1]:8443 (multicast)"));
}

TEST(Endpoints, NoAddressAndNoIpAddress) {
    const auto snapshot = snapshot_with({"", "pod.example.com", "10.1.0.1"});
    const auto choice = EndpointIndex(snapshot, {}).choose("default/web", "tls");
    ASSERT_EQ(choice.endpoints.size(), 1U);
    EXPECT_EQ(choice.endpoints.front().to_string(), "10.1.0.1:8443");
    EXPECT_THAT(choice.excluded, ElementsAre("pod.example.com (not an IP address)"));
}

}  // namespace
}  // namespace slipgate
