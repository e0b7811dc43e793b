// SPDX-License-Identifier: Apache-2.0
#include "agent/app/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <sstream>

#include <slipgate/abi.h>

#include "agent/app/version.h"

namespace slipgate {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::string_view kOtherRoutes = "_other";

// Builds the families in the order in which they are asked for.
class Families {
  public:
    // Starts a family; value() adds to the last one started.
    void counter(std::string_view name, std::string_view help) { start(name, help, MetricType::Counter); }
    void gauge(std::string_view name, std::string_view help) { start(name, help, MetricType::Gauge); }

    void value(double value, Labels labels = {}) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = value;
        metric.gauge.value = value;
        families_.back().metric.push_back(std::move(metric));
    }

    void histogram(std::string_view name, std::string_view help, const prometheus::Histogram& histogram) {
        start(name, help, MetricType::Histogram);
        families_.back().metric.push_back(histogram.Collect());
    }

    [[nodiscard]] std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer().Serialize(out, families_);
        return out.str();
    }

  private:
    void start(std::string_view name, std::string_view help, MetricType type) {
        families_.push_back({"slipgate_" + std::string(name), std::string(help), type, {}});
    }

    std::vector<MetricFamily> families_;
};

double as_double(std::uint64_t value) {
    return static_cast<double>(value);
}

void add_labelled(Families& families, const std::vector<Counter>& counters, Counter::Kind kind) {
    for (const auto& counter : counters) {
        if (counter.kind == kind) families.value(as_double(counter.value), {{"reason", std::string(counter.name)}});
    }
}

void add_kernel_counters(Families& families, const std::vector<Counter>& counters) {
    families.counter("refused_connections_total", "Connections refused by the data path, by reason.");
    add_labelled(families, counters, Counter::Kind::kRefusal);
    families.counter("dropped_packets_total", "Packets dropped, by reason; only too_big is answered, by ICMP.");
    add_labelled(families, counters, Counter::Kind::kDrop);
    for (const auto& counter : counters) {
        if (counter.kind != Counter::Kind::kOccurrence) continue;
        families.counter(std::string(counter.name) + "_total", "Data path: " + std::string(counter.help) + ".");
        families.value(as_double(counter.value));
    }
}

void add_by_label(Families& families, std::string_view label, const std::map<std::string, std::size_t>& values) {
    for (const auto& [name, value] : values) families.value(as_double(value), {{std::string(label), name}});
}

void add_datapath_state(Families& families, const Scrape& scrape) {
    families.gauge("flow_entries",
                   "Flow entries by state, two for each connection, as garbage collection last saw them.");
    families.value(as_double(scrape.flows.connecting), {{"state", "connecting"}});
    families.value(as_double(scrape.flows.established), {{"state", "established"}});
    families.value(as_double(scrape.flows.closing), {{"state", "closing"}});
    families.gauge("attached_interfaces", "Network interfaces that carry the data path.");
    families.value(as_double(scrape.interfaces));
    families.gauge("datapath_problems",
                   "Interfaces and objects the data path cannot serve; log and conditions name them.");
    families.value(as_double(scrape.problems));
    families.gauge("listening_sockets", "Addresses and ports that the agent holds a listening socket on.");
    families.value(as_double(scrape.listening_sockets));
    families.gauge("missing_sockets", "Addresses and ports without a listening socket; statuses or the log say why.");
    families.value(as_double(scrape.missing_sockets));
    families.counter("stray_connections_total",
                     "Connections to these sockets, which the data path did not see: reset, since the agent started.");
    families.value(as_double(scrape.stray_connections));
    families.gauge("synced", "1 if the maps hold the last configuration, but for what conditions name.");
    families.value(scrape.synced ? 1 : 0);
}

void add_status_writes(Families& families, const StatusWrites& statuses) {
    families.gauge("status_writer", "1 if this agent is the one that writes statuses to the API server.");
    families.value(statuses.is_writer ? 1 : 0);
    families.gauge("status_pending", "Objects whose status has to be compared or written; not 0 for long.");
    families.value(as_double(statuses.pending));
    families.counter("status_writes_total", "Requests to write a status, by result; the log names what fails.");
    for (const auto& [result, value] : statuses.writes) families.value(as_double(value), {{"result", result}});
    families.counter("events_total", "Events about statuses, by result.");
    for (const auto& [result, value] : statuses.events) families.value(as_double(value), {{"result", result}});
}

}  // namespace

void Metrics::count(const ConnectionEvent& event) {
    const bool closed = event.kind == ConnectionEvent::Kind::kClosed;
    if (closed) ended_[std::string(event.reason)]++;
    if (event.route.empty()) return;
    const bool full = routes_.size() >= kMaxRoutes && !routes_.contains(event.route);
    auto& route = routes_[full ? std::string(kOtherRoutes) : event.route];
    if (closed) {
        route.connections++;
        route.bytes_up += event.bytes_up;
        route.bytes_down += event.bytes_down;
    } else {
        route.refused[std::string(event.reason)]++;
    }
}

std::string Metrics::render(const Scrape& scrape) const {
    Families families;
    families.gauge("build_info", "Always 1; the labels say what runs.");
    families.value(1, {{"version", std::string(kVersion)}, {"abi", std::to_string(SG_ABI_VERSION)}});

    if (scrape.counters) add_kernel_counters(families, *scrape.counters);
    add_datapath_state(families, scrape);

    families.counter("ended_connections_total", "Connections that ended since the agent started, by how they did.");
    for (const auto& [reason, value] : ended_) families.value(as_double(value), {{"reason", reason}});
    families.counter("route_connections_total", "Connections of a route that ended since the agent started.");
    for (const auto& [name, route] : routes_) families.value(as_double(route.connections), {{"route", name}});
    families.counter("route_bytes_total", "TCP payload of a route's ended connections; up is from client to endpoint.");
    for (const auto& [name, route] : routes_) {
        families.value(as_double(route.bytes_up), {{"route", name}, {"direction", "up"}});
        families.value(as_double(route.bytes_down), {{"route", name}, {"direction", "down"}});
    }
    families.counter("route_refused_connections_total", "Connections refused after a route was chosen, by reason.");
    for (const auto& [name, route] : routes_) {
        for (const auto& [reason, value] : route.refused)
            families.value(as_double(value), {{"route", name}, {"reason", reason}});
    }
    families.counter("access_log_lost_lines_total", "Access log lines that could not be written.");
    families.value(as_double(scrape.access_log_lost_lines));

    families.gauge("source_followed",
                   "1 if the objects of the kind are followed at the API server; 0: the log says why.");
    add_by_label(families, "kind", scrape.followed);
    if (scrape.status_writes) add_status_writes(families, *scrape.status_writes);
    families.gauge("objects", "Objects in use, by kind.");
    add_by_label(families, "kind", objects_);
    families.gauge("config_errors",
                   "Objects, files and conditions with an error, by kind; log and statuses name them.");
    add_by_label(families, "kind", config_errors_);
    families.gauge("excluded_endpoints", "Endpoints that are never spliced to, by reason; conditions name them.");
    add_by_label(families, "reason", excluded_endpoints_);
    families.histogram("apply_duration_seconds",
                       "From the arrival of a change of objects at the agent until the maps hold it.", apply_duration_);
    families.gauge("missing_addresses", "Addresses of Gateways that the host could not be given; statuses name them.");
    families.value(as_double(missing_addresses_));
    families.counter("reconcile_errors_total", "Attempts to bring the configuration into the maps that failed.");
    families.value(as_double(scrape.reconcile_errors));
    families.counter("map_writes_total", "Elements that were set or deleted in the maps that hold the configuration.");
    families.value(as_double(scrape.map_writes));
    families.gauge("last_reconcile_success_timestamp_seconds",
                   "When the maps last became equal to the configuration; 0: never.");
    families.value(reconciled_ ? std::chrono::duration<double>(reconciled_->time_since_epoch()).count() : 0);
    return families.text();
}

}  // namespace slipgate
