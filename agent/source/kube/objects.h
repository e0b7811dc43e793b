// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/source/file/load.h"
#include "agent/source/kube/resource.h"
#include "agent/source/kube/stored_objects.h"

namespace slipgate::kube {

// The objects the API server told of, as the model's: what the agent does not use of them is not kept. An object that
// breaks a rule the agent relies on is left out, and is a problem until it changes; each is logged once.
class Objects {
  public:
    // `document`: an object as the API server writes it, alone or in a list. `version`: that of its API.
    void put(const Resource& resource, std::string_view version, nlohmann::json document, Told by = Told::kByWatch);
    void erase(const Resource& resource, const std::string& key);
    void retain(const Resource& resource, const std::set<std::string>& keys);  // erases the others

    // Has something changed since the last call?
    [[nodiscard]] bool take_changed() { return std::exchange(changed_, false); }
    [[nodiscard]] LoadedSnapshot snapshot() const;

    // What is kept beside the model's objects, to write their statuses.
    [[nodiscard]] StoredObjects& stored() { return stored_; }

  private:
    using Key = std::pair<std::string_view, std::string>;  // kind, key_of()

    bool forget_refused(const Resource& resource, const std::string& key);
    void put_definition(const std::string& name, const nlohmann::json& document);
    void set_problems(Key key, std::vector<SourceProblem> problems);

    Snapshot snapshot_;
    StoredObjects stored_;
    std::map<Key, std::vector<SourceProblem>> problems_;
    bool changed_ = false;
};

}  // namespace slipgate::kube
