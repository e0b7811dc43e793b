// SPDX-License-Identifier: Apache-2.0
// Names as lookup keys: normalisation, suffix digests, framing.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <slipgate/sni.h>

namespace slipgate {
namespace {

constexpr std::array<__u64, 2> kKey{0x0011223344556677, 0x8899aabbccddeeff};

sg_name_hash hash(std::string_view name, const std::array<__u64, 2>& key = kKey) {
    sg_name_hash h{};
    sg_name_begin(&h, key.data());
    for (auto c = name.rbegin(); c != name.rend(); ++c) {
        if (sg_name_character(&h, static_cast<__u8>(*c))) break;
    }
    sg_name_end(&h);
    return h;
}

__u64 digest(std::string_view name) {
    const auto h = hash(name);
    EXPECT_EQ(h.status, SG_NAME_OK) << name;
    return h.digest[h.depth];
}

// The framing as sni.h words it, written the other way round: labels first, then words.
std::vector<__u64> framed(std::string_view name) {
    std::vector<__u64> words;
    while (true) {
        const auto dot = name.rfind('.');
        const auto label = dot == name.npos ? name : name.substr(dot + 1);
        for (std::size_t at = 0; at < label.size(); at += 7) {
            const bool last = at + 7 >= label.size();
            __u64 word = (last ? label.size() : 0x80ULL) << 56;
            for (std::size_t i = at; i < std::min(at + 7, label.size()); i++) {
                word |= static_cast<__u64>(static_cast<unsigned char>(label[label.size() - 1 - i])) << (i - at) * 8;
            }
            words.push_back(word);
        }
        if (dot == name.npos) return words;
        name = name.substr(0, dot);
    }
}

// The name that was framed. That it can be had back is the proof that no two names are framed alike.
std::string unframed(const std::vector<__u64>& words) {
    std::string reversed;
    std::string label;
    for (const auto word : words) {
        const auto top = word >> 56;
        const auto bytes = top == 0x80 ? 7 : (top - 1) % 7 + 1;
        for (std::size_t i = 0; i < bytes; i++) label += static_cast<char>(word >> i * 8 & 0xff);
        if (top == 0x80) continue;
        EXPECT_EQ(label.size(), top);
        reversed += (reversed.empty() ? "" : ".") + label;
        label.clear();
    }
    return {reversed.rbegin(), reversed.rend()};
}

// Every name of 1 to 3 labels, of lengths around the seven bytes of a word, over letters that make them easy to
// confuse.
std::vector<std::string> corpus() {
    std::vector<std::string> labels;
    for (const std::size_t length : {1, 2, 6, 7, 8, 13, 14, 15, 62, 63}) {
        labels.push_back(std::string(length, 'a'));
        labels.push_back(std::string(length - 1, 'a') + "b");
        if (length > 1) labels.push_back("b" + std::string(length - 1, 'a'));
    }
    std::vector<std::string> names;
    for (const auto& one : labels) {
        names.push_back(one);
        for (const auto& two : labels) {
            for (const auto& three : {"", ".a", ".aaaaaaa", ".aaaaaaaa"}) {
                names.push_back(one);
                names.back().append(".").append(two).append(three);
            }
        }
    }
    return names;
}

TEST(Sni, FramingCanBeUndone) {
    for (const auto& name : corpus()) EXPECT_EQ(unframed(framed(name)), name);
}

TEST(Sni, DigestIsThatOfTheFramedWords) {
    for (const auto& name : corpus()) {
        sg_siphash state;
        sg_siphash_init(&state, kKey.data());
        for (const auto word : framed(name)) sg_siphash_word(&state, word);
        EXPECT_EQ(digest(name), sg_siphash_digest(state)) << name;
    }
}

TEST(Sni, DifferentNamesHaveDifferentDigests) {
    std::map<__u64, std::string> seen;
    for (const auto& name : corpus()) {
        const auto [at, fresh] = seen.emplace(digest(name), name);
        EXPECT_TRUE(fresh || at->second == name) << name << " and " << at->second;
    }
}

TEST(Sni, KeyChangesDigests) {
    const auto one = hash("www.example.com");
    const auto other = hash("www.example.com", {kKey[0], kKey[1] ^ 1});
    for (__u32 depth = 1; depth <= 3; depth++) EXPECT_NE(one.digest[depth], other.digest[depth]);
}

TEST(Sni, SuffixHasTheSameDigestWhateverStandsBefore) {
    const auto alone = hash("example.com");
    ASSERT_EQ(alone.depth, 2U);
    for (const auto* prefix : {"a.", "www.", "1.", "exactly7.", "a.b.c.d.e.f.", "x--y.EXAMPLE."}) {
        const auto longer = hash(std::string(prefix) + "example.com");
        EXPECT_EQ(longer.status, SG_NAME_OK);
        EXPECT_EQ(longer.digest[1], alone.digest[1]) << prefix;
        EXPECT_EQ(longer.digest[2], alone.digest[2]) << prefix;
        EXPECT_NE(longer.digest[longer.depth], alone.digest[2]) << prefix;
    }
    // A suffix ends at a dot.
    EXPECT_NE(hash("badexample.com").digest[2], alone.digest[2]);
}

TEST(Sni, UpperCaseIsTheSameName) {
    EXPECT_EQ(digest("WWW.Example.COM"), digest("www.example.com"));
    EXPECT_EQ(digest("ABCDEFGHIJKLMNOPQRSTUVWXYZ.z"), digest("abcdefghijklmnopqrstuvwxyz.z"));
    // Only letters are folded: these differ from each other by the same bit.
    EXPECT_NE(digest("a[.com"), digest("a{.com"));
    EXPECT_NE(digest("a@.com"), digest("a`.com"));
}

TEST(Sni, TrailingDotIsTheCallersToTakeOff) {
    EXPECT_EQ(hash("example.com.").status, SG_NAME_INVALID);
}

TEST(Sni, EmptyLabelIsInvalid) {
    for (const auto* name : {"", ".", "..", ".com", "example..com", "..com", "com.", "a...b"}) {
        EXPECT_EQ(hash(name).status, SG_NAME_INVALID) << '"' << name << '"';
    }
}

TEST(Sni, LabelHasAtMost63Characters) {
    for (const auto* form : {"%", "%.com", "www.%", "www.%.com"}) {
        std::string fits = form;
        std::string longer = form;
        fits.replace(fits.find('%'), 1, std::string(63, 'x'));
        longer.replace(longer.find('%'), 1, std::string(64, 'x'));
        EXPECT_EQ(hash(fits).status, SG_NAME_OK) << fits;
        EXPECT_EQ(hash(longer).status, SG_NAME_INVALID) << longer;
    }
}

TEST(Sni, NameHasAtMost127Labels) {
    std::string name = "a";
    for (__u32 labels = 1; labels <= SG_DEPTH_MAX; labels++) {
        const auto h = hash(name);
        EXPECT_EQ(h.status, SG_NAME_OK) << labels;
        EXPECT_EQ(h.depth, labels);
        name += ".a";
    }
    ASSERT_EQ(name.size(), SG_NAME_MAX);  // 128 labels: as long as a name on the wire, but the wire adds two bytes
    EXPECT_EQ(hash(name).status, SG_NAME_INVALID);
}

TEST(Sni, OnlyPrintableAscii) {
    for (int c = 0; c < 256; c++) {
        if (c == '.') continue;
        const std::string name{'w', static_cast<char>(c), '.', 'c', 'o', 'm'};
        const bool good = c > ' ' && c < 0x7f && c != ':';
        EXPECT_EQ(hash(name).status, good ? SG_NAME_OK : SG_NAME_INVALID) << c;
    }
}

TEST(Sni, IpLiterals) {
    for (const auto* name : {"192.0.2.1", "127.1", "2130706433", "1.2.3.4.5", "www.example.1", "::1", "2001:db8::1",
                             "[2001:db8::1]", "::ffff:192.0.2.1", "fe80::1%eth0", "2001:db8::abcd"}) {
        EXPECT_EQ(hash(name).status, SG_NAME_IP_LITERAL) << name;
    }
    for (const auto* name : {"1.example.com", "192.0.2.1.example", "4a", "1.2.3.4a", "192-0-2-1.x", "0.0.0.a0"}) {
        EXPECT_EQ(hash(name).status, SG_NAME_OK) << name;
    }
    // A name with a port, as some clients send it, is neither a name nor an address.
    for (const auto* name : {"www.example.com:443", "localhost:8443", "192.0.2.1:443", ":443", "a:"}) {
        EXPECT_EQ(hash(name).status, SG_NAME_INVALID) << name;
    }
    // Not even an address: what is invalid stays so.
    EXPECT_EQ(hash("1..2").status, SG_NAME_INVALID);
    EXPECT_EQ(hash(".1").status, SG_NAME_INVALID);
}

}  // namespace
}  // namespace slipgate
