// SPDX-License-Identifier: Apache-2.0
// What leaves by a link for real: packets a program sends besides the one it runs on (bpf_clone_redirect).
#pragma once

#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "tests/bpf/packet.h"

namespace slipgate::test {

class WireTap {
  public:
    // Listens at the far end of a veth pair.
    explicit WireTap(const std::string& interface);
    // The next `count` TCP packets; fewer if they do not come within two seconds.
    std::vector<Bytes> frames(std::size_t count);

  private:
    Fd socket_;
};

}  // namespace slipgate::test
