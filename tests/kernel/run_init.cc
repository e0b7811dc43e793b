// SPDX-License-Identifier: Apache-2.0
// /init of a virtual machine that runs one command of the host's own programs on another kernel (scripts/kernel-matrix
// --run). The initramfs holds this (static) program, /modules with the kernel modules to load in the order of their
// names, and /command, a shell command. The host's root directory comes by virtiofs, read-only; what a command writes
// goes to tmpfs. The last line on the console says how the command ended.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace {

constexpr const char* kRoot = "/host";

[[noreturn]] void power_off(int code) {
    std::printf("slipgate: exit %d\n", code);
    std::fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    std::abort();
}

void check(bool done, const std::string& what) {
    if (done) return;
    std::printf("slipgate: %s: %s\n", what.c_str(), std::strerror(errno));
    power_off(125);
}

void load_modules() {
    std::vector<std::filesystem::path> modules;
    for (const auto& entry : std::filesystem::directory_iterator("/modules")) modules.push_back(entry.path());
    std::sort(modules.begin(), modules.end());
    for (const auto& module : modules) {
        const int fd = open(module.c_str(), O_RDONLY | O_CLOEXEC);
        check(fd >= 0 && syscall(SYS_finit_module, fd, "", 0) == 0, "load " + module.string());
        close(fd);
    }
}

void mount_at(const char* type, const std::string& directory, unsigned long flags = 0) {
    check(mount(type, directory.c_str(), type, flags, nullptr) == 0, "mount " + directory);
}

int run(const std::string& command) {
    const pid_t child = fork();
    check(child >= 0, "fork");
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
        _exit(127);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main() {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    load_modules();
    std::ostringstream command;
    command << std::ifstream("/command").rdbuf();
    mkdir(kRoot, 0755);
    check(mount("host", kRoot, "virtiofs", MS_RDONLY, nullptr) == 0, "mount the host's root");
    check(chroot(kRoot) == 0 && chdir("/") == 0, "chroot");
    mount_at("proc", "/proc");
    mount_at("sysfs", "/sys");
    mount_at("bpf", "/sys/fs/bpf");
    mount_at("devtmpfs", "/dev");
    mount_at("tmpfs", "/run");
    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("SLIPGATE_VIRTUAL_MACHINE", "1", 1);  // for tests that would spoil another machine
    power_off(run(command.str()));
}
