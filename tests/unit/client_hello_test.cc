// SPDX-License-Identifier: Apache-2.0
// The ClientHello parser on hellos built part by part: every shape, every wrong length, every prefix.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/unit/hello_builder.h"

namespace slipgate {
namespace {

void expect_reading(const Bytes& bytes, const HelloVerdict& expected, const std::string& what = {}) {
    SCOPED_TRACE(what);
    EXPECT_EQ(read_bytewise(bytes).last, expected);
}

HelloVerdict found(const std::string& name) {
    return {SG_HELLO_FOUND, name};
}

HelloParts with(std::vector<Extension> extensions) {
    HelloParts parts;
    parts.extensions = std::move(extensions);
    return parts;
}

TEST(ClientHello, NameIsFoundAsSoonAsItIsComplete) {
    const std::string name = "www.example.com";
    const auto bytes = with(browser_extensions(name)).record();
    const auto reading = read_bytewise(bytes);
    EXPECT_EQ(reading.last, found(name));
    const auto place = std::search(bytes.begin(), bytes.end(), name.begin(), name.end());
    EXPECT_EQ(reading.decided_at, place - bytes.begin() + name.size());
}

TEST(ClientHello, ShuffledExtensions) {
    auto extensions = browser_extensions("www.example.com");
    std::mt19937 random(1);
    for (int round = 0; round < 20; round++) {
        std::shuffle(extensions.begin(), extensions.end(), random);
        expect_reading(with(extensions).record(), found("www.example.com"), "round " + std::to_string(round));
    }
}

TEST(ClientHello, NameIsReportedAsSent) {
    for (const auto& name :
         {std::string("a"), std::string("WWW.Example.COM"), std::string("example.com."), std::string("192.0.2.1"),
          std::string("nul\0inside", 10), std::string("\xff"), std::string(254, 'x'), std::string(255, 'x')}) {
        expect_reading(with({server_name(name)}).record(), found(name), name);
    }
}

TEST(ClientHello, NameOver255IsMalformed) {
    for (const std::size_t size : {256, 257, 1000, 8000}) {
        expect_reading(with({server_name(std::string(size, 'x'))}).record(), {SG_HELLO_MALFORMED, {}},
                       std::to_string(size));
    }
}

TEST(ClientHello, FirstOfTwoServerNamesRoutes) {
    const auto bytes = with({server_name("first.example"), {0x17, {}}, server_name("second.example")}).record();
    expect_reading(bytes, found("first.example"));
}

TEST(ClientHello, WithoutServerName) {
    auto extensions = browser_extensions("");
    extensions.erase(extensions.begin() + 1);
    expect_reading(with(extensions).record(), {SG_HELLO_NO_SNI, {}}, "other extensions");
    expect_reading(with({}).record(), {SG_HELLO_NO_SNI, {}}, "empty extensions");
    HelloParts none;
    none.extensions.reset();
    expect_reading(none.record(), {SG_HELLO_NO_SNI, {}}, "TLS 1.0: no extensions at all");
}

TEST(ClientHello, WhatFollowsTheHelloDoesNotMatter) {
    const auto hello = with({server_name("a.example")}).record();
    expect_reading(hello + Bytes{20, 3, 3, 0, 1, 1}, found("a.example"), "change_cipher_spec (RFC 8446 D.4)");
    expect_reading(hello + Bytes{23, 3, 3, 0, 4, 1, 2, 3, 4}, found("a.example"), "early data");
    const auto more = handshake_record(with({server_name("a.example")}).handshake() + Bytes(10, 0));
    expect_reading(more, found("a.example"), "more in the same record");
}

TEST(ClientHello, HelloOverTwoRecordsIsUnsupported) {
    const auto hello = with({server_name("a.example")}).handshake();
    for (std::size_t cut = 1; cut < hello.size(); cut++) {
        const Bytes one(hello.begin(), hello.begin() + static_cast<std::ptrdiff_t>(cut));
        const Bytes two(hello.begin() + static_cast<std::ptrdiff_t>(cut), hello.end());
        expect_reading(handshake_record(one) + handshake_record(two), {SG_HELLO_UNSUPPORTED, {}}, std::to_string(cut));
    }
}

TEST(ClientHello, NumberOfExtensionsIsBounded) {
    std::vector<Extension> extensions;
    for (std::uint16_t type = 1; type < SG_HELLO_EXTENSIONS; type++) extensions.emplace_back(type + 1000, Bytes{});
    expect_reading(with(extensions).record(), {SG_HELLO_NO_SNI, {}}, "63 extensions");
    extensions.push_back(server_name("last.example"));
    expect_reading(with(extensions).record(), found("last.example"), "the 64th is server_name");
    extensions.insert(extensions.begin(), {999, {}});
    expect_reading(with(extensions).record(), {SG_HELLO_UNSUPPORTED, {}}, "the 65th is server_name");
}

TEST(ClientHello, HelloLargerThanTheStash) {
    auto extensions = std::vector<Extension>{{0x15, Bytes(SG_STASH_BYTES, 0)}, server_name("far.example")};
    EXPECT_EQ(parse_hello(with(extensions).record()), (HelloVerdict{SG_HELLO_NEED_MORE, {}}));
    std::swap(extensions[0], extensions[1]);
    EXPECT_EQ(parse_hello(with(extensions).record()), found("far.example"));
}

TEST(ClientHello, NotTls) {
    for (const auto& start :
         {"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "\r\n", "PROXY TCP4 "}) {
        const auto reading = read_bytewise(text(start));
        EXPECT_EQ(reading.last.verdict, SG_HELLO_NOT_TLS) << start;
        EXPECT_EQ(reading.decided_at, 1U) << start;
    }
    for (int type = 0; type < 256; type++) {
        const auto expected = type == 22 ? SG_HELLO_NEED_MORE : SG_HELLO_NOT_TLS;
        EXPECT_EQ(parse_hello({static_cast<std::uint8_t>(type), 3, 1}).verdict, expected) << type;
    }
    for (int major = 0; major < 256; major++) {
        const auto expected = major == 3 ? SG_HELLO_NEED_MORE : SG_HELLO_NOT_TLS;
        EXPECT_EQ(parse_hello({22, static_cast<std::uint8_t>(major), 1}).verdict, expected) << major;
    }
}

TEST(ClientHello, AnyMinorRecordVersion) {
    auto bytes = with({server_name("a.example")}).record();
    for (int minor = 0; minor < 256; minor++) {  // RFC 8446 5.1: "MUST be ignored for all purposes"
        bytes[2] = static_cast<std::uint8_t>(minor);
        EXPECT_EQ(parse_hello(bytes), found("a.example")) << minor;
    }
}

TEST(ClientHello, OtherHandshakeMessagesAreMalformed) {
    auto bytes = with({server_name("a.example")}).record();
    for (int type = 0; type < 256; type++) {
        if (type == 1) continue;
        bytes[5] = static_cast<std::uint8_t>(type);
        EXPECT_EQ(read_bytewise(bytes).last.verdict, SG_HELLO_MALFORMED) << type;
    }
}

TEST(ClientHello, RecordTooShortForAHandshakeHeader) {
    for (std::size_t length = 1; length < 4; length++) {
        const auto start = Bytes{22, 3, 1} + u16(length);
        expect_reading(start + Bytes{1, 0, 0, 9}, {SG_HELLO_UNSUPPORTED, {}}, std::to_string(length));
        expect_reading(start + Bytes{2, 0, 0, 9}, {SG_HELLO_MALFORMED, {}}, std::to_string(length));
    }
}

TEST(ClientHello, RecordLength) {
    for (const std::size_t length : {std::size_t{0}, std::size_t{16385}, std::size_t{65535}}) {
        expect_reading(Bytes{22, 3, 1} + u16(length) + Bytes(10, 1), {SG_HELLO_MALFORMED, {}}, std::to_string(length));
    }
    EXPECT_EQ(parse_hello(Bytes{22, 3, 1} + u16(16384) + Bytes{1, 0, 0x3f, 0xfc}).verdict, SG_HELLO_NEED_MORE);
    EXPECT_EQ(parse_hello(Bytes{22, 3, 1} + u16(16384) + Bytes{1, 0, 0x3f, 0xfd}).verdict, SG_HELLO_UNSUPPORTED);
}

TEST(ClientHello, SessionIdHasAtMost32Bytes) {
    for (std::size_t size = 0; size <= 64; size++) {
        auto parts = with({server_name("a.example")});
        parts.session_id = Bytes(size, 9);
        const auto expected = size <= 32 ? found("a.example") : HelloVerdict{SG_HELLO_MALFORMED, {}};
        expect_reading(parts.record(), expected, std::to_string(size));
    }
}

TEST(ClientHello, CipherSuitesAreTwoBytesEachAndAtLeastOne) {
    for (std::size_t size = 0; size <= 64; size++) {
        auto parts = with({server_name("a.example")});
        parts.ciphers = Bytes(size, 9);
        const auto expected = size >= 2 && size % 2 == 0 ? found("a.example") : HelloVerdict{SG_HELLO_MALFORMED, {}};
        expect_reading(parts.record(), expected, std::to_string(size));
    }
}

TEST(ClientHello, AtLeastOneCompressionMethod) {
    auto parts = with({server_name("a.example")});
    parts.compressions.clear();
    expect_reading(parts.record(), {SG_HELLO_MALFORMED, {}});
    parts.compressions = Bytes(255, 0);
    expect_reading(parts.record(), found("a.example"));
}

// A length that is off by any amount never yields another name than the one that was sent, and never hangs.
TEST(ClientHello, WrongLengths) {
    const auto count_of = [](int HelloParts::* field) {
        int wrong = 0;
        for (int error = -300; error <= 300; error++) {
            if (error == 0) continue;
            auto parts = with({{0x17, {}}, server_name("a.example"), {0x10, Bytes(20, 0)}});
            parts.*field = error;
            const auto verdict = read_bytewise(parts.record()).last;
            EXPECT_TRUE(verdict.verdict != SG_HELLO_FOUND || verdict.name == "a.example") << error << ": " << verdict;
            wrong += verdict.verdict != SG_HELLO_FOUND;
        }
        return wrong;
    };
    EXPECT_EQ(count_of(&HelloParts::extensions_error), 600);
    EXPECT_EQ(count_of(&HelloParts::handshake_error), 600);
    EXPECT_GT(count_of(&HelloParts::session_error), 550);
    EXPECT_GT(count_of(&HelloParts::ciphers_error), 550);
    EXPECT_GT(count_of(&HelloParts::compressions_error), 550);
    // A record longer than its hello holds more messages; one that is shorter goes on in the next record.
    EXPECT_EQ(count_of(&HelloParts::record_error), 300);
}

TEST(ClientHello, EveryWrongLengthOfServerName) {
    const auto with_data = [](const Bytes& data) { return with({{0, data}, {0x17, {}}}).record(); };
    const auto name = text("a.example");
    for (std::size_t list = 0; list < 300; list++) {
        for (std::size_t host = 0; host < 300; host++) {
            const bool right = list == name.size() + 3 && host == name.size();
            const auto verdict = parse_hello(with_data(u16(list) + u8(0) + u16(host) + name));
            ASSERT_EQ(verdict, right ? found("a.example") : (HelloVerdict{SG_HELLO_MALFORMED, {}}))
                << list << ' ' << host;
        }
    }
    for (std::size_t size = 0; size < 6; size++) {
        expect_reading(with_data(Bytes(size, 0)), {SG_HELLO_MALFORMED, {}}, "extension of " + std::to_string(size));
    }
    expect_reading(with_data(u16(3) + u8(0) + u16(0)), {SG_HELLO_MALFORMED, {}}, "empty name");
    expect_reading(with_data(u16(12) + u8(1) + u16(9) + name), {SG_HELLO_MALFORMED, {}}, "another name type");
    const auto entry = u8(0) + u16(9) + name;
    expect_reading(with_data(u16(24) + entry + entry), {SG_HELLO_MALFORMED, {}}, "two names");
}

TEST(ClientHello, ExtensionThatOverrunsTheHello) {
    auto extensions = browser_extensions("a.example");
    for (std::size_t at = 0; at < extensions.size(); at++) {
        Bytes block;
        for (std::size_t i = 0; i < extensions.size(); i++) {
            const auto& [type, data] = extensions[i];
            block = block + u16(type) + u16(i == at ? 0xffff : data.size()) + data;
        }
        HelloParts none;
        none.extensions.reset();
        auto body = none.handshake();
        body.erase(body.begin(), body.begin() + 4);
        body = body + u16(block.size()) + block;
        const auto expected = at > 1 ? found("a.example") : HelloVerdict{SG_HELLO_MALFORMED, {}};
        expect_reading(handshake_record(u8(1) + u24(body.size()) + body), expected, std::to_string(at));
    }
}

// Any byte changed, anywhere: the verdict is stable, and nothing outside the bytes at hand matters.
TEST(ClientHello, AnyByteChanged) {
    const auto hello = with({{0x17, {}}, server_name("a.example"), {0x2b, {2, 3, 4}}}).record();
    for (std::size_t at = 0; at < hello.size(); at++) {
        for (const int flip : {0x01, 0x02, 0x10, 0x80, 0xff}) {
            auto changed = hello;
            changed[at] = static_cast<std::uint8_t>(changed[at] ^ flip);
            SCOPED_TRACE("byte " + std::to_string(at) + " flip " + std::to_string(flip));
            (void)read_bytewise(changed);
        }
    }
}

}  // namespace
}  // namespace slipgate
