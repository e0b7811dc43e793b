// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

#include <slipgate/programs.h>

#include "agent/base/log.h"
#include "agent/datapath/map_access.h"
#include "agent/datapath/permission.h"
#include "agent/datapath/pin_dir.h"
#include "slipgate.skel.h"

namespace slipgate {
namespace {

constexpr const char* kComponent = "datapath";

constexpr const char* kPrograms = "programs";

// What libbpf and the verifier had to say during a load, for the error.
std::string& libbpf_output() {
    static std::string output;
    return output;
}

int collect_output(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    // The verifier's log comes as one message of any length, and its end is what matters.
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(nullptr, 0, format, arguments);
    if (length > 0) {
        std::string text(static_cast<std::size_t>(length) + 1, '\0');
        vsnprintf(text.data(), text.size(), format, again);
        text.pop_back();
        libbpf_output() += text;
    }
    va_end(again);
    return length;
}

std::string output_tail() {
    constexpr std::size_t kTail = 1500;
    const auto& output = libbpf_output();
    return output.size() <= kTail ? output : "..." + output.substr(output.size() - kTail);
}

// "text: Operation not permitted: hint"
tl::unexpected<Error> fail_with_hint(std::string_view text, int error_number, const std::string& hint) {
    auto failure = fail_errno(text, error_number);
    failure.value().message += ": " + hint;
    return failure;
}

std::string load_hint(int error) {
    switch (-error) {
        case EPERM:
        case EACCES:
            return explain_missing_permission();
        case EINVAL:
            return "it needs Linux 6.1 or newer; or pinned maps have another shape: `slipgated --uninstall` removes "
                   "them, and with them every connection";
        case ENOMEM:
            return "not enough memory for the maps: lower --max-connections";
        default:
            return "it needs Linux 6.1 or newer with CONFIG_BPF_SYSCALL and CONFIG_NET_CLS_BPF";
    }
}

// Adopted maps keep their size: it cannot be changed without losing the flows in them.
std::uint32_t flow_entries(const DatapathOptions& options, const PinDir& dir, const char* map) {
    const std::uint32_t wanted = options.max_connections * 2;
    const Fd pinned(dir.adopted ? bpf_obj_get((dir.path / map).c_str()) : -1);
    bpf_map_info info{};
    __u32 length = sizeof(info);
    if (!pinned || bpf_obj_get_info_by_fd(pinned.get(), &info, &length) || info.max_entries == wanted) return wanted;
    log::warn(kComponent, "max-connections differs from the maps in place, which keep their size",
              {{"map", map}, {"configured", options.max_connections}, {"in_place", info.max_entries / 2}});
    return info.max_entries;
}

// Maps of another version are refused before libbpf looks at them, in words one can act on.
Status check_abi(const PinDir& dir) {
    if (!dir.adopted) return {};
    const Fd config(bpf_obj_get((dir.path / "config").c_str()));
    if (!config) {
        constexpr const char* kWhat = "open pinned map config";
        return errno == EPERM ? fail_with_hint(kWhat, EPERM, explain_missing_permission()) : fail_errno(kWhat, errno);
    }
    std::array<char, 4096> value{};
    bpf_map_info info{};
    __u32 length = sizeof(info);
    const __u32 zero = 0;
    if (bpf_obj_get_info_by_fd(config.get(), &info, &length) || info.value_size > value.size() ||
        bpf_map_lookup_elem(config.get(), &zero, value.data())) {
        return fail_errno("read pinned map config", errno);
    }
    const std::uint32_t version = *reinterpret_cast<const __u32*>(value.data());
    if (version == SG_ABI_VERSION) return {};
    return fail("the maps in " + dir.path.string() + " have ABI version " + std::to_string(version) +
                ", this agent needs " + std::to_string(SG_ABI_VERSION) +
                ": run the agent that made them, or drain the node and remove them with `slipgated --uninstall`");
}

}  // namespace

Result<std::unique_ptr<LoadedObject>> LoadedObject::load(const DatapathOptions& options) {
    libbpf_set_print(collect_output);
    libbpf_output().clear();
    auto dir = open_pin_dir(options.pin_dir);
    if (!dir) return tl::unexpected(dir.error());
    if (auto status = check_abi(*dir); !status) return tl::unexpected(status.error());

    LIBBPF_OPTS(bpf_object_open_opts, open_options, .pin_root_path = dir->path.c_str());
    slipgate_bpf* skeleton = slipgate_bpf__open_opts(&open_options);
    if (!skeleton) return fail_errno("open BPF object", errno);
    std::unique_ptr<LoadedObject> object(new LoadedObject(skeleton, Fd(), dir->adopted));
    bpf_map__set_max_entries(skeleton->maps.flows4, flow_entries(options, *dir, "flows4"));
    bpf_map__set_max_entries(skeleton->maps.flows6, flow_entries(options, *dir, "flows6"));

    const auto give_up = [&](const Error& error) {
        discard_pin_dir(*dir);
        return tl::unexpected(error);
    };
    // Entry program and tail calls of one load share scratch memory that is not pinned, so they change together: each
    // load has a table of tail calls of its own.
    bpf_map__set_pin_path(skeleton->maps.programs, nullptr);
    if (const int error = slipgate_bpf__load(skeleton)) {
        const auto hint = load_hint(error) + "\n" + output_tail();
        return give_up(fail_with_hint("load BPF programs", error, hint).value());
    }
    if (auto status = object->write_config(options); !status) return give_up(status.error());
    if (auto status = object->fill_programs(); !status) return give_up(status.error());
    if (auto status = publish_pin_dir(*dir, options.pin_dir); !status) return give_up(status.error());
    libbpf_set_print(nullptr);  // what goes wrong from here on is returned
    object->lock_ = std::move(dir->lock);
    object->pins_ = dir->path;
    return object;
}

LoadedObject::~LoadedObject() {
    slipgate_bpf__destroy(skeleton_);
}

Status LoadedObject::write_config(const DatapathOptions& options) {
    const int fd = map_fd("config");
    auto existing = map_get<sg_config>(fd, "config", __u32{0});
    if (!existing) return tl::unexpected(existing.error());
    if (*existing) config_ = **existing;
    if (config_.abi_version == 0) {
        std::array<__u64, 4> secrets{};
        if (getrandom(secrets.data(), sizeof(secrets), 0) != sizeof(secrets)) return fail_errno("getrandom", errno);
        std::copy_n(secrets.begin(), 2, config_.name_key);
        std::copy_n(secrets.begin() + 2, 2, config_.cookie_key);
    }
    config_.abi_version = SG_ABI_VERSION;
    config_.flags = 0;
    if (options.timestamps) config_.flags |= SG_CONFIG_TIMESTAMPS;
    if (options.sack) config_.flags |= SG_CONFIG_SACK;
    config_.connect_timeout_ms = static_cast<__u32>(options.connect_timeout.count());
    config_.rst_per_second = options.rst_per_second;
    config_.port_first = options.port_first;
    config_.port_last = options.port_last;
    config_.window_scale = options.window_scale;
    return map_set(fd, "config", __u32{0}, config_);
}

Status LoadedObject::fill_programs() {
    const auto& programs = skeleton_->progs;
    const std::array<std::pair<__u32, const bpf_program*>, SG_PROGRAM_MAX> slots{
        {{SG_PROGRAM_SYN, programs.syn},
         {SG_PROGRAM_HELLO, programs.hello},
         {SG_PROGRAM_CONNECT, programs.connect},
         {SG_PROGRAM_SYN_ACK, programs.syn_ack},
         {SG_PROGRAM_HAND_OVER, programs.hand_over},
         {SG_PROGRAM_REFUSE, programs.refuse},
         {SG_PROGRAM_RESET, programs.reset},
         {SG_PROGRAM_TOO_BIG, programs.too_big},
         {SG_PROGRAM_FRAGMENT, programs.fragment},
         {SG_PROGRAM_ICMP, programs.icmp},
         {SG_PROGRAM_SPLICE, programs.splice}}};
    for (const auto& [slot, program] : slots) {
        const __u32 fd = static_cast<__u32>(bpf_program__fd(program));
        if (auto status = map_set(map_fd("programs"), "programs", slot, fd); !status) return status;
    }
    return {};
}

// The names of tables that are not published yet are numbered: an agent that was killed while it replaced programs
// leaves one that is in use, as may be the one it was going to replace.
Status LoadedObject::pin_programs() {
    int number = 1;
    std::error_code error;
    do {
        pinned_programs_ = pins_ / (std::string(kPrograms) + "_" + std::to_string(number++));
    } while (std::filesystem::exists(pinned_programs_, error));
    if (bpf_obj_pin(map_fd(kPrograms), pinned_programs_.c_str()))
        return fail_errno("pin " + pinned_programs_.string(), errno);
    return {};
}

Status LoadedObject::publish_programs() {
    if (pinned_programs_.empty()) return {};
    if (rename(pinned_programs_.c_str(), (pins_ / kPrograms).c_str()))
        return fail_errno("rename " + pinned_programs_.string(), errno);
    pinned_programs_.clear();
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(pins_, error)) {
        if (entry.path().filename().string().starts_with(std::string(kPrograms) + "_") && unlink(entry.path().c_str()))
            return fail_errno("unlink " + entry.path().string(), errno);
    }
    return {};
}

int LoadedObject::map_fd(const std::string& name) const {
    const auto* map = bpf_object__find_map_by_name(skeleton_->obj, name.c_str());
    return map ? bpf_map__fd(map) : -1;
}

EntryPrograms LoadedObject::entry_programs() const {
    return {bpf_program__fd(skeleton_->progs.splice), bpf_program__fd(skeleton_->progs.splice_l3)};
}

int LoadedObject::gc_program_fd() const {
    return bpf_program__fd(skeleton_->progs.gc);
}

}  // namespace slipgate
