// SPDX-License-Identifier: Apache-2.0
// For suites that run on links with Ethernet headers and on links without: by splice.bpf.c, or by splice_l3.bpf.c and
// all that comes after it.
//
//     INSTANTIATE_TEST_SUITE_P(Links, NameOfTheTest, kLinks, link_name);
#pragma once

#include <string>

#include "tests/bpf/splice_bench.h"

namespace slipgate::test {

class EitherLink : public SpliceBench, public testing::WithParamInterface<Framing> {
  protected:
    EitherLink() : SpliceBench(GetParam()) {}
};

inline const auto kLinks = testing::Values(Framing::kEthernet, Framing::kNone);

inline std::string link_name(const testing::TestParamInfo<Framing>& link) {
    return link.param == Framing::kEthernet ? "Ethernet" : "WithoutEthernet";
}

}  // namespace slipgate::test
