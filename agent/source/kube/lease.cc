// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/lease.h"

#include <algorithm>
#include <utility>

#include "agent/base/backoff.h"

namespace slipgate::kube::lease {
namespace {

class Stepper {
  public:
    Stepper(State state, Time now, double random) : state_(std::move(state)), now_(now), random_(random) {}

    void operator()(const Tick& /*event*/) {
        if (now_ < state_.due) return;
        if (state_.phase != Phase::kIdle) {
            act(Cancel{});
            return fail("the API server is silent");
        }
        if (state_.holds && !state_.is_in_doubt) return write();
        request(Phase::kReading, Read{});
    }

    void operator()(const Found& event) {
        if (state_.phase != Phase::kReading) return;
        const Record& record = event;
        state_.problem.clear();
        if (record.holder != state_.seen.holder || record.renew_time != state_.seen.renew_time) state_.seen_at = now_;
        state_.seen = record;
        state_.is_in_doubt = false;
        if (is_ours() || record.holder.empty() || now_ >= expiry()) return write();
        state_.holds = false;
        state_.failures = 0;
        wait(kLookEvery);
        state_.due = std::min(state_.due, expiry());
    }

    void operator()(const Absent& /*event*/) {
        if (state_.phase == Phase::kReading || state_.phase == Phase::kWriting) request(Phase::kCreating, Create{});
    }

    void operator()(const Written& event) {
        if (state_.phase == Phase::kLeaving) return give_up(event.resource_version);
        if (state_.phase != Phase::kCreating && state_.phase != Phase::kWriting) return;
        state_.problem.clear();
        state_.failures = 0;
        state_.seen.resource_version = event.resource_version;
        state_.seen.holder = state_.identity;
        state_.is_in_doubt = false;
        state_.holds = true;
        state_.renewed = state_.requested;
        wait(kRenewEvery);
    }

    void operator()(const Conflict& /*event*/) {
        if (state_.phase == Phase::kIdle) return;
        state_.is_in_doubt = true;
        wait(kAfterConflict);
    }

    void operator()(const Failed& event) {
        if (state_.phase != Phase::kIdle) fail(event.why);
    }

    void operator()(const Stopping& /*event*/) {
        if (!std::exchange(state_.holds, false)) return;
        if (state_.phase == Phase::kWriting)
            state_.phase = Phase::kLeaving;
        else
            give_up(state_.seen.resource_version);
    }

    Step finish() {
        state_.holds &= now_ < state_.renewed + kRenewDeadline;
        return {std::move(state_), std::move(actions_)};
    }

  private:
    [[nodiscard]] bool is_ours() const { return state_.seen.holder == state_.identity; }
    [[nodiscard]] Time expiry() const { return state_.seen_at + state_.seen.duration; }

    template <typename T>
    void act(T action) {
        actions_.emplace_back(std::move(action));
    }

    template <typename T>
    void request(Phase phase, T action) {
        state_.phase = phase;
        state_.requested = now_;
        state_.due = now_ + kPatience;
        act(std::move(action));
    }

    void write() {
        const auto& seen = state_.seen;
        const bool acquires = !is_ours();
        state_.seen.transitions += acquires ? 1 : 0;
        request(Phase::kWriting, Write{seen.resource_version, state_.identity, acquires, seen.transitions});
    }

    void give_up(const std::string& resource_version) {
        request(Phase::kIdle, Write{resource_version, "", false, state_.seen.transitions});
    }

    void fail(std::string problem) {
        state_.problem = std::move(problem);
        state_.is_in_doubt = true;  // what was asked for may have been done
        wait(std::min<std::chrono::milliseconds>(backoff_delay(state_.failures++), kLongestAfterFailure));
    }

    void wait(std::chrono::milliseconds about) {
        const auto jitter = std::chrono::duration_cast<std::chrono::milliseconds>(about * random_ / 5);
        state_.phase = Phase::kIdle;
        state_.due = now_ + about + jitter;
    }

    State state_;
    Time now_;
    double random_;
    std::vector<Action> actions_;
};

}  // namespace

Time next_tick(const State& state) {
    return state.holds ? std::min(state.due, state.renewed + kRenewDeadline) : state.due;
}

Step step(State state, const Event& event, Time now, double random) {
    Stepper stepper(std::move(state), now, random);
    std::visit(stepper, event);
    return stepper.finish();
}

}  // namespace slipgate::kube::lease
