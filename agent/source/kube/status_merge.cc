// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/status_merge.h"

#include <algorithm>
#include <set>
#include <string>

#include "agent/model/controller.h"
#include "agent/source/kube/message.h"
#include "agent/source/status_json.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

constexpr std::size_t kMostParents = 32;

constexpr std::size_t kMostConditions = 8;

enum class Place { kObject, kListener };

// Of what is not wanted now, what this controller may have set before: anything else is another's.
bool was_ours(std::string_view type, Place place) {
    if (type.starts_with("slipgate.dev/")) return true;
    return place == Place::kListener && (type == "Conflicted" || type == "OverlappingTLSConfig");
}

bool is_our_parent(const json& entry) {
    return text_of(entry, "controllerName") == kOurController;
}

// The element of an array whose `key` has this text.
const json* find_entry(const json& array, const char* key, std::string_view value) {
    const auto found =
        std::find_if(array.begin(), array.end(), [&](const json& e) { return text_of(e, key) == value; });
    return found == array.end() ? nullptr : &*found;
}

// A member that is an array; else an empty one.
const json& array_of(const json& object, const char* key) {
    static const json kNone = json::array();
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? *found : kNone;
}

std::int64_t observed_generation(const json& condition) {
    const auto found = condition.is_object() ? condition.find("observedGeneration") : condition.end();
    return found != condition.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

// With the defaults of the CRD, which an old entry may lack.
bool is_same_parent(const json& entry, const json& wanted) {
    const auto found = entry.find("parentRef");
    if (found == entry.end() || !found->is_object()) return false;
    auto ref = *found;
    ref.emplace("group", kGatewayGroup);
    ref.emplace("kind", "Gateway");
    return ref == wanted.at("parentRef");
}

class Merge {
  public:
    Merge(std::int64_t generation, std::string_view now) : generation_(generation), now_(now) {}

    // An object with everything of `before`, but where `wanted` has something to say.
    json object(const json& before, const json& wanted, Place place = Place::kObject) {
        auto merged = before.is_object() ? before : json::object();
        for (const auto& [key, value] : wanted.items()) {
            if (key == "conditions")
                merged[key] = conditions(array_of(merged, "conditions"), value, place);
            else if (key == "listeners")
                merged[key] = listeners(array_of(merged, "listeners"), value);
            else if (key == "parents")
                merged[key] = parents(array_of(merged, "parents"), value);
            else
                merged[key] = value;
        }
        return merged;
    }

    // Somebody knows a later generation of the object than we do.
    [[nodiscard]] bool is_overtaken() const { return is_overtaken_; }

  private:
    json conditions(const json& before, const json& wanted, Place place) {
        auto merged = json::array();
        std::set<std::string> placed;
        for (const auto& condition : before) {
            const auto type = text_of(condition, "type");
            const auto* const ours = find_entry(wanted, "type", type);
            const bool is_ours = ours != nullptr || was_ours(type, place);
            if (is_ours) note_generation(condition);
            if (!is_ours)
                merged.push_back(condition);
            else if (ours != nullptr && placed.insert(type).second)
                merged.push_back(timed(*ours, condition));
        }
        // The required ones come first in `wanted`: where others leave no room, an optional one is left out.
        for (const auto& condition : wanted) {
            if (merged.size() >= kMostConditions) break;
            if (!placed.contains(text_of(condition, "type"))) merged.push_back(timed(condition, {}));
        }
        return merged;
    }

    void note_generation(const json& condition) { is_overtaken_ |= observed_generation(condition) > generation_; }

    [[nodiscard]] json timed(json condition, const json& before) const {
        condition["lastTransitionTime"] = transition_time(text_of(condition, "status"), before, now_);
        return condition;
    }

    // In the order of the spec: an entry without a listener there is nobody's.
    json listeners(const json& before, const json& wanted) {
        auto merged = json::array();
        for (const auto& listener : wanted) {
            const auto* const known = find_entry(before, "name", text_of(listener, "name"));
            merged.push_back(object(known == nullptr ? json() : *known, listener, Place::kListener));
        }
        return merged;
    }

    json parents(const json& before, const json& wanted) {
        auto merged = json::array();
        std::set<const json*> placed;
        for (const auto& entry : before) {
            if (!is_our_parent(entry)) {
                merged.push_back(entry);
                continue;
            }
            const auto ours = std::find_if(wanted.begin(), wanted.end(), [&](const json& w) {
                return !placed.contains(&w) && is_same_parent(entry, w);
            });
            if (ours == wanted.end()) {
                for (const auto& condition : array_of(entry, "conditions")) note_generation(condition);
                continue;
            }
            placed.insert(&*ours);
            merged.push_back(object(entry, *ours));
        }
        for (const auto& entry : wanted) {
            if (!placed.contains(&entry) && merged.size() < kMostParents) merged.push_back(object({}, entry));
        }
        return merged;
    }

    std::int64_t generation_;
    std::string_view now_;
    bool is_overtaken_ = false;
};

}  // namespace

std::optional<MergedStatus> merge_status(const json& current, const WantedStatus& wanted, std::int64_t generation,
                                         std::string_view now) {
    const json ours = std::visit([](const auto& status) { return to_json(status); }, wanted);
    Merge merge(generation, now);
    auto merged = merge.object(current, ours);
    if (merged == current) return {};
    // A route that nobody has to say anything about needs no status.
    if (!current.is_object() && merged == json{{"parents", json::array()}}) return {};
    return MergedStatus{std::move(merged), merge.is_overtaken()};
}

}  // namespace slipgate::kube
