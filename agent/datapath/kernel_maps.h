// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/datapath/maps.h"

namespace slipgate {

// An array of descriptors, mapped into our memory, so that one is published by a single store.
class DescriptorArray {
  public:
    [[nodiscard]] static Result<DescriptorArray> map(int fd, std::string name);
    DescriptorArray(DescriptorArray&& other) noexcept;
    DescriptorArray& operator=(DescriptorArray&&) = delete;
    ~DescriptorArray();

    [[nodiscard]] Result<sg_range> load(std::uint32_t index) const;
    [[nodiscard]] Status store(std::uint32_t index, sg_range range);
    [[nodiscard]] std::uint32_t size() const { return size_; }

  private:
    DescriptorArray(std::string name, std::uint64_t* words, std::uint32_t size)
        : name_(std::move(name)), words_(words), size_(size) {}
    [[nodiscard]] Status check(std::uint32_t index) const;

    std::string name_;
    std::uint64_t* words_;
    std::uint32_t size_;
};

// The kernel's maps. Borrows the descriptors.
class KernelMaps final : public Maps {
  public:
    // `fd_of` gives the descriptor of a map by its name in bpf/maps.h.
    [[nodiscard]] static Result<std::unique_ptr<KernelMaps>> create(
        const std::function<int(const std::string&)>& fd_of);

    Result<std::vector<std::pair<sg_vip_key, sg_vip>>> vips() override;
    Result<std::vector<std::pair<sg_name_key, sg_name>>> names() override;
    Result<std::map<std::uint32_t, std::string>> route_names() override;
    Result<std::map<std::uint32_t, std::string>> backend_names() override;
    Result<std::vector<sg_address>> sources() override;

    Status set_vip(const sg_vip_key& key, const sg_vip& value) override;
    Status delete_vip(const sg_vip_key& key) override;
    Status set_name(const sg_name_key& key, const sg_name& value) override;
    Status delete_name(const sg_name_key& key) override;
    Status set_route_name(std::uint32_t route, const std::string& name) override;
    Status delete_route_name(std::uint32_t route) override;
    Status set_backend_name(std::uint32_t backend, const std::string& name) override;
    Status delete_backend_name(std::uint32_t backend) override;
    Status set_source(const sg_address& address) override;
    Status delete_source(const sg_address& address) override;

    Result<std::uint32_t> routes_used() override;
    Status set_routes_used(std::uint32_t mark) override;
    Result<std::uint32_t> backends_used() override;
    Status set_backends_used(std::uint32_t mark) override;

    Result<sg_range> route(std::uint32_t index) override { return routes_.load(index); }
    Status set_route(std::uint32_t index, sg_range range) override;
    Result<sg_range> backend(std::uint32_t slot) override { return backends_.load(slot); }
    Status set_backend(std::uint32_t slot, sg_range range) override;

    Result<std::vector<sg_weight>> weights(std::uint32_t first, std::uint32_t count) override;
    Status set_weights(std::uint32_t first, const std::vector<sg_weight>& values) override;
    Result<std::vector<sg_endpoint>> endpoints(std::uint32_t first, std::uint32_t count) override;
    Status set_endpoints(std::uint32_t first, const std::vector<sg_endpoint>& values) override;

    [[nodiscard]] Capacity capacity() const override { return capacity_; }

    // Elements that were set or deleted since the start.
    [[nodiscard]] std::uint64_t writes() const { return writes_; }

  private:
    struct Fds {
        int vips, names, weights, endpoints, sources, route_names, backend_names, config;
    };
    KernelMaps(Fds fds, DescriptorArray routes, DescriptorArray backends, Capacity capacity)
        : fds_(fds), routes_(std::move(routes)), backends_(std::move(backends)), capacity_(capacity) {}

    [[nodiscard]] Status count(Status status, std::size_t elements = 1);

    Fds fds_;
    DescriptorArray routes_, backends_;
    Capacity capacity_;
    std::uint64_t writes_ = 0;
};

}  // namespace slipgate
