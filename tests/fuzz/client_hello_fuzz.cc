// SPDX-License-Identifier: Apache-2.0
// The ClientHello parser, with OpenSSL as the oracle: where OpenSSL takes a hello apart, so does the parser, and both
// see the same name. And by itself: bytes that are not at hand never matter, and a verdict once given stays.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

#include <slipgate/client_hello.h>

#include "tests/fuzz/check.h"
#include "tests/fuzz/openssl_server.h"

namespace {

// Exactly as large as the parser may read, on the heap, where AddressSanitizer watches the ends.
using Stash = std::array<std::uint8_t, SG_STASH_BYTES>;

sg_hello parse(const Stash& stash, std::size_t available) {
    sg_hello hello{};
    sg_hello_begin(&hello, stash.data(), static_cast<__u32>(available));
    for (int step = 0; step < SG_HELLO_EXTENSIONS && hello.verdict == SG_HELLO_NEED_MORE_STEPS; step++) {
        sg_hello_extension(&hello, stash.data());
    }
    sg_hello_end(&hello);
    return hello;
}

bool same(const sg_hello& a, const sg_hello& b) {
    return a.verdict == b.verdict &&
           (a.verdict != SG_HELLO_FOUND || (a.name_at == b.name_at && a.name_length == b.name_length));
}

// How often both saw a name. A run in which that never happened proves nothing.
struct Agreements {
    std::uint64_t runs = 0, parsed = 0, names = 0;
    ~Agreements() {
        std::fprintf(stderr, "%lu runs: OpenSSL took %lu hellos apart and saw the parser's name in %lu\n", runs, parsed,
                     names);
        if (runs > 1000 && names == 0) std::_Exit(1);
    }
} agreements;

// A handshake record first, and not an empty one: OpenSSL also takes SSLv2 hellos, warning alerts and empty records.
bool begins_like_a_hello(const Stash& stash, std::size_t size) {
    return size >= 5 && stash[0] == 22 && (stash[3] | stash[4]) != 0;
}

bool is_unsupported_shape(const Stash& stash, std::size_t size) {
    const auto record = stash[3] << 8 | stash[4];
    const auto handshake = stash[6] << 16 | stash[7] << 8 | stash[8];
    const bool several_records = record < handshake + 4;
    const bool may_have_too_many_extensions = size > 4 * SG_HELLO_EXTENSIONS;
    return several_records || may_have_too_many_extensions;
}

void compare_with_openssl(const sg_hello& hello, const Stash& stash, std::size_t size) {
    const auto openssl = slipgate::openssl_read_hello(stash.data(), size);
    if (!openssl.parsed || !begins_like_a_hello(stash, size)) return;
    agreements.parsed++;
    if (hello.verdict == SG_HELLO_UNSUPPORTED) {
        FUZZ_CHECK(is_unsupported_shape(stash, size));
        return;
    }
    if (!openssl.server_name.empty()) {
        FUZZ_CHECK(hello.verdict == SG_HELLO_FOUND || openssl.has_empty_vector);
        if (hello.verdict != SG_HELLO_FOUND) return;
        const std::string_view name(reinterpret_cast<const char*>(stash.data()) + hello.name_at, hello.name_length);
        FUZZ_CHECK(name == openssl.server_name);
        agreements.names++;
        return;
    }
    if (openssl.has_empty_vector) return;
    // It has not come to the name, or has none: then the parser says what the presence of the extension implies.
    if (openssl.has_server_name) {
        FUZZ_CHECK(hello.verdict == SG_HELLO_FOUND || hello.verdict == SG_HELLO_MALFORMED);
    } else {
        FUZZ_CHECK(hello.verdict == SG_HELLO_NO_SNI);
    }
}

void check_stability(const sg_hello& whole, const Stash& stash, std::size_t size, const Stash& other_rest) {
    FUZZ_CHECK(same(whole, parse(other_rest, size)));
    // All prefixes of short inputs, some of long ones.
    for (std::size_t prefix = 0; prefix < size; prefix += 1 + size / 512) {
        const auto early = parse(stash, prefix);
        FUZZ_CHECK(early.verdict == SG_HELLO_NEED_MORE || same(early, whole));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    size = std::min<std::size_t>(size, SG_STASH_BYTES);
    const auto stash = std::make_unique<Stash>();
    const auto other_rest = std::make_unique<Stash>();
    other_rest->fill(0xff);
    std::copy_n(data, size, stash->begin());
    std::copy_n(data, size, other_rest->begin());

    const auto hello = parse(*stash, size);
    if (hello.verdict == SG_HELLO_FOUND) {
        FUZZ_CHECK(hello.name_length >= 1 && hello.name_length <= 255);
        FUZZ_CHECK(hello.name_at + hello.name_length <= size);
    }
    check_stability(hello, *stash, size, *other_rest);
    compare_with_openssl(hello, *stash, size);
    agreements.runs++;
    return 0;
}
