// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "agent/source/kube/http_client.h"
#include "agent/source/kube/lease.h"

namespace slipgate::kube {

// Takes and keeps the Lease that makes this agent the one that writes statuses: does what lease::step() says, and tells
// it what happened.
class LeaseKeeper {
  public:
    using Clock = std::chrono::steady_clock;
    using Random = std::function<double()>;  // from [0, 1)

    // The Lease slipgate-status-writer of `name_space`. `identity`: of no other agent, nor of an earlier run of this
    // one. `http` must outlive it.
    LeaseKeeper(HttpClient& http, std::string name_space, std::string identity, Random random);
    ~LeaseKeeper();
    LeaseKeeper(const LeaseKeeper&) = delete;
    LeaseKeeper& operator=(const LeaseKeeper&) = delete;

    [[nodiscard]] Clock::time_point due() const { return lease::next_tick(state_); }  // for on_time(), at the latest
    void on_time();

    [[nodiscard]] bool holds() const { return state_.holds; }

    // Gives it up, if this agent holds it, so that another one need not wait for its end. True: a request is under way.
    bool release();
    [[nodiscard]] bool is_busy() const { return request_.has_value(); }

  private:
    void tell(const lease::Event& event);
    void log_change(const lease::State& before) const;

    void act(const lease::Read& action);
    void act(const lease::Create& action);
    void act(const lease::Write& action);
    void act(const lease::Cancel& action);

    void request(HttpRequest request, const char* verb);
    void end_request();
    [[nodiscard]] lease::Event event_of(const HttpResponse& response, std::string_view verb) const;

    HttpClient& http_;
    Random random_;
    std::string collection_;  // path of the Leases of the namespace
    lease::State state_;
    std::optional<HttpClient::Id> request_;
};

}  // namespace slipgate::kube
