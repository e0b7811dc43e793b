// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/permission.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace slipgate {
namespace {

struct Capability {
    unsigned number;
    const char* name;
    bool is_of_sys_admin;  // CAP_SYS_ADMIN stands for it, as before Linux 5.8
};

constexpr std::array kNeeded = {
    Capability{CAP_BPF, "CAP_BPF", true},
    Capability{CAP_NET_ADMIN, "CAP_NET_ADMIN", false},
    Capability{CAP_PERFMON, "CAP_PERFMON", true},
};

// A bit for each; 0: not known.
std::uint64_t effective_capabilities() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> words{};
    if (::syscall(SYS_capget, &header, words.data()) != 0) return 0;
    return words[0].effective | std::uint64_t{words[1].effective} << 32U;
}

}  // namespace

std::string explain_missing_permission() {
    const auto effective = effective_capabilities();
    const auto has = [effective](unsigned capability) { return (effective >> capability & 1U) != 0; };
    std::string missing;
    for (const auto& needed : kNeeded) {
        if (has(needed.number) || (needed.is_of_sys_admin && has(CAP_SYS_ADMIN))) continue;
        missing += (missing.empty() ? "" : ", ") + std::string(needed.name);
    }
    if (missing.empty())
        return "it has the capabilities that it needs, so a seccomp profile, a security module or a user namespace "
               "does not let it use bpf(2)";
    return "it lacks " + missing + "; it needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root";
}

}  // namespace slipgate
