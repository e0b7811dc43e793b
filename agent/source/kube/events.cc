// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/events.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/base/text.h"
#include "agent/model/conditions.h"
#include "agent/model/controller.h"
#include "agent/source/kube/message.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

constexpr const char* kApi = "events.k8s.io/v1";
constexpr std::size_t kLongestNote = 1024, kLongestReason = 128, kLongestInstance = 128;

const json kNothing;

const json& member(const json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return object.is_object() && found != object.end() ? *found : kNothing;
}

// The element of `array` that has the same `key`; null: there is none.
const json& counterpart(const json& array, const char* key, const json& element) {
    const auto found = std::find_if(array.begin(), array.end(),
                                    [&](const json& other) { return member(other, key) == member(element, key); });
    return found == array.end() ? kNothing : *found;
}

bool is_bad(const json& condition) {
    return slipgate::is_bad(text_of(condition, "type"), text_of(condition, "status"));
}

bool tells_of_service(const json& condition) {
    const auto type = text_of(condition, "type");
    return type == "Accepted" || type == "Programmed";
}

// Unknown is also how the CRDs begin, with this time.
bool is_lost(const json& condition) {
    constexpr const char* kNever = "1970-01-01T00:00:00Z";
    return tells_of_service(condition) && text_of(condition, "status") == "Unknown" &&
           text_of(condition, "lastTransitionTime") != kNever;
}

std::string describe_parent(const json& ref) {
    const auto space = text_of(ref, "namespace");
    const auto section = text_of(ref, "sectionName");
    return fmt::format("{} {}{}{}{}{}: ", text_of(ref, "kind"), space, space.empty() ? "" : "/", text_of(ref, "name"),
                       section.empty() ? "" : " ", section);
}

class Comparison {
  public:
    // `where`: of which part of the object; empty: of the object itself.
    void conditions(const json& before, const json& after, const std::string& where) {
        const auto is_warning = [&](const json& one) { return is_bad(one) || (where.empty() && is_lost(one)); };
        for (const auto& condition : member(after, "conditions")) {
            const auto& known = counterpart(member(before, "conditions"), "type", condition);
            const bool warns = is_warning(condition), warned = is_warning(known);
            const bool is_other = !warned || text_of(known, "reason") != text_of(condition, "reason");
            if (warns ? is_other : warned && tells_of_service(condition)) add(condition, where, warns);
        }
    }

    std::vector<Notice> notices;

  private:
    void add(const json& condition, const std::string& where, bool is_warning) {
        notices.push_back({is_warning, clipped(text_of(condition, "reason"), kLongestReason),
                           clipped(where + text_of(condition, "message"), kLongestNote)});
    }
};

}  // namespace

std::vector<Notice> compare_statuses(const json& before, const json& after) {
    Comparison comparison;
    comparison.conditions(before, after, "");
    for (const auto& listener : member(after, "listeners")) {
        comparison.conditions(counterpart(member(before, "listeners"), "name", listener), listener,
                              "listener " + text_of(listener, "name") + ": ");
    }
    for (const auto& parent : member(after, "parents")) {
        if (text_of(parent, "controllerName") != kOurController) continue;
        const auto ours = [&](const json& entry) {
            return member(entry, "parentRef") == member(parent, "parentRef") &&
                   text_of(entry, "controllerName") == kOurController;
        };
        const auto& entries = member(before, "parents");
        const auto known = std::find_if(entries.begin(), entries.end(), ours);
        comparison.conditions(known == entries.end() ? kNothing : *known, parent,
                              describe_parent(member(parent, "parentRef")));
    }
    return std::move(comparison.notices);
}

std::string events_path(const Regarding& regarding) {
    const auto& key = regarding.key.second;
    const auto slash = key.find('/');
    return fmt::format("/apis/{}/namespaces/{}/events", kApi, slash == key.npos ? "default" : key.substr(0, slash));
}

json event_object(const Regarding& regarding, const Notice& notice, std::string_view instance, std::string_view time) {
    const auto& [resource, key] = regarding.key;
    const auto slash = key.find('/');
    json object = {{"apiVersion", fmt::format("{}/{}", resource->group, regarding.version)},
                   {"kind", resource->kind},
                   {"name", slash == key.npos ? key : key.substr(slash + 1)},
                   {"uid", regarding.uid}};
    if (slash != key.npos) object["namespace"] = key.substr(0, slash);
    return {{"apiVersion", kApi},
            {"kind", "Event"},
            {"metadata", {{"generateName", "slipgate-"}}},
            {"eventTime", time},
            {"type", notice.is_warning ? "Warning" : "Normal"},
            {"reason", notice.reason},
            {"note", notice.note},
            {"action", "WriteStatus"},
            {"regarding", object},
            {"reportingController", kOurController},
            {"reportingInstance", clipped(instance, kLongestInstance)}};
}

}  // namespace slipgate::kube
