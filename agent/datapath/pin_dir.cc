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

// Kept apart from `path` until everything is in it, and again once something may be missing.
std::filesystem::path temporary_path(const std::filesystem::path& path) {
    return path.parent_path() / (path.filename().string() + "-new");
}

Status check_bpffs(const std::filesystem::path& path) {
    const auto parent = path.parent_path();
    if (is_bpffs(parent)) return {};
    return fail("pin-dir " + path.string() + ": " + parent.string() +
                " is not a BPF file system; mount one with: mount -t bpf bpf " + parent.string());
}

enum class Content { kNone, kOurs, kOthers };

Content content_of(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::exists(path / "config", error)) return Content::kOurs;
    const bool none = !std::filesystem::exists(path, error) || std::filesystem::is_empty(path, error);
    return none && !error ? Content::kNone : Content::kOthers;
}

tl::unexpected<Error> not_ours(const std::filesystem::path& path) {
    return fail("pin-dir " + path.string() +
                " exists but holds no Slipgate maps: remove what is in it, or choose another directory");
}

// What it holds is of an agent that was killed before it attached anything: the lock says that it is gone.
Result<PinDir> make_temporary(const std::filesystem::path& path) {
    PinDir dir;
    dir.path = temporary_path(path);
    if (mkdir(dir.path.c_str(), 0700) && errno != EEXIST) return fail_errno("mkdir " + dir.path.string(), errno);
    auto lock = lock_dir(dir.path);
    if (!lock) return tl::unexpected(lock.error());
    dir.lock = std::move(*lock);
    std::error_code error;
    const std::filesystem::directory_iterator left(dir.path, error);
    for (const auto& entry : left) {
        if (!error) std::filesystem::remove_all(entry.path(), error);
    }
    if (error) return fail_errno("empty " + dir.path.string(), error.value());
    return dir;
}

}  // namespace

Result<PinDir> open_pin_dir(const std::filesystem::path& path) {
    if (auto status = check_bpffs(path); !status) return tl::unexpected(status.error());
    const auto content = content_of(path);
    if (content == Content::kOthers) return not_ours(path);
    if (content == Content::kNone) return make_temporary(path);
    auto lock = lock_dir(path);
    if (!lock) return tl::unexpected(lock.error());
    return PinDir{path, std::move(*lock), true};
}

// rename() takes the place of an empty directory, too.
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

Result<Fd> lock_pin_dir(const std::filesystem::path& path) {
    std::error_code error;
    const bool there = std::filesystem::exists(path, error);
    const auto locked = there ? path : temporary_path(path);
    if (!there && !std::filesystem::exists(locked, error)) return Fd();
    if (auto status = check_bpffs(path); !status) return tl::unexpected(status.error());
    if (content_of(path) == Content::kOthers) return not_ours(path);
    return lock_dir(locked);
}

// Moved away first: an agent that starts after an interrupted removal would take the rest for a whole directory.
Status remove_pin_dir(const std::filesystem::path& path) {
    const auto temporary = temporary_path(path);
    std::error_code error;
    std::filesystem::remove_all(temporary, error);
    if (!error && rename(path.c_str(), temporary.c_str()) && errno != ENOENT)
        return fail_errno("rename " + path.string(), errno);
    if (!error) std::filesystem::remove_all(temporary, error);
    if (error) return fail_errno("remove " + temporary.string(), error.value());
    return {};
}

}  // namespace slipgate
