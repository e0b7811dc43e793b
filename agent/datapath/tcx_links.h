// SPDX-License-Identifier: Apache-2.0
// BPF links at the head of TC ingress (tcx, Linux 6.6), pinned by the name of their interface in <pin-dir>/links.
#pragma once

#include <filesystem>
#include <set>
#include <string>

#include "agent/base/result.h"

namespace slipgate {

class TcxLinks {
  public:
    explicit TcxLinks(const std::filesystem::path& pin_dir) : directory_(pin_dir / "links") {}

    // Makes and pins a link, or replaces the program of the one there is. `unsupported`: this kernel has no tcx.
    [[nodiscard]] Status attach(const std::string& interface, int ifindex, int program_fd, bool& unsupported);

    // Unpins the link of an interface, which detaches it. No link is no error.
    [[nodiscard]] Status remove(const std::string& interface);

    // Removes the links of all other interfaces.
    [[nodiscard]] Status keep_only(const std::set<std::string>& interfaces);

    // Detaches every link and leaves the pins, which the caller removes.
    void detach_all();

  private:
    std::filesystem::path directory_;
};

}  // namespace slipgate
