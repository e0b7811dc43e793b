// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/load.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace slipgate {
namespace {

struct Inserter {
    Snapshot& snapshot;

    void operator()(GatewayClass object) const { add(snapshot.gateway_classes, std::move(object)); }
    void operator()(Gateway object) const { add(snapshot.gateways, std::move(object)); }
    void operator()(ListenerSet object) const { add(snapshot.listener_sets, std::move(object)); }
    void operator()(TlsRoute object) const { add(snapshot.tls_routes, std::move(object)); }
    void operator()(ReferenceGrant object) const { add(snapshot.reference_grants, std::move(object)); }
    void operator()(Service object) const { add(snapshot.services, std::move(object)); }
    void operator()(EndpointSlice object) const { add(snapshot.endpoint_slices, std::move(object)); }
    void operator()(Namespace object) const { add(snapshot.namespaces, std::move(object)); }
    void operator()(Node object) const { add(snapshot.nodes, std::move(object)); }
    void operator()(ServiceCidr object) const { add(snapshot.service_cidrs, std::move(object)); }

    template <typename T>
    static void add(ObjectMap<T>& objects, T object) {
        const auto key = key_of(object.meta);
        objects.put(key, std::move(object));
    }
};

const ObjectMeta& meta_of(const Object& object) {
    return std::visit([](const auto& typed) -> const ObjectMeta& { return typed.meta; }, object);
}

ObjectMeta& meta_of(Object& object) {
    return std::visit([](auto& typed) -> ObjectMeta& { return typed.meta; }, object);
}

void add_implicit_namespace(Snapshot& snapshot, const std::string& name) {
    if (name.empty() || snapshot.namespaces.contains(name)) return;
    Namespace implicit;
    implicit.meta.name = name;
    implicit.meta.labels["kubernetes.io/metadata.name"] = name;
    snapshot.namespaces.put(name, std::move(implicit));
}

class Merger {
  public:
    explicit Merger(const Admission& admit) : admit_(admit) {}

    void add(const ManifestFile& file) {
        std::vector<SourceProblem> of_admission;  // they build on those of the file
        for (const auto& object : file.objects) add(file.name, object, of_admission);
        for (auto problem : file.problems) {
            const auto known = seen_.find(problem.object.to_string());
            if (known != seen_.end()) problem.generation = known->second.generation;
            loaded_.problems.push_back(std::move(problem));
        }
        std::move(of_admission.begin(), of_admission.end(), std::back_inserter(loaded_.problems));
    }

    LoadedSnapshot finish() {
        for (const auto& name : namespaces_) add_implicit_namespace(loaded_.snapshot, name);
        note_refused_services(loaded_);
        return std::move(loaded_);
    }

  private:
    struct Definition {
        std::string place;
        std::int64_t generation;
    };

    void add(const std::string& file, const ManifestObject& manifest, std::vector<SourceProblem>& problems) {
        if (manifest.id.name.empty()) return;
        auto place = fmt::format("{}:{}", file, manifest.line);
        const auto id = manifest.id.to_string();
        if (const auto first = seen_.find(id); first != seen_.end()) {
            const auto message =
                fmt::format("Duplicate definition of {}: {} has it already, which counts", id, first->second.place);
            problems.push_back(
                {file, manifest.line, manifest.id, first->second.generation, {Severity::error, "", message}});
            return;
        }
        auto [object, generation, found] = admit_(file, manifest);
        std::move(found.begin(), found.end(), std::back_inserter(problems));
        seen_.emplace(id, Definition{std::move(place), generation});
        if (!object) return;
        auto& meta = meta_of(*object);
        meta.generation = generation;
        if (!meta.namespace_.empty()) namespaces_.insert(meta.namespace_);
        std::visit(Inserter{loaded_.snapshot}, *std::move(object));
    }

    const Admission& admit_;
    LoadedSnapshot loaded_;
    std::map<std::string, Definition> seen_;  // by ObjectId::to_string(), which leaves the version out
    std::set<std::string> namespaces_;
};

InForce as_written(const std::string& /*file*/, const ManifestObject& manifest) {
    const auto stated = manifest.object ? meta_of(*manifest.object).generation : 0;
    return {manifest.object, stated > 0 ? stated : 1, {}};
}

}  // namespace

LoadedSnapshot merge_manifests(std::span<const ManifestFile> files, const Admission& admit) {
    Merger merger(admit);
    for (const auto& file : files) merger.add(file);
    return merger.finish();
}

void note_refused_services(LoadedSnapshot& loaded) {
    auto& [snapshot, problems] = loaded;
    for (const auto& problem : problems) {
        const auto& id = problem.object;
        if (problem.problem.severity != Severity::error || id.kind != "Service" || id.name.empty()) continue;
        const auto key = id.namespace_ + "/" + id.name;
        if (snapshot.services.contains(key)) continue;
        auto& why = snapshot.refused_services[key];
        why += (why.empty() ? "" : "; ") + problem.to_string();
    }
}

LoadedSnapshot load_snapshot(std::string_view text, std::string_view name) {
    const auto file = read_manifest(text, std::string(name));
    if (!file) return {{}, {file.error()}};
    return merge_manifests({&*file, 1}, as_written);
}

}  // namespace slipgate
