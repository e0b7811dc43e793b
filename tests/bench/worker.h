// SPDX-License-Identifier: Apache-2.0
// One thread of the load generator: an epoll loop over its share of the connections.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/bench/load_options.h"

namespace slipgate::bench {

using Clock = std::chrono::steady_clock;

// Written by the main thread, read by the workers (and established the other way round).
struct Shared {
    std::atomic<bool> measuring = false;
    std::atomic<bool> stop = false;
    std::atomic<int> established = 0;
};

struct Tally {
    std::uint64_t operations = 0;  // connections or requests, in the measured window
    std::uint64_t bytes = 0;       // of bulk, in the measured window
    std::uint64_t errors = 0;      // refused, reset or closed too early; at any time
    std::uint64_t stalled = 0;     // made no progress for a second when the run ended
    std::vector<std::uint32_t> latency_us;
};

class Worker {
  public:
    // `options` and `shared` must outlive the worker. `connections` is this thread's share, numbered from `first` on.
    Worker(const LoadOptions& options, Shared& shared, int first, int connections);
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void run();
    [[nodiscard]] const Tally& tally() const { return tally_; }

  private:
    enum class State { kConnecting, kHello, kReply, kDownload, kUpload, kIdle };
    struct Client {
        int fd = -1;
        State state = State::kConnecting;
        std::size_t awaited = 0;  // bytes of the answer still to come
        Clock::time_point started;
        Clock::time_point progress;
    };

    void open(Client& client);
    void reopen_after_error(Client& client);
    void handle(Client& client, std::uint32_t events);
    void finish_connect(Client& client);
    void receive(Client& client);
    void answered(Client& client);
    void begin_work(Client& client);
    void send_request(Client& client, unsigned char request);
    void upload(Client& client);
    void record(const Client& client);
    void want(const Client& client, std::uint32_t events) const;

    const LoadOptions& options_;
    Shared& shared_;
    int epoll_;
    std::size_t next_target_;
    std::size_t opened_ = 0;
    std::vector<Client> clients_;
    std::vector<unsigned char> buffer_;
    Tally tally_;
};

}  // namespace slipgate::bench
