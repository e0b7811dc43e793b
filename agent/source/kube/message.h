// SPDX-License-Identifier: Apache-2.0
// What the API server answers, from bytes to values. Pure.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/base/result.h"
#include "agent/source/kube/reflector.h"

namespace slipgate::kube {

// Fails if it is no JSON object, or one too deep to be of Kubernetes.
[[nodiscard]] Result<nlohmann::json> parse_json_object(std::string_view text);

struct ObjectPage {
    Page page;
    std::vector<nlohmann::json> items;
};
[[nodiscard]] Result<ObjectPage> parse_page(std::string_view text);

struct WatchMessage {
    std::variant<Changed, Bookmark, Refused> event;
    bool deleted = false;   // of Changed
    nlohmann::json object;  // of Changed
};
[[nodiscard]] Result<WatchMessage> parse_watch_line(std::string_view line);

// Whether an APIGroupList, the answer to kGroupsPath, names the version of the resource's group.
[[nodiscard]] Result<bool> lists_version(std::string_view text, const Resource& resource, std::string_view version);

// Whether an APIResourceList, the answer to discovery_path(), names the resource.
[[nodiscard]] Result<bool> is_served(std::string_view text, const Resource& resource);

// What the body of an answer that is no success says: the message of a Status, else the text itself, in short.
[[nodiscard]] std::string refusal_message(std::string_view body);

// A member that is a string; empty if there is none, or if this is no object.
[[nodiscard]] std::string text_of(const nlohmann::json& object, const char* key);

// For a request. Texts of other programs, such as the name of an interface, may be no UTF-8: what is not is replaced.
[[nodiscard]] std::string to_text(const nlohmann::json& value);

// Of an object, and part of it; null: it has none.
[[nodiscard]] const nlohmann::json* metadata_of(const nlohmann::json& object);

// "namespace/name", or "name"; empty: the object has none.
[[nodiscard]] std::string key_of(const nlohmann::json& object);

// metadata.generation; 0: it has none.
[[nodiscard]] std::int64_t generation_of(const nlohmann::json& object);

// Lines out of pieces that end anywhere.
class LineSplitter {
  public:
    static constexpr std::size_t kLongest = 16U << 20U;  // etcd holds objects of 1.5 MiB

    // Calls `on_line` for each line that is complete now; it may return false: it wants no more. False: there was a
    // line too long, and the rest is dropped.
    [[nodiscard]] bool add(std::string_view bytes, const std::function<bool(std::string_view)>& on_line);

    [[nodiscard]] bool is_within_line() const { return !partial_.empty(); }
    void clear() { partial_.clear(); }

  private:
    std::string partial_;
};

}  // namespace slipgate::kube
