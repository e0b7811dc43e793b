// SPDX-License-Identifier: Apache-2.0
// How the objects of one kind are followed: list, then watch, and what to do when either fails. Pure: no I/O, no clock,
// no randomness of its own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/source/kube/resource.h"

namespace slipgate::kube {

// What happened.
struct Started {};
struct Served {  // an answer to Discover or FindVersion
    bool yes;
};
struct Page {  // an answer to List
    std::string resource_version;
    std::string next;  // token of the next page; empty: this is the last
};
struct Changed {  // the watch told of an object added, modified or deleted
    std::string resource_version;
};
struct Bookmark {  // the watch told how far it is
    std::string resource_version;
};
struct Refused {  // an HTTP status, or the code of an ERROR event
    int code;
    std::string message;
    std::optional<std::chrono::seconds> retry_after = {};
    bool in_watch = false;  // an ERROR event
};
// Watches told nothing for too long: the API server may be of an earlier time than what was seen of it, as after a
// restore of etcd, and tells nothing before its resource versions are as high again.
enum class News { kRecent, kOverdue };

struct Standing {};  // a watch, for a while: it works, though there may be nothing to tell
struct Ended {       // a watch that worked, however it did: it stood for a while, or told something
    News news = News::kRecent;
};
struct Broken {  // no connection, or one lost; an answer cut off; a watch that ended at once
    std::string why;
};
struct Garbled {  // an answer that nobody understands
    std::string why;
};
struct TooLong {};  // a page that the agent does not take at once
struct Silent {     // nothing came for too long: perhaps only our half of the connection is left
    News news = News::kRecent;
};
struct WaitOver {};
using Event = std::variant<Started, Served, Page, Changed, Bookmark, Refused, Standing, Ended, Broken, Garbled, TooLong,
                           Silent, WaitOver>;

// What to do now. At most one request is open at any time: a request ends the one before, and so does Wait.
struct Discover {  // is the kind served in this version?
    std::string_view version;
};
struct FindVersion {  // is the version, which was not found, missing in the list of all groups too?
    std::string_view version;
};
struct List {
    std::string token;  // empty: from the first page on
    int limit;          // objects of the page
};
struct Watch {
    std::string resource_version;
    std::chrono::seconds timeout;  // the server is to end it after
};
struct KeepPage {};  // the objects of the page are there
struct Replace {};   // the list is complete: objects that it did not name are gone
struct ApplyChange {};
struct ForgetAll {};        // there are no objects of this kind
struct DropConnections {};  // those of all kinds, which share them
struct Wait {
    std::chrono::milliseconds delay;
};
using Action =
    std::variant<Discover, FindVersion, List, Watch, KeepPage, Replace, ApplyChange, ForgetAll, DropConnections, Wait>;

enum class Phase {
    kDiscovering,
    kConfirming,  // that a version is not served
    kListing,
    kWatching,
    kWaiting,  // for another try
    kMissing,  // the kind is not served; looks again from time to time
};

struct Reflector {
    const Resource* resource;
    Phase phase = Phase::kDiscovering;
    Phase resumed = Phase::kDiscovering;    // in kWaiting: what is tried again
    std::size_t version = 0;                // index into resource->versions
    std::optional<std::size_t> ended = {};  // version of a watch that ended, and goes on if no better one is served
    std::string next_page = {};
    int page_divisor = 1;               // pages of this list are so many times smaller than usual
    std::string resource_version = {};  // the last one seen
    int failures = 0;                   // in a row
    bool synced = false;                // everything there was at one moment is known
    std::string problem = {};           // what does not work now; empty: nothing
    bool doubted = false;               // the kind was not served when last asked, which may be a mistake
    bool missing = false;               // the kind is not served, as far as is known: there are no objects
};

// What is known is so now. Of a kind that is not served it is: there are no objects.
[[nodiscard]] inline bool is_followed(const Reflector& state) {
    return state.synced && (state.problem.empty() || state.missing);
}

struct Step {
    Reflector state;
    std::vector<Action> actions;
};

// `random`: evenly from [0, 1), so that agents do not all come back at the same time.
[[nodiscard]] Step step(Reflector state, const Event& event, double random);

}  // namespace slipgate::kube
