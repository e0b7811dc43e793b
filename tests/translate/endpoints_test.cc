// SPDX-License-Identifier: Apache-2.0
// What an API server would not let pass, so that no golden pair can say it.
#include "agent/translate/endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace slipgate {
namespace {

using testing::ElementsAre;

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

TEST(Endpoints, NoAddressAndNoIpAddress) {
    const auto snapshot = snapshot_with({"", "pod.example.com", "10.1.0.1"});
    const TranslateOptions options;
    EndpointIndex index(options);
    index.update(snapshot);
    EXPECT_THAT(index.choose("default/web", "tls", SourceMode::kSnat).endpoints,
                ElementsAre(BackendEndpoint(SocketAddress{*IpAddress::parse("10.1.0.1"), 8443})));
}

}  // namespace
}  // namespace slipgate
