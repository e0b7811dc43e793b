// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/manifest.h"

#include <fmt/format.h>

#include "agent/source/file/yaml.h"

namespace slipgate {
namespace {

std::string text_at(const nlohmann::json& object, std::string_view key) {
    if (!object.is_object()) return {};
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string hint(std::string_view nearest) {
    return nearest.empty() ? std::string() : fmt::format("; the nearest known one is {}", nearest);
}

// Reads one document into `file`. Paths of problems start at the object; `prefix` leads to it inside the document.
class DocumentReader {
  public:
    DocumentReader(const YamlDocument& document, ManifestFile& file) : document_(document), file_(file) {}

    void read(const nlohmann::json& value, const std::string& prefix) {
        if (!value.is_object()) {
            report({}, prefix, {Severity::error, "", fmt::format("not a Kubernetes object: {}", value.type_name())});
            return;
        }
        const auto api_version = text_at(value, "apiVersion");
        const auto kind = text_at(value, "kind");
        for (const auto* key : {"apiVersion", "kind"}) {
            if (text_at(value, key).empty()) report({}, prefix, {Severity::error, key, "Required value"});
        }
        if (api_version.empty() || kind.empty()) return;
        if (api_version == "v1" && kind == "List") {
            read_items(value, prefix);
        } else if (reads_kind(api_version, kind)) {
            read_object(value, prefix);
        } else if (!is_known_kind(api_version, kind)) {
            report({}, prefix,
                   {Severity::error, "kind",
                    fmt::format("Unsupported value: \"{}\": no kind of {}{}", kind, api_version,
                                hint(nearest_kind(api_version, kind)))});
        } else if (const auto nearest = nearest_kind(api_version, kind); !nearest.empty()) {
            report({}, prefix,
                   {Severity::warning, "kind",
                    fmt::format("ignored: {} {} is not read{}", api_version, kind, hint(nearest))});
        } else {
            const auto metadata = value.value("metadata", nlohmann::json::object());
            const ObjectId id{api_version, kind, text_at(metadata, "namespace"), text_at(metadata, "name")};
            report(id, prefix, {Severity::debug, "", fmt::format("ignored: {} {} is not read", api_version, kind)});
        }
    }

  private:
    void read_items(const nlohmann::json& list, const std::string& prefix) {
        const auto items = list.find("items");
        if (items == list.end() || !items->is_array()) {
            report({}, prefix, {Severity::error, "items", "Required value: the objects of a List"});
            return;
        }
        for (std::size_t i = 0; i < items->size(); ++i) {
            read((*items)[i], fmt::format("{}{}items[{}]", prefix, prefix.empty() ? "" : ".", i));
        }
    }

    void read_object(const nlohmann::json& value, const std::string& prefix) {
        auto outcome = parse_object(value);
        for (auto& problem : outcome.problems) report(outcome.id, prefix, std::move(problem));
        auto content = value;
        content.erase("metadata");
        content.erase("status");
        auto immutable = outcome.object ? immutable_field(*outcome.object) : std::nullopt;
        const auto immutable_line = immutable ? line_of(prefix, immutable->path) : 0;
        file_.objects.push_back({std::move(outcome.id), document_.line_of(prefix), std::move(outcome.object),
                                 std::move(content), std::move(immutable), immutable_line});
    }

    int line_of(const std::string& prefix, const std::string& field) const {
        const auto* separator = prefix.empty() || field.empty() ? "" : ".";
        return document_.line_of(prefix + separator + field);
    }

    void report(const ObjectId& id, const std::string& prefix, Problem problem) {
        const auto line = line_of(prefix, problem.field);
        file_.problems.push_back({file_.name, line, id, 0, std::move(problem)});
    }

    const YamlDocument& document_;
    ManifestFile& file_;
};

}  // namespace

std::string SourceProblem::to_string() const {
    return file.empty() ? problem.to_string() : fmt::format("{}:{}: {}", file, line, problem.to_string());
}

tl::expected<ManifestFile, SourceProblem> read_manifest(std::string_view text, std::string name) {
    const auto documents = parse_yaml(text);
    if (!documents) {
        const auto& [line, message] = documents.error();
        return tl::unexpected(SourceProblem{std::move(name), line, {}, 0, {Severity::error, "", message}});
    }
    ManifestFile file{std::move(name), {}, {}};
    for (const auto& document : *documents) DocumentReader(document, file).read(document.value(), "");
    return file;
}

}  // namespace slipgate
