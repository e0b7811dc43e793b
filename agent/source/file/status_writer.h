// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/source/file/status_document.h"

namespace slipgate {

// Keeps a folder of status files, one per object, in line with what is to be said. Files that are not status files are
// never touched; it should be another folder than the manifests' all the same.
class StatusWriter {
  public:
    // Makes the folder if it is missing and reads the status files that an earlier run left there.
    [[nodiscard]] static Result<StatusWriter> open(std::string folder);

    // Writes what differs and removes the files of objects that are gone. `now`: RFC 3339, for lastTransitionTime.
    // Goes on after a failure and tells the first; what failed is tried again the next time.
    [[nodiscard]] Status write(const Statuses& statuses, const Snapshot& snapshot,
                               const std::vector<SourceProblem>& problems, std::string_view now);

    // status.addresses of the Gateways, by key, as the files say.
    [[nodiscard]] std::map<std::string, std::vector<IpAddress>> gateway_addresses() const;

  private:
    explicit StatusWriter(std::string folder) : folder_(std::move(folder)) {}
    [[nodiscard]] Status write_one(const std::string& name, nlohmann::ordered_json document, std::string_view now);

    std::string folder_;
    std::map<std::string, nlohmann::json> written_;  // what the files say, by name
};

}  // namespace slipgate
