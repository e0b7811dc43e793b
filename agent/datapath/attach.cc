// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/attach.h"

#include <algorithm>
#include <utility>

#include "agent/datapath/clsact_filter.h"

namespace slipgate {

Attacher::Attacher(const std::filesystem::path& pin_dir, EntryPrograms programs, AttachMode mode)
    : links_(pin_dir), filters_(clsact::find_filters()), programs_(programs), mode_(mode) {}

Status Attacher::attach(const Interface& interface) {
    const int program = interface.framing == Framing::kNone ? programs_.l3 : programs_.ethernet;
    bool tcx = mode_ != AttachMode::kClsact;
    Status status;
    if (tcx) {
        bool unsupported = false;
        status = links_.attach(interface.name, interface.ifindex, program, unsupported);
        if (unsupported && mode_ == AttachMode::kAuto) tcx = false;
    }
    if (!tcx) {
        status = clsact::put_filter(interface.ifindex, program);
        if (status) filters_.insert(interface.ifindex);
    }
    if (!status) return fail(status.error(), "interface " + interface.name);
    if (!tcx) return links_.remove(interface.name);
    if (filters_.erase(interface.ifindex) != 0) return clsact::remove_filter(interface.ifindex);
    return {};
}

Status Attacher::keep_only(const std::vector<Interface>& chosen) {
    std::set<std::string> names;
    for (const auto& interface : chosen) names.insert(interface.name);
    if (auto status = links_.keep_only(names); !status) return status;
    for (auto filter = filters_.begin(); filter != filters_.end();) {
        const int ifindex = *filter;
        const bool stays = std::any_of(chosen.begin(), chosen.end(),
                                       [&](const auto& interface) { return interface.ifindex == ifindex; });
        filter = stays ? std::next(filter) : filters_.erase(filter);
        if (stays) continue;
        if (auto status = clsact::remove_filter(ifindex); !status) return status;
    }
    return {};
}

Status detach_all(const std::filesystem::path& pin_dir) {
    TcxLinks(pin_dir).detach_all();
    for (const int ifindex : clsact::find_filters()) {
        if (auto status = clsact::remove_filter(ifindex); !status) return status;
    }
    return {};
}

}  // namespace slipgate
