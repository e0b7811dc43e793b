// SPDX-License-Identifier: Apache-2.0
#include "agent/app/pipeline.h"

#include <algorithm>

#include "agent/app/changes.h"
#include "agent/base/log.h"

namespace slipgate {
namespace {

constexpr std::size_t kMaxChangeLines = 100;  // at level info, for one round

std::map<std::string, std::size_t> count_objects(const Snapshot& snapshot) {
    return {{"GatewayClass", snapshot.gateway_classes.size()},
            {"Gateway", snapshot.gateways.size()},
            {"TLSRoute", snapshot.tls_routes.size()},
            {"ReferenceGrant", snapshot.reference_grants.size()},
            {"Service", snapshot.services.size()},
            {"EndpointSlice", snapshot.endpoint_slices.size()},
            {"Namespace", snapshot.namespaces.size()}};
}

}  // namespace

Pipeline::Pipeline(TranslateOptions options, Sinks sinks, Metrics& metrics)
    : options_(std::move(options)), sinks_(std::move(sinks)), metrics_(metrics) {}

void Pipeline::update(LoadedSnapshot loaded) {
    loaded_ = std::move(loaded);
    metrics_.set_objects(count_objects(loaded_->snapshot));
    translate_again();
}

void Pipeline::set_local_addresses(std::set<IpAddress> addresses) {
    if (addresses == options_.local_addresses) return;
    options_.local_addresses = std::move(addresses);
    if (loaded_) translate_again();
}

void Pipeline::translate_again() {
    Translation next = translate(loaded_->snapshot, options_);
    report(next);
    current_ = std::move(next);
    unpublished_ = true;
    const auto status = sinks_.apply(current_.table);
    if (!status) metrics_.count_reconcile_error();
    apply_error_.note(status);
}

bool Pipeline::settle() {
    if (!loaded_ || !sinks_.synced()) return false;
    apply_error_.note({});
    if (!was_synced_) {
        log::info("agent", "configuration is in the data path",
                  {{"vips", current_.table.vips.size()},
                   {"routes", current_.table.routes.size()},
                   {"backends", current_.table.backends.size()}});
    }
    was_synced_ = true;
    if (!unpublished_) return true;
    metrics_.set_reconciled(std::chrono::system_clock::now());
    const auto status = sinks_.publish(current_.statuses, *loaded_);
    publish_error_.note(status);
    unpublished_ = !status;
    return status.has_value();
}

Status Pipeline::ready() const {
    if (was_synced_) return {};
    if (!loaded_) return fail("the manifests have not been read yet");
    const auto& error = apply_error_.last();
    return fail("the configuration is not in the data path yet" + (error.empty() ? "" : ": " + error));
}

void Pipeline::report(const Translation& next) {
    std::size_t lines = 0;
    const auto changes = compare(current_.table, next.table);
    for (const auto& change : changes) {
        const auto level = ++lines <= kMaxChangeLines ? log::Level::info : log::Level::debug;
        log::write(level, "agent", change.kind + " " + change.verb, {{"name", change.name}, {"now", change.detail}});
    }
    if (lines > kMaxChangeLines) {
        log::info("agent", "more changes, see level debug", {{"count", lines - kMaxChangeLines}});
    }
    for (const auto& change : compare(current_.statuses, next.statuses)) {
        const auto& condition = change.condition;
        log::write(is_bad(condition) ? log::Level::warn : log::Level::info, "agent", condition.message,
                   {{"kind", change.kind},
                    {"name", change.name},
                    {"part", change.part},
                    {"condition", condition.type},
                    {"status", condition.status},
                    {"reason", condition.reason}});
    }
    auto errors = count_bad(next.statuses);
    const auto unread = std::count_if(loaded_->problems.begin(), loaded_->problems.end(),
                                      [](const auto& p) { return p.problem.severity == Severity::error; });
    if (unread != 0) errors["manifest"] = static_cast<std::size_t>(unread);
    metrics_.set_config_errors(std::move(errors));
}

}  // namespace slipgate
