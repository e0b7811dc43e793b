// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/kernel_maps.h"

#include <algorithm>
#include <cstring>

#include "agent/datapath/map_access.h"

namespace slipgate {
namespace {

std::uint32_t entries(int fd) {
    bpf_map_info info{};
    __u32 length = sizeof(info);
    return bpf_obj_get_info_by_fd(fd, &info, &length) ? 0 : info.max_entries;
}

Result<std::map<std::uint32_t, std::string>> labels(int fd, std::string_view map) {
    auto all = map_dump<__u32, sg_label>(fd, map);
    if (!all) return tl::unexpected(all.error());
    std::map<std::uint32_t, std::string> result;
    for (const auto& [index, label] : *all)
        result.emplace(index, std::string(label.text, strnlen(label.text, sizeof(label.text))));
    return result;
}

Status set_label(int fd, std::string_view map, std::uint32_t index, const std::string& text) {
    sg_label label{};
    std::copy_n(text.data(), std::min(text.size(), sizeof(label.text) - 1), label.text);
    return map_set(fd, map, index, label);
}

template <typename Value>
Result<std::vector<Value>> read_range(int fd, std::string_view map, std::uint32_t first, std::uint32_t count) {
    std::vector<Value> values;
    values.reserve(count);
    for (std::uint32_t i = 0; i < count; i++) {
        const auto value = map_get<Value>(fd, map, first + i);
        if (!value) return tl::unexpected(value.error());
        if (!*value) return fail(std::string(map) + ": index " + std::to_string(first + i) + " is beyond the map");
        values.push_back(**value);
    }
    return values;
}

template <typename Value>
Status write_range(int fd, std::string_view map, std::uint32_t first, const std::vector<Value>& values) {
    for (std::uint32_t i = 0; i < values.size(); i++) {
        if (auto status = map_set(fd, map, first + i, values[i]); !status) return status;
    }
    return {};
}

using ConfigField = __u32 sg_config::*;

Result<std::uint32_t> read_config(int fd, ConfigField field) {
    const auto config = map_get<sg_config>(fd, "config", __u32{0});
    if (!config) return tl::unexpected(config.error());
    return *config ? (**config).*field : 0;
}

// The rest is written again as it is, which no program notices.
Status write_config(int fd, ConfigField field, std::uint32_t value) {
    auto config = map_get<sg_config>(fd, "config", __u32{0});
    if (!config) return tl::unexpected(config.error());
    auto changed = config->value_or(sg_config{});
    changed.*field = value;
    return map_set(fd, "config", __u32{0}, changed);
}

}  // namespace

Result<std::unique_ptr<KernelMaps>> KernelMaps::create(const std::function<int(const std::string&)>& fd_of) {
    const Fds fds{fd_of("vips"),    fd_of("names"),       fd_of("weights"),       fd_of("endpoints"),
                  fd_of("sources"), fd_of("route_names"), fd_of("backend_names"), fd_of("config")};
    auto routes = DescriptorArray::map(fd_of("routes"), "routes");
    if (!routes) return tl::unexpected(routes.error());
    auto backends = DescriptorArray::map(fd_of("backends"), "backends");
    if (!backends) return tl::unexpected(backends.error());
    Capacity capacity{};
    capacity.routes = std::min(routes->size(), entries(fds.route_names));
    capacity.backends = std::min(backends->size() / 2, entries(fds.backend_names));
    capacity.weights = entries(fds.weights);
    capacity.endpoints = entries(fds.endpoints);
    capacity.vips = entries(fds.vips);
    capacity.names = entries(fds.names);
    capacity.sources = entries(fds.sources);
    return std::unique_ptr<KernelMaps>(new KernelMaps(fds, std::move(*routes), std::move(*backends), capacity));
}

Result<std::vector<std::pair<sg_vip_key, sg_vip>>> KernelMaps::vips() {
    return map_dump<sg_vip_key, sg_vip>(fds_.vips, "vips");
}

Result<std::vector<std::pair<sg_name_key, sg_name>>> KernelMaps::names() {
    return map_dump<sg_name_key, sg_name>(fds_.names, "names");
}

Result<std::map<std::uint32_t, std::string>> KernelMaps::route_names() {
    return labels(fds_.route_names, "route_names");
}

Result<std::map<std::uint32_t, std::string>> KernelMaps::backend_names() {
    return labels(fds_.backend_names, "backend_names");
}

Result<std::vector<sg_address>> KernelMaps::sources() {
    auto all = map_dump<sg_address, __u32>(fds_.sources, "sources");
    if (!all) return tl::unexpected(all.error());
    std::vector<sg_address> result;
    for (const auto& [address, one] : *all) result.push_back(address);
    return result;
}

Status KernelMaps::set_vip(const sg_vip_key& key, const sg_vip& value) {
    return count(map_set(fds_.vips, "vips", key, value));
}

Status KernelMaps::delete_vip(const sg_vip_key& key) {
    return count(map_delete(fds_.vips, "vips", key));
}

Status KernelMaps::set_name(const sg_name_key& key, const sg_name& value) {
    return count(map_set(fds_.names, "names", key, value));
}

Status KernelMaps::delete_name(const sg_name_key& key) {
    return count(map_delete(fds_.names, "names", key));
}

Status KernelMaps::set_route_name(std::uint32_t route, const std::string& name) {
    return count(set_label(fds_.route_names, "route_names", route, name));
}

Status KernelMaps::delete_route_name(std::uint32_t route) {
    return count(map_delete(fds_.route_names, "route_names", route));
}

Status KernelMaps::set_backend_name(std::uint32_t backend, const std::string& name) {
    return count(set_label(fds_.backend_names, "backend_names", backend, name));
}

Status KernelMaps::delete_backend_name(std::uint32_t backend) {
    return count(map_delete(fds_.backend_names, "backend_names", backend));
}

Status KernelMaps::set_source(const sg_address& address) {
    return count(map_set(fds_.sources, "sources", address, __u32{1}));
}

Status KernelMaps::delete_source(const sg_address& address) {
    return count(map_delete(fds_.sources, "sources", address));
}

Result<std::uint32_t> KernelMaps::routes_used() {
    return read_config(fds_.config, &sg_config::routes_used);
}

Status KernelMaps::set_routes_used(std::uint32_t mark) {
    return count(write_config(fds_.config, &sg_config::routes_used, mark));
}

Result<std::uint32_t> KernelMaps::backends_used() {
    return read_config(fds_.config, &sg_config::backends_used);
}

Status KernelMaps::set_backends_used(std::uint32_t mark) {
    return count(write_config(fds_.config, &sg_config::backends_used, mark));
}

Result<std::vector<sg_weight>> KernelMaps::weights(std::uint32_t first, std::uint32_t count) {
    return read_range<sg_weight>(fds_.weights, "weights", first, count);
}

Status KernelMaps::set_weights(std::uint32_t first, const std::vector<sg_weight>& values) {
    return count(write_range(fds_.weights, "weights", first, values), values.size());
}

Result<std::vector<sg_endpoint>> KernelMaps::endpoints(std::uint32_t first, std::uint32_t count) {
    return read_range<sg_endpoint>(fds_.endpoints, "endpoints", first, count);
}

Status KernelMaps::set_endpoints(std::uint32_t first, const std::vector<sg_endpoint>& values) {
    return count(write_range(fds_.endpoints, "endpoints", first, values), values.size());
}

Status KernelMaps::set_route(std::uint32_t index, sg_range range) {
    return count(routes_.store(index, range));
}

Status KernelMaps::set_backend(std::uint32_t slot, sg_range range) {
    return count(backends_.store(slot, range));
}

Status KernelMaps::count(Status status, std::size_t elements) {
    if (status) writes_ += elements;
    return status;
}

}  // namespace slipgate
