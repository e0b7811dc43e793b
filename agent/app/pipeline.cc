// SPDX-License-Identifier: Apache-2.0
#include "agent/app/pipeline.h"

#include <algorithm>
#include <utility>

#include "agent/app/changes.h"
#include "agent/base/log.h"
#include "agent/model/conditions.h"

namespace slipgate {
namespace {

constexpr std::size_t kMaxChangeLines = 100;  // at level info, for one round

std::map<std::string, std::size_t> count_objects(const Snapshot& snapshot) {
    return {{"GatewayClass", snapshot.gateway_classes.size()},
            {"Gateway", snapshot.gateways.size()},
            {"ListenerSet", snapshot.listener_sets.size()},
            {"TLSRoute", snapshot.tls_routes.size()},
            {"ReferenceGrant", snapshot.reference_grants.size()},
            {"Service", snapshot.services.size()},
            {"EndpointSlice", snapshot.endpoint_slices.size()},
            {"Namespace", snapshot.namespaces.size()},
            {"Node", snapshot.nodes.size()},
            {"ServiceCIDR", snapshot.service_cidrs.size()}};
}

std::size_t count_errors(const std::vector<SourceProblem>& problems) {
    return static_cast<std::size_t>(std::count_if(problems.begin(), problems.end(),
                                                  [](const auto& p) { return p.problem.severity == Severity::error; }));
}

// Every reason, so that each is there for an alert to be written on.
std::map<std::string, std::size_t> count_exclusions(const Translation& translation, const Findings& findings) {
    std::map<std::string, std::size_t> counts;
    for (const auto& text : kExclusions) counts[std::string(text.reason)] = 0;
    for (const auto* endpoints : {&translation.excluded, &findings.endpoints}) {
        for (const auto& excluded : *endpoints) counts[std::string(text_of(excluded.exclusion).reason)]++;
    }
    return counts;
}

void report_changes(const RoutingTable& before, const RoutingTable& after) {
    std::size_t lines = 0;
    for (const auto& change : compare(before, after)) {
        const auto level = ++lines <= kMaxChangeLines ? log::Level::info : log::Level::debug;
        log::write(level, "agent", change.kind + " " + change.verb, {{"name", change.name}, {"now", change.detail}});
    }
    if (lines > kMaxChangeLines) {
        log::info("agent", "more changes, see level debug", {{"count", lines - kMaxChangeLines}});
    }
}

void report_changes(const Statuses& before, const Statuses& after) {
    for (const auto& change : compare(before, after)) {
        const auto& condition = change.condition;
        log::write(is_bad(condition) ? log::Level::warn : log::Level::info, "agent", condition.message,
                   {{"kind", change.kind},
                    {"name", change.name},
                    {"part", change.part},
                    {"condition", condition.type},
                    {"status", condition.status},
                    {"reason", condition.reason}});
    }
}

}  // namespace

Pipeline::Pipeline(TranslateOptions options, Sinks sinks, Metrics& metrics, AssignedAddresses assigned)
    : translator_(std::move(options)),
      sinks_(std::move(sinks)),
      metrics_(metrics),
      circumstances_{std::move(assigned), {}} {}

void Pipeline::update(LoadedSnapshot loaded, Clock::time_point since) {
    const bool is_first = !loaded_;
    loaded_ = std::move(loaded);
    if (is_first) (void)read_host();  // from then on the network says when
    waiting_since_ = waiting_since_ ? std::min(*waiting_since_, since) : since;
    metrics_.set_objects(count_objects(loaded_->snapshot));
    translate_and_apply();
}

// A port that the host cannot have changes the table, and that what is to be listened on. This comes to an end, unless
// other processes open and close ports all the time: then retry_host() goes on.
void Pipeline::translate_and_apply() {
    constexpr int kMostTranslations = 4;
    Translation next;
    for (int i = 1;; i++) {
        next = translator_.translate(loaded_->snapshot, circumstances_);
        auto unavailable = sinks_.listen(next.to_listen_on);
        if (unavailable == circumstances_.unavailable || i == kMostTranslations) break;
        circumstances_.unavailable = std::move(unavailable);
    }
    report_changes(current_.table, next.table);
    current_ = std::move(next);
    circumstances_.assigned = current_.assigned;
    circumstances_.node_addresses = current_.node_addresses;
    apply_error_.note(sinks_.apply(current_.table));
    // Neighbours find what is served already. What the host cannot have changes statuses only.
    if (configured_ != current_.to_configure && configure()) return translate_and_apply();
    unsynced_ = true;
    unpublished_ = true;
    if (sinks_.synced()) note_delay();
    note_findings();
}

// Statuses are made after the data path has had its say: they never claim what it has not done.
void Pipeline::note_findings() {
    findings_ = sinks_.findings();
    Statuses next = findings_adder_.add(current_, loaded_->snapshot, findings_);
    if (next != statuses_) {
        report_changes(statuses_, next);
        statuses_ = std::move(next);
        bad_ = count_bad(statuses_);
        unpublished_ = true;
    }
    auto errors = bad_;
    if (const auto unread = count_errors(loaded_->problems); unread != 0) errors["manifest"] = unread;
    metrics_.set_config_errors(std::move(errors));
    metrics_.set_excluded_endpoints(count_exclusions(current_, findings_));
}

void Pipeline::note_delay() {
    if (!waiting_since_) return;
    const auto delay = Clock::now() - *std::exchange(waiting_since_, {});
    metrics_.observe_apply(delay);
    log::debug("agent", "the change is in the maps",
               {{"after_us", std::chrono::duration_cast<std::chrono::microseconds>(delay).count()}});
}

void Pipeline::note_sync() {
    note_delay();
    apply_error_.note({});
    metrics_.set_reconciled(std::chrono::system_clock::now());
    if (!was_synced_) {
        log::info("agent", "configuration is in the data path",
                  {{"vips", current_.table.vips.size()},
                   {"routes", current_.table.routes.size()},
                   {"backends", current_.table.backends.size()}});
    }
    unsynced_ = false;
    was_synced_ = true;
}

bool Pipeline::settle() {
    if (!loaded_) return false;
    if (findings_ != sinks_.findings()) note_findings();
    if (unsynced_ && sinks_.synced()) note_sync();
    if (!was_synced_) return false;  // the maps may hold another agent's table still
    if (unpublished_) {
        const auto status = sinks_.publish(statuses_, *loaded_);
        publish_error_.note(status);
        unpublished_ = !status;
    }
    return !unsynced_ && !unpublished_;
}

bool Pipeline::retry_host() {
    if (!loaded_) return false;
    bool has_changed = !host_error_.last().empty() && read_host();
    if (!configure_error_.last().empty()) has_changed |= configure();
    auto unavailable = sinks_.listen(current_.to_listen_on);
    has_changed |= unavailable != circumstances_.unavailable;
    circumstances_.unavailable = std::move(unavailable);
    if (has_changed) translate_and_apply();
    return has_changed;
}

void Pipeline::on_network_change() {
    if (!loaded_) return;
    bool has_changed = read_host();
    has_changed |= configure();
    if (has_changed) translate_and_apply();
}

// True: the host has others of its own than before.
bool Pipeline::read_host() {
    auto of_host = sinks_.host_addresses();
    host_error_.note(of_host ? Status{} : Status{tl::unexpected(of_host.error())});
    if (!of_host || *of_host == circumstances_.of_host) return false;
    circumstances_.of_host = *std::move(of_host);
    return true;
}

// True: others than before could not be configured.
bool Pipeline::configure() {
    configured_ = current_.to_configure;
    auto [status, missing] = sinks_.configure(*configured_);
    configure_error_.note(status);
    metrics_.set_missing_addresses(missing.size());
    if (missing == circumstances_.missing) return false;
    circumstances_.missing = std::move(missing);
    return true;
}

Status Pipeline::ready() const {
    if (was_synced_) return {};
    if (!loaded_) return fail("the manifests have not been read yet");
    const auto& error = apply_error_.last();
    return fail("the configuration is not in the data path yet" + (error.empty() ? "" : ": " + error));
}

}  // namespace slipgate
