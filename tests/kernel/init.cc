// SPDX-License-Identifier: Apache-2.0
// /init of the kernel matrix: process 1 of a virtual machine whose initramfs holds nothing but this (static) program
// and /object.bpf.o. Loads each program of the object on its own, so that one refusal does not hide the next, prints a
// line for each on the console and powers off. scripts/kernel-matrix reads the lines.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

constexpr const char* kObject = "/object.bpf.o";
constexpr size_t kLogTail = 6000;  // The verdict is at the end of a verifier log that may be megabytes long.

std::string log_text;

int keep_warnings(libbpf_print_level level, const char* format, va_list args) {
    if (level != LIBBPF_WARN) return 0;
    va_list measured;
    va_copy(measured, args);
    const int length = std::vsnprintf(nullptr, 0, format, measured);
    va_end(measured);
    if (length <= 0) return 0;
    const size_t before = log_text.size();
    log_text.resize(before + static_cast<size_t>(length) + 1);
    std::vsnprintf(log_text.data() + before, static_cast<size_t>(length) + 1, format, args);
    log_text.pop_back();
    return 0;
}

std::vector<std::string> program_names() {
    std::vector<std::string> names;
    bpf_object* object = bpf_object__open_file(kObject, nullptr);
    if (object == nullptr) return names;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) names.emplace_back(bpf_program__name(program));
    bpf_object__close(object);
    return names;
}

// Loads the object with every program but `name` left out. True if the kernel took it.
bool load_alone(const std::string& name) {
    log_text.clear();
    bpf_object* object = bpf_object__open_file(kObject, nullptr);
    if (object == nullptr) return false;
    bpf_program* program = nullptr;
    bpf_program* wanted = nullptr;
    bpf_object__for_each_program(program, object) {
        const bool chosen = name == bpf_program__name(program);
        bpf_program__set_autoload(program, chosen);
        if (chosen) wanted = program;
    }
    const int error = bpf_object__load(object);
    if (error == 0) {
        bpf_prog_info info{};
        __u32 size = sizeof(info);
        bpf_obj_get_info_by_fd(bpf_program__fd(wanted), &info, &size);
        std::printf("slipgate: loaded %s (%u instructions verified)\n", name.c_str(), info.verified_insns);
    } else {
        const size_t start = log_text.size() > kLogTail ? log_text.size() - kLogTail : 0;
        std::printf("slipgate: refused %s: %s\n%s\n", name.c_str(), std::strerror(-error), log_text.c_str() + start);
    }
    bpf_object__close(object);
    return error == 0;
}

void mount_file_systems() {
    for (const char* directory : {"/proc", "/sys"}) mkdir(directory, 0755);
    if (mount("proc", "/proc", "proc", 0, nullptr) != 0 || mount("sysfs", "/sys", "sysfs", 0, nullptr) != 0 ||
        mount("bpf", "/sys/fs/bpf", "bpf", 0, nullptr) != 0)
        std::printf("slipgate: refused mount: %s\n", std::strerror(errno));
}

}  // namespace

int main() {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    mount_file_systems();
    libbpf_set_print(keep_warnings);
    const std::vector<std::string> names = program_names();
    size_t loaded = 0;
    for (const std::string& name : names) loaded += load_alone(name) ? 1 : 0;
    std::printf("slipgate: verdict %zu of %zu programs loaded\n", loaded, names.size());
    fflush(stdout);
    sync();
    reboot(RB_POWER_OFF);
    return 0;
}
