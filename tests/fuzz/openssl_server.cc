// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/openssl_server.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdlib>
#include <memory>

namespace slipgate {
namespace {

// Called once the hello is taken apart, before anything in it is judged.
int on_client_hello(SSL* ssl, int* /*alert*/, void* argument) {
    auto& reading = *static_cast<OpensslReading*>(argument);
    const unsigned char* data = nullptr;
    std::size_t size = 0;
    reading.parsed = true;
    reading.has_server_name = SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) == 1;
    const auto ciphers = SSL_client_hello_get0_ciphers(ssl, &data);
    const auto compressions = SSL_client_hello_get0_compression_methods(ssl, &data);
    reading.has_empty_vector = ciphers == 0 || ciphers % 2 != 0 || compressions == 0;
    return SSL_CLIENT_HELLO_SUCCESS;
}

// Called once all extensions are read: enough.
int on_server_name(SSL* /*ssl*/, int* alert, void* /*argument*/) {
    *alert = SSL_AD_USER_CANCELLED;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Without a certificate a server does not offer TLS 1.3 at all.
void use_certificate_made_here(SSL_CTX* context) {
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
    X509_set_pubkey(certificate.get(), key.get());
    if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0 ||
        SSL_CTX_use_certificate(context, certificate.get()) != 1 || SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
        std::abort();
    }
}

SSL_CTX* make_context() {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    if (context == nullptr) std::abort();
    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
    use_certificate_made_here(context);
    return context;
}

}  // namespace

OpensslReading openssl_read_hello(const std::uint8_t* data, std::size_t size) {
    static SSL_CTX* const context = make_context();
    OpensslReading reading;
    SSL_CTX_set_client_hello_cb(context, on_client_hello, &reading);
    const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context), SSL_free);
    BIO* received = BIO_new(BIO_s_mem());
    BIO_write(received, data, static_cast<int>(size));
    SSL_set_bio(ssl.get(), received, BIO_new(BIO_s_mem()));
    (void)SSL_accept(ssl.get());  // never succeeds; what it read before it failed is what counts
    const char* name = SSL_get_servername(ssl.get(), TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) reading.server_name = name;
    return reading;
}

}  // namespace slipgate
