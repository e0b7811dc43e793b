// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/status_writer.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>

#include "agent/source/file/folder.h"
#include "agent/source/file/yaml.h"
#include "agent/source/file/yaml_writer.h"

namespace slipgate {
namespace {

// What the file says, if it is one of ours: an object with a status and nothing to apply.
std::optional<nlohmann::json> read_status(const std::string& path) {
    const auto text = read_file(path);
    if (!text) return {};
    const auto documents = parse_yaml(*text);
    if (!documents || documents->size() != 1) return {};
    const auto& value = documents->front().value();
    if (!value.is_object() || value.size() != 4) return {};
    for (const auto* key : {"apiVersion", "kind", "metadata", "status"}) {
        if (!value.contains(key)) return {};
    }
    return value;
}

// A file may hold anything by now.
std::string text_at(const nlohmann::json& value, const char* pointer) {
    const nlohmann::json::json_pointer at(pointer);
    return value.contains(at) && value.at(at).is_string() ? value.at(at).get<std::string>() : std::string();
}

}  // namespace

Result<StatusWriter> StatusWriter::open(std::string folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return fail("make " + folder + ": " + error.message());
    const auto names = list_manifests(folder);
    if (!names) return fail(names.error(), "read statuses");
    StatusWriter writer(std::move(folder));
    for (const auto& [name, stamp] : *names) {
        if (auto status = read_status(writer.folder_ + "/" + name)) writer.written_[name] = *std::move(status);
    }
    return writer;
}

Status StatusWriter::write_one(const std::string& name, nlohmann::ordered_json document, std::string_view now) {
    const auto known = written_.find(name);
    set_transition_times(document, known == written_.end() ? nlohmann::json() : known->second, now);
    const nlohmann::json content = document;
    const auto path = folder_ + "/" + name;
    if (known != written_.end() && known->second == content && ::access(path.c_str(), F_OK) == 0) return {};
    if (const auto replaced = replace_file(folder_, name, write_yaml(document)); !replaced) return replaced;
    written_[name] = content;
    return {};
}

Status StatusWriter::write(const Statuses& statuses, const Snapshot& snapshot,
                           const std::vector<SourceProblem>& problems, std::string_view now) {
    Status result;
    auto documents = status_documents(statuses, snapshot, problems);
    keep_addresses(documents, snapshot, written_);
    for (const auto& [name, document] : documents) {
        const auto one = write_one(name, document, now);
        if (!one && result) result = fail(one.error(), "write status");
    }
    std::erase_if(written_, [&](const auto& file) {
        if (documents.contains(file.first)) return false;
        const auto path = folder_ + "/" + file.first;
        if (::unlink(path.c_str()) == 0 || errno == ENOENT) return true;
        if (result) result = fail_errno("remove " + path, errno);
        return false;
    });
    return result;
}

std::map<std::string, std::vector<IpAddress>> StatusWriter::gateway_addresses() const {
    std::map<std::string, std::vector<IpAddress>> all;
    for (const auto& [name, document] : written_) {
        const nlohmann::json::json_pointer addresses("/status/addresses");
        if (text_at(document, "/kind") != "Gateway" || !document.contains(addresses)) continue;
        const auto key = text_at(document, "/metadata/namespace") + "/" + text_at(document, "/metadata/name");
        for (const auto& entry : document.at(addresses)) {
            if (const auto address = IpAddress::parse(text_at(entry, "/value"))) all[key].push_back(*address);
        }
    }
    return all;
}

}  // namespace slipgate
