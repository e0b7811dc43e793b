// SPDX-License-Identifier: Apache-2.0
#include "agent/model/parse_kinds.h"

namespace slipgate {

void check_object_reference(const ObjectReader& in, Presence kind_presence) {
    (void)in.text("group", kGroup, kind_presence);
    (void)in.text("kind", kKind, kind_presence);
    (void)in.required_text("name", kObjectName);
    (void)in.text("namespace", kDnsLabel);
}

bool check_parameters_ref(const ObjectReader& owner, FieldNames known) {
    const auto reference = owner.object("parametersRef", known);
    if (reference) check_object_reference(*reference, Presence::required);
    return reference.has_value();
}

}  // namespace slipgate
