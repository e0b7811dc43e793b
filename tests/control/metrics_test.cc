// SPDX-License-Identifier: Apache-2.0
#include "agent/app/metrics.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include <slipgate/counters.h>

namespace slipgate {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::vector<Counter> every_counter() {
    std::vector<Counter> counters;
    std::uint64_t value = 1;
#define X(name, help) counters.push_back({Counter::Kind::kRefusal, #name, help, value++});
    SG_REFUSALS(X)
#undef X
#define X(name, help) counters.push_back({Counter::Kind::kDrop, #name, help, value++});
    SG_DROPS(X)
#undef X
#define X(name, help) counters.push_back({Counter::Kind::kOccurrence, #name, help, value++});
    SG_OCCURRENCES(X)
#undef X
    return counters;
}

ConnectionEvent event(ConnectionEvent::Kind kind, std::string route, std::string_view reason) {
    ConnectionEvent e;
    e.kind = kind;
    e.route = std::move(route);
    e.reason = reason;
    e.bytes_up = 10;
    e.bytes_down = 1000;
    return e;
}

constexpr auto kClosed = ConnectionEvent::Kind::kClosed;
constexpr auto kRefused = ConnectionEvent::Kind::kRefused;

Scrape full_scrape() {
    Scrape scrape;
    scrape.counters = every_counter();
    scrape.flows = {.connecting = 2, .established = 40, .closing = 6};
    scrape.interfaces = 3;
    scrape.problems = 1;
    scrape.synced = true;
    scrape.followed = {{"Service", 1}, {"TLSRoute", 0}};
    scrape.status_writes = StatusWrites{true, 2, {{"written", 3}, {"conflict", 0}}, {{"created", 4}}};
    scrape.reconcile_errors = 1;
    scrape.map_writes = 8;
    scrape.missing_sockets = 5;
    scrape.access_log_lost_lines = 7;
    return scrape;
}

TEST(Metrics, EveryCounterOfTheDataPathIsShown) {
    const auto text = Metrics().render(full_scrape());
    for (const auto& counter : every_counter()) {
        const auto line =
            counter.kind == Counter::Kind::kRefusal
                ? fmt::format("slipgate_refused_connections_total{{reason=\"{}\"}} {}\n", counter.name, counter.value)
            : counter.kind == Counter::Kind::kDrop
                ? fmt::format("slipgate_dropped_packets_total{{reason=\"{}\"}} {}\n", counter.name, counter.value)
                : fmt::format("slipgate_{}_total {}\n", counter.name, counter.value);
        EXPECT_THAT(text, HasSubstr("\n" + line));
    }
}

TEST(Metrics, StateOfTheAgentIsShown) {
    Metrics metrics;
    metrics.set_objects({{"Gateway", 2}, {"TLSRoute", 5}});
    metrics.set_config_errors({{"TLSRoute", 1}});
    metrics.set_excluded_endpoints({{"LocalAddress", 2}, {"NoRoute", 0}});
    metrics.set_missing_addresses(6);
    metrics.set_reconciled(std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'500)));
    EXPECT_THAT(
        metrics.render(full_scrape()),
        AllOf(
            HasSubstr("slipgate_build_info{version=\""), HasSubstr("slipgate_flow_entries{state=\"established\"} 40\n"),
            HasSubstr("slipgate_attached_interfaces 3\n"), HasSubstr("slipgate_datapath_problems 1\n"),
            HasSubstr("slipgate_excluded_endpoints{reason=\"LocalAddress\"} 2\n"),
            HasSubstr("slipgate_excluded_endpoints{reason=\"NoRoute\"} 0\n"), HasSubstr("slipgate_synced 1\n"),
            HasSubstr("slipgate_access_log_lost_lines_total 7\n"), HasSubstr("slipgate_objects{kind=\"TLSRoute\"} 5\n"),
            HasSubstr("slipgate_source_followed{kind=\"Service\"} 1\n"),
            HasSubstr("slipgate_source_followed{kind=\"TLSRoute\"} 0\n"), HasSubstr("slipgate_status_writer 1\n"),
            HasSubstr("slipgate_missing_addresses 6\n"), HasSubstr("slipgate_missing_sockets 5\n"),
            HasSubstr("slipgate_status_pending 2\n"), HasSubstr("slipgate_status_writes_total{result=\"written\"} 3\n"),
            HasSubstr("slipgate_status_writes_total{result=\"conflict\"} 0\n"),
            HasSubstr("slipgate_events_total{result=\"created\"} 4\n"),
            HasSubstr("slipgate_config_errors{kind=\"TLSRoute\"} 1\n"),
            HasSubstr("slipgate_reconcile_errors_total 1\n"), HasSubstr("slipgate_map_writes_total 8\n"),
            HasSubstr("slipgate_last_reconcile_success_timestamp_seconds 1700000000.5\n")));
}

TEST(Metrics, DelaysOfChangesAreAHistogramInSeconds) {
    Metrics metrics;
    metrics.observe_apply(std::chrono::milliseconds(40));
    metrics.observe_apply(std::chrono::milliseconds(60));
    EXPECT_THAT(metrics.render({}), AllOf(HasSubstr("slipgate_apply_duration_seconds_bucket{le=\"0.025\"} 0\n"),
                                          HasSubstr("slipgate_apply_duration_seconds_bucket{le=\"0.05\"} 1\n"),
                                          HasSubstr("slipgate_apply_duration_seconds_bucket{le=\"0.1\"} 2\n"),
                                          HasSubstr("slipgate_apply_duration_seconds_bucket{le=\"+Inf\"} 2\n"),
                                          HasSubstr("slipgate_apply_duration_seconds_sum 0.1\n")));
}

TEST(Metrics, EventsAreCountedByRouteAndReason) {
    Metrics metrics;
    metrics.count(event(kClosed, "shop/web", "fin"));
    metrics.count(event(kClosed, "shop/web", "client_rst"));
    metrics.count(event(kRefused, "shop/web", "no_endpoint"));
    metrics.count(event(kRefused, "", "no_route"));
    EXPECT_THAT(
        metrics.render({}),
        AllOf(HasSubstr("slipgate_route_connections_total{route=\"shop/web\"} 2\n"),
              HasSubstr("slipgate_route_bytes_total{route=\"shop/web\",direction=\"up\"} 20\n"),
              HasSubstr("slipgate_route_bytes_total{route=\"shop/web\",direction=\"down\"} 2000\n"),
              HasSubstr("slipgate_route_refused_connections_total{route=\"shop/web\",reason=\"no_endpoint\"} 1\n"),
              HasSubstr("slipgate_ended_connections_total{reason=\"fin\"} 1\n"),
              HasSubstr("slipgate_ended_connections_total{reason=\"client_rst\"} 1\n"), Not(HasSubstr("route=\"\""))));
}

TEST(Metrics, CountersThatCannotBeReadAreLeftOut) {
    EXPECT_THAT(Metrics().render({}),
                AllOf(Not(HasSubstr("refused_connections_total{reason")), HasSubstr("slipgate_synced 0\n")));
}

TEST(Metrics, NumberOfRouteLabelsIsBounded) {
    Metrics metrics;
    for (std::size_t i = 0; i < Metrics::kMaxRoutes + 10; i++)
        metrics.count(event(kClosed, fmt::format("ns/r{}", i), "fin"));
    metrics.count(event(kClosed, "ns/r0", "fin"));
    const auto text = metrics.render({});
    EXPECT_THAT(text, AllOf(HasSubstr("slipgate_route_connections_total{route=\"_other\"} 10\n"),
                            HasSubstr("slipgate_route_connections_total{route=\"ns/r0\"} 2\n")));
}

// The rules of prometheus.io/docs/practices/naming and of the exposition format.
TEST(Metrics, NamesFollowTheRules) {
    Metrics metrics;
    metrics.count(event(kClosed, "shop/web", "fin"));
    std::istringstream text(metrics.render(full_scrape()));
    std::set<std::string> families, series;
    std::string type;
    for (std::string line; std::getline(text, line);) {
        std::smatch part;
        if (std::regex_match(line, part, std::regex("# HELP ([a-z_]+) (.+)"))) {
            EXPECT_TRUE(families.insert(part[1]).second) << "family twice: " << line;
        } else if (std::regex_match(line, part, std::regex("# TYPE ([a-z_0-9]+) (counter|gauge|histogram)"))) {
            type = part[2];
            EXPECT_TRUE(families.contains(part[1])) << "no help: " << line;
            EXPECT_EQ(type == "counter", std::string(part[1]).ends_with("_total")) << line;
        } else {
            ASSERT_TRUE(std::regex_match(line, part, std::regex(R"((slipgate_[a-z_]+)(\{.*\})? ([-+.e0-9]+))")))
                << line;
            const auto family = type == "histogram"
                                    ? std::regex_replace(std::string(part[1]), std::regex("_(bucket|sum|count)$"), "")
                                    : std::string(part[1]);
            EXPECT_TRUE(families.contains(family)) << line;
            EXPECT_TRUE(series.insert(std::string(part[1]) + std::string(part[2])).second) << "series twice: " << line;
        }
    }
    EXPECT_GT(series.size(), every_counter().size());
}

}  // namespace
}  // namespace slipgate
