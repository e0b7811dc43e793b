// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/status_writer.h"

#include <algorithm>

#include "agent/base/backoff.h"
#include "agent/base/log.h"
#include "agent/model/controller.h"
#include "agent/model/timestamp_text.h"
#include "agent/source/kube/message.h"
#include "agent/source/kube/orphans.h"
#include "agent/source/kube/refusal.h"
#include "agent/source/kube/unsupported_parents.h"
#include "agent/source/kube/unsupported_status.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

constexpr std::size_t kAtATime = 8;  // requests
constexpr int kLooks = 200;          // at objects without a pause, so that the rest of the agent comes in between
constexpr int kUnprocessable = 422, kInternalError = 500;

constexpr auto kNever = StatusWriter::Clock::time_point::max();

// Of the object as it was when the status was made; 0: it does not say.
std::int64_t observed_generation(const WantedStatus& wanted) {
    const auto of = [](const std::vector<Condition>& conditions) {
        return conditions.empty() ? 0 : conditions.front().observed_generation;
    };
    if (const auto* route = std::get_if<TlsRouteStatus>(&wanted))
        return route->parents.empty() ? 0 : of(route->parents.front().conditions);
    return std::visit(
        [&](const auto& status) -> std::int64_t {
            if constexpr (requires { status.conditions; }) return of(status.conditions);
            return 0;
        },
        wanted);
}

template <typename Map>
std::optional<WantedStatus> find_in(const Map& statuses, const std::string& key) {
    const auto found = statuses.find(key);
    if (found == statuses.end()) return {};
    return found->second;
}

std::optional<WantedStatus> status_in(const Statuses& statuses, const ObjectKey& key) {
    const auto& [resource, name] = key;
    if (resource->kind == "GatewayClass") return find_in(statuses.gateway_classes, name);
    if (resource->kind == "Gateway") return find_in(statuses.gateways, name);
    if (resource->kind == "ListenerSet") return find_in(statuses.listener_sets, name);
    return find_in(statuses.tls_routes, name);
}

template <typename T>
const ObjectMeta* meta_in(const ObjectMap<T>& objects, const std::string& key) {
    const auto found = objects.find(key);
    return found == objects.end() ? nullptr : &found->second.meta;
}

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
      recorder_(http, std::move(instance), patience.answer) {}

StatusWriter::~StatusWriter() {
    stop();
}

void StatusWriter::want(const Statuses& of_supported, const Snapshot& snapshot) {
    const auto statuses =
        with_orphans(with_unsupported_parents(of_supported, snapshot, stored_.unsupported()), wanted_, snapshot);
    const auto changed_of = [this](std::string_view kind) {
        return [this, &resource = resource_of(kind)](const std::string& key, const auto* before, const auto* now) {
            if (before != nullptr && now != nullptr && *before == *now) return;
            contests_.forget({&resource, key});
            look_again({&resource, key});
        };
    };
    for_each_difference(wanted_.gateway_classes, statuses.gateway_classes, changed_of("GatewayClass"));
    for_each_difference(wanted_.gateways, statuses.gateways, changed_of("Gateway"));
    for_each_difference(wanted_.listener_sets, statuses.listener_sets, changed_of("ListenerSet"));
    for_each_difference(wanted_.tls_routes, statuses.tls_routes, changed_of("TLSRoute"));
    wanted_ = statuses;
    const auto other_of = [this](std::string_view kind) {
        return [this, &resource = resource_of(kind)](const std::string& key, const auto* /*before*/,
                                                     const auto* /*now*/) { look_again({&resource, key}); };
    };
    for_each_difference(snapshot_.gateway_classes, snapshot.gateway_classes, other_of("GatewayClass"));
    for_each_difference(snapshot_.gateways, snapshot.gateways, other_of("Gateway"));
    for_each_difference(snapshot_.listener_sets, snapshot.listener_sets, other_of("ListenerSet"));
    for_each_difference(snapshot_.tls_routes, snapshot.tls_routes, other_of("TLSRoute"));
    snapshot_ = snapshot;
    for (const auto& [key, object] : stored_.unsupported()) look_again(key);  // its class or its parents may be others
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
    const auto now = ran_ = Clock::now();
    int looks = 0;
    for (auto next = ready_.begin(); next != ready_.end() && open_ < kAtATime && looks < kLooks;) {
        const auto pause = pauses_.find(next->first);
        if (pause != pauses_.end() && pause->second.until > now) {
            next = ready_.lower_bound({next->first + 1, ""});
        } else if (const auto task = tasks_.find(*next); task != tasks_.end() && task->second.request) {
            ++next;
        } else {
            const auto key = *next;
            next = ready_.erase(next);
            look_at(key);
            ++looks;
        }
    }
    is_tired_ = looks == kLooks;
}

StatusWriter::Clock::time_point StatusWriter::due() const {
    auto next = recorder_.due();
    if (!is_writer_) return next;
    if (is_tired_) return Clock::now();
    for (const auto& [key, task] : tasks_) next = std::min(next, task.due);
    for (const auto& [key, rejection] : rejected_) next = std::min(next, rejection.due);
    if (ready_.empty()) return next;
    for (const auto& [kind, pause] : pauses_) {
        if (pause.until > ran_) next = std::min(next, pause.until);  // one that ended since was in its way
    }
    return next;
}

std::size_t StatusWriter::pending() const {
    const auto others =
        std::count_if(tasks_.begin(), tasks_.end(), [this](const auto& task) { return !ready_.contains(task.first); });
    return ready_.size() + static_cast<std::size_t>(others);
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
    rejected_.clear();
    contests_.clear();
    pauses_.clear();
    open_ = 0;
    is_writer_ = is_tired_ = false;
}

// One that failed has its time to wait all the same.
void StatusWriter::look_again(const ObjectKey& key) {
    if (!is_writer_) return;
    const auto task = tasks_.find(key);
    if (task == tasks_.end() || task->second.request || task->second.is_resting) ready_.insert(key);
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
            ready_.insert(key);
    }
    for (auto& [key, rejection] : rejected_) {
        if (rejection.due > now) continue;
        rejection.due = kNever;
        ready_.insert(key);
    }
    if (is_silent) http_.drop_connections("the API server is silent");
}

void StatusWriter::look_at(const ObjectKey& key) {
    const auto* const stored = stored_.find(key);
    const auto task = tasks_.find(key);
    if (stored != nullptr && task != tasks_.end() && task->second.is_stale) return read(key, *stored);
    if (stored == nullptr) {
        rejected_.erase(key);
        contests_.forget(key);
    }
    const auto status = stored == nullptr ? std::nullopt : wanted(key, *stored);
    // Of an earlier generation, or another object of this name: what is wanted of this one comes soon.
    const auto is_of_now = [&] {
        const auto observed = observed_generation(*status);
        return is_judged(key, *stored) && (observed == 0 || observed >= stored->generation);
    };
    if (status && is_of_now()) {
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

// Nothing: the object is none of ours.
std::optional<WantedStatus> StatusWriter::wanted(const ObjectKey& key, const StoredObject& stored) const {
    const auto unsupported = stored_.unsupported().find(key);
    auto status = unsupported == stored_.unsupported().end() ? status_in(wanted_, key)
                                                             : unsupported_status(unsupported->second, wanted_);
    if (status || key.first->kind != "TLSRoute") return status;
    // Our entries have to go when the route, as it is now, is none of ours.
    const bool has_ours = stored.status.find(kOurController) != std::string::npos;
    if (has_ours && is_judged(key, stored)) return TlsRouteStatus{};
    return {};
}

// What is wanted is about the object as it is now: in its generation, and no other one of its name.
bool StatusWriter::is_judged(const ObjectKey& key, const StoredObject& stored) const {
    const auto* const meta = judged(key);
    return meta != nullptr && meta->uid == stored.uid && meta->generation >= stored.generation;
}

// The object that the wanted status is about; null: it is not known yet.
const ObjectMeta* StatusWriter::judged(const ObjectKey& key) const {
    const auto unsupported = stored_.unsupported().find(key);
    if (unsupported != stored_.unsupported().end())
        return std::visit([](const auto& object) { return &object.meta; }, unsupported->second.object);
    const auto& [resource, name] = key;
    if (resource->kind == "GatewayClass") return meta_in(snapshot_.gateway_classes, name);
    if (resource->kind == "Gateway") return meta_in(snapshot_.gateways, name);
    if (resource->kind == "ListenerSet") return meta_in(snapshot_.listener_sets, name);
    return meta_in(snapshot_.tls_routes, name);
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
    ready_.insert(key);
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
    if (response.status != kInternalError || response.retry_after)
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
