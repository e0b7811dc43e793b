// SPDX-License-Identifier: Apache-2.0
// The ClientHello parser on what real clients send: OpenSSL, made here, and Go's crypto/tls, recorded (hellos/).
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "tests/unit/hello_parse.h"

namespace slipgate {
namespace {

struct OpensslClient {
    int version = TLS1_3_VERSION;
    std::string name;  // empty: none
    bool alpn = false;
    bool ticket = true;
};

// The first flight of an OpenSSL client that speaks exactly this version.
Bytes openssl_hello(const OpensslClient& client) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_security_level(context.get(), 0);  // what TLS 1.0 and 1.1 take
    EXPECT_EQ(SSL_CTX_set_min_proto_version(context.get(), client.version), 1);
    EXPECT_EQ(SSL_CTX_set_max_proto_version(context.get(), client.version), 1);
    if (!client.ticket) SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
    BIO* sent = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), sent);
    if (!client.name.empty()) {
        EXPECT_EQ(SSL_set_tlsext_host_name(ssl.get(), client.name.c_str()), 1);
    }
    if (client.alpn) {
        constexpr unsigned char kProtocols[] = "\x02h2\x08http/1.1";
        EXPECT_EQ(SSL_set_alpn_protos(ssl.get(), kProtocols, sizeof kProtocols - 1), 0);
    }
    EXPECT_EQ(SSL_get_error(ssl.get(), SSL_connect(ssl.get())), SSL_ERROR_WANT_READ);
    char* data = nullptr;
    const auto size = BIO_get_mem_data(sent, &data);
    return {data, data + size};
}

class OpensslHello : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Versions, OpensslHello,
                         testing::Values(TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) { return "Tls1" + std::to_string(version.param - TLS1_VERSION); });

TEST_P(OpensslHello, EveryPrefix) {
    for (const bool alpn : {false, true}) {
        for (const bool ticket : {false, true}) {
            for (const auto& name : {std::string("www.example.com"), std::string("UPPER.Example.com"),
                                     std::string("dot.example.com."), std::string("x"), std::string(255, 'y')}) {
                const auto bytes = openssl_hello({GetParam(), name, alpn, ticket});
                ASSERT_GT(bytes.size(), 100U);
                EXPECT_EQ(read_bytewise(bytes).last, (HelloVerdict{SG_HELLO_FOUND, name}));
            }
            EXPECT_EQ(read_bytewise(openssl_hello({GetParam(), "", alpn, ticket})).last,
                      (HelloVerdict{SG_HELLO_NO_SNI, {}}));
        }
    }
}

struct Recorded {
    std::string client;
    HelloVerdict expected;
    Bytes bytes;
};

std::vector<Recorded> recorded(const std::string& path) {
    std::ifstream file(path);
    EXPECT_TRUE(file) << path;
    std::vector<Recorded> hellos;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with('#')) continue;
        Recorded hello;
        std::string name;
        std::string hex;
        std::istringstream(line) >> hello.client >> name >> hex;
        hello.expected = name == "-" ? HelloVerdict{SG_HELLO_NO_SNI, {}} : HelloVerdict{SG_HELLO_FOUND, name};
        for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
            hello.bytes.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(at, 2), nullptr, 16)));
        }
        hellos.push_back(std::move(hello));
    }
    return hellos;
}

TEST(GoHello, EveryPrefix) {
    const auto hellos = recorded("hellos/go.txt");
    ASSERT_GE(hellos.size(), 9U);
    for (const auto& hello : hellos) {
        SCOPED_TRACE(hello.client);
        EXPECT_EQ(read_bytewise(hello.bytes).last, hello.expected);
        // The post-quantum key share alone has 1216 bytes: such a hello is never one Ethernet segment.
        if (hello.client.starts_with("mlkem")) {
            EXPECT_GT(hello.bytes.size(), 1460U);
        }
    }
}

}  // namespace
}  // namespace slipgate
