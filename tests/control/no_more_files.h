// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "agent/base/fd.h"

namespace slipgate::test {

// As long as it lives, the process can open nothing.
class NoMoreFiles {
  public:
    NoMoreFiles() {
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        const auto next = static_cast<rlim_t>(Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC)).get());
        const rlimit none{next, before_.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
    }
    ~NoMoreFiles() { EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before_), 0); }
    NoMoreFiles(const NoMoreFiles&) = delete;
    NoMoreFiles& operator=(const NoMoreFiles&) = delete;

  private:
    rlimit before_{};
};

}  // namespace slipgate::test

// For tests in which virtual functions are called while NoMoreFiles lives.
#ifdef __SANITIZE_ADDRESS__
#define SKIP_IF_FILES_ARE_NEEDED() GTEST_SKIP() << "UBSan looks at vtables through a pipe, and there can be none"
#else
#define SKIP_IF_FILES_ARE_NEEDED() static_cast<void>(0)
#endif
