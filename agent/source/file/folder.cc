// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "agent/base/fd.h"

namespace slipgate {
namespace {

constexpr std::size_t kMaxFileSize = std::size_t{16} << 20;

std::int64_t nanoseconds(const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void add_file(std::map<std::string, std::optional<FileStamp>>& files, int folder, const std::string& name) {
    struct stat info{};
    if (::fstatat(folder, name.c_str(), &info, 0) != 0) {
        if (errno != ENOENT) files[name] = std::nullopt;
    } else if (S_ISREG(info.st_mode)) {
        files[name] = {info.st_dev, info.st_ino, info.st_size, nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
    }
}

Status write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const auto written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fail_errno("write", errno);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

}  // namespace

bool is_manifest_name(std::string_view name) {
    if (name.starts_with('.') || name.starts_with('#')) return false;
    return name.ends_with(".yaml") || name.ends_with(".yml") || name.ends_with(".json");
}

Result<std::map<std::string, std::optional<FileStamp>>> list_manifests(const std::string& folder) {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(folder.c_str()), ::closedir);
    if (!directory) return fail_errno(folder, errno);
    std::map<std::string, std::optional<FileStamp>> files;
    errno = 0;
    while (const auto* entry = ::readdir(directory.get())) {
        if (is_manifest_name(entry->d_name)) add_file(files, ::dirfd(directory.get()), entry->d_name);
        errno = 0;
    }
    if (errno != 0) return fail_errno(folder, errno);
    return files;
}

Result<std::string> read_file(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return fail_errno(path, errno);
    const auto too_large = [&] { return fail(fmt::format("{}: larger than {} bytes", path, kMaxFileSize)); };
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return fail_errno(path, errno);
    if (S_ISREG(info.st_mode) && info.st_size > std::int64_t{kMaxFileSize}) return too_large();  // without a look
    std::string content;
    std::array<char, 65536> buffer;
    for (;;) {
        const auto count = ::read(fd.get(), buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(path, errno);
        if (count == 0) return content;
        content.append(buffer.data(), static_cast<std::size_t>(count));
        if (content.size() > kMaxFileSize) return too_large();
    }
}

Status replace_file(const std::string& folder, const std::string& name, std::string_view content) {
    const auto path = folder + "/" + name;
    const auto temporary = folder + "/." + name + ".tmp";
    Fd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) return fail_errno(temporary, errno);
    if (const auto written = write_all(fd.get(), content); !written) {
        ::unlink(temporary.c_str());
        return fail(written.error(), temporary);
    }
    fd = Fd();
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    const int error = errno;
    ::unlink(temporary.c_str());
    return fail_errno("rename to " + path, error);
}

}  // namespace slipgate
