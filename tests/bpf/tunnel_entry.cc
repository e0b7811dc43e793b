// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/tunnel_entry.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <tunnel_entry.skel.h>
#include <memory>

namespace slipgate::test {

TunnelEntry::TunnelEntry(Fd splice_l3) : splice_l3_(std::move(splice_l3)) {
    const std::unique_ptr<tunnel_entry_bpf, void (*)(tunnel_entry_bpf*)> loaded(tunnel_entry_bpf__open_and_load(),
                                                                                tunnel_entry_bpf__destroy);
    if (!loaded) {
        ADD_FAILURE() << "tunnel_entry.bpf.c does not load";
        return;
    }
    program_ = Fd(fcntl(bpf_program__fd(loaded->progs.tunnel_entry), F_DUPFD_CLOEXEC, 0));
    next_ = Fd(fcntl(bpf_map__fd(loaded->maps.next), F_DUPFD_CLOEXEC, 0));  // the kernel empties it with its last user
    const __u32 slot = 0;
    const __u32 program = static_cast<__u32>(splice_l3_.get());
    EXPECT_EQ(bpf_map_update_elem(next_.get(), &slot, &program, BPF_ANY), 0);
}

}  // namespace slipgate::test
