// SPDX-License-Identifier: Apache-2.0
// Loading the BPF object: making the pin directory, or adopting the maps an earlier agent left in it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/datapath/attach.h"
#include "agent/datapath/datapath.h"

struct slipgate_bpf;

namespace slipgate {

// The loaded object. Owns the skeleton, hence the descriptors of programs and maps; what is pinned outlives it. Holds
// the lock of the pin directory, so that there is one agent per directory.
class LoadedObject {
  public:
    // Loads programs; makes the maps, or adopts those pinned in options.pin_dir; writes the settings (the secrets of
    // adopted maps are kept) and fills the table of tail calls. Nothing is attached yet.
    [[nodiscard]] static Result<std::unique_ptr<LoadedObject>> load(const DatapathOptions& options);
    ~LoadedObject();
    LoadedObject(const LoadedObject&) = delete;
    LoadedObject& operator=(const LoadedObject&) = delete;

    [[nodiscard]] int map_fd(const std::string& name) const;  // -1 if there is no such map
    [[nodiscard]] EntryPrograms entry_programs() const;       // of splice and splice_l3
    [[nodiscard]] int gc_program_fd() const;
    [[nodiscard]] const sg_config& config() const { return config_; }
    [[nodiscard]] bool adopted() const { return adopted_; }

    // Before the first interface runs the new entry program: pins its table of tail calls, which the kernel would empty
    // with this process. Tables of earlier agents stay: interfaces still run their entry programs.
    [[nodiscard]] Status pin_programs();

    // Once every interface runs the new entry program: its table takes the place of all earlier ones. Done once.
    [[nodiscard]] Status publish_programs();

  private:
    LoadedObject(slipgate_bpf* skeleton, Fd lock, bool adopted)
        : skeleton_(skeleton), lock_(std::move(lock)), adopted_(adopted) {}
    [[nodiscard]] Status write_config(const DatapathOptions& options);
    [[nodiscard]] Status fill_programs();

    slipgate_bpf* skeleton_;
    Fd lock_;
    bool adopted_;
    std::filesystem::path pins_;
    std::filesystem::path pinned_programs_;  // the table of tail calls, until it is published
    sg_config config_{};
};

}  // namespace slipgate
