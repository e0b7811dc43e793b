// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/message.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/model/reader.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

// What reads or writes a value calls itself for each level of it. No object of Kubernetes is nearly as deep.
constexpr int kDeepest = 100;

// A member of an object that is an object itself; an empty one if it is not.
json take_object(json& parent, const char* key) {
    const auto found = parent.find(key);
    return found != parent.end() && found->is_object() ? std::move(*found) : json::object();
}

// Finds nothing in what is no object.
const json* find_array(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_array() ? &*found : nullptr;
}

bool has_entry(const json& array, const char* key, std::string_view value) {
    return std::any_of(array.begin(), array.end(), [&](const json& entry) { return text_of(entry, key) == value; });
}

Refused refusal_of(const json& status) {
    const auto code = status.find("code");
    Refused refusal{code != status.end() && code->is_number_integer() ? code->get<int>() : 0,
                    text_of(status, "message")};
    refusal.in_watch = true;
    return refusal;
}

}  // namespace

Result<json> parse_json_object(std::string_view text) {
    bool is_too_deep = false;
    const auto keep = [&](int depth, json::parse_event_t /*event*/, json& /*value*/) {
        is_too_deep |= depth > kDeepest;
        return !is_too_deep;
    };
    auto value = json::parse(text, keep, false);
    if (is_too_deep) return fail(fmt::format("a JSON value of more than {} levels", kDeepest));
    if (!value.is_object()) return fail("not a JSON object: " + shown(std::string(text.substr(0, 80))));
    return value;
}

Result<ObjectPage> parse_page(std::string_view text_of_page) {
    auto list = parse_json_object(text_of_page);
    if (!list) return tl::unexpected(list.error());
    const auto metadata = take_object(*list, "metadata");
    ObjectPage result{{text_of(metadata, "resourceVersion"), text_of(metadata, "continue")}, {}};
    if (result.page.resource_version.empty()) return fail("a list without a resourceVersion");
    const auto items = list->find("items");
    if (items == list->end() || items->is_null()) return result;  // how Go writes a list of nothing
    if (!items->is_array()) return fail("a list without items");
    for (auto& item : *items) result.items.push_back(std::move(item));
    return result;
}

Result<WatchMessage> parse_watch_line(std::string_view line) {
    auto message = parse_json_object(line);
    if (!message) return tl::unexpected(message.error());
    const auto type = text_of(*message, "type");
    auto object = take_object(*message, "object");
    if (type == "ERROR") return WatchMessage{refusal_of(object), false, {}};
    const auto* const metadata = metadata_of(object);
    const auto version = metadata == nullptr ? std::string() : text_of(*metadata, "resourceVersion");
    if (version.empty()) return fail("a watch event without a resourceVersion");
    if (type == "BOOKMARK") return WatchMessage{Bookmark{version}, false, {}};
    const bool deleted = type == "DELETED";
    if (!deleted && type != "ADDED" && type != "MODIFIED") return fail("a watch event of unknown type " + shown(type));
    return WatchMessage{Changed{version}, deleted, std::move(object)};
}

Result<bool> lists_version(std::string_view text_of_list, const Resource& resource, std::string_view version) {
    const auto list = parse_json_object(text_of_list);
    if (!list) return tl::unexpected(list.error());
    const auto* const groups = find_array(*list, "groups");
    if (groups == nullptr) return fail("an APIGroupList without groups");
    for (const auto& group : *groups) {
        if (text_of(group, "name") != resource.group) continue;
        const auto* const versions = find_array(group, "versions");
        return versions != nullptr && has_entry(*versions, "version", version);
    }
    return false;
}

Result<bool> is_served(std::string_view text_of_list, const Resource& resource) {
    const auto list = parse_json_object(text_of_list);
    if (!list) return tl::unexpected(list.error());
    const auto* const served = find_array(*list, "resources");
    if (served == nullptr) return fail("an APIResourceList without resources");
    return has_entry(*served, "name", resource.plural);
}

std::string refusal_message(std::string_view body) {
    constexpr std::size_t kLongest = 1000;  // names, of object and user, may be 253 each
    const auto status = parse_json_object(body);
    auto message = status ? text_of(*status, "message") : std::string();
    if (message.empty()) message = body;
    return message.substr(0, kLongest);
}

std::string text_of(const json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string to_text(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

const json* metadata_of(const json& object) {
    const auto found = object.find("metadata");
    return found != object.end() && found->is_object() ? &*found : nullptr;
}

std::string key_of(const json& object) {
    const auto* const metadata = metadata_of(object);
    if (metadata == nullptr) return {};
    const auto space = text_of(*metadata, "namespace");
    const auto name = text_of(*metadata, "name");
    return space.empty() || name.empty() ? name : space + "/" + name;
}

std::int64_t generation_of(const json& object) {
    const auto* const metadata = metadata_of(object);
    if (metadata == nullptr) return 0;
    const auto found = metadata->find("generation");
    return found != metadata->end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool LineSplitter::add(std::string_view bytes, const std::function<bool(std::string_view)>& on_line) {
    for (;;) {
        const auto end = bytes.find('\n');
        if (partial_.size() + std::min(end, bytes.size()) > kLongest) {
            partial_.clear();
            return false;
        }
        if (end == bytes.npos) break;
        // Taken out first: what is called may clear().
        const auto line = std::exchange(partial_, {}).append(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
        if (!line.empty() && !on_line(line)) return true;
    }
    partial_.append(bytes);
    return true;
}

}  // namespace slipgate::kube
