// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/event_reader.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

#include <slipgate/abi.h>

#include "agent/datapath/counter_reader.h"
#include "agent/datapath/map_access.h"
#include "agent/ir/routing_table.h"

namespace slipgate {
namespace {

// Text of a zero-terminated field that may also be full.
template <std::size_t N>
std::string text_of(const char (&field)[N]) {
    return std::string(field, strnlen(field, N));
}

std::chrono::system_clock::time_point wall_clock(std::uint64_t monotonic_ns) {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto age = std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec) -
                     std::chrono::nanoseconds(monotonic_ns);
    return std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(age);
}

std::string_view close_reason(unsigned reason) {
    switch (reason) {
        case SG_CLOSE_FIN:
            return "fin";
        case SG_CLOSE_CLIENT_RST:
            return "client_rst";
        case SG_CLOSE_ENDPOINT_RST:
            return "endpoint_rst";
        case SG_CLOSE_IDLE:
            return "idle";
        case SG_CLOSE_CONNECT_TIMEOUT:
            return "connect_timeout";
        case SG_CLOSE_TUPLE_REUSED:
            return "tuple_reused";
        default:
            return "unknown";
    }
}

}  // namespace

Result<std::unique_ptr<EventReader>> EventReader::create(Maps maps) {
    std::unique_ptr<EventReader> reader(new EventReader(maps));
    reader->ring_ = ring_buffer__new(maps.events, on_record, reader.get(), nullptr);
    if (!reader->ring_) return fail_errno("map the event ring", errno);
    return reader;
}

EventReader::~EventReader() {
    ring_buffer__free(ring_);
}

int EventReader::fd() const {
    return ring_buffer__epoll_fd(ring_);
}

Result<std::size_t> EventReader::read(const std::function<void(const ConnectionEvent&)>& sink) {
    sink_ = &sink;
    const int read = ring_buffer__consume(ring_);
    sink_ = nullptr;
    snis_.clear();
    routes_.clear();
    if (read < 0) return fail_errno("read the event ring", read);
    return static_cast<std::size_t>(read);
}

int EventReader::on_record(void* reader, void* data, std::size_t size) {
    auto& self = *static_cast<EventReader*>(reader);
    if (size >= sizeof(sg_event)) (*self.sink_)(self.decode(data, size));
    return 0;
}

const std::string& EventReader::sni_of(std::uint64_t digest) {
    const auto [place, is_new] = snis_.try_emplace(digest);
    if (!is_new) return place->second;
    if (const auto sni = map_get<sg_sni>(maps_.snis, "snis", digest); sni && *sni)
        place->second = text_of((*sni)->text);
    return place->second;
}

const std::string& EventReader::route_of(std::uint32_t index) {
    const auto [place, is_new] = routes_.try_emplace(index);
    if (!is_new) return place->second;
    if (const auto name = map_get<sg_label>(maps_.route_names, "route_names", index); name && *name)
        place->second = without_mode(text_of((*name)->text));
    return place->second;
}

ConnectionEvent EventReader::decode(const void* data, std::size_t size) {
    sg_event record{};
    std::memcpy(&record, data, sizeof(record));
    ConnectionEvent event;
    event.time = wall_clock(record.time);
    event.client = {IpAddress(record.client.source), ntohs(record.client.source_port)};
    event.vip = {IpAddress(record.client.destination), ntohs(record.client.destination_port)};
    event.bytes_up = record.bytes_up;
    event.bytes_down = record.bytes_down;
    event.duration = std::chrono::nanoseconds(static_cast<std::uint64_t>(record.duration) << 30);
    if (record.endpoint.destination_port) {
        event.endpoint = {IpAddress(record.endpoint.destination), ntohs(record.endpoint.destination_port)};
        event.source = {IpAddress(record.endpoint.source), ntohs(record.endpoint.source_port)};
    }
    if (record.kind == SG_EVENT_REFUSED) {
        event.kind = ConnectionEvent::Kind::kRefused;
        event.reason = counter_name(record.reason);
        sg_refusal refusal{};
        std::memcpy(&refusal, data, std::min(size, sizeof(refusal)));
        event.sni = text_of(refusal.sni);
    } else {
        event.reason = close_reason(record.reason);
    }
    if (event.sni.empty() && record.sni) event.sni = sni_of(record.sni);
    if (record.route != SG_ROUTE_NONE) event.route = route_of(record.route);
    return event;
}

}  // namespace slipgate
