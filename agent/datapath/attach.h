// SPDX-License-Identifier: Apache-2.0
// Attaching the entry program to interfaces: a tcx link at the head of TC ingress, or on kernels before 6.6 a clsact
// filter. Either outlives the agent, and the next agent replaces the program in it: no packet passes in between.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/datapath/attach_mode.h"
#include "agent/datapath/interfaces.h"
#include "agent/datapath/tcx_links.h"

namespace slipgate {

// File descriptors, by the framing of the interface.
struct EntryPrograms {
    int ethernet;
    int l3;
};

class Attacher {
  public:
    // The programs are borrowed and must outlive this object.
    Attacher(const std::filesystem::path& pin_dir, EntryPrograms programs, AttachMode mode);

    // Puts the program that suits it on an interface, or in place of the program that an earlier agent left there. What
    // an agent of another mode left is taken away after that; until then the old program sees what the new one lets
    // pass.
    [[nodiscard]] Status attach(const Interface& interface);

    // Takes the program off every interface that is not in `chosen` (gone, renamed, no longer wanted).
    [[nodiscard]] Status keep_only(const std::vector<Interface>& chosen);

  private:
    TcxLinks links_;
    std::set<int> filters_;  // indexes of the interfaces with our clsact filter
    EntryPrograms programs_;
    AttachMode mode_;
};

// Takes the program off every interface of this network namespace, however it was attached.
[[nodiscard]] Status detach_all(const std::filesystem::path& pin_dir);

}  // namespace slipgate
