// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/datapath.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <utility>

#include "agent/base/log.h"
#include "agent/datapath/attach.h"
#include "agent/datapath/counter_reader.h"
#include "agent/datapath/event_reader.h"
#include "agent/datapath/gc.h"
#include "agent/datapath/interfaces.h"
#include "agent/datapath/kernel_maps.h"
#include "agent/datapath/loader.h"
#include "agent/datapath/pin_dir.h"
#include "agent/datapath/route_cache.h"
#include "agent/datapath/routes.h"
#include "agent/datapath/source_ports.h"

namespace slipgate {
namespace {

constexpr const char* kComponent = "datapath";

// Entries that one tick of garbage collection walks: a table of a million entries takes half a minute.
constexpr std::uint32_t kGcEntriesPerTick = 32768;

constexpr unsigned group(unsigned number) {  // RTNLGRP_*, as a bit of sockaddr_nl.nl_groups
    return 1U << (number - 1);
}

// All that an answer of the kernel's routing can change with.
constexpr unsigned kNetworkGroups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
                                    RTMGRP_IPV6_ROUTE | group(RTNLGRP_IPV4_RULE) | group(RTNLGRP_IPV6_RULE) |
                                    group(RTNLGRP_NEXTHOP);

// bpf_fib_lookup() refuses to find a way through an interface that does not forward.
void warn_if_not_forwarding(const char* sysctl, const char* path) {
    std::ifstream file(path);
    int on = 0;
    if (file >> on && on == 0)
        log::warn(kComponent, "forwarding is off: nothing of this family can be spliced", {{"sysctl", sysctl}});
}

}  // namespace

struct Datapath::Impl {
    DatapathOptions options;
    std::unique_ptr<LoadedObject> object;
    std::unique_ptr<KernelMaps> maps;
    std::unique_ptr<EventReader> events;
    std::unique_ptr<Attacher> attacher;
    std::unique_ptr<Reconciler> reconciler;
    std::unique_ptr<GarbageCollector> gc;
    std::optional<NetlinkSocket> questions, changes;
    RouteCache routes{[this](const IpAddress& endpoint) { return lookup_route(*questions, endpoint); }};

    std::vector<Interface> attached;
    bool unattached = false;  // not all of attach_interfaces() was done: tick() tries again
    std::vector<InterfaceProblem> interface_problems;
    std::optional<RoutingTable> table;  // the last one asked for
    bool pending = false;               // not all of it is in the maps
    std::uint64_t reconcile_errors = 0;
    Findings findings;

    [[nodiscard]] Status start();
    [[nodiscard]] Status attach_interfaces();
    enum class Ways { kAsBefore, kAnew };  // to endpoints
    [[nodiscard]] Status reconcile(Ways ways);
    [[nodiscard]] tl::expected<EndpointWay, NoWay> resolve(const IpAddress& endpoint);
    void note(std::vector<InterfaceProblem> problems);
};

Status Datapath::Impl::start() {
    if (auto status = check_source_ports(options.port_first, options.port_last); !status) return status;
    warn_if_not_forwarding("net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward");
    warn_if_not_forwarding("net.ipv6.conf.all.forwarding", "/proc/sys/net/ipv6/conf/all/forwarding");

    auto loaded = LoadedObject::load(options);
    if (!loaded) return tl::unexpected(loaded.error());
    object = std::move(*loaded);
    auto kernel = KernelMaps::create([this](const std::string& name) { return object->map_fd(name); });
    if (!kernel) return tl::unexpected(kernel.error());
    maps = std::move(*kernel);
    auto reader =
        EventReader::create({object->map_fd("events"), object->map_fd("snis"), object->map_fd("route_names")});
    if (!reader) return tl::unexpected(reader.error());
    events = std::move(*reader);
    gc = std::make_unique<GarbageCollector>(
        GarbageCollector::Fds{object->map_fd("flows4"), object->map_fd("flows6"), object->map_fd("gc_batch"),
                              object->map_fd("gc_limits"), object->gc_program_fd()},
        GarbageCollector::Limits{.closing = options.closing_time, .idle = options.idle_timeout});

    auto monitor = NetlinkSocket::open(kNetworkGroups);
    if (!monitor) return tl::unexpected(monitor.error());
    changes = std::move(*monitor);
    auto asking = NetlinkSocket::open(0);
    if (!asking) return tl::unexpected(asking.error());
    questions = std::move(*asking);

    const auto& config = object->config();
    reconciler = std::make_unique<Reconciler>(
        *maps, std::chrono::steady_clock::now, [this](const IpAddress& endpoint) { return resolve(endpoint); },
        NameSecret{config.name_key[0], config.name_key[1]}, !object->adopted());
    if (auto status = reconciler->adopt(); !status) return fail(status.error(), "adopt maps");

    if (auto status = object->pin_programs(); !status) return status;
    attacher = std::make_unique<Attacher>(options.pin_dir, object->entry_programs(), options.attach);
    return attach_interfaces();
}

Status Datapath::Impl::attach_interfaces() {
    auto all = list_interfaces(*questions);
    if (!all) return tl::unexpected(all.error());
    auto choice = choose_interfaces(*all, options.interfaces);
    auto problems = std::move(choice.refused);
    std::vector<Interface> now_attached;
    bool all_attached = true;
    unattached = true;
    for (const auto& interface : choice.chosen) {
        const bool known = std::any_of(attached.begin(), attached.end(), [&](const auto& old) {
            return old.ifindex == interface.ifindex && old.name == interface.name;
        });
        if (!known) {
            if (auto status = attacher->attach(interface); !status) {
                problems.push_back({interface.name, status.error().message});
                all_attached = false;
                continue;
            }
            log::info(kComponent, "program attached",
                      {{"interface", interface.name}, {"ifindex", interface.ifindex}, {"mtu", interface.mtu}});
        }
        now_attached.push_back(interface);
    }
    pending |= attached != now_attached;  // the ways to endpoints may be others
    attached = std::move(now_attached);
    note(std::move(problems));
    // An old program stays where ours could not take its place, and so does its table of tail calls.
    if (auto status = attacher->keep_only(choice.chosen); !status) return status;
    if (!all_attached) return {};
    if (auto status = object->publish_programs(); !status) return status;
    unattached = false;
    return {};
}

tl::expected<EndpointWay, NoWay> Datapath::Impl::resolve(const IpAddress& endpoint) {
    const auto route = routes.find(endpoint);
    auto way = judge_way(endpoint, route, attached);
    if (!way && way.error().exclusion == Exclusion::kInterfaceNotAttached) {
        char name[IF_NAMESIZE];
        if (::if_indextoname(static_cast<unsigned>(route->ifindex), name)) way.error().detail = name;
    }
    return way;
}

Status Datapath::Impl::reconcile(Ways ways) {
    if (!table) return {};
    auto mss = lowest_mss(attached);
    if (options.mss) mss = {*options.mss, *options.mss, true};
    const bool is_whole = ways == Ways::kAnew || pending || routes.is_due_to_forget();
    auto report = is_whole ? reconciler->reconcile(*table, mss) : reconciler->update(*table, mss);
    if (report.asked_for_all) routes.forget_unused();
    findings = std::move(report.findings);
    pending = report.again || !report.failures.empty();
    if (report.failures.empty()) return {};
    reconcile_errors++;
    return fail(report.failures.front() + (report.failures.size() > 1
                                               ? " (and " + std::to_string(report.failures.size() - 1) + " more)"
                                               : std::string()));
}

// Each problem is logged when it appears, not again while it lasts.
void Datapath::Impl::note(std::vector<InterfaceProblem> problems) {
    std::sort(problems.begin(), problems.end());
    for (const auto& problem : problems) {
        if (std::binary_search(interface_problems.begin(), interface_problems.end(), problem)) continue;
        log::warn(kComponent, "interface not served", {{"interface", problem.interface}, {"reason", problem.reason}});
    }
    interface_problems = std::move(problems);
}

Datapath::Datapath(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Datapath::~Datapath() = default;

Result<std::unique_ptr<Datapath>> Datapath::open(const DatapathOptions& options) {
    auto impl = std::make_unique<Impl>();
    impl->options = options;
    if (auto status = impl->start(); !status) return tl::unexpected(status.error());
    return std::unique_ptr<Datapath>(new Datapath(std::move(impl)));
}

Status Datapath::apply(RoutingTable table) {
    impl_->table = std::move(table);
    return impl_->reconcile(Impl::Ways::kAsBefore);
}

bool Datapath::synced() const {
    return impl_->table && !impl_->pending;
}

const Findings& Datapath::findings() const {
    return impl_->findings;
}

const std::vector<InterfaceProblem>& Datapath::interface_problems() const {
    return impl_->interface_problems;
}

Status Datapath::tick() {
    const auto collected = impl_->gc->step(kGcEntriesPerTick);
    const auto attached = impl_->unattached ? impl_->attach_interfaces() : Status{};
    const auto reconciled = impl_->pending ? impl_->reconcile(Impl::Ways::kAnew) : Status{};
    if (!collected) return fail(collected.error(), "garbage collection");
    return attached ? reconciled : attached;
}

std::uint64_t Datapath::reconcile_errors() const {
    return impl_->reconcile_errors;
}

std::uint64_t Datapath::map_writes() const {
    return impl_->maps->writes();
}

int Datapath::network_fd() const {
    return impl_->changes->fd();
}

Status Datapath::on_network_change() {
    impl_->changes->drain();
    impl_->routes.invalidate();
    if (auto status = impl_->attach_interfaces(); !status) return status;
    return impl_->reconcile(Impl::Ways::kAnew);
}

int Datapath::events_fd() const {
    return impl_->events->fd();
}

Result<std::size_t> Datapath::read_events(const std::function<void(const ConnectionEvent&)>& sink) {
    return impl_->events->read([&](const ConnectionEvent& event) {
        if (event.kind == ConnectionEvent::Kind::kClosed)
            impl_->gc->expect({event.client.address.to_abi(), event.vip.address.to_abi(),
                               __builtin_bswap16(event.client.port), __builtin_bswap16(event.vip.port)});
        sink(event);
    });
}

Result<std::vector<Counter>> Datapath::counters() const {
    return read_counters(impl_->object->map_fd("counters"));
}

FlowCounts Datapath::flows() const {
    return impl_->gc->counts();
}

std::vector<std::string> Datapath::interfaces() const {
    std::vector<std::string> names;
    for (const auto& interface : impl_->attached) names.push_back(interface.name);
    return names;
}

Status uninstall(const std::filesystem::path& pin_dir) {
    const auto lock = lock_pin_dir(pin_dir);  // not under a running agent
    if (!lock) return tl::unexpected(lock.error());
    if (auto status = detach_all(pin_dir); !status) return status;
    return remove_pin_dir(pin_dir);
}

}  // namespace slipgate
