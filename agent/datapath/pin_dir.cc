// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/pin_dir.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace slipgate {
namespace {

bool is_bpffs(const std::filesystem::path& path) {
    struct statfs info{};
    return statfs(path.c_str(), &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

Result<Fd> lock_dir(const std::filesystem::path& path) {
    Fd dir(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!dir) return fail_errno("open " + path.string(), errno);
    if (flock(dir.get(), LOCK_EX | LOCK_NB) == 0) return dir;
    if (errno == EWOULDBLOCK) {
        return fail("another slipgated uses " + path.string() + ": stop it, or give this one a --pin-dir of its own");
    }
    return fail_errno("lock " + path.string(), errno);
}

}  // namespace

Result<PinDir> open_pin_dir(const std::filesystem::path& path) {
    const auto parent = path.parent_path();
    if (!is_bpffs(parent)) {
        return fail("pin-dir " + path.string() + ": " + parent.string() +
                    " is not a BPF file system; mount one with: mount -t bpf bpf " + parent.string());
    }
    PinDir dir;
    std::error_code error;
    dir.adopted = std::filesystem::exists(path, error);
    dir.path = path;
    if (!dir.adopted) {
        dir.path = parent / (path.filename().string() + "-new-" + std::to_string(getpid()));
        if (mkdir(dir.path.c_str(), 0700)) return fail_errno("mkdir " + dir.path.string(), errno);
    } else if (!std::filesystem::exists(path / "config", error)) {
        return fail("pin-dir " + path.string() +
                    " exists but holds no Slipgate maps: remove it or choose another directory");
    }
    auto lock = lock_dir(dir.path);
    if (!lock) return tl::unexpected(lock.error());
    dir.lock = std::move(*lock);
    return dir;
}

Status publish_pin_dir(PinDir& dir, const std::filesystem::path& path) {
    if (dir.adopted) return {};
    if (rename(dir.path.c_str(), path.c_str()))
        return fail_errno("rename " + dir.path.string() + " to " + path.string(), errno);
    dir.path = path;
    return {};
}

void discard_pin_dir(const PinDir& dir) {
    if (dir.adopted) return;
    std::error_code ignored;
    std::filesystem::remove_all(dir.path, ignored);
}

}  // namespace slipgate
