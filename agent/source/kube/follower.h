// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>

#include "agent/source/kube/http_client.h"
#include "agent/source/kube/message.h"
#include "agent/source/kube/objects.h"
#include "agent/source/kube/patience.h"
#include "agent/source/kube/reflector.h"

namespace slipgate::kube {

// Keeps the objects of one kind as the API server has them: does what the reflector says, and tells it what happened.
class Follower {
  public:
    using Clock = std::chrono::steady_clock;
    using Random = std::function<double()>;  // from [0, 1)

    // `http` and `objects` must outlive it.
    Follower(const Resource& resource, HttpClient& http, Objects& objects, Patience patience, Random random);
    ~Follower();
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;

    void start();
    [[nodiscard]] Clock::time_point due() const;  // when to call on_time() at the latest
    void on_time();

    [[nodiscard]] bool synced() const { return reflector_.synced; }
    [[nodiscard]] bool followed() const { return is_followed(reflector_); }
    [[nodiscard]] const std::string& problem() const { return reflector_.problem; }
    [[nodiscard]] const Resource& resource() const { return *reflector_.resource; }

  private:
    void tell(const Event& event);
    void log_problem(const std::string& before) const;

    void act(const Discover& action);
    void act(const FindVersion& action);
    void act(const List& action);
    void act(const Watch& action);
    void act(const KeepPage& action);
    void act(const Replace& action);
    void act(const ApplyChange& action);
    void act(const ForgetAll& action);
    void act(const DropConnections& action);
    void act(const Wait& action);

    void see_whether_it_stands();
    void request(const HttpRequest& request);
    void end_request();
    void on_data(std::string_view bytes);
    void on_response(const HttpResponse& response);
    void on_whole_answer();
    [[nodiscard]] bool on_line(std::string_view line);
    [[nodiscard]] Event read_answer();
    [[nodiscard]] Event end_of_watch(const HttpResponse& response) const;
    [[nodiscard]] News news() const;
    [[nodiscard]] std::string_view version() const;

    HttpClient& http_;
    Objects& objects_;
    Patience patience_;
    Random random_;
    Reflector reflector_;
    std::optional<HttpClient::Id> request_;
    Clock::time_point requested_;
    Clock::time_point due_ = Clock::time_point::max();
    Clock::time_point stands_ = Clock::time_point::max();  // when to see whether the watch stands

    std::string body_;                   // of an answer other than to Watch
    bool looks_whole_ = false;           // body_: its end may be that of the answer
    Clock::time_point told_at_;          // when the last part of it came
    LineSplitter lines_;                 // of an answer to Watch
    std::vector<nlohmann::json> items_;  // of the page that was told last
    WatchMessage message_;               // that was told last
    bool was_told_ = false;              // something by this watch
    Clock::time_point had_news_;         // of a watch, or a whole list
    std::set<std::string> listed_;       // keys of this list so far
};

}  // namespace slipgate::kube
