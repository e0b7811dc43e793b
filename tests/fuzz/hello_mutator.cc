// SPDX-License-Identifier: Apache-2.0
// Mutates a ClientHello by its structure. A plain mutation nearly always leaves a length wrong, and the hello is
// refused before anybody looks at its extensions; so of every four mutations three keep the lengths around the change
// right.
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using Bytes = std::vector<std::uint8_t>;

void put_u16(std::uint8_t* at, std::size_t value) {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

std::size_t get_u16(const std::uint8_t* at) {
    return static_cast<std::size_t>(at[0] << 8 | at[1]);
}

// Where the length of the extensions stands, or `size` when there is none.
std::size_t extensions_at(const std::uint8_t* data, std::size_t size) {
    std::size_t at = 9 + 2 + 32;
    if (at >= size) return size;
    at += 1U + data[at];
    if (at + 2 > size) return size;
    at += 2U + get_u16(data + at);
    if (at >= size) return size;
    at += 1U + data[at];
    return at + 2 > size ? size : at;
}

// Each with its header. What is left over at the end becomes part of the last one.
std::vector<Bytes> split_extensions(const std::uint8_t* data, std::size_t size) {
    std::vector<Bytes> extensions;
    while (size >= 4) {
        const auto length = std::min(size, 4 + get_u16(data + 2));
        extensions.emplace_back(data, data + length);
        data += length;
        size -= length;
    }
    return extensions;
}

void mutate_data(Bytes& extension) {
    const auto size = extension.size();
    extension.resize(size + 64);
    extension.resize(4 + LLVMFuzzerMutate(extension.data() + 4, size - 4, size + 60));
    put_u16(extension.data() + 2, extension.size() - 4);
}

// Changes, drops, doubles or moves one extension.
std::size_t mutate_extensions(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
    auto extensions = split_extensions(data, size);
    if (extensions.empty()) return LLVMFuzzerMutate(data, size, max_size);
    auto& chosen = extensions[seed / 8 % extensions.size()];
    auto& other = extensions[seed / 512 % extensions.size()];
    switch (seed / 65536 % 8) {
        case 0:
            chosen = Bytes();
            break;
        case 1:
            chosen = other;
            break;
        case 2:
            std::swap(chosen, other);
            break;
        case 3:
            LLVMFuzzerMutate(chosen.data(), 2, 2);
            break;
        default:
            mutate_data(chosen);
            break;
    }
    std::size_t written = 0;
    for (const auto& extension : extensions) {
        if (written + extension.size() > max_size) break;
        std::copy(extension.begin(), extension.end(), data + written);
        written += extension.size();
    }
    return written;
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
    auto at = extensions_at(data, size);
    if (seed % 4 < 2 || at >= size) {
        size = LLVMFuzzerMutate(data, size, max_size);
    } else {
        size = at + 2 + mutate_extensions(data + at + 2, size - at - 2, max_size - at - 2, seed);
    }
    if (seed % 4 == 0 || size < 9) return size;

    data[0] = 22;
    data[1] = 3;
    put_u16(data + 3, size - 5);
    data[5] = 1;
    data[6] = 0;
    put_u16(data + 7, size - 9);
    at = extensions_at(data, size);
    if (at < size) put_u16(data + at, size - at - 2);
    return size;
}
