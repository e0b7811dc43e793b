// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/lease_keeper.h"

#include <fmt/format.h>

#include "agent/base/log.h"
#include "agent/model/timestamp_text.h"
#include "agent/source/kube/message.h"
#include "agent/source/kube/refusal.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

constexpr const char* kName = "slipgate-status-writer";
constexpr const char* kApi = "coordination.k8s.io/v1";
constexpr Rule kRule{"coordination.k8s.io", "leases", {}, R"("create", "get", "patch")"};

json spec_of(const std::string& holder, bool acquires, int transitions) {
    const auto now = to_micro_time(now_utc());
    json spec = {{"holderIdentity", holder},
                 {"leaseDurationSeconds", lease::kDuration.count()},
                 {"renewTime", now},
                 {"leaseTransitions", transitions}};
    if (acquires) spec["acquireTime"] = now;
    return spec;
}

lease::Record record_of(const json& object) {
    lease::Record record;
    if (const auto* const metadata = metadata_of(object))
        record.resource_version = text_of(*metadata, "resourceVersion");
    const auto spec = object.find("spec");
    if (spec == object.end() || !spec->is_object()) return record;
    const auto number = [&](const char* key, int fallback) {
        const auto found = spec->find(key);
        return found != spec->end() && found->is_number_integer() ? found->get<int>() : fallback;
    };
    record.holder = text_of(*spec, "holderIdentity");
    record.renew_time = text_of(*spec, "renewTime");
    record.duration = std::chrono::seconds(number("leaseDurationSeconds", static_cast<int>(lease::kDuration.count())));
    record.transitions = number("leaseTransitions", 0);
    return record;
}

}  // namespace

LeaseKeeper::LeaseKeeper(HttpClient& http, std::string name_space, std::string identity, Random random)
    : http_(http),
      random_(std::move(random)),
      collection_(fmt::format("/apis/{}/namespaces/{}/leases", kApi, name_space)),
      state_{.identity = std::move(identity)} {}

LeaseKeeper::~LeaseKeeper() {
    end_request();
}

void LeaseKeeper::on_time() {
    if (Clock::now() >= due()) tell(lease::Tick{});
}

bool LeaseKeeper::release() {
    if (!holds()) return false;
    tell(lease::Stopping{});
    return is_busy();
}

void LeaseKeeper::tell(const lease::Event& event) {
    const auto before = state_;
    auto [state, actions] = lease::step(std::move(state_), event, Clock::now(), random_());
    state_ = std::move(state);
    log_change(before);
    for (const auto& action : actions) std::visit([this](const auto& a) { act(a); }, action);
}

void LeaseKeeper::log_change(const lease::State& before) const {
    if (state_.problem != before.problem && !state_.problem.empty())
        log::warn("statuses", state_.problem, {{"lease", collection_ + "/" + kName}});
    if (state_.holds == before.holds) return;
    log::info("statuses", state_.holds ? "this agent writes them from now on" : "this agent writes them no longer",
              {{"identity", state_.identity}});
}

void LeaseKeeper::act(const lease::Read& /*action*/) {
    request({.path = fmt::format("{}/{}", collection_, kName)}, "get");
}

void LeaseKeeper::act(const lease::Create& /*action*/) {
    const json object = {{"apiVersion", kApi},
                         {"kind", "Lease"},
                         {"metadata", {{"name", kName}}},
                         {"spec", spec_of(state_.identity, true, 0)}};
    request({.path = collection_, .method = "POST", .content_type = "application/json", .body = to_text(object)},
            "create");
}

void LeaseKeeper::act(const lease::Write& action) {
    const json patch = {{"metadata", {{"resourceVersion", action.resource_version}}},
                        {"spec", spec_of(action.holder, action.acquires, action.transitions)}};
    request({.path = fmt::format("{}/{}", collection_, kName),
             .method = "PATCH",
             .content_type = kMergePatch,
             .body = to_text(patch)},
            "patch");
}

void LeaseKeeper::act(const lease::Cancel& /*action*/) {
    end_request();
}

// One that failed may have done so for its connection, of which others may learn a minute later only.
void LeaseKeeper::request(HttpRequest request, const char* verb) {
    end_request();
    request.on_new_connection = state_.failures > 0;
    request_ = http_.start(request, {{}, [this, verb](const HttpResponse& response) {
                                         request_.reset();
                                         tell(event_of(response, verb));
                                     }});
}

void LeaseKeeper::end_request() {
    if (request_) http_.cancel(*std::exchange(request_, {}));
}

lease::Event LeaseKeeper::event_of(const HttpResponse& response, std::string_view verb) const {
    if (!response.error.empty()) return lease::Failed{response.error};
    if (response.status == kConflict) return lease::Conflict{};
    if (response.status == kNotFound && verb != "create") return lease::Absent{};
    if (response.status / 100 != 2) {
        return lease::Failed{
            describe_refusal(response.status, refusal_message(response.body), Permission{verb, kRule, "Role"})};
    }
    const auto object = parse_json_object(response.body);
    if (!object) return lease::Failed{object.error().message};
    auto record = record_of(*object);
    if (verb == "get") return lease::Found{std::move(record)};
    return lease::Written{std::move(record.resource_version)};
}

}  // namespace slipgate::kube
