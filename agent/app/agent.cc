// SPDX-License-Identifier: Apache-2.0
#include "agent/app/agent.h"

#include <csignal>
#include <cstring>
#include <optional>

#include "agent/app/access_log.h"
#include "agent/app/admin.h"
#include "agent/app/metrics.h"
#include "agent/app/node_name.h"
#include "agent/app/pipeline.h"
#include "agent/app/repeated_error.h"
#include "agent/app/signals.h"
#include "agent/app/source.h"
#include "agent/app/version.h"
#include "agent/base/backoff.h"
#include "agent/base/timer.h"
#include "agent/host/host_addresses.h"
#include "agent/host/listening_sockets.h"
#include "agent/model/timestamp_text.h"
#include "agent/source/file/status_writer.h"

namespace slipgate {

// They go from the last to the first, so each may use those before it.
struct Agent::Parts {
    explicit Parts(const Config& c) : config(c) {}

    Status open();
    Status open_http();
    Status watch();

    void on_signal();
    void on_source();
    void on_network();
    void on_events();
    void on_second();
    void on_retry();
    void on_stray();
    void settle();
    void flush_access_log();
    Scrape scrape() const;
    Sinks sinks();

    Config config;
    std::optional<Signals> signals;
    std::unique_ptr<EventLoop> loop;
    std::optional<Timer> every_second;
    std::optional<Timer> retry;
    std::optional<AccessLog> access_log;
    std::optional<StatusWriter> status_writer;  // none: statuses are not written
    std::unique_ptr<Source> source;
    std::unique_ptr<Datapath> datapath;
    std::optional<ListeningSockets> sockets;
    std::optional<HostAddresses> addresses;
    Metrics metrics;
    std::optional<Pipeline> pipeline;
    std::unique_ptr<HttpServer> http;  // its threads use the loop, so it goes first

    Backoff backoff;
    RepeatedError tick_error{"garbage collection or reconciling"};
    RepeatedError network_error{"following interfaces and routes"};
    RepeatedError event_error{"reading connection events"};
    RepeatedError access_log_error{"writing the access log"};
};

namespace {

// A wake-up for each connection that ends would cost more than the rest of the agent. The ring holds what 50,000
// refusals per second leave in ten times as long.
constexpr std::chrono::milliseconds kEventRest{20};

// Takes a part over, or hands its error on.
template <typename T, typename Target>
Status take(Result<T> opened, Target& target) {
    if (!opened) return tl::unexpected(opened.error());
    target = std::move(*opened);
    return {};
}

TranslateOptions translate_options(const Config& config) {
    TranslateOptions options;
    options.source_mode = config.source_mode;
    options.node_name = node_name(config);
    options.preserve_cidrs = config.preserve_cidrs;
    // Who writes the manifests is the administrator; who may make Gateways in a cluster need not be.
    if (config.kubernetes || !config.address_ranges.empty()) options.address_ranges = config.address_ranges;
    options.address_pool = config.address_pool;
    options.addresses = config.addresses;
    options.node_address_ports = config.node_address_ports;
    options.service_cidrs = config.service_cidrs;
    return options;
}

}  // namespace

// Cheap checks first, the data path, which changes the system, last.
Status Agent::Parts::open() {
    if (auto s = take(Signals::block({SIGTERM, SIGINT, SIGHUP}), signals); !s) return s;
    if (auto s = take(EventLoop::create(), loop); !s) return s;
    if (auto s = take(Timer::create(), every_second); !s) return s;
    if (auto s = take(Timer::create(), retry); !s) return s;
    if (auto s = take(AccessLog::open(config.access_log), access_log); !s) return s;
    if (!config.status_dir.empty()) {
        if (auto s = take(StatusWriter::open(config.status_dir), status_writer); !s) return s;
    }
    if (auto s = take(open_source(config), source); !s) return s;
    if (auto s = open_http(); !s) return s;
    if (auto s = take(Datapath::open(config.datapath), datapath); !s) return s;
    if (auto s = take(ListeningSockets::create(), sockets); !s) return s;
    if (auto s = take(HostAddresses::open(config.datapath.pin_dir), addresses); !s) return s;
    const auto assigned = status_writer ? status_writer->gateway_addresses() : AssignedAddresses{};
    pipeline.emplace(translate_options(config), sinks(), metrics, assigned);
    return watch();
}

Status Agent::Parts::open_http() {
    if (!config.http_address) return {};
    AdminView view{[this] { return metrics.render(scrape()); },
                   [this] {
                       const auto status = source->ready();
                       return status ? pipeline->ready() : status;
                   }};
    if (auto s = take(HttpServer::start(*config.http_address, make_admin_handler(*loop, std::move(view))), http); !s)
        return s;
    log::info("http", "listening", {{"address", http->address().to_string()}});
    return {};
}

Sinks Agent::Parts::sinks() {
    return {[this](const std::set<SocketAddress>& vips) { return sockets->listen(vips); },
            [this] { return addresses->of_host(); },
            [this](const std::set<IpAddress>& wanted) { return addresses->configure(wanted); },
            [this](RoutingTable table) { return datapath->apply(std::move(table)); },
            [this] { return datapath->synced(); },
            [this]() -> const Findings& { return datapath->findings(); },
            [this](const Statuses& statuses, const LoadedSnapshot& loaded) {
                source->publish(statuses, loaded.snapshot);
                return status_writer
                           ? status_writer->write(statuses, loaded.snapshot, loaded.problems, to_time(now_utc()))
                           : Status{};
            }};
}

Status Agent::Parts::watch() {
    struct Watch {
        int fd;
        void (Parts::*handler)();
        std::chrono::milliseconds rest = {};
    };
    const Watch watched[] = {
        {signals->fd(), &Parts::on_signal},
        {source->fd(), &Parts::on_source},
        {datapath->network_fd(), &Parts::on_network},
        {datapath->events_fd(), &Parts::on_events, kEventRest},
        {every_second->fd(), &Parts::on_second},
        {retry->fd(), &Parts::on_retry},
        {sockets->fd(), &Parts::on_stray, kEventRest},
    };
    for (const auto& [fd, handler, rest] : watched) {
        if (auto s = loop->watch(fd, [this, handler = handler] { (this->*handler)(); }, rest); !s) return s;
    }
    every_second->start(std::chrono::seconds(1), std::chrono::seconds(1));
    return {};
}

void Agent::Parts::on_signal() {
    const int signal = signals->read();
    if (signal == SIGTERM || signal == SIGINT) {
        log::info("agent", "stopping; the data path goes on", {{"signal", ::strsignal(signal)}});
        loop->stop();
    } else if (signal == SIGHUP) {
        const auto status = access_log->reopen();
        if (status)
            log::info("agent", "access log reopened");
        else
            log::error("agent", "access log not reopened, the old one stays in use",
                       {{"error", status.error().message}});
    }
}

void Agent::Parts::on_source() {
    if (auto update = source->read()) {
        const auto since = update->since;
        pipeline->update(std::move(*update), since);
        settle();
    }
}

void Agent::Parts::on_network() {
    network_error.note(datapath->on_network_change());
    pipeline->on_network_change();
    settle();
}

void Agent::Parts::on_events() {
    const auto count = datapath->read_events([this](const ConnectionEvent& event) {
        metrics.count(event);
        access_log->add(event);
    });
    event_error.note(count ? Status{} : Status{tl::unexpected(count.error())});
    flush_access_log();
}

void Agent::Parts::on_second() {
    every_second->acknowledge();
    const bool was_synced = datapath->synced();
    const auto interfaces = datapath->interfaces().size();
    if (!network_error.last().empty()) on_network();  // nothing else would look again
    tick_error.note(datapath->tick());
    const bool host_changed = pipeline->retry_host();
    if (host_changed || !was_synced || datapath->interfaces().size() != interfaces) settle();
    if (access_log->has_pending()) flush_access_log();
}

void Agent::Parts::on_retry() {
    retry->acknowledge();
    settle();
}

void Agent::Parts::on_stray() {
    sockets->refuse();
}

// What could not be done is tried again, less and less often.
void Agent::Parts::settle() {
    if (pipeline->settle()) {
        backoff.reset();
    } else {
        retry->start(backoff.next());
    }
}

void Agent::Parts::flush_access_log() {
    access_log_error.note(access_log->flush());
}

Scrape Agent::Parts::scrape() const {
    Scrape scrape;
    if (auto counters = datapath->counters()) scrape.counters = std::move(*counters);
    scrape.flows = datapath->flows();
    scrape.interfaces = datapath->interfaces().size();
    const auto& findings = datapath->findings();
    scrape.problems = datapath->interface_problems().size() + findings.parts.size() + findings.endpoints.size();
    scrape.synced = datapath->synced();
    scrape.followed = source->followed();
    scrape.status_writes = source->status_writes();
    scrape.reconcile_errors = datapath->reconcile_errors();
    scrape.map_writes = datapath->map_writes();
    scrape.listening_sockets = sockets->size();
    scrape.missing_sockets = sockets->missing();
    scrape.stray_connections = sockets->refused();
    scrape.access_log_lost_lines = access_log->lost_lines();
    return scrape;
}

Agent::Agent(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Agent::~Agent() = default;

Result<std::unique_ptr<Agent>> Agent::create(const Config& config) {
    auto parts = std::make_unique<Parts>(config);
    if (const auto status = parts->open(); !status) return tl::unexpected(status.error());
    log::info("agent", "started",
              {{"version", kVersion},
               {"source", config.kubernetes ? "kubernetes" : config.manifests.string()},
               {"pin_dir", config.datapath.pin_dir.string()}});
    return std::unique_ptr<Agent>(new Agent(std::move(parts)));
}

Status Agent::run() {
    const auto status = parts_->loop->run();
    parts_->on_events();  // what came since the last look
    parts_->source->leave();
    return status;
}

}  // namespace slipgate
