// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/event_recorder.h"

#include <algorithm>
#include <memory>

#include "agent/base/log.h"
#include "agent/model/timestamp_text.h"
#include "agent/source/kube/message.h"
#include "agent/source/kube/refusal.h"

namespace slipgate::kube {
namespace {

using namespace std::chrono_literals;

// A mistake in a Gateway may turn up in each of its routes: the first hundred tell enough.
constexpr TokenBucket::Rate kOfAll{100, 1s};
constexpr TokenBucket::Rate kOfObject{25, 5min};  // as client-go has it
constexpr std::size_t kMostObjects = 1000;
constexpr std::size_t kAtATime = 2;
constexpr std::size_t kMostWaiting = 100;  // for requests that are open

constexpr Permission kNeeded{"create", {"events.k8s.io", "events", {}, R"("create")"}};

}  // namespace

EventRecorder::EventRecorder(HttpClient& http, std::string instance, std::chrono::milliseconds patience)
    : http_(http), instance_(std::move(instance)), patience_(patience), bucket_(kOfAll, Clock::now()) {}

EventRecorder::~EventRecorder() {
    for (const auto& [id, due] : open_) http_.cancel(id);
}

void EventRecorder::record(const Regarding& regarding, const std::vector<Notice>& notices) {
    for (const auto& notice : notices) {
        if (waiting_.size() >= kMostWaiting) {
            counts_["dropped"]++;
            continue;
        }
        if (!take_leave(regarding.key)) {
            counts_["limited"]++;
            continue;
        }
        waiting_.push_back({.path = events_path(regarding),
                            .method = "POST",
                            .content_type = "application/json",
                            .body = to_text(event_object(regarding, notice, instance_, to_micro_time(now_utc())))});
    }
    send();
}

bool EventRecorder::take_leave(const ObjectKey& key) {
    const auto now = Clock::now();
    auto& of_object = bucket_of(key, now);
    if (!of_object.has_one(now) || !bucket_.has_one(now)) return false;
    of_object.take_one(now);
    bucket_.take_one(now);
    return true;
}

// That of all bounds how many are not full again.
TokenBucket& EventRecorder::bucket_of(const ObjectKey& key, Clock::time_point now) {
    if (buckets_.size() >= kMostObjects)
        std::erase_if(buckets_, [now](const auto& bucket) { return bucket.second.is_full(now); });
    return buckets_.try_emplace(key, kOfObject, now).first->second;
}

void EventRecorder::send() {
    while (!waiting_.empty() && open_.size() < kAtATime) {
        const auto id = std::make_shared<HttpClient::Id>();
        *id = http_.start(waiting_.front(),
                          {{}, [this, id](const HttpResponse& response) { on_response(*id, response); }});
        open_.emplace(*id, Clock::now() + patience_);
        waiting_.pop_front();
    }
}

EventRecorder::Clock::time_point EventRecorder::due() const {
    auto next = Clock::time_point::max();
    for (const auto& [id, due] : open_) next = std::min(next, due);
    return next;
}

void EventRecorder::on_time() {
    const auto now = Clock::now();
    const auto silent = std::erase_if(open_, [&](const auto& request) {
        if (request.second > now) return false;
        http_.cancel(request.first);
        return true;
    });
    for (std::size_t i = 0; i < silent; ++i) note("the API server is silent");
    send();
}

void EventRecorder::on_response(HttpClient::Id id, const HttpResponse& response) {
    open_.erase(id);
    std::string problem;
    if (!response.error.empty())
        problem = response.error;
    else if (response.status / 100 != 2)
        problem = describe_refusal(response.status, refusal_message(response.body), kNeeded);
    note(problem);
    send();
}

void EventRecorder::note(const std::string& problem) {
    counts_[problem.empty() ? "created" : "failed"]++;
    if (problem != problem_ && !problem.empty())
        log::warn("statuses", "an Event was not created", {{"error", problem}});
    problem_ = problem;
}

}  // namespace slipgate::kube
