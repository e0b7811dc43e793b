// SPDX-License-Identifier: Apache-2.0
// Names as lookup keys, against a plain rendering of the rules: split at dots, check, compare.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <slipgate/sni.h>

#include "tests/fuzz/check.h"

namespace {

constexpr std::array<__u64, 2> kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

sg_name_hash hash(std::string_view name) {
    sg_name_hash h{};
    sg_name_begin(&h, kKey.data());
    for (auto c = name.rbegin(); c != name.rend(); ++c) {
        if (sg_name_character(&h, static_cast<__u8>(*c))) break;
    }
    sg_name_end(&h);
    return h;
}

std::vector<std::string_view> labels_of(std::string_view name) {
    std::vector<std::string_view> labels;
    while (true) {
        const auto dot = name.find('.');
        labels.push_back(name.substr(0, dot));
        if (dot == std::string_view::npos) return labels;
        name.remove_prefix(dot + 1);
    }
}

bool is_valid(std::string_view name, const std::vector<std::string_view>& labels) {
    return labels.size() <= SG_DEPTH_MAX &&
           std::all_of(labels.begin(), labels.end(),
                       [](auto label) { return !label.empty() && label.size() <= SG_LABEL_MAX; }) &&
           std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_ip_literal(std::string_view name, const std::vector<std::string_view>& labels) {
    const auto last = labels.back();
    return std::count(name.begin(), name.end(), ':') > 1 ||
           std::all_of(last.begin(), last.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string swap_case(std::string_view name) {
    std::string swapped(name);
    for (auto& c : swapped) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter) c = static_cast<char>(c ^ 0x20);
    }
    return swapped;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view name(reinterpret_cast<const char*>(data), std::min<std::size_t>(size, SG_NAME_MAX));
    const auto labels = labels_of(name);
    const auto whole = hash(name);
    const bool has_port = name.find(':') != std::string_view::npos;
    const auto expected = !is_valid(name, labels)       ? SG_NAME_INVALID
                          : is_ip_literal(name, labels) ? SG_NAME_IP_LITERAL
                          : has_port                    ? SG_NAME_INVALID
                                                        : SG_NAME_OK;
    FUZZ_CHECK(whole.status == expected);
    if (expected == SG_NAME_INVALID) return 0;

    FUZZ_CHECK(whole.depth == labels.size());
    const auto swapped = hash(swap_case(name));
    for (std::size_t depth = 1; depth <= labels.size(); depth++) {
        const auto start = static_cast<std::size_t>(labels[labels.size() - depth].data() - name.data());
        const auto suffix = hash(name.substr(start));
        FUZZ_CHECK(suffix.depth == depth);
        FUZZ_CHECK(suffix.digest[depth] == whole.digest[depth]);
        FUZZ_CHECK(swapped.digest[depth] == whole.digest[depth]);
        for (std::size_t other = 1; other < depth; other++) FUZZ_CHECK(whole.digest[other] != whole.digest[depth]);
    }
    return 0;
}
