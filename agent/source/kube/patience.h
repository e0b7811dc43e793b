// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

namespace slipgate::kube {

// With an API server.
struct Patience {
    // How long it may be silent. Bookmarks come once a minute; a list may take as long as the server takes for any
    // request.
    std::chrono::milliseconds watch = std::chrono::seconds(135);
    std::chrono::milliseconds answer = std::chrono::seconds(75);
    // How long its watches of a kind may tell nothing, not even how far they are: three bookmarks should have come.
    std::chrono::milliseconds news = std::chrono::minutes(4);
    // Until a status that it rejects is tried again, though nothing has changed that the agent sees.
    std::chrono::milliseconds rejection = std::chrono::minutes(5);
};

}  // namespace slipgate::kube
