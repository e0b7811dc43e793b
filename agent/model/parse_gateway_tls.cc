// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kTlsFields = {"backend"sv, "frontend"sv};
constexpr std::array kBackendFields = {"clientCertificateRef"sv};
constexpr std::array kFrontendFields = {"default"sv, "perPort"sv};
constexpr std::array kPerPortFields = {"port"sv, "tls"sv};
constexpr std::array kConfigFields = {"validation"sv};
constexpr std::array kValidationFields = {"caCertificateRefs"sv, "mode"sv};
constexpr std::array kValidationModes = {"AllowValidOnly"sv, "AllowInsecureFallback"sv};

// The object `key` of the owner: how clients' certificates are validated.
void check_validation(const ObjectReader& owner, std::string_view key) {
    const auto config = owner.object(key, kConfigFields, Presence::required);
    const auto validation = config ? config->object("validation", kValidationFields) : std::nullopt;
    if (!validation) return;
    const auto authorities =
        validation->objects("caCertificateRefs", {1, 16}, kObjectReferenceFields, Presence::required);
    for (const auto& authority : authorities) check_object_reference(authority, Presence::required);
    (void)validation->choice("mode", kValidationModes, "AllowValidOnly");
}

void check_ports(const ObjectReader& frontend) {
    std::vector<std::uint16_t> ports;
    for (const auto& item : frontend.objects("perPort", {0, 64}, kPerPortFields)) {
        ports.push_back(item.port("port", Presence::required).value_or(0));
        check_validation(item, "tls");
    }
    if (!frontend.clean()) return;
    for (std::size_t i = 0; i < ports.size(); ++i) {
        if (first_equal(ports, i, std::equal_to{}) == i) continue;
        frontend.error(
            fmt::format("perPort[{}].port", i),
            fmt::format("Duplicate value: {}: Port for TLS configuration must be unique within the Gateway", ports[i]));
    }
}

}  // namespace

void check_gateway_tls(const ObjectReader& spec) {
    const auto tls = spec.object("tls", kTlsFields);
    if (!tls) return;
    if (const auto backend = tls->object("backend", kBackendFields)) {
        const auto certificate = backend->object("clientCertificateRef", kObjectReferenceFields);
        if (certificate) check_object_reference(*certificate, Presence::optional);
    }
    if (const auto frontend = tls->object("frontend", kFrontendFields)) {
        check_validation(*frontend, "default");
        check_ports(*frontend);
    }
}

}  // namespace slipgate
