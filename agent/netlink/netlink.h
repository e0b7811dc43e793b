// SPDX-License-Identifier: Apache-2.0
// The few questions asked of rtnetlink (rtnetlink(7)), over libmnl.
#pragma once

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/result.h"

namespace slipgate {

class NetlinkSocket {
  public:
    // `groups`: RTMGRP_* to be told of, or 0 for a socket to ask with.
    [[nodiscard]] static Result<NetlinkSocket> open(unsigned groups);

    [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }

    // Sends a request (its sequence number is set here) and passes on each answering message. An error answer of the
    // kernel is an error here, with its errno text.
    [[nodiscard]] Status ask(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& answer);

    // Drops all that is waiting, without blocking. A socket with groups: the caller looks at the state anew.
    void drain();

  private:
    struct Close {
        void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
    };
    explicit NetlinkSocket(mnl_socket* socket) : socket_(socket) {}

    std::unique_ptr<mnl_socket, Close> socket_;
    std::uint32_t sequence_ = 0;
};

// The attributes of a message or of a nested attribute, by type.
class NetlinkAttributes {
  public:
    explicit NetlinkAttributes(const nlmsghdr* message, std::size_t header_size);
    explicit NetlinkAttributes(const nlattr* nested);

    [[nodiscard]] const nlattr* get(unsigned type) const { return type < all_.size() ? all_[type] : nullptr; }

  private:
    static int collect(const nlattr* attribute, void* self);

    std::vector<const nlattr*> all_;
};

// An address as an attribute, 4 or 16 bytes, and back; what is neither is "::".
void put_address(nlmsghdr* message, std::uint16_t type, const IpAddress& address);
[[nodiscard]] IpAddress read_address(const nlattr* attribute);

}  // namespace slipgate
