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

// A mistake in a Gateway may turn up in each of its routes: the first hundred tell enough.
constexpr double kBurst = 100, kPerSecond = 1;
constexpr std::size_t kAtATime = 2;

constexpr Permission kNeeded{"create", {"events.k8s.io", "events", {}, R"("create")"}};

}  // namespace

EventRecorder::EventRecorder(HttpClient& http, std::string instance)
    : http_(http), instance_(std::move(instance)), allowed_(kBurst) {}

EventRecorder::~EventRecorder() {
    for (const auto id : open_) http_.cancel(id);
}

void EventRecorder::record(const Regarding& regarding, const std::vector<Notice>& notices) {
    for (const auto& notice : notices) {
        if (!take_leave()) {
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

bool EventRecorder::take_leave() {
    const auto now = Clock::now();
    const std::chrono::duration<double> passed = now - std::exchange(counted_at_, now);
    allowed_ = std::min(kBurst, allowed_ + passed.count() * kPerSecond);
    if (allowed_ < 1) return false;
    allowed_ -= 1;
    return true;
}

void EventRecorder::send() {
    while (!waiting_.empty() && open_.size() < kAtATime) {
        const auto id = std::make_shared<HttpClient::Id>();
        *id = http_.start(waiting_.front(),
                          {{}, [this, id](const HttpResponse& response) { on_response(*id, response); }});
        open_.insert(*id);
        waiting_.pop_front();
    }
}

void EventRecorder::on_response(HttpClient::Id id, const HttpResponse& response) {
    open_.erase(id);
    std::string problem;
    if (!response.error.empty())
        problem = response.error;
    else if (response.status / 100 != 2)
        problem = describe_refusal(response.status, refusal_message(response.body), kNeeded);
    counts_[problem.empty() ? "created" : "failed"]++;
    if (problem != problem_ && !problem.empty())
        log::warn("statuses", "an Event was not created", {{"error", problem}});
    problem_ = std::move(problem);
    send();
}

}  // namespace slipgate::kube
