// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"controllerName"sv, "description"sv, "parametersRef"sv};
constexpr Format kDescription{0, 64, is_anything, ""};

}  // namespace

Object parse_gateway_class(const ObjectReader& root, ObjectMeta meta) {
    GatewayClass gateway_class{.meta = std::move(meta), .controller_name = {}};
    const auto spec = root.object("spec", kSpecFields, Presence::required);
    if (!spec) return gateway_class;
    gateway_class.controller_name = spec->required_text("controllerName", kControllerName);
    (void)spec->text("description", kDescription);
    gateway_class.has_parameters_ref = check_parameters_ref(*spec, kObjectReferenceFields);
    return gateway_class;
}

}  // namespace slipgate
