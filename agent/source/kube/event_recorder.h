// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/source/kube/events.h"
#include "agent/source/kube/http_client.h"

namespace slipgate::kube {

// Creates Events, a few at a time and no more than so many in a time. One that cannot be created is not tried again:
// the condition it is about stays.
class EventRecorder {
  public:
    // `http` must outlive it. `instance`: the name of this agent.
    EventRecorder(HttpClient& http, std::string instance);
    ~EventRecorder();
    EventRecorder(const EventRecorder&) = delete;
    EventRecorder& operator=(const EventRecorder&) = delete;

    void record(const Regarding& regarding, const std::vector<Notice>& notices);

    // By result: created, failed, limited.
    [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] bool take_leave();
    void send();
    void on_response(HttpClient::Id id, const HttpResponse& response);

    HttpClient& http_;
    std::string instance_;
    std::deque<HttpRequest> waiting_;
    std::set<HttpClient::Id> open_;
    double allowed_;  // Events that may be recorded now
    Clock::time_point counted_at_ = Clock::now();
    std::string problem_;
    std::map<std::string, std::uint64_t> counts_ = {{"created", 0}, {"failed", 0}, {"limited", 0}};
};

}  // namespace slipgate::kube
