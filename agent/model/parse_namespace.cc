// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"finalizers"sv};

}  // namespace

Object parse_namespace(const ObjectReader& root, ObjectMeta meta) {
    (void)root.object("spec", kSpecFields);
    // The API server sets it on every namespace, so that a selector can name one.
    meta.labels["kubernetes.io/metadata.name"] = meta.name;
    return Namespace{std::move(meta)};
}

}  // namespace slipgate
