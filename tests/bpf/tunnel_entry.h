// SPDX-License-Identifier: Apache-2.0
// splice_l3 in BPF_PROG_TEST_RUN, as a device without Ethernet headers calls it. The kernel takes every packet there
// for an Ethernet frame (bpf_prog_test_run_skb()): what it reads as the EtherType is a part of the source address of a
// bare IP packet. So that address must hold the right one: IPv4 8.0.x.y, IPv6 a:b:86dd::x.
#pragma once

#include "agent/base/fd.h"

namespace slipgate::test {

class TunnelEntry {
  public:
    explicit TunnelEntry(Fd splice_l3);

    // To run on bare IP packets instead of splice_l3.
    [[nodiscard]] int program() const { return program_.get(); }

  private:
    Fd splice_l3_, program_, next_;
};

}  // namespace slipgate::test
