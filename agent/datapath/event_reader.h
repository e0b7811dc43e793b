// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "agent/base/result.h"
#include "agent/datapath/events.h"

struct ring_buffer;

namespace slipgate {

// Reads the ring of events and turns records into ConnectionEvents: names of SNI and route come from the maps that hold
// them. Borrows the map descriptors.
class EventReader {
  public:
    struct Maps {
        int events, snis, route_names;
    };

    [[nodiscard]] static Result<std::unique_ptr<EventReader>> create(Maps maps);
    ~EventReader();
    EventReader(const EventReader&) = delete;
    EventReader& operator=(const EventReader&) = delete;

    [[nodiscard]] int fd() const;  // epoll: readable when there is something to read

    // Passes on all there are; returns their number.
    [[nodiscard]] Result<std::size_t> read(const std::function<void(const ConnectionEvent&)>& sink);

  private:
    explicit EventReader(Maps maps) : maps_(maps) {}
    static int on_record(void* reader, void* data, std::size_t size);
    [[nodiscard]] ConnectionEvent decode(const void* data, std::size_t size);
    [[nodiscard]] const std::string& sni_of(std::uint64_t digest);
    [[nodiscard]] const std::string& route_of(std::uint32_t index);

    Maps maps_;
    // Names met in one read(), so that each costs one system call; an index may serve another route by the next.
    std::unordered_map<std::uint64_t, std::string> snis_;
    std::unordered_map<std::uint32_t, std::string> routes_;
    ring_buffer* ring_ = nullptr;
    const std::function<void(const ConnectionEvent&)>* sink_ = nullptr;
};

}  // namespace slipgate
