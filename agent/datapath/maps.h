// SPDX-License-Identifier: Apache-2.0
// The tables of the data plane as the reconciler sees them: small operations on the pinned maps, so that the same
// reconciler runs against the kernel, a fake and a faulty twin.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <slipgate/abi.h>

#include "agent/base/result.h"

namespace slipgate {

class Maps {
  public:
    virtual ~Maps() = default;

    // Whole-map reads, for adoption at start. Keys are compared bytewise by the callers.
    [[nodiscard]] virtual Result<std::vector<std::pair<sg_vip_key, sg_vip>>> vips() = 0;
    [[nodiscard]] virtual Result<std::vector<std::pair<sg_name_key, sg_name>>> names() = 0;
    [[nodiscard]] virtual Result<std::map<std::uint32_t, std::string>> route_names() = 0;
    [[nodiscard]] virtual Result<std::map<std::uint32_t, std::string>> backend_names() = 0;
    [[nodiscard]] virtual Result<std::vector<sg_address>> sources() = 0;

    [[nodiscard]] virtual Status set_vip(const sg_vip_key& key, const sg_vip& value) = 0;
    [[nodiscard]] virtual Status delete_vip(const sg_vip_key& key) = 0;  // absent counts as deleted, here and below
    [[nodiscard]] virtual Status set_name(const sg_name_key& key, const sg_name& value) = 0;
    [[nodiscard]] virtual Status delete_name(const sg_name_key& key) = 0;
    [[nodiscard]] virtual Status set_route_name(std::uint32_t route, const std::string& name) = 0;
    [[nodiscard]] virtual Status delete_route_name(std::uint32_t route) = 0;
    [[nodiscard]] virtual Status set_backend_name(std::uint32_t backend, const std::string& name) = 0;
    [[nodiscard]] virtual Status delete_backend_name(std::uint32_t backend) = 0;
    [[nodiscard]] virtual Status set_source(const sg_address& address) = 0;
    [[nodiscard]] virtual Status delete_source(const sg_address& address) = 0;

    // In `config`: indices of routes, or of backends, below these were in use at some time.
    [[nodiscard]] virtual Result<std::uint32_t> routes_used() = 0;
    [[nodiscard]] virtual Status set_routes_used(std::uint32_t mark) = 0;
    [[nodiscard]] virtual Result<std::uint32_t> backends_used() = 0;
    [[nodiscard]] virtual Status set_backends_used(std::uint32_t mark) = 0;

    // Descriptor arrays: one atomic 64-bit store or load each. `slot` of backends: SG_BACKEND_SLOT.
    [[nodiscard]] virtual Result<sg_range> route(std::uint32_t index) = 0;
    [[nodiscard]] virtual Status set_route(std::uint32_t index, sg_range range) = 0;
    [[nodiscard]] virtual Result<sg_range> backend(std::uint32_t slot) = 0;
    [[nodiscard]] virtual Status set_backend(std::uint32_t slot, sg_range range) = 0;

    // Ranges that descriptors point into. Written only where no published descriptor points.
    [[nodiscard]] virtual Result<std::vector<sg_weight>> weights(std::uint32_t first, std::uint32_t count) = 0;
    [[nodiscard]] virtual Status set_weights(std::uint32_t first, const std::vector<sg_weight>& values) = 0;
    [[nodiscard]] virtual Result<std::vector<sg_endpoint>> endpoints(std::uint32_t first, std::uint32_t count) = 0;
    [[nodiscard]] virtual Status set_endpoints(std::uint32_t first, const std::vector<sg_endpoint>& values) = 0;

    // Capacities, as the loaded maps have them.
    struct Capacity {
        std::uint32_t routes, backends, weights, endpoints;  // backends: half of its slots
        std::uint32_t vips, names, sources;
    };
    [[nodiscard]] virtual Capacity capacity() const = 0;
};

}  // namespace slipgate
