// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/reflector.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/base/backoff.h"
#include "agent/source/kube/refusal.h"

namespace slipgate::kube {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kLookAgain = 30s;  // for a kind, or a better version of it, that is not served
constexpr std::chrono::seconds kLongestWait = 5min;
constexpr std::chrono::milliseconds kShortestWatch = 5min;
constexpr int kPatienceWithPage = 3;  // failures in a row, after which its token is not tried again

constexpr int kGone = 410;

class Stepper {
  public:
    Stepper(Reflector state, double random) : state_(std::move(state)), random_(random) {}

    void operator()(const Started& /*event*/) {
        state_.resource->is_always_served() ? request(Phase::kListing) : discover(0);
    }

    void operator()(const Served& event) {
        if (!is_in_discovery()) return;
        if (!event.yes) return discover(state_.version + 1);
        if (is_in(Phase::kConfirming))
            return fail("a version that the API server lists is not found", Phase::kDiscovering);
        state_.missing = state_.doubted = false;
        const bool goes_on = std::exchange(state_.ended, {}) == state_.version;
        request(goes_on ? Phase::kWatching : list_from_start());
    }

    void operator()(const Page& page) {
        if (!is_in(Phase::kListing)) return;
        act(KeepPage{});
        state_.next_page = page.next;
        if (!page.next.empty()) return request(Phase::kListing);
        act(Replace{});
        state_.synced = true;
        state_.problem.clear();
        state_.resource_version = page.resource_version;
        request(Phase::kWatching);
    }

    void operator()(const Changed& change) {
        if (!is_in(Phase::kWatching)) return;
        act(ApplyChange{});
        advance(change.resource_version);
    }

    void operator()(const Bookmark& bookmark) {
        if (is_in(Phase::kWatching)) advance(bookmark.resource_version);
    }

    void operator()(const Standing& /*event*/) {
        if (is_in(Phase::kWatching)) end_failures();
    }

    void operator()(const Refused& refusal) {
        if (!is_requesting()) return;
        // Anything on the way to the API server may say so: only its own list is proof.
        if (is_in(Phase::kDiscovering) && refusal.code == kNotFound) return request(Phase::kConfirming);
        const auto phase = after(refusal);
        fail(describe(refusal), phase, std::min(refusal.retry_after.value_or(0s), kLongestWait));
    }

    // The server ends each watch after its time, and what is on the way may do so after less, which is no failure.
    void operator()(const Ended& event) {
        if (!is_in(Phase::kWatching)) return;
        end_failures();
        wait(after_watch(event.news));
    }

    void operator()(const Broken& event) {
        if (is_requesting()) fail(event.why, same_again());
    }

    // What was missed is not known: only a list tells.
    void operator()(const Garbled& event) {
        if (is_requesting()) fail(event.why, is_in(Phase::kWatching) ? list_from_start() : same_again());
    }

    // Fewer objects of it fit. Anybody may fill some with annotations: that must not keep the agent from the others.
    void operator()(const TooLong& /*event*/) {
        if (!is_in(Phase::kListing)) return;
        if (page_limit() == 1) return fail("an object of the API server is too long", list_from_start());
        state_.page_divisor *= 2;
        request(Phase::kListing);
    }

    void operator()(const Silent& event) {
        if (!is_requesting()) return;
        act(DropConnections{});
        fail("the API server is silent", is_in(Phase::kWatching) ? after_watch(event.news) : same_again());
    }

    void operator()(const WaitOver& /*event*/) {
        if (is_in(Phase::kMissing)) return discover(0);
        if (is_in(Phase::kWaiting)) request(state_.resumed);
    }

    Step finish() { return {std::move(state_), std::move(actions_)}; }

  private:
    [[nodiscard]] bool is_in(Phase phase) const { return state_.phase == phase; }
    [[nodiscard]] bool is_in_discovery() const { return is_in(Phase::kDiscovering) || is_in(Phase::kConfirming); }
    [[nodiscard]] bool is_requesting() const { return !is_in(Phase::kWaiting) && !is_in(Phase::kMissing); }

    template <typename T>
    void act(T action) {
        actions_.emplace_back(std::move(action));
    }

    void request(Phase phase) {
        state_.phase = phase;
        if (phase == Phase::kDiscovering) return act(Discover{state_.resource->versions[state_.version]});
        if (phase == Phase::kConfirming) return act(FindVersion{state_.resource->versions[state_.version]});
        if (phase == Phase::kListing) return act(List{state_.next_page, page_limit()});
        // When it ends, a better version is looked for. Between one and two times the shortest: not all at the same
        // time.
        const std::chrono::milliseconds shortest = state_.version == 0 ? kShortestWatch : kLookAgain;
        const auto timeout = std::chrono::duration_cast<std::chrono::seconds>(shortest * (1 + random_));
        act(Watch{state_.resource_version, timeout});
    }

    void discover(std::size_t version) {
        state_.version = version;
        if (version < state_.resource->versions.size()) return request(Phase::kDiscovering);
        state_.version = 0;
        state_.ended.reset();
        auto problem =
            fmt::format("the API server does not serve {}: {}", full_name(rule()), state_.resource->where_missing);
        // An API server that has just begun may not know all it serves: objects are given up at its second word.
        const bool had_objects = state_.synced && !state_.missing;
        if (had_objects && !std::exchange(state_.doubted, true)) return fail(std::move(problem), Phase::kDiscovering);
        state_.phase = Phase::kMissing;
        state_.synced = state_.missing = true;
        state_.problem = std::move(problem);
        act(ForgetAll{});
        act(Wait{kLookAgain});
    }

    void advance(const std::string& resource_version) {
        state_.resource_version = resource_version;
        end_failures();
    }

    // Only a watch that works ends a row: a list that succeeds may be for a watch that fails again.
    void end_failures() {
        state_.failures = 0;
        state_.problem.clear();
    }

    Phase list_from_start() {
        state_.next_page.clear();
        state_.page_divisor = 1;
        return Phase::kListing;
    }

    // A better version may be served by now.
    Phase after_watch(News news) {
        if (news == News::kOverdue) return list_from_start();
        if (state_.version == 0) return Phase::kWatching;
        state_.ended = std::exchange(state_.version, 0);
        return Phase::kDiscovering;
    }

    // A page that fails time and again may do so for its token.
    Phase same_again() {
        const bool is_page = is_in(Phase::kListing) && !state_.next_page.empty();
        return is_page && state_.failures >= kPatienceWithPage ? list_from_start() : state_.phase;
    }

    [[nodiscard]] int page_limit() const { return std::max(state_.resource->page_size / state_.page_divisor, 1); }

    // What to try after a refusal.
    Phase after(const Refused& refusal) {
        if (is_in_discovery()) return Phase::kDiscovering;
        if (refusal.code == kNotFound &&
            !state_.resource->is_always_served()) {  // the version, or the CRD, was taken away
            state_.version = 0;
            return Phase::kDiscovering;
        }
        // The resource version of a watch, or the token of a page, is too old to go on from, or nothing to it.
        if (refusal.code == kGone || refusal.code == kBadRequest || refusal.in_watch) return list_from_start();
        return same_again();
    }

    void fail(std::string problem, Phase next, std::chrono::milliseconds at_least = {}) {
        state_.missing = false;
        state_.problem = std::move(problem);
        wait(next, at_least);
        ++state_.failures;
    }

    void wait(Phase next, std::chrono::milliseconds at_least = {}) {
        const auto full = backoff_delay(state_.failures);
        const auto delay = std::chrono::duration_cast<std::chrono::milliseconds>(full * (1 + random_) / 2);
        state_.resumed = next;
        state_.phase = Phase::kWaiting;
        act(Wait{std::min<std::chrono::milliseconds>(at_least + delay, kLongestWait)});
    }

    [[nodiscard]] Rule rule() const {
        return {state_.resource->group, state_.resource->plural, {}, R"("list", "watch")"};
    }

    [[nodiscard]] std::string describe(const Refused& refusal) const {
        if (is_in_discovery()) return describe_refused_discovery(refusal.code, refusal.message);
        const auto* const verb = is_in(Phase::kListing) ? "list" : "watch";
        return describe_refusal(refusal.code, refusal.message, Permission{verb, rule()});
    }

    Reflector state_;
    double random_;
    std::vector<Action> actions_;
};

}  // namespace

Step step(Reflector state, const Event& event, double random) {
    Stepper stepper(std::move(state), random);
    std::visit(stepper, event);
    return stepper.finish();
}

}  // namespace slipgate::kube
