// SPDX-License-Identifier: Apache-2.0
// Attaching the entry program to interfaces: a tcx link at the head of TC ingress, pinned, so that it outlives the
// agent; on kernels before 6.6 a clsact filter of priority 1, which does so by nature.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "agent/base/result.h"
#include "agent/datapath/interfaces.h"

namespace slipgate {

// File descriptors, by the framing of the interface.
struct EntryPrograms {
    int ethernet;
    int l3;
};

class Attacher {
  public:
    // The programs are borrowed and must outlive this object.
    Attacher(const std::filesystem::path& pin_dir, EntryPrograms programs)
        : links_(pin_dir / "links"), programs_(programs) {}

    // Puts the program that suits it on an interface, or in place of the program that an earlier agent left there: no
    // packet passes in between.
    [[nodiscard]] Status attach(const Interface& interface);

    // Takes away the links of interfaces that are not in `interfaces` (gone, renamed, no longer chosen).
    [[nodiscard]] Status keep_only(const std::set<std::string>& interfaces);

  private:
    [[nodiscard]] Status attach_tcx(const Interface& interface, int program_fd, bool& unsupported);
    [[nodiscard]] Status attach_clsact(const Interface& interface, int program_fd);

    std::filesystem::path links_;
    EntryPrograms programs_;
};

// Takes the program off every interface of this network namespace, however it was attached.
[[nodiscard]] Status detach_all(const std::filesystem::path& pin_dir);

}  // namespace slipgate
