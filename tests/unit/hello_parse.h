// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include <slipgate/client_hello.h>

namespace slipgate {

using Bytes = std::vector<std::uint8_t>;

struct HelloVerdict {
    sg_hello_verdict verdict = SG_HELLO_NEED_MORE;
    std::string name;  // when FOUND

    bool operator==(const HelloVerdict&) const = default;
};

// Parses the bytes at hand (at most SG_STASH_BYTES are looked at, as in the kernel), in a stash otherwise full of
// `rest`.
HelloVerdict parse_hello(const Bytes& bytes, std::uint8_t rest = 0);

struct Reading {
    HelloVerdict last;
    std::size_t decided_at = 0;  // bytes at hand when the verdict was first another than NEED_MORE
};

// Parses every prefix, one byte longer each time. Fails the test at hand when a verdict changes after it was given,
// when bytes that are not at hand make a difference, or when a name is given that does not stand in the bytes at hand.
Reading read_bytewise(const Bytes& bytes);

std::ostream& operator<<(std::ostream& out, const HelloVerdict& verdict);

}  // namespace slipgate
