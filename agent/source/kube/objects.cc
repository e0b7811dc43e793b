// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/objects.h"

#include <fmt/format.h>

#include "agent/base/log.h"
#include "agent/model/labels.h"
#include "agent/model/parse.h"
#include "agent/source/kube/message.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

constexpr std::string_view kGateway = "Gateway";
constexpr std::string_view kOurAnnotations = "slipgate.dev/";
constexpr const char* kBundleVersion = "gateway.networking.k8s.io/bundle-version";

bool is_label_used(const Resource& resource, std::string_view label) {
    return resource.kind == "Namespace" || (resource.kind == "EndpointSlice" && label == kServiceNameLabel) ||
           (resource.kind == "Node" && label == kZoneLabel);
}

// Of labels or annotations, those that are used.
template <typename IsUsed>
void keep(json& metadata, const char* field, IsUsed is_used) {
    const auto entries = metadata.find(field);
    if (entries == metadata.end() || !entries->is_object()) return;
    for (auto entry = entries->begin(); entry != entries->end();)
        entry = is_used(entry.key()) ? std::next(entry) : entries->erase(entry);
}

// Items of a list do not say what they are. Labels and annotations can be many times as large as the rest, and may
// change all the time.
void prepare(json& document, const Resource& resource, std::string_view version) {
    document["apiVersion"] =
        resource.group.empty() ? std::string(version) : fmt::format("{}/{}", resource.group, version);
    document["kind"] = resource.kind;
    const auto metadata = document.find("metadata");
    if (metadata == document.end() || !metadata->is_object()) return;
    metadata->erase("managedFields");
    keep(*metadata, "annotations", [](std::string_view key) { return key.starts_with(kOurAnnotations); });
    keep(*metadata, "labels", [&](std::string_view key) { return is_label_used(resource, key); });
}

// The API server knows its own fields; what it holds without an error is not worth a word.
std::vector<SourceProblem> errors_of(const ParseOutcome& outcome, const json& document) {
    std::vector<SourceProblem> errors;
    for (const auto& problem : outcome.problems) {
        if (problem.severity == Severity::error)
            errors.push_back({"", 0, outcome.id, generation_of(document), problem});
    }
    return errors;
}

// Takes the object out of the outcome.
std::optional<UnsupportedObject> unsupported_of(ParseOutcome& outcome) {
    if (!outcome.refused) return {};
    UnsupportedObject unsupported{*std::move(outcome.refused), {}};
    for (const auto& problem : outcome.problems) {
        if (problem.severity != Severity::error) continue;
        unsupported.why += (unsupported.why.empty() ? "" : "; ") + problem.to_string();
    }
    return unsupported;
}

}  // namespace

void Objects::put(const Resource& resource, std::string_view version, json document, Told by) {
    const auto key = key_of(document);
    if (key.empty()) return;  // no API server stores an object without a name
    if (resource.metadata_only) return put_definition(key, document);
    prepare(document, resource, version);
    auto outcome = parse_object(document, Stored::yes);
    const auto* refused = outcome.refused ? std::get_if<Gateway>(&*outcome.refused) : nullptr;
    changed_ |= refused ? snapshot_.refused_gateways.put(key, *refused) : forget_refused(resource, key);
    stored_.put(resource, version, document, by, unsupported_of(outcome));
    set_problems({resource.kind, key}, errors_of(outcome, document));
    const bool changed = outcome.object ? resource.objects.put(snapshot_, *std::move(outcome.object))
                                        : resource.objects.erase(snapshot_, key);
    changed_ |= changed;
}

void Objects::put_definition(const std::string& name, const json& document) {
    if (!name.ends_with(fmt::format(".{}", kGatewayGroup))) return;
    const auto* const metadata = metadata_of(document);
    const auto annotations = metadata->find("annotations");
    auto version = annotations == metadata->end() ? "" : text_of(*annotations, kBundleVersion);
    const auto [known, is_new] = snapshot_.bundle_versions.try_emplace(name);
    changed_ |= is_new || known->second != version;
    known->second = std::move(version);
}

bool Objects::forget_refused(const Resource& resource, const std::string& key) {
    return resource.kind == kGateway && snapshot_.refused_gateways.erase(key) > 0;
}

void Objects::erase(const Resource& resource, const std::string& key) {
    changed_ |= forget_refused(resource, key);
    set_problems({resource.kind, key}, {});
    stored_.erase(resource, key);
    changed_ |= resource.objects.erase(snapshot_, key);
}

void Objects::retain(const Resource& resource, const std::set<std::string>& keys) {
    stored_.retain(resource, keys);
    changed_ |= resource.objects.retain(snapshot_, keys);
    if (resource.kind == kGateway) changed_ |= snapshot_.refused_gateways.retain(keys) > 0;
    const auto erased = std::erase_if(problems_, [&](const auto& entry) {
        return entry.first.first == resource.kind && !keys.contains(entry.first.second);
    });
    changed_ |= erased > 0;
}

LoadedSnapshot Objects::snapshot() const {
    LoadedSnapshot loaded{snapshot_, {}};
    for (const auto& [key, problems] : problems_)
        loaded.problems.insert(loaded.problems.end(), problems.begin(), problems.end());
    note_refused_services(loaded);
    return loaded;
}

void Objects::set_problems(Key key, std::vector<SourceProblem> problems) {
    const auto known = problems_.find(key);
    const auto texts = [](const std::vector<SourceProblem>& list) {
        std::set<std::string> result;
        for (const auto& problem : list) result.insert(problem.to_string());
        return result;
    };
    const auto before = known == problems_.end() ? std::set<std::string>() : texts(known->second);
    for (const auto& problem : problems) {
        if (before.contains(problem.to_string())) continue;
        log::error("source", problem.problem.message,
                   {{"object", problem.object.to_string()}, {"field", problem.problem.field}});
    }
    changed_ |= before != texts(problems);
    if (problems.empty())
        problems_.erase(key);
    else
        problems_[std::move(key)] = std::move(problems);
}

}  // namespace slipgate::kube
