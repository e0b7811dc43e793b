// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/tcx_links.h"

#include <bpf/bpf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "agent/base/fd.h"

namespace slipgate {
namespace {

// From linux/bpf.h of 6.6; the build's header may be older.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);  // BPF_TCX_INGRESS
constexpr std::uint32_t kBefore = 1U << 3;                      // BPF_F_BEFORE without a reference: at the head

// The interface a link is on; 0 when that interface is gone. tcx.ifindex lies where xdp.ifindex does.
unsigned link_ifindex(int link_fd) {
    bpf_link_info info{};
    __u32 length = sizeof(info);
    return bpf_obj_get_info_by_fd(link_fd, &info, &length) ? 0 : info.xdp.ifindex;
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

Status TcxLinks::attach(const std::string& interface, int ifindex, int program_fd, bool& unsupported) {
    if (mkdir(directory_.c_str(), 0700) && errno != EEXIST) return fail_errno("mkdir " + directory_.string(), errno);
    const auto path = directory_ / pin_name(interface);
    if (const Fd pinned(bpf_obj_get(path.c_str())); pinned) {
        if (link_ifindex(pinned.get()) == static_cast<unsigned>(ifindex)) {
            if (const int error = bpf_link_update(pinned.get(), program_fd, nullptr))
                return fail_errno("replace program", error);
            return {};
        }
        unlink(path.c_str());  // of an interface that had this name before
    }
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = kBefore);
    const Fd link(bpf_link_create(program_fd, ifindex, kTcxIngress, &options));
    if (!link) {
        unsupported = errno == EINVAL || errno == EOPNOTSUPP;
        return fail_errno("attach to tcx ingress (Linux 6.6 and later; --attach clsact does without)", errno);
    }
    if (bpf_obj_pin(link.get(), path.c_str())) return fail_errno("pin " + path.string(), errno);
    return {};
}

Status TcxLinks::remove(const std::string& interface) {
    const auto path = directory_ / pin_name(interface);
    if (unlink(path.c_str()) && errno != ENOENT) return fail_errno("unlink " + path.string(), errno);
    return {};
}

Status TcxLinks::keep_only(const std::set<std::string>& interfaces) {
    std::set<std::string> names;
    for (const auto& interface : interfaces) names.insert(pin_name(interface));
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
        const auto name = entry.path().filename().string();
        if (!names.contains(name) && unlink(entry.path().c_str()))
            return fail_errno("unlink " + entry.path().string(), errno);
    }
    return {};
}

void TcxLinks::detach_all() {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
        const Fd link(bpf_obj_get(entry.path().c_str()));
        if (link) bpf_link_detach(link.get());
    }
}

}  // namespace slipgate
