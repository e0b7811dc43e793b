// SPDX-License-Identifier: Apache-2.0
// The maps in memory. Counts writes, refuses some of them on demand (the faulty twin), and lets a test look at
// every state in between, as a BPF program would meet it.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/datapath/maps.h"

namespace slipgate::test {

class FakeMaps : public Maps {
  public:
    explicit FakeMaps(Capacity capacity = kRoomy)
        : capacity_(capacity),
          routes_(capacity.routes),
          backends_(std::size_t{capacity.backends} * 2),
          weights_(capacity.weights),
          endpoints_(capacity.endpoints) {}

    static constexpr Capacity kRoomy{
        .routes = 64, .backends = 64, .weights = 512, .endpoints = 512, .vips = 16, .names = 256, .sources = 16};

    int writes = 0;
    std::function<bool()> refuses = [] { return false; };  // asked before each write
    std::function<void()> after_write = [] {};

    Result<std::vector<std::pair<sg_vip_key, sg_vip>>> vips() override { return pairs<sg_vip_key>(vips_); }
    Result<std::vector<std::pair<sg_name_key, sg_name>>> names() override { return pairs<sg_name_key>(names_); }
    Result<std::map<std::uint32_t, std::string>> route_names() override { return route_names_; }
    Result<std::map<std::uint32_t, std::string>> backend_names() override { return backend_names_; }
    Result<std::vector<sg_address>> sources() override {
        std::vector<sg_address> all;
        for (const auto& [key, one] : pairs<sg_address>(sources_)) all.push_back(key);
        return all;
    }

    Status set_vip(const sg_vip_key& key, const sg_vip& value) override {
        return write([&] { vips_[bytes(key)] = value; });
    }
    Status delete_vip(const sg_vip_key& key) override {
        return write([&] { vips_.erase(bytes(key)); });
    }
    Status set_name(const sg_name_key& key, const sg_name& value) override {
        return write([&] { names_[bytes(key)] = value; });
    }
    Status delete_name(const sg_name_key& key) override {
        return write([&] { names_.erase(bytes(key)); });
    }
    Status set_route_name(std::uint32_t route, const std::string& name) override {
        return write([&] { route_names_[route] = name; });
    }
    Status delete_route_name(std::uint32_t route) override {
        return write([&] { route_names_.erase(route); });
    }
    Status set_backend_name(std::uint32_t backend, const std::string& name) override {
        return write([&] { backend_names_[backend] = name; });
    }
    Status delete_backend_name(std::uint32_t backend) override {
        return write([&] { backend_names_.erase(backend); });
    }
    Status set_source(const sg_address& address) override {
        return write([&] { sources_[bytes(address)] = 1; });
    }
    Status delete_source(const sg_address& address) override {
        return write([&] { sources_.erase(bytes(address)); });
    }

    Result<std::uint32_t> routes_used() override { return routes_used_; }
    Status set_routes_used(std::uint32_t mark) override {
        return write([&] { routes_used_ = mark; });
    }
    Result<std::uint32_t> backends_used() override { return backends_used_; }
    Status set_backends_used(std::uint32_t mark) override {
        return write([&] { backends_used_ = mark; });
    }

    Result<sg_range> route(std::uint32_t index) override { return routes_.at(index); }
    Status set_route(std::uint32_t index, sg_range range) override {
        return write([&] { routes_.at(index) = range; });
    }
    Result<sg_range> backend(std::uint32_t slot) override { return backends_.at(slot); }
    Status set_backend(std::uint32_t slot, sg_range range) override {
        return write([&] { backends_.at(slot) = range; });
    }
    Result<std::vector<sg_weight>> weights(std::uint32_t first, std::uint32_t count) override {
        return slice(weights_, first, count);
    }
    Status set_weights(std::uint32_t first, const std::vector<sg_weight>& values) override {
        return write([&] { std::copy(values.begin(), values.end(), weights_.begin() + first); });
    }
    Result<std::vector<sg_endpoint>> endpoints(std::uint32_t first, std::uint32_t count) override {
        return slice(endpoints_, first, count);
    }
    Status set_endpoints(std::uint32_t first, const std::vector<sg_endpoint>& values) override {
        return write([&] { std::copy(values.begin(), values.end(), endpoints_.begin() + first); });
    }
    [[nodiscard]] Capacity capacity() const override { return capacity_; }

    // Nothing is left that a lookup or a reader could find.
    [[nodiscard]] bool empty() const {
        const auto unused = [](const sg_range& range) { return range.word == 0; };
        return vips_.empty() && names_.empty() && route_names_.empty() && backend_names_.empty() && sources_.empty() &&
               std::all_of(routes_.begin(), routes_.end(), unused) &&
               std::all_of(backends_.begin(), backends_.end(), unused);
    }

  private:
    template <typename T>
    static std::string bytes(const T& value) {
        return {reinterpret_cast<const char*>(&value), sizeof value};
    }
    template <typename Key, typename Value>
    static std::vector<std::pair<Key, Value>> pairs(const std::map<std::string, Value>& map) {
        std::vector<std::pair<Key, Value>> all;
        for (const auto& [raw, value] : map) {
            Key key;
            std::memcpy(&key, raw.data(), sizeof key);
            all.emplace_back(key, value);
        }
        return all;
    }
    template <typename T>
    static std::vector<T> slice(const std::vector<T>& all, std::uint32_t first, std::uint32_t count) {
        return {all.begin() + first, all.begin() + first + count};
    }
    template <typename Change>
    Status write(Change change) {
        if (refuses()) return fail("refused by the test");
        change();
        ++writes;
        after_write();
        return {};
    }

    Capacity capacity_;
    std::map<std::string, sg_vip> vips_;
    std::map<std::string, sg_name> names_;
    std::map<std::string, std::uint32_t> sources_;
    std::map<std::uint32_t, std::string> route_names_, backend_names_;
    std::uint32_t routes_used_ = 0, backends_used_ = 0;
    std::vector<sg_range> routes_, backends_;
    std::vector<sg_weight> weights_;
    std::vector<sg_endpoint> endpoints_;
};

}  // namespace slipgate::test
