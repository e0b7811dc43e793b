// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/status_writer.h"

#include <algorithm>

#include "agent/base/backoff.h"
#include "agent/base/log.h"
#include "agent/model/timestamp_text.h"
#include "agent/source/kube/message.h"
#include "agent/source/kube/refusal.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

constexpr std::size_t kAtATime = 8;      // requests
constexpr std::size_t kMostRetries = 4;  // of these, so that requests that hang leave room for others
constexpr int kLooks = 200;              // at objects without a pause, so that the rest of the agent comes in between
constexpr int kUnprocessable = 422, kInternalError = 500;

constexpr auto kNever = StatusWriter::Clock::time_point::max();

std::string status_path(const ObjectKey& key, const StoredObject& stored) {
    return object_path(*key.first, stored.version, key.second) + "/status";
}

}  // namespace

StatusWriter::StatusWriter(HttpClient& http, StoredObjects& stored, std::string instance, Patience patience,
                           Random random)
    : http_(http),
      stored_(stored),
      patience_(patience),
      random_(std::move(random)),
      recorder_(http, std::move(instance), patience.answer),
      wanted_(stored) {}

StatusWriter::~StatusWriter() {
    stop();
}

void StatusWriter::want(const Statuses& of_supported, const Snapshot& snapshot) {
    wanted_.update(of_supported, snapshot, [this](const ObjectKey& key, WantedStatuses::Change change) {
        if (change == WantedStatuses::Change::kStatus) contests_.forget(key);
        look_again(key);
    });
    is_wanted_ = true;
}

void StatusWriter::run(bool is_writer) {
    recorder_.on_time();
    if (!is_writer) {
        if (is_writer_) stop();
        (void)stored_.take_changed();  // all are looked at when it becomes the writer
        return;
    }
    if (!std::exchange(is_writer_, true)) start();
    for (const auto& key : stored_.take_changed()) look_again(key);
    wake();
    ran_ = Clock::now();
    looks_ = 0;
    look_at_ready();
    look_at_failed();
}

void StatusWriter::look_at_ready() {
    for (auto next = ready_.begin(); next != ready_.end() && open_ < kAtATime && looks_ < kLooks;) {
        if (is_paused(next->first)) {
            next = ready_.lower_bound({next->first + 1, ""});
        } else if (is_open(*next)) {
            ++next;
        } else {
            const auto key = *next;
            next = ready_.erase(next);
            look_at(key);
        }
    }
}

// In turn: those that fail again must not keep those behind them from what may succeed.
void StatusWriter::look_at_failed() {
    if (failed_.empty()) return;
    auto retries = static_cast<std::size_t>(std::count_if(tasks_.begin(), tasks_.end(), [](const auto& task) {
        return task.second.request && task.second.failures > 0;
    }));
    for (auto left = failed_.size(); left > 0 && open_ < kAtATime && retries < kMostRetries && looks_ < kLooks;
         --left) {
        auto next = tried_ ? failed_.upper_bound(*tried_) : failed_.begin();
        if (next == failed_.end()) next = failed_.begin();
        const auto key = *next;
        tried_ = key;
        if (is_paused(key.first) || is_open(key)) continue;
        failed_.erase(next);
        look_at(key);
        if (is_open(key)) ++retries;
    }
}

bool StatusWriter::is_paused(const Resource* kind) const {
    const auto pause = pauses_.find(kind);
    return pause != pauses_.end() && pause->second.until > ran_;
}

bool StatusWriter::is_open(const ObjectKey& key) const {
    const auto task = tasks_.find(key);
    return task != tasks_.end() && task->second.request.has_value();
}

StatusWriter::Clock::time_point StatusWriter::due() const {
    auto next = recorder_.due();
    if (!is_writer_) return next;
    if (looks_ == kLooks) return Clock::now();
    for (const auto& [key, task] : tasks_) next = std::min(next, task.due);
    for (const auto& [key, rejection] : rejected_) next = std::min(next, rejection.due);
    if (ready_.empty() && failed_.empty()) return next;
    for (const auto& [kind, pause] : pauses_) {
        if (pause.until > ran_) next = std::min(next, pause.until);  // one that ended since was in its way
    }
    return next;
}

std::size_t StatusWriter::pending() const {
    const auto others = std::count_if(tasks_.begin(), tasks_.end(), [this](const auto& task) {
        return !ready_.contains(task.first) && !failed_.contains(task.first);
    });
    return ready_.size() + failed_.size() + static_cast<std::size_t>(others);
}

void StatusWriter::start() {
    for (const auto& [key, object] : stored_.all()) ready_.insert(key);
}

void StatusWriter::stop() {
    for (const auto& [key, task] : tasks_) {
        if (task.request) http_.cancel(*task.request);
    }
    tasks_.clear();
    ready_.clear();
    failed_.clear();
    rejected_.clear();
    contests_.clear();
    pauses_.clear();
    open_ = 0;
    looks_ = 0;
    is_writer_ = false;
}

void StatusWriter::make_ready(const ObjectKey& key) {
    const auto task = tasks_.find(key);
    const bool has_failed = task != tasks_.end() && task->second.failures > 0;
    (has_failed ? failed_ : ready_).insert(key);
}

// One that failed has its time to wait all the same.
void StatusWriter::look_again(const ObjectKey& key) {
    if (!is_writer_) return;
    const auto task = tasks_.find(key);
    if (task == tasks_.end() || task->second.request || task->second.is_resting) make_ready(key);
}

// Those that waited long enough; and a request that is open for too long is a connection that is gone.
void StatusWriter::wake() {
    const auto now = Clock::now();
    bool is_silent = false;
    for (auto& [key, task] : tasks_) {
        if (task.due > now) continue;
        task.due = kNever;
        if (task.request)
            is_silent = true;
        else
            make_ready(key);
    }
    for (auto& [key, rejection] : rejected_) {
        if (rejection.due > now) continue;
        rejection.due = kNever;
        ready_.insert(key);
    }
    if (is_silent) http_.drop_connections("the API server is silent");
}

void StatusWriter::look_at(const ObjectKey& key) {
    ++looks_;
    const auto* const stored = stored_.find(key);
    const auto task = tasks_.find(key);
    if (stored != nullptr && task != tasks_.end() && task->second.is_stale) return read(key, *stored);
    if (stored == nullptr) {
        rejected_.erase(key);
        contests_.forget(key);
    }
    if (const auto status = stored == nullptr ? std::nullopt : wanted_.of(key, *stored)) {
        auto before = json::parse(stored->status, nullptr, false);
        if (before.is_discarded()) before = {};
        if (const auto merged = merge_status(before, *status, stored->generation, to_time(now_utc()))) {
            if (merged->is_overtaken && !is_fresh(key, *stored)) return read(key, *stored);
            if (const auto until = contests_.rests_until(key, stored->generation); until > Clock::now())
                return rest(key, until);
            return write(key, *stored, std::move(before), *merged);
        }
    }
    tasks_.erase(key);
}

// Somebody else changes it back.
void StatusWriter::rest(const ObjectKey& key, Clock::time_point until) {
    auto& task = tasks_[key];
    task.is_resting = true;
    task.due = until;
}

void StatusWriter::note_write(const Regarding& regarding, std::int64_t generation) {
    const auto& key = regarding.key;
    if (!contests_.note_write(key, generation, Clock::now())) return;
    constexpr const char* kNote =
        "somebody changes this status back again and again: it is written less and less often";
    log::warn("statuses", kNote, {{"kind", key.first->kind}, {"name", key.second}});
    recorder_.record(regarding, {{true, "StatusContested", kNote}});
}

// It was read since it was found to lag behind, and nothing was told of it since.
bool StatusWriter::is_fresh(const ObjectKey& key, const StoredObject& stored) const {
    const auto task = tasks_.find(key);
    return task != tasks_.end() && task->second.read == stored.resource_version;
}

// The resource version makes it a conflict if somebody else wrote since.
void StatusWriter::write(const ObjectKey& key, const StoredObject& stored, json before, const MergedStatus& merged) {
    if (merged.is_overtaken) {
        log::warn("statuses", "conditions of a later generation than the object has are replaced, as after a restore",
                  {{"kind", key.first->kind}, {"name", key.second}});
    }
    tasks_[key].before = std::move(before);
    const json patch = {{"metadata", {{"resourceVersion", stored.resource_version}}}, {"status", merged.status}};
    request(key, stored,
            {.path = status_path(key, stored), .method = "PATCH", .content_type = kMergePatch, .body = to_text(patch)},
            &StatusWriter::on_written);
}

void StatusWriter::read(const ObjectKey& key, const StoredObject& stored) {
    request(key, stored, {.path = status_path(key, stored)}, &StatusWriter::on_read);
}

void StatusWriter::request(const ObjectKey& key, const StoredObject& stored, const HttpRequest& request,
                           void (StatusWriter::*on_response)(const ObjectKey&, const HttpResponse&)) {
    auto& task = tasks_[key];
    task.is_resting = false;
    task.due = Clock::now() + patience_.answer;
    task.asked = stored.resource_version;
    task.request = http_.start(request, {{}, [this, key, on_response](const HttpResponse& response) {
                                             tasks_.at(key).request.reset();
                                             --open_;
                                             (this->*on_response)(key, response);
                                         }});
    ++open_;
}

void StatusWriter::on_written(const ObjectKey& key, const HttpResponse& response) {
    if (!response.error.empty() || response.status / 100 != 2) return on_refusal(key, response, "patch");
    writes_["written"]++;
    const auto task = std::move(tasks_.at(key));
    tasks_.erase(key);
    rejected_.erase(key);
    end_pause(key);
    const auto object = parse_json_object(response.body);
    const auto* const known = stored_.find(key);
    if (!object || known == nullptr) return;  // a watch tells what is there
    const auto* const metadata = metadata_of(*object);
    const Regarding regarding{key, known->version, metadata == nullptr ? "" : text_of(*metadata, "uid")};
    const auto status = object->find("status");
    if (status != object->end()) recorder_.record(regarding, compare_statuses(task.before, *status));
    note_write(regarding, known->generation);
    stored_.learn(key, *object, task.asked);
}

void StatusWriter::on_read(const ObjectKey& key, const HttpResponse& response) {
    if (!response.error.empty() || response.status / 100 != 2) return on_refusal(key, response, "get");
    auto& task = tasks_.at(key);
    task.is_stale = false;
    task.due = kNever;
    if (const auto object = parse_json_object(response.body)) stored_.learn(key, *object, task.asked);
    if (const auto* const known = stored_.find(key)) task.read = known->resource_version;
    make_ready(key);
}

void StatusWriter::on_refusal(const ObjectKey& key, const HttpResponse& response, const char* verb) {
    if (!response.error.empty()) {
        writes_["failed"]++;
        return pause(key, response.error, {});
    }
    const auto message = refusal_message(response.body);
    const Permission needed{verb, {key.first->group, key.first->plural, "status", R"("get", "patch")"}};
    switch (response.status) {
        case kConflict:
            writes_["conflict"]++;
            tasks_.at(key).is_stale = true;
            return retry(key);
        case kNotFound:  // a watch tells whether the object is gone, or the version of its API
            writes_["gone"]++;
            return retry(key);
        case kBadRequest:
        case kUnprocessable:
            writes_["rejected"]++;
            return on_rejection(key, message);
        default:
            break;
    }
    writes_[response.status == kForbidden ? "forbidden" : "failed"]++;
    const auto problem = describe_refusal(response.status, message, needed);
    const bool is_refused = response.status == kForbidden && !lacks_rule(response.status, message, needed);
    if (!is_refused && (response.status != kInternalError || response.retry_after))
        return pause(key, problem, response.retry_after.value_or(std::chrono::seconds(0)));
    if (tasks_.at(key).failures == 0) log::warn("statuses", problem, {{"kind", key.first->kind}, {"name", key.second}});
    retry(key);
}

// It would be rejected again before the object, or what is wanted, or the CRD or a policy changes: of the last two
// nobody tells.
void StatusWriter::on_rejection(const ObjectKey& key, const std::string& message) {
    tasks_.erase(key);
    auto& known = rejected_[key];
    known.due = Clock::now() + patience_.rejection;
    if (known.message == message) return;
    known.message = message;
    log::error("statuses", "the API server rejects the status",
               {{"kind", key.first->kind}, {"name", key.second}, {"error", message}});
}

// For reasons of the object: at once, then later and later.
void StatusWriter::retry(const ObjectKey& key) {
    auto& task = tasks_.at(key);
    task.due = Clock::now();
    if (task.failures > 0) task.due += delay(task.failures - 1);
    ++task.failures;
}

void StatusWriter::pause(const ObjectKey& key, std::string problem, std::chrono::seconds at_least) {
    constexpr std::chrono::seconds kLongest{300};
    auto& pause = pauses_[key.first];
    auto& task = tasks_.at(key);
    const bool is_new = pause.until <= Clock::now();  // else one of several requests that failed together
    if (is_new) pause.until = Clock::now() + std::min(at_least, kLongest) + delay(pause.failures++);
    // After the others: what is refused may be this object alone.
    task.due = pause.until + delay(task.failures++);
    if (!is_new) return;
    if (pause.problem != problem) log::warn("statuses", problem, {{"kind", key.first->kind}});
    pause.problem = std::move(problem);
}

void StatusWriter::end_pause(const ObjectKey& key) {
    const auto pause = pauses_.find(key.first);
    if (pause == pauses_.end() || pause->second.until > Clock::now()) return;  // it began before the pause did
    pauses_.erase(pause);
    log::info("statuses", "writing works again", {{"kind", key.first->kind}});
}

std::chrono::milliseconds StatusWriter::delay(int failures) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(backoff_delay(failures) * (1 + random_()) / 2);
}

}  // namespace slipgate::kube
