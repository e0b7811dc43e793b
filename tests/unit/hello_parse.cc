// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hello_parse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace slipgate {

HelloVerdict parse_hello(const Bytes& bytes, std::uint8_t rest) {
    const auto available = std::min<std::size_t>(bytes.size(), SG_STASH_BYTES);
    Bytes stash(SG_STASH_BYTES, rest);
    std::copy_n(bytes.begin(), available, stash.begin());
    sg_hello hello{};
    sg_hello_begin(&hello, stash.data(), static_cast<__u32>(available));
    for (int step = 0; step < SG_HELLO_EXTENSIONS && hello.verdict == SG_HELLO_NEED_MORE_STEPS; step++) {
        sg_hello_extension(&hello, stash.data());
    }
    sg_hello_end(&hello);
    HelloVerdict result{static_cast<sg_hello_verdict>(hello.verdict), {}};
    if (result.verdict == SG_HELLO_FOUND) {
        EXPECT_LE(hello.name_at + hello.name_length, available);
        result.name.assign(stash.begin() + hello.name_at, stash.begin() + hello.name_at + hello.name_length);
    }
    return result;
}

Reading read_bytewise(const Bytes& bytes) {
    Reading reading;
    Bytes prefix;
    const auto take = [&] {
        const auto verdict = parse_hello(prefix);
        EXPECT_EQ(verdict, parse_hello(prefix, 0xff)) << "after " << prefix.size() << " bytes";
        if (reading.last.verdict == SG_HELLO_NEED_MORE) {
            reading.decided_at = prefix.size();
        } else {
            EXPECT_EQ(verdict, reading.last) << "after " << prefix.size() << " bytes";
        }
        reading.last = verdict;
    };
    take();
    for (const auto byte : bytes) {
        prefix.push_back(byte);
        take();
    }
    return reading;
}

std::ostream& operator<<(std::ostream& out, const HelloVerdict& verdict) {
    constexpr std::array<const char*, 7> kNames{"NEED_MORE_STEPS", "FOUND",     "NO_SNI",     "NEED_MORE",
                                                "NOT_TLS",         "MALFORMED", "UNSUPPORTED"};
    return out << kNames.at(verdict.verdict) << " \"" << verdict.name << '"';
}

}  // namespace slipgate
