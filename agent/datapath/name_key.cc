// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/name_key.h"

#include <slipgate/sni.h>

namespace slipgate {

Result<sg_name_key> name_key(std::string_view hostname, std::uint32_t vip, const NameSecret& secret) {
    const bool wildcard = hostname.starts_with("*.");
    if (wildcard) hostname.remove_prefix(2);
    if (hostname.empty() || hostname.size() > SG_NAME_MAX) return fail("not 1 to 255 characters long");

    sg_name_hash hash;
    sg_name_begin(&hash, secret.data());
    for (auto c = hostname.rbegin(); c != hostname.rend(); ++c) {
        if (sg_name_character(&hash, static_cast<__u8>(*c)) != 0) break;
    }
    sg_name_end(&hash);
    if (hash.status == SG_NAME_IP_LITERAL) return fail("an IP address is no server name (RFC 6066 section 3)");
    if (hash.status != SG_NAME_OK) return fail("no host name");

    return sg_name_key{.hash = hash.digest[hash.depth], .vip = vip, .wildcard = wildcard ? 1U : 0U};
}

}  // namespace slipgate
