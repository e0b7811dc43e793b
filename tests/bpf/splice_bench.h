// SPDX-License-Identifier: Apache-2.0
// The data plane on single packets: BPF_PROG_TEST_RUN of the entry program, which tail-calls the others. The redirect
// at the end is not carried out: what would have been sent is the packet and the action that come back.
#pragma once

#include <linux/pkt_cls.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agent/datapath/interfaces.h"
#include "bpf/lib/opening.h"
#include "tests/bpf/kernel_bench.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/tunnel_entry.h"

namespace slipgate::test {

inline constexpr int kPassed = -1;     // TC_ACT_UNSPEC: not ours, the next program or the stack may have it
inline constexpr int kDropped = 2;     // TC_ACT_SHOT
inline constexpr int kRedirected = 7;  // TC_ACT_REDIRECT
static_assert(kPassed == TC_ACT_UNSPEC && kDropped == TC_ACT_SHOT && kRedirected == TC_ACT_REDIRECT);

enum class Side { kClient, kEndpoint };

// Counters that went up, by how much.
using Counted = std::map<std::string, std::uint64_t>;

struct Outcome {
    int action = 0;
    Bytes frame;
    Counted counted;
};

// Who is who. Clients are behind dn0, endpoints behind up0; both links answer no ARP: the neighbours are fixed. `ours`
// is the address that endpoints see.
struct Family {
    const char *name, *client, *vip, *ours, *endpoint;
};
inline constexpr Family kIpv4{"IPv4", "198.51.100.9", "192.0.2.1", "10.7.0.1", "10.7.0.20"};
inline constexpr Family kIpv6{"IPv6", "2001:db8::9", "2001:db8:1::1", "fd07::1", "fd07::20"};
inline constexpr const Family* kFamilies[] = {&kIpv4, &kIpv6};
// Where endpoints see the client's (source mode preserve).
inline constexpr Family kPreserved4{"IPv4", kIpv4.client, kIpv4.vip, kIpv4.client, kIpv4.endpoint};
inline constexpr Family kPreserved6{"IPv6", kIpv6.client, kIpv6.vip, kIpv6.client, kIpv6.endpoint};
inline constexpr const Family* kPreservedFamilies[] = {&kPreserved4, &kPreserved6};
// On links without Ethernet headers: who sends has an EtherType in its address (tunnel_entry.h).
inline constexpr Family kTunnel4{"IPv4 without Ethernet", "8.0.1.9", kIpv4.vip, "8.0.2.1", "8.0.2.20"};
inline constexpr Family kTunnel6{"IPv6 without Ethernet", "fd07:1:86dd::9", kIpv6.vip, "fd07:2:86dd::1",
                                 "fd07:2:86dd::20"};
inline constexpr Family kPreservedTunnel4{kTunnel4.name, kTunnel4.client, kTunnel4.vip, kTunnel4.client,
                                          kTunnel4.endpoint};
inline constexpr Family kPreservedTunnel6{kTunnel6.name, kTunnel6.client, kTunnel6.vip, kTunnel6.client,
                                          kTunnel6.endpoint};

inline constexpr Mac kClientMac{2, 0, 0, 0, 1, 9}, kClientLinkMac{2, 0, 0, 0, 1, 1};
inline constexpr Mac kEndpointMac{2, 0, 0, 0, 2, 9}, kEndpointLinkMac{2, 0, 0, 0, 2, 1};
inline constexpr std::uint16_t kVipPort = 443, kEndpointPort = 8443;
inline constexpr std::uint16_t kVipMss = 1400, kLinkMtu = 1500;
inline constexpr std::uint8_t kPromisedScale = 10;
inline constexpr const char* kServerName = "shop.example.com";

// Addresses as text, ports in host order.
struct Tuple {
    std::string source, destination;
    std::uint16_t source_port = 0, destination_port = 0;

    auto operator<=>(const Tuple&) const = default;
};
inline Tuple tuple_of(const Packet& p) {
    return {p.source, p.destination, p.source_port, p.destination_port};
}

struct FlowEntry {
    sg_flow flow;
    Tuple out;  // what a packet leaves with
};
using FlowTable = std::map<Tuple, FlowEntry>;

class SpliceBench : public KernelBench {
  public:
    // `framing` of both links. Without Ethernet, frames are given with a header of zeros, which is taken off before the
    // program sees them; what comes back has the one the program put in front.
    explicit SpliceBench(Framing framing = Framing::kEthernet);

    [[nodiscard]] std::array<const Family*, 2> families(SourceMode mode = SourceMode::kSnat) const;
    // Of the gateway on the side's link, and of the side itself.
    [[nodiscard]] Mac gateway_mac(Side side) const;
    [[nodiscard]] Mac peer_mac(Side side) const;

    // BPF_PROG_TEST_RUN runs a program on nothing shorter than an Ethernet and an IP header. Without Ethernet that is
    // 14 bytes more than a device might deliver.
    [[nodiscard]] bool can_run(const Bytes& frame) const;
    // Runs the entry program on a frame that came in on the side's link.
    Outcome run_packet(const Bytes& frame, Side side);
    Outcome run_packet(const Packet& packet, Side side) { return run_packet(packet.frame(), side); }

    // What the last of them took in the programs.
    [[nodiscard]] std::uint32_t nanoseconds() const { return nanoseconds_; }

    // Runs the entry program on nothing but this frame: no counter is read. May be called by several threads at once.
    int run_bare(const Bytes& frame, Side side);

    // The flow entry under which packets like this one are looked up.
    std::optional<sg_flow> flow(const Packet& packet);
    void change_flow(const Packet& packet, const std::function<void(sg_flow&)>& change);
    void forget_flow(const Packet& packet);
    FlowTable flows();  // of both families
    std::size_t flow_entries() { return flows().size(); }
    // The opening of the connection that this packet of a client belongs to.
    std::optional<sg_opening> opening(const Packet& packet);

    [[nodiscard]] std::uint16_t first_source_port() const { return options.port_first; }
    [[nodiscard]] sg_config config() const { return first<sg_config>("config"); }
    void set_config(const sg_config& config);

    // Does the packet's acknowledgement, by chance or by right, look like one of a cookie of its connection? One in
    // 2048 wrong ones does (cookie.h).
    [[nodiscard]] bool fits_a_cookie(const Packet& packet) const;

    [[nodiscard]] Datapath& datapath() { return *datapath_; }
    // The programs go on without.
    void stop_agent() { datapath_.reset(); }

    // Serves kServerName by these endpoints.
    void serve(const std::vector<BackendEndpoint>& endpoints);

  protected:
    void SetUp() override;
    void TearDown() override;
    // The program that the pinned link attaches.
    [[nodiscard]] bpf_prog_info attached(const std::string& link) const;

  private:
    void join_by_ethernet();
    void join_by_tunnels();
    [[nodiscard]] Bytes as_received(const Bytes& frame) const;
    [[nodiscard]] int program() const { return tunnel_entry_ ? tunnel_entry_->program() : program_.get(); }
    sg_counters counters();

    const Framing framing_;
    std::unique_ptr<Datapath> datapath_;
    Fd program_, counters_, flows4_, flows6_, openings_;
    std::optional<TunnelEntry> tunnel_entry_;
    std::map<Side, unsigned> ifindex_;
    Bytes out_ = Bytes(4096);
    std::vector<sg_counters> per_cpu_;
    std::uint32_t nanoseconds_ = 0;
};

}  // namespace slipgate::test
