// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>

#include "agent/base/fd.h"

namespace slipgate {
namespace {

// From linux/bpf.h of 6.6; the build's header may be older.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);  // BPF_TCX_INGRESS
constexpr std::uint32_t kBefore = 1U << 3;                      // BPF_F_BEFORE without a reference: at the head

// Fixed, so that the next agent replaces this filter instead of adding one.
constexpr std::uint32_t kFilterHandle = 1;
constexpr std::uint32_t kFilterPriority = 1;
constexpr std::array<std::string_view, 2> kProgramNames{"splice", "splice_l3"};

// The interface a link is on; 0 when that interface is gone. tcx.ifindex lies where xdp.ifindex does.
unsigned link_ifindex(int link_fd) {
    bpf_link_info info{};
    __u32 length = sizeof(info);
    return bpf_obj_get_info_by_fd(link_fd, &info, &length) ? 0 : info.xdp.ifindex;
}

bool is_entry_program(std::string_view name) {
    return std::find(kProgramNames.begin(), kProgramNames.end(), name) != kProgramNames.end();
}

// bpffs does not allow dots in names, and VLAN interfaces have them (eth0.100). A slash is in no interface name.
std::string pin_name(const std::string& interface) {
    std::string name;
    for (const char c : interface) {
        if (c == '.') {
            name += "%2E";
        } else if (c == '%') {
            name += "%25";
        } else {
            name += c;
        }
    }
    return name;
}

}  // namespace

Status Attacher::attach(const Interface& interface) {
    const int program = interface.framing == Framing::kNone ? programs_.l3 : programs_.ethernet;
    bool unsupported = false;
    auto status = attach_tcx(interface, program, unsupported);
    if (!status && unsupported) status = attach_clsact(interface, program);
    if (!status) return fail(status.error(), "interface " + interface.name);
    return {};
}

Status Attacher::attach_tcx(const Interface& interface, int program_fd, bool& unsupported) {
    if (mkdir(links_.c_str(), 0700) && errno != EEXIST) return fail_errno("mkdir " + links_.string(), errno);
    const auto path = links_ / pin_name(interface.name);
    if (const Fd pinned(bpf_obj_get(path.c_str())); pinned) {
        if (link_ifindex(pinned.get()) == static_cast<unsigned>(interface.ifindex)) {
            if (const int error = bpf_link_update(pinned.get(), program_fd, nullptr))
                return fail_errno("replace program", error);
            return {};
        }
        unlink(path.c_str());  // of an interface that had this name before
    }
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = kBefore);
    const Fd link(bpf_link_create(program_fd, interface.ifindex, kTcxIngress, &options));
    if (!link) {
        unsupported = errno == EINVAL || errno == EOPNOTSUPP;
        return fail_errno("attach to tcx ingress", errno);
    }
    if (bpf_obj_pin(link.get(), path.c_str())) return fail_errno("pin " + path.string(), errno);
    return {};
}

Status Attacher::attach_clsact(const Interface& interface, int program_fd) {
    LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = interface.ifindex, .attach_point = BPF_TC_INGRESS);
    if (const int error = bpf_tc_hook_create(&hook); error && error != -EEXIST)
        return fail_errno("make clsact qdisc", error);
    LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program_fd, .flags = BPF_TC_F_REPLACE, .handle = kFilterHandle,
                .priority = kFilterPriority);
    if (const int error = bpf_tc_attach(&hook, &filter)) return fail_errno("attach to clsact ingress", error);
    return {};
}

Status Attacher::keep_only(const std::set<std::string>& interfaces) {
    std::set<std::string> names;
    for (const auto& interface : interfaces) names.insert(pin_name(interface));
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(links_, error)) {
        const auto name = entry.path().filename().string();
        if (!names.contains(name) && unlink(entry.path().c_str()))
            return fail_errno("unlink " + entry.path().string(), errno);
    }
    return {};
}

Status detach_all(const std::filesystem::path& pin_dir) {
    libbpf_set_print(nullptr);  // it would complain of every interface that has no filter; failures are returned
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(pin_dir / "links", error)) {
        const Fd link(bpf_obj_get(entry.path().c_str()));
        if (link) bpf_link_detach(link.get());
    }
    const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(::if_nameindex(), &if_freenameindex);
    for (const auto* interface = all.get(); interface && interface->if_index; interface++) {
        LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = static_cast<int>(interface->if_index),
                    .attach_point = BPF_TC_INGRESS);
        LIBBPF_OPTS(bpf_tc_opts, filter, .handle = kFilterHandle, .priority = kFilterPriority);
        if (bpf_tc_query(&hook, &filter)) continue;
        const Fd program(bpf_prog_get_fd_by_id(filter.prog_id));
        bpf_prog_info info{};
        __u32 length = sizeof(info);
        if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) || !is_entry_program(info.name)) continue;
        LIBBPF_OPTS(bpf_tc_opts, found, .handle = kFilterHandle, .priority = kFilterPriority);
        if (const int failed = bpf_tc_detach(&hook, &found))
            return fail_errno(std::string("detach from ") + interface->if_name, failed);
    }
    return {};
}

}  // namespace slipgate
