// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/clsact_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/netlink/netlink.h"

namespace slipgate::clsact {
namespace {

// The first priority, so that what drops or changes packets by the host's addresses comes after us. Others use it,
// too: BPF filters of one priority run one after the other, told apart by their handle. Ours is "SLIP".
constexpr std::uint32_t kPriority = 1;
constexpr std::uint32_t kHandle = 0x534c4950;
constexpr std::array<std::string_view, 2> kProgramNames{"splice", "splice_l3"};

bpf_tc_hook ingress(int ifindex) {
    return {.sz = sizeof(bpf_tc_hook), .ifindex = ifindex, .attach_point = BPF_TC_INGRESS, .parent = 0};
}

// The kernel tells of a missing qdisc, filter or interface by an error; libbpf would print each of them.
class Quiet {
  public:
    Quiet() : before_(libbpf_set_print(nullptr)) {}
    ~Quiet() { libbpf_set_print(before_); }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;

  private:
    libbpf_print_fn_t before_;
};

// Another's filter could have our priority and handle by chance, hence the names of programs.
bool has_filter(int ifindex) {
    auto hook = ingress(ifindex);
    LIBBPF_OPTS(bpf_tc_opts, filter, .handle = kHandle, .priority = kPriority);
    if (bpf_tc_query(&hook, &filter)) return false;
    const Fd program(bpf_prog_get_fd_by_id(filter.prog_id));
    bpf_prog_info info{};
    __u32 length = sizeof(info);
    if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length)) return false;
    return std::find(kProgramNames.begin(), kProgramNames.end(), std::string_view(info.name)) != kProgramNames.end();
}

// Nothing hangs at one side of the qdisc. Unknown counts as something.
bool is_empty(NetlinkSocket& netlink, int ifindex, std::uint32_t side) {
    std::array<char, 256> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETTFILTER;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* header = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(tcmsg)));
    header->tcm_family = AF_UNSPEC;
    header->tcm_ifindex = ifindex;
    header->tcm_parent = TC_H_MAKE(TC_H_CLSACT, side);
    bool empty = true;
    const auto status = netlink.ask(request, [&](const nlmsghdr*) { empty = false; });
    return status && empty;
}

// The qdisc does nothing without filters, and who needs it makes it before adding one: interfaces come without.
void remove_empty_qdisc(int ifindex) {
    auto netlink = NetlinkSocket::open(0);
    if (!netlink || !is_empty(*netlink, ifindex, TC_H_MIN_INGRESS) || !is_empty(*netlink, ifindex, TC_H_MIN_EGRESS))
        return;
    auto hook = ingress(ifindex);
    // NOLINTNEXTLINE(clang-analyzer-optin.core.EnumCastOutOfRange): the API wants both bits, to say "the whole qdisc"
    hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
    bpf_tc_hook_destroy(&hook);
}

}  // namespace

Status put_filter(int ifindex, int program_fd) {
    const Quiet quiet;
    auto hook = ingress(ifindex);
    if (const int error = bpf_tc_hook_create(&hook); error && error != -EEXIST)
        return fail_errno("make clsact qdisc", error);
    LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = program_fd, .flags = BPF_TC_F_REPLACE, .handle = kHandle,
                .priority = kPriority);
    const int error = bpf_tc_attach(&hook, &filter);
    if (!error) return {};
    // tcf_proto_find() in net/sched/cls_api.c: all filters of a priority have one kind and one protocol.
    if (error == -EINVAL || error == -ENOENT)
        return fail("priority 1 of clsact ingress has filters that are not BPF for all protocols: move them");
    return fail_errno("attach to clsact ingress", error);
}

std::set<int> find_filters() {
    const Quiet quiet;
    std::set<int> found;
    const std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> all(::if_nameindex(), &if_freenameindex);
    for (const auto* interface = all.get(); interface && interface->if_index; interface++) {
        const int ifindex = static_cast<int>(interface->if_index);
        if (has_filter(ifindex)) found.insert(ifindex);
    }
    return found;
}

Status remove_filter(int ifindex) {
    const Quiet quiet;
    if (!has_filter(ifindex)) return {};
    auto hook = ingress(ifindex);
    LIBBPF_OPTS(bpf_tc_opts, filter, .handle = kHandle, .priority = kPriority);
    if (const int error = bpf_tc_detach(&hook, &filter); error && has_filter(ifindex))
        return fail_errno("detach from clsact ingress of interface " + std::to_string(ifindex), error);
    remove_empty_qdisc(ifindex);
    return {};
}

}  // namespace slipgate::clsact
