// SPDX-License-Identifier: Apache-2.0
// SipHash-1-3 against OpenSSL's implementation.
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include <slipgate/siphash.h>

namespace slipgate {
namespace {

using Key = std::array<__u64, 2>;

// SipHash-1-3 of the bytes, 64 bits, read as a little-endian number (the specification's result).
std::uint64_t openssl_siphash13(const Key& key, const void* data, std::size_t size) {
    const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "SIPHASH", nullptr),
                                                                EVP_MAC_free);
    const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(mac.get()),
                                                                            EVP_MAC_CTX_free);
    unsigned compression_rounds = 1;
    unsigned finalization_rounds = 3;
    std::size_t digest_size = 8;
    const std::array<OSSL_PARAM, 4> params{OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_C_ROUNDS, &compression_rounds),
                                           OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_D_ROUNDS, &finalization_rounds),
                                           OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &digest_size),
                                           OSSL_PARAM_construct_end()};
    std::array<unsigned char, 16> key_bytes{};
    std::memcpy(key_bytes.data(), key.data(), key_bytes.size());
    std::uint64_t digest = 0;
    std::size_t written = 0;
    const bool ok =
        EVP_MAC_init(context.get(), key_bytes.data(), key_bytes.size(), params.data()) == 1 &&
        EVP_MAC_update(context.get(), static_cast<const unsigned char*>(data), size) == 1 &&
        EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(&digest), &written, sizeof digest) == 1;
    EXPECT_TRUE(ok);
    EXPECT_EQ(written, sizeof digest);
    return digest;
}

TEST(Siphash, WordsAreSiphash13OfTheirBytes) {
    std::mt19937_64 random(1);
    for (int count = 0; count < 32; count++) {
        for (int round = 0; round < 50; round++) {
            const Key key{random(), random()};
            std::vector<__u64> words(static_cast<std::size_t>(count));
            for (auto& word : words) word = random();
            EXPECT_EQ(sg_siphash_words(key.data(), words.data(), count),
                      openssl_siphash13(key, words.data(), words.size() * sizeof(__u64)))
                << count << " words, round " << round;
        }
    }
}

// A string whose length is 7 modulo 8 ends in a word made of its last seven bytes and its length: the word sni.h feeds.
TEST(Siphash, StateFedWordByWordIsTheSameHash) {
    std::mt19937_64 random(2);
    for (std::size_t size = 7; size < 250; size += 8) {
        const Key key{random(), random()};
        std::vector<unsigned char> bytes(size);
        for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
        sg_siphash state;
        sg_siphash_init(&state, key.data());
        for (std::size_t at = 0; at < size; at += 8) {
            __u64 word = 0;
            std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, size - at));
            if (size - at < 8) word |= static_cast<__u64>(size) << 56;
            sg_siphash_word(&state, word);
        }
        EXPECT_EQ(sg_siphash_digest(state), openssl_siphash13(key, bytes.data(), size)) << size << " bytes";
    }
}

TEST(Siphash, DigestLeavesTheStateAlone) {
    const Key key{3, 4};
    sg_siphash once;
    sg_siphash asked;
    sg_siphash_init(&once, key.data());
    sg_siphash_init(&asked, key.data());
    for (__u64 word = 0; word < 10; word++) {
        sg_siphash_word(&once, word);
        sg_siphash_word(&asked, word);
        (void)sg_siphash_digest(asked);
    }
    EXPECT_EQ(sg_siphash_digest(once), sg_siphash_digest(asked));
}

TEST(Siphash, EveryBitOfKeyAndWordMatters) {
    const Key key{0x0123456789abcdef, 0xfedcba9876543210};
    const __u64 word = 0x5555aaaa5555aaaa;
    const auto digest = sg_siphash_words(key.data(), &word, 1);
    for (int bit = 0; bit < 64; bit++) {
        const __u64 flip = 1ULL << bit;
        const Key low{key[0] ^ flip, key[1]};
        const Key high{key[0], key[1] ^ flip};
        const __u64 other = word ^ flip;
        EXPECT_NE(sg_siphash_words(low.data(), &word, 1), digest) << bit;
        EXPECT_NE(sg_siphash_words(high.data(), &word, 1), digest) << bit;
        EXPECT_NE(sg_siphash_words(key.data(), &other, 1), digest) << bit;
    }
}

}  // namespace
}  // namespace slipgate
