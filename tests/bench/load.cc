// SPDX-License-Identifier: Apache-2.0
// bench_load: drives one workload against one address for some seconds and prints one line of JSON. The processor
// time in it is that of the whole machine (/proc/stat) in the measured window, so that it counts the work a gateway
// makes the kernel do in softirqs as well as its own.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cxxopts.hpp>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/bench/load_options.h"
#include "tests/bench/protocol.h"
#include "tests/bench/worker.h"

namespace slipgate::bench {
namespace {

constexpr std::chrono::seconds kIdleOpenLimit{30};
const std::map<std::string, Mode> kModes = {{"connect", Mode::kConnect},
                                            {"request", Mode::kRequest},
                                            {"download", Mode::kDownload},
                                            {"upload", Mode::kUpload},
                                            {"idle", Mode::kIdle}};

LoadOptions parse(int argc, char** argv) {
    cxxopts::Options usage("bench_load", "Load for one gateway; one line of JSON on standard output");
    usage.add_options()("mode", "connect, request, download, upload or idle", cxxopts::value<std::string>())(
        "target", "ADDRESS:PORT, several are taken in turn", cxxopts::value<std::vector<std::string>>())(
        "sni", "name in the ClientHello", cxxopts::value<std::string>()->default_value("bench.example.com"))(
        "hello-size", "bytes of the ClientHello's record", cxxopts::value<std::size_t>()->default_value("517"))(
        "connections", "at a time", cxxopts::value<int>()->default_value("1"))(
        "threads", "", cxxopts::value<int>()->default_value("2"))("warm-up", "seconds",
                                                                  cxxopts::value<double>()->default_value("0.2"))(
        "seconds", "length of the measured window", cxxopts::value<double>()->default_value("1.5"));
    const auto parsed = usage.parse(argc, argv);
    LoadOptions options;
    options.mode = kModes.at(parsed["mode"].as<std::string>());
    for (const std::string& target : parsed["target"].as<std::vector<std::string>>())
        options.targets.push_back(parse_address(target));
    options.hello = client_hello(parsed["sni"].as<std::string>(), parsed["hello-size"].as<std::size_t>());
    options.connections = parsed["connections"].as<int>();
    options.threads = std::min(parsed["threads"].as<int>(), options.connections);
    options.warm_up = parsed["warm-up"].as<double>();
    options.seconds = parsed["seconds"].as<double>();
    return options;
}

// Seconds the processors were busy since boot. Idle, iowait and stolen time are not ours to count (proc(5)).
double busy_seconds() {
    std::ifstream stat("/proc/stat");
    std::string word;
    double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0;
    stat >> word >> user >> nice >> system >> idle >> iowait >> irq >> softirq;
    return (user + nice + system + irq + softirq) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double percentile(std::vector<std::uint32_t>& sorted, double share) {
    if (sorted.empty()) return 0;
    return sorted[std::min(sorted.size() - 1, static_cast<std::size_t>(share * static_cast<double>(sorted.size())))];
}

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// Holds the connections open until standard input ends.
void hold(const LoadOptions& options, Shared& shared) {
    const auto limit = Clock::now() + kIdleOpenLimit;
    while (shared.established < options.connections && Clock::now() < limit) sleep_for(0.02);
    std::cout << nlohmann::json{{"established", shared.established.load()}} << '\n' << std::flush;
    char byte = 0;
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

nlohmann::json measure(const LoadOptions& options, Shared& shared) {
    sleep_for(options.warm_up);
    const double busy = busy_seconds();
    const auto start = Clock::now();
    shared.measuring = true;
    sleep_for(options.seconds);
    shared.measuring = false;
    const std::chrono::duration<double> elapsed = Clock::now() - start;
    return {{"seconds", elapsed.count()}, {"busy_seconds", busy_seconds() - busy}};
}

int run(const LoadOptions& options) {
    Shared shared;
    std::vector<std::unique_ptr<Worker>> workers;
    std::vector<std::thread> threads;
    for (int i = 0, first = 0; i < options.threads; ++i) {
        const int share = (options.connections + options.threads - 1 - i) / options.threads;
        workers.push_back(std::make_unique<Worker>(options, shared, first, share));
        first += share;
    }
    threads.reserve(workers.size());
    for (auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });
    nlohmann::json report;
    if (options.mode == Mode::kIdle)
        hold(options, shared);
    else
        report = measure(options, shared);
    shared.stop = true;
    for (std::thread& thread : threads) thread.join();
    if (options.mode == Mode::kIdle) return 0;

    Tally total;
    for (const auto& worker : workers) {
        const Tally& tally = worker->tally();
        total.operations += tally.operations;
        total.bytes += tally.bytes;
        total.errors += tally.errors;
        total.stalled += tally.stalled;
        total.latency_us.insert(total.latency_us.end(), tally.latency_us.begin(), tally.latency_us.end());
    }
    std::sort(total.latency_us.begin(), total.latency_us.end());
    report.update({{"operations", total.operations},
                   {"bytes", total.bytes},
                   {"errors", total.errors},
                   {"stalled", total.stalled},
                   {"p50_us", percentile(total.latency_us, 0.50)},
                   {"p99_us", percentile(total.latency_us, 0.99)}});
    std::cout << report << '\n' << std::flush;
    return 0;
}

}  // namespace
}  // namespace slipgate::bench

int main(int argc, char** argv) {
    try {
        return slipgate::bench::run(slipgate::bench::parse(argc, argv));
    } catch (const std::exception& error) {  // cxxopts and map::at
        std::cerr << "bench_load: " << error.what() << '\n';
        return 2;
    }
}
