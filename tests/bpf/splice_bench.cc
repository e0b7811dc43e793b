// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/splice_bench.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include <array>
#include <cstring>
#include <ctime>
#include <utility>

#include <slipgate/cookie.h>

namespace slipgate::test {
namespace {

sg_tuple key_of(const Packet& packet) {
    return {.source = IpAddress::parse(packet.source)->to_abi(),
            .destination = IpAddress::parse(packet.destination)->to_abi(),
            .source_port = htons(packet.source_port),
            .destination_port = htons(packet.destination_port)};
}

sg_flow4_key ipv4_key(const sg_tuple& tuple) {
    return {tuple.source.word[3], tuple.destination.word[3], tuple.source_port, tuple.destination_port};
}

Tuple to_tuple(const sg_tuple& t) {
    return {IpAddress(t.source).to_string(), IpAddress(t.destination).to_string(), ntohs(t.source_port),
            ntohs(t.destination_port)};
}

sg_address mapped(__be32 ipv4) {
    return {{0, 0, htonl(0xffff), ipv4}};
}

// A tuple as bpf/lib/common.h hashes it.
std::array<__u64, 5> hashed_words(const sg_tuple& t) {
    const auto two = [](__be32 high, __be32 low) { return static_cast<__u64>(high) << 32 | low; };
    return {two(t.source.word[0], t.source.word[1]), two(t.source.word[2], t.source.word[3]),
            two(t.destination.word[0], t.destination.word[1]), two(t.destination.word[2], t.destination.word[3]),
            static_cast<__u64>(t.source_port) << 16 | t.destination_port};
}

// One CPU: the rate limit and the working memory are per CPU, and what is counted is then where we look.
void stay_on_this_cpu() {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
}

constexpr const char* kCounterNames[] = {
#define X(name, help) #name,
    SG_COUNTERS(X)
#undef X
};

}  // namespace

SpliceBench::SpliceBench(Framing framing) : framing_(framing) {
    options.max_connections = 65536;
}

std::array<const Family*, 2> SpliceBench::families(SourceMode mode) const {
    const bool preserve = mode == SourceMode::kPreserve;
    if (framing_ == Framing::kEthernet) return {preserve ? &kPreserved4 : &kIpv4, preserve ? &kPreserved6 : &kIpv6};
    return {preserve ? &kPreservedTunnel4 : &kTunnel4, preserve ? &kPreservedTunnel6 : &kTunnel6};
}

Mac SpliceBench::gateway_mac(Side side) const {
    if (framing_ != Framing::kEthernet) return {};
    return side == Side::kClient ? kClientLinkMac : kEndpointLinkMac;
}

Mac SpliceBench::peer_mac(Side side) const {
    if (framing_ != Framing::kEthernet) return {};
    return side == Side::kClient ? kClientMac : kEndpointMac;
}

void SpliceBench::join_by_ethernet() {
    run("ip link set up0 address 02:00:00:00:02:01 && ip link add dn0 address 02:00:00:00:01:01 type veth peer name "
        "cl0");
    run("ip link set dn0 up && ip link set cl0 up");
    run("ip addr add 198.51.100.1/24 dev dn0 && ip addr add 2001:db8::1/64 dev dn0 nodad");
    for (const char* address : {"10.7.0.20", "10.7.0.21", "fd07::20", "fd07::21"})
        run("ip neigh add " + std::string(address) + " lladdr 02:00:00:00:02:09 dev up0");
    for (const auto* family : kFamilies)
        run("ip neigh add " + std::string(family->client) + " lladdr 02:00:00:00:01:09 dev dn0");
}

void SpliceBench::join_by_tunnels() {
    run("ip link del up0");
    for (const std::string link : {"dn0", "up0"})
        run("ip tuntap add " + link + " mode tun && ip link set " + link + " up");
    run("ip addr add 8.0.1.1/24 dev dn0 && ip addr add fd07:1:86dd::1/64 dev dn0 nodad");
    run("ip addr add 8.0.2.1/24 dev up0 && ip addr add fd07:2:86dd::1/64 dev up0 nodad");
    for (const auto* family : families()) {
        run("ip neigh add " + std::string(family->client) + " nud noarp dev dn0");
        run("ip neigh add " + std::string(family->endpoint) + " nud noarp dev up0");
    }
}

void SpliceBench::SetUp() {
    ASSERT_NO_FATAL_FAILURE(KernelBench::SetUp());
    stay_on_this_cpu();
    const bool ethernet = framing_ == Framing::kEthernet;
    ASSERT_NO_FATAL_FAILURE(ethernet ? join_by_ethernet() : join_by_tunnels());
    options.interfaces = {"up0", "dn0"};
    options.mss = kVipMss;
    options.rst_per_second = 1U << 30;
    datapath_ = open();
    ASSERT_TRUE(datapath_);
    serve({at(families()[0]->endpoint, kEndpointPort), at(families()[1]->endpoint, kEndpointPort)});
    ifindex_ = {{Side::kClient, if_nametoindex("dn0")}, {Side::kEndpoint, if_nametoindex("up0")}};
    program_ = Fd(bpf_prog_get_fd_by_id(attached("links/up0").id));
    ASSERT_TRUE(program_);
    if (!ethernet) tunnel_entry_.emplace(std::move(program_));
    counters_ = pinned("counters");
    flows4_ = pinned("flows4");
    flows6_ = pinned("flows6");
    openings_ = pinned("openings");
    per_cpu_.resize(static_cast<std::size_t>(libbpf_num_possible_cpus()));
}

bpf_prog_info SpliceBench::attached(const std::string& link) const {
    bpf_link_info info{};
    __u32 size = sizeof info;
    EXPECT_EQ(bpf_obj_get_info_by_fd(pinned(link).get(), &info, &size), 0);
    const Fd program(bpf_prog_get_fd_by_id(info.prog_id));
    bpf_prog_info found{};
    size = sizeof found;
    EXPECT_EQ(bpf_obj_get_info_by_fd(program.get(), &found, &size), 0);
    return found;
}

void SpliceBench::TearDown() {
    datapath_.reset();
    KernelBench::TearDown();
}

void SpliceBench::serve(const std::vector<BackendEndpoint>& endpoints) {
    RoutingTable table;
    table.backends["shop/web:443"].endpoints = endpoints;
    table.routes["shop/web"].backends = {{"shop/web:443", 1}};
    for (const auto* family : kFamilies) table.vips[at(family->vip, kVipPort)].names = {{kServerName, "shop/web"}};
    const auto applied = datapath_->apply(table);
    ASSERT_TRUE(applied) << applied.error().message;
    ASSERT_TRUE(datapath_->interface_problems().empty()) << datapath_->interface_problems().front().reason;
    ASSERT_TRUE(datapath_->findings() == Findings{});
}

// Of this CPU alone: what else runs meanwhile counts elsewhere.
sg_counters SpliceBench::counters() {
    const __u32 zero = 0;
    EXPECT_EQ(bpf_map_lookup_elem(counters_.get(), &zero, per_cpu_.data()), 0);
    return per_cpu_.at(static_cast<std::size_t>(sched_getcpu()));
}

Bytes SpliceBench::as_received(const Bytes& frame) const {
    return framing_ == Framing::kEthernet ? frame : Bytes(frame.begin() + kEthernet, frame.end());
}

bool SpliceBench::can_run(const Bytes& frame) const {
    const bool ipv6 = frame.at(kEthernet - 2) == 0x86;
    return as_received(frame).size() >= kEthernet + (ipv6 ? 40 : 20);
}

Outcome SpliceBench::run_packet(const Bytes& frame, Side side) {
    const auto before = counters();
    const Bytes in = as_received(frame);
    __sk_buff context{};
    context.ifindex = ifindex_[side];
    LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = in.data(), .data_out = out_.data(),
                .data_size_in = static_cast<__u32>(in.size()), .data_size_out = static_cast<__u32>(out_.size()),
                .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = 1);
    EXPECT_EQ(bpf_prog_test_run_opts(program(), &test), 0) << std::strerror(errno) << "\n" << describe(frame);
    nanoseconds_ = test.duration;
    const auto after = counters();
    Outcome outcome{static_cast<int>(test.retval), Bytes(out_.begin(), out_.begin() + test.data_size_out), {}};
    for (std::size_t i = 0; i < SG_COUNTER_MAX; ++i) {
        const auto more = reinterpret_cast<const __u64*>(&after)[i] - reinterpret_cast<const __u64*>(&before)[i];
        if (more) outcome.counted[kCounterNames[i]] = more;
    }
    return outcome;
}

int SpliceBench::run_bare(const Bytes& frame, Side side) {
    const Bytes in = as_received(frame);
    __sk_buff context{};
    context.ifindex = ifindex_.at(side);
    LIBBPF_OPTS(bpf_test_run_opts, test, .data_in = in.data(), .data_size_in = static_cast<__u32>(in.size()),
                .ctx_in = &context, .ctx_size_in = sizeof context, .repeat = 1);
    return bpf_prog_test_run_opts(program(), &test) ? -errno : static_cast<int>(test.retval);
}

std::optional<sg_flow> SpliceBench::flow(const Packet& packet) {
    const auto tuple = key_of(packet);
    const auto key4 = ipv4_key(tuple);
    sg_flow4 flow4{};
    sg_flow6 flow6{};
    if (packet.ipv6()) {
        if (bpf_map_lookup_elem(flows6_.get(), &tuple, &flow6)) return {};
        return flow6.flow;
    }
    if (bpf_map_lookup_elem(flows4_.get(), &key4, &flow4)) return {};
    return flow4.flow;
}

void SpliceBench::change_flow(const Packet& packet, const std::function<void(sg_flow&)>& change) {
    const auto tuple = key_of(packet);
    const auto key4 = ipv4_key(tuple);
    sg_flow4 flow4{};
    sg_flow6 flow6{};
    if (packet.ipv6()) {
        ASSERT_EQ(bpf_map_lookup_elem(flows6_.get(), &tuple, &flow6), 0);
        change(flow6.flow);
        ASSERT_EQ(bpf_map_update_elem(flows6_.get(), &tuple, &flow6, BPF_EXIST), 0);
    } else {
        ASSERT_EQ(bpf_map_lookup_elem(flows4_.get(), &key4, &flow4), 0);
        change(flow4.flow);
        ASSERT_EQ(bpf_map_update_elem(flows4_.get(), &key4, &flow4, BPF_EXIST), 0);
    }
}

void SpliceBench::forget_flow(const Packet& packet) {
    const auto tuple = key_of(packet);
    const auto key4 = ipv4_key(tuple);
    if (packet.ipv6()) {
        bpf_map_delete_elem(flows6_.get(), &tuple);
    } else {
        bpf_map_delete_elem(flows4_.get(), &key4);
    }
}

std::optional<sg_opening> SpliceBench::opening(const Packet& packet) {
    const auto tuple = key_of(packet);
    const auto words = hashed_words(tuple);
    const auto set = static_cast<__u32>(sg_siphash_words(config().cookie_key, words.data(), 5)) % SG_OPENING_SETS;
    auto found = std::make_unique<sg_opening>();
    for (__u32 way = 0; way < SG_OPENING_WAYS; ++way) {
        const __u32 index = set * SG_OPENING_WAYS + way;
        EXPECT_EQ(bpf_map_lookup_elem(openings_.get(), &index, found.get()), 0);
        if (found->state != SG_OPENING_FREE && std::memcmp(&found->client, &tuple, sizeof tuple) == 0) return *found;
    }
    return {};
}

bool SpliceBench::fits_a_cookie(const Packet& packet) const {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto nanoseconds = static_cast<__u64>(now.tv_sec) * 1'000'000'000ULL + static_cast<__u64>(now.tv_nsec);
    const auto tick = nanoseconds >> SG_COOKIE_TICK_SHIFT;
    const auto words = hashed_words(key_of(packet));
    const auto settings = config();
    const auto fits = [&](__u64 at_tick) {
        __u32 isn = 0;
        return sg_cookie_check(settings.cookie_key, words.data(), at_tick, packet.ack - 1, packet.seq, SG_STASH_BYTES,
                               &isn) != SG_COOKIE_FOREIGN;
    };
    return fits(tick) || fits(tick - 1);  // one may have been good when its opening began, a tick ago
}

FlowTable SpliceBench::flows() {
    FlowTable all;
    sg_flow4_key key4{};
    sg_flow4 flow4{};
    for (int more = bpf_map_get_next_key(flows4_.get(), nullptr, &key4); more == 0;
         more = bpf_map_get_next_key(flows4_.get(), &key4, &key4)) {
        EXPECT_EQ(bpf_map_lookup_elem(flows4_.get(), &key4, &flow4), 0);
        all[to_tuple({mapped(key4.source), mapped(key4.destination), key4.source_port, key4.destination_port})] = {
            flow4.flow, to_tuple({mapped(flow4.source), mapped(flow4.destination), flow4.flow.source_port,
                                  flow4.flow.destination_port})};
    }
    sg_tuple key6{};
    sg_flow6 flow6{};
    for (int more = bpf_map_get_next_key(flows6_.get(), nullptr, &key6); more == 0;
         more = bpf_map_get_next_key(flows6_.get(), &key6, &key6)) {
        EXPECT_EQ(bpf_map_lookup_elem(flows6_.get(), &key6, &flow6), 0);
        all[to_tuple(key6)] = {flow6.flow, to_tuple({flow6.source, flow6.destination, flow6.flow.source_port,
                                                     flow6.flow.destination_port})};
    }
    return all;
}

void SpliceBench::set_config(const sg_config& config) {
    const __u32 zero = 0;
    ASSERT_EQ(bpf_map_update_elem(pinned("config").get(), &zero, &config, BPF_ANY), 0);
}

}  // namespace slipgate::test
