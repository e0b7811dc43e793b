// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/timer.h"
#include "agent/source/kube/access.h"
#include "agent/source/kube/follower.h"
#include "agent/source/kube/http_client.h"
#include "agent/source/kube/lease_keeper.h"
#include "agent/source/kube/objects.h"
#include "agent/source/kube/status_writer.h"
#include "agent/source/source.h"

namespace slipgate::kube {

// Who writes statuses back.
struct WriterOptions {
    std::string lease_namespace;  // of the Lease that makes one of all agents the writer
    std::string name;             // of this agent: its node
};

// An API server as a source of objects. The first state comes when every kind was listed to its end, or is known not to
// be served; what was known stays in force while the API server is away.
class KubeSource final : public Source {
  public:
    // Does not wait for the API server. Fails if the credentials cannot be read.
    // Without a writer it never writes.
    [[nodiscard]] static Result<std::unique_ptr<KubeSource>> open(const Access& access,
                                                                  const std::optional<WriterOptions>& writer = {},
                                                                  Patience patience = {});

    [[nodiscard]] int fd() const override { return epoll_.get(); }
    [[nodiscard]] std::optional<SourceUpdate> read() override;
    [[nodiscard]] Status ready() const override;
    [[nodiscard]] std::map<std::string, std::size_t> followed() const override;
    void publish(const Statuses& statuses, const Snapshot& snapshot) override;
    [[nodiscard]] std::optional<StatusWrites> status_writes() const override;
    void leave() override;

  private:
    using Clock = Follower::Clock;

    // Writes statuses as long as it holds the Lease.
    struct Writer {
        Writer(HttpClient& http, StoredObjects& stored, const WriterOptions& options, Patience patience,
               const Follower::Random& random);
        LeaseKeeper lease;
        StatusWriter statuses;
    };

    KubeSource(std::unique_ptr<HttpClient> http, Fd epoll, Timer timer, Patience patience);
    [[nodiscard]] double random() { return std::uniform_real_distribution<double>(0, 1)(random_); }
    [[nodiscard]] bool synced() const;
    void set_timer();

    Fd epoll_;  // http_ and timer_
    Timer timer_;
    std::mt19937 random_;
    Objects objects_;
    std::unique_ptr<HttpClient> http_;
    std::vector<std::unique_ptr<Follower>> followers_;
    std::unique_ptr<Writer> writer_;                              // may be null
    Clock::time_point changed_since_ = Clock::time_point::max();  // of the changes that were not read yet
    Clock::time_point update_due_ = Clock::time_point::max();     // of them
    bool was_read_ = false;
};

}  // namespace slipgate::kube
