// SPDX-License-Identifier: Apache-2.0
// Typed access to BPF maps by file descriptor, for kernel_maps and the readers. Keys and values are the structs of
// abi.h.
#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/result.h"

namespace slipgate {

template <typename Key, typename Value>
[[nodiscard]] Status map_set(int fd, std::string_view map, const Key& key, const Value& value) {
    if (const int error = bpf_map_update_elem(fd, &key, &value, BPF_ANY)) return fail_errno(map, error);
    return {};
}

// Absent counts as deleted.
template <typename Key>
[[nodiscard]] Status map_delete(int fd, std::string_view map, const Key& key) {
    const int error = bpf_map_delete_elem(fd, &key);
    if (error && error != -ENOENT) return fail_errno(map, error);
    return {};
}

template <typename Value, typename Key>
[[nodiscard]] Result<std::optional<Value>> map_get(int fd, std::string_view map, const Key& key) {
    Value value;
    const int error = bpf_map_lookup_elem(fd, &key, &value);
    if (error == -ENOENT) return std::optional<Value>{};
    if (error) return fail_errno(map, error);
    return std::optional<Value>{value};
}

// Every element. Only for maps that nobody but the agent changes: a concurrent delete would restart the walk.
template <typename Key, typename Value>
[[nodiscard]] Result<std::vector<std::pair<Key, Value>>> map_dump(int fd, std::string_view map) {
    std::vector<std::pair<Key, Value>> all;
    Key key{};
    Key next{};
    const Key* previous = nullptr;
    while (true) {
        const int error = bpf_map_get_next_key(fd, previous, &next);
        if (error == -ENOENT) return all;
        if (error) return fail_errno(map, error);
        auto value = map_get<Value>(fd, map, next);
        if (!value) return tl::unexpected(value.error());
        if (*value) all.emplace_back(next, **value);
        key = next;
        previous = &key;
    }
}

}  // namespace slipgate
