// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <utility>

#include "agent/datapath/kernel_maps.h"
#include "agent/datapath/map_access.h"

namespace slipgate {
namespace {

std::size_t mapped_bytes(std::uint32_t size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    return (size * sizeof(std::uint64_t) + page - 1) / page * page;
}

}  // namespace

Result<DescriptorArray> DescriptorArray::map(int fd, std::string name) {
    bpf_map_info info{};
    __u32 length = sizeof(info);
    if (const int error = bpf_obj_get_info_by_fd(fd, &info, &length)) return fail_errno("map " + name, error);
    void* memory = mmap(nullptr, mapped_bytes(info.max_entries), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) return fail_errno("mmap " + name, errno);
    return DescriptorArray(std::move(name), static_cast<std::uint64_t*>(memory), info.max_entries);
}

DescriptorArray::DescriptorArray(DescriptorArray&& other) noexcept
    : name_(std::move(other.name_)), words_(std::exchange(other.words_, nullptr)), size_(other.size_) {}

DescriptorArray::~DescriptorArray() {
    if (words_) munmap(words_, mapped_bytes(size_));
}

Status DescriptorArray::check(std::uint32_t index) const {
    if (index < size_) return {};
    return fail(name_ + ": index " + std::to_string(index) + " is beyond the map's " + std::to_string(size_) +
                " entries");
}

Result<sg_range> DescriptorArray::load(std::uint32_t index) const {
    if (auto status = check(index); !status) return tl::unexpected(status.error());
    sg_range range{};
    range.word = std::atomic_ref(words_[index]).load(std::memory_order_acquire);
    return range;
}

Status DescriptorArray::store(std::uint32_t index, sg_range range) {
    if (auto status = check(index); !status) return status;
    std::atomic_ref(words_[index]).store(range.word, std::memory_order_release);
    return {};
}

}  // namespace slipgate
