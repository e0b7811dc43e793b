// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/race.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <barrier>
#include <cstring>
#include <thread>

namespace slipgate::test {

void stay_on_cpu(std::size_t cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    EXPECT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

std::size_t Race::other_cpu() const {
    return static_cast<std::size_t>(sched_getcpu()) == cpu(0) ? cpu(1) : cpu(0);
}

Race::Race() {
    cpu_set_t all;
    std::memset(&all, 0xff, sizeof all);  // an earlier test may have kept the process on one
    EXPECT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
    EXPECT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
        if (CPU_ISSET(cpu, &all)) cpus_.push_back(cpu);
    }
}

void Race::rounds(const std::function<void(std::size_t)>& run, const std::function<bool()>& judge) const {
    bool more = true;
    std::barrier start(2);
    std::barrier finish(2, [&]() noexcept { more = judge(); });
    const auto runner = [&](std::size_t number) {
        stay_on_cpu(cpu(number));
        while (more) {
            start.arrive_and_wait();
            run(number);
            finish.arrive_and_wait();
        }
    };
    std::thread second(runner, 1);
    std::thread first(runner, 0);
    first.join();
    second.join();
}

}  // namespace slipgate::test
