// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "agent/base/fd.h"
#include "agent/datapath/datapath.h"
#include "tests/unit/addresses.h"

namespace slipgate::test {

// A network namespace and a mount namespace with a bpffs in it. Both end with the process, however it ends; only the
// empty mount point is left to remove.
class KernelBench : public testing::Test {
  protected:
    KernelBench() { options.max_connections = 4096; }

    void SetUp() override {
        ASSERT_EQ(geteuid(), 0U) << "these tests load BPF programs: run them as root";
        ASSERT_EQ(unshare(CLONE_NEWNET | CLONE_NEWNS), 0);
        ASSERT_EQ(mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
        std::string dir = "/tmp/slipgate-bpf-XXXXXX";
        ASSERT_NE(mkdtemp(dir.data()), nullptr);
        mount_point_ = dir;
        ASSERT_EQ(mount("bpf", dir.c_str(), "bpf", 0, nullptr), 0);
        options.pin_dir = mount_point_ / "slipgate";
        run("ip link set lo up");
        run("ip link add up0 type veth peer name far0");
        run("ip link set up0 up && ip link set far0 up");
        run("ip addr add 10.7.0.1/24 dev up0 && ip -6 addr add fd07::1/64 dev up0 nodad");
        write_sysctl("net/ipv4/ip_forward", "1");
        write_sysctl("net/ipv6/conf/all/forwarding", "1");
    }
    void TearDown() override {
        if (mount_point_.empty()) return;
        umount2(mount_point_.c_str(), MNT_DETACH);
        rmdir(mount_point_.c_str());
    }

    static void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }
    static void write_sysctl(const std::string& path, const std::string& value) {
        std::ofstream file("/proc/sys/" + path);
        file << value << std::flush;
        ASSERT_TRUE(file) << path;
    }
    std::unique_ptr<Datapath> open() {
        auto opened = Datapath::open(options);
        EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
        return opened ? std::move(*opened) : nullptr;
    }
    [[nodiscard]] Fd pinned(const std::string& name) const {
        Fd fd(bpf_obj_get((options.pin_dir / name).c_str()));
        EXPECT_TRUE(fd) << name;
        return fd;
    }
    template <typename Value>
    Value first(const std::string& map) const {
        Value value{};
        const __u32 zero = 0;
        EXPECT_EQ(bpf_map_lookup_elem(pinned(map).get(), &zero, &value), 0) << map;
        return value;
    }

    DatapathOptions options;

  private:
    std::filesystem::path mount_point_;
};

}  // namespace slipgate::test
