// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "agent/source/kube/events.h"
#include "agent/source/kube/http_client.h"
#include "agent/source/kube/token_bucket.h"

namespace slipgate::kube {

// Creates Events, a few at a time and no more than so many in a time, of all objects and of each: one that changes all
// the time must not keep an operator from learning of others. One that cannot be created, or is not answered,
// is not tried again: the condition it is about stays.
class EventRecorder {
  public:
    using Clock = std::chrono::steady_clock;

    // `http` must outlive it. `instance`: the name of this agent. `patience`: with an answer.
    EventRecorder(HttpClient& http, std::string instance, std::chrono::milliseconds patience);
    ~EventRecorder();
    EventRecorder(const EventRecorder&) = delete;
    EventRecorder& operator=(const EventRecorder&) = delete;

    void record(const Regarding& regarding, const std::vector<Notice>& notices);

    [[nodiscard]] Clock::time_point due() const;  // for on_time(), at the latest
    void on_time();

    // By result: created, failed, limited (too many in a time), dropped (too many that wait).
    [[nodiscard]] const std::map<std::string, std::uint64_t>& counts() const { return counts_; }

  private:
    [[nodiscard]] bool take_leave(const ObjectKey& key);
    [[nodiscard]] TokenBucket& bucket_of(const ObjectKey& key, Clock::time_point now);
    void send();
    void on_response(HttpClient::Id id, const HttpResponse& response);
    void note(const std::string& problem);  // empty: none

    HttpClient& http_;
    std::string instance_;
    std::chrono::milliseconds patience_;
    std::deque<HttpRequest> waiting_;
    std::map<HttpClient::Id, Clock::time_point> open_;  // and when each is given up
    TokenBucket bucket_;
    std::map<ObjectKey, TokenBucket> buckets_;  // of objects that something was told about lately
    std::string problem_;
    std::map<std::string, std::uint64_t> counts_ = {{"created", 0}, {"failed", 0}, {"limited", 0}, {"dropped", 0}};
};

}  // namespace slipgate::kube
