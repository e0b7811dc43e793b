// SPDX-License-Identifier: Apache-2.0
// One of all agents writes statuses: the holder of a Lease (coordination.k8s.io/v1). How it is taken, kept and given
// up; the times and the rules are those of client-go's leader election. Pure: no I/O, no clock, no randomness of its
// own.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace slipgate::kube::lease {

using Time = std::chrono::steady_clock::time_point;

inline constexpr std::chrono::seconds kDuration{15};  // for which others leave it to its holder
inline constexpr std::chrono::seconds kRenewDeadline{
    10};  // after which a holder that could not renew it writes no more
// So that a renewal that is never answered leaves the time for another one, and for half of a third.
inline constexpr std::chrono::seconds kRenewEvery{2};
inline constexpr std::chrono::seconds kPatience{3};  // with a request

inline constexpr std::chrono::seconds kLookEvery{5};  // at one that another agent holds
inline constexpr std::chrono::seconds kAfterConflict{2};
inline constexpr std::chrono::seconds kLongestAfterFailure{5};

// What the API server has.
struct Record {
    std::string resource_version;
    std::string holder;      // empty: nobody
    std::string renew_time;  // as it stands there: clocks are never compared
    std::chrono::seconds duration = kDuration;
    int transitions = 0;
};

// What happened.
struct Tick {};            // it is due, or some time later
struct Found : Record {};  // an answer to Read
struct Absent {};          // there is none, by an answer to Read or Write
struct Written {           // an answer to Create or Write
    std::string resource_version;
};
struct Conflict {};  // somebody else wrote since
struct Failed {
    std::string why;
};
struct Stopping {};  // the agent
using Event = std::variant<Tick, Found, Absent, Written, Conflict, Failed, Stopping>;

// What to do now. At most one request is open: each of these ends the one before.
struct Read {};
struct Create {};  // with this agent as its holder
struct Write {
    std::string resource_version;  // that it must still have
    std::string holder;            // empty: it is given up
    bool acquires = false;         // by a new holder
    int transitions = 0;
};
struct Cancel {};
using Action = std::variant<Read, Create, Write, Cancel>;

enum class Phase {
    kIdle,
    kReading,
    kCreating,
    kWriting,
    kLeaving,  // a renewal is under way, which gives the Lease the version to give up
};

struct State {
    std::string identity;  // of this agent: no other one ever has the same
    Phase phase = Phase::kIdle;
    Time due = {};            // for the next request, or for giving up the open one
    bool holds = false;       // this agent is the writer
    bool is_in_doubt = true;  // `seen` is not what the API server has
    Record seen = {};
    Time seen_at = {};         // when it was first seen with this holder and renew_time
    Time requested = {};       // when the open request began
    Time renewed = {};         // when the last successful write of the holder began
    int failures = 0;          // in a row, since it was renewed or seen to be another's
    std::string problem = {};  // what does not work now; empty: nothing
};

// When to tell the next Tick at the latest.
[[nodiscard]] Time next_tick(const State& state);

struct Step {
    State state;
    std::vector<Action> actions;
};

// `random`: evenly from [0, 1), so that agents do not all ask at the same time.
[[nodiscard]] Step step(State state, const Event& event, Time now, double random);

}  // namespace slipgate::kube::lease
