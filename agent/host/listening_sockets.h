// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "agent/base/address.h"
#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace slipgate {

// A socket on every address and port that is served, so that no other process of the host takes it without noticing,
// and `ss` shows who has it. Clients elsewhere are served by the data path, before a socket sees anything of them; who
// comes as far as here, from the host itself or by an interface that does not carry the data path, is reset.
class ListeningSockets {
  public:
    [[nodiscard]] static Result<ListeningSockets> create();

    // Opens what is missing of `want` and closes what is not in it. Returns those that another process has, and says
    // so; calling again tries them again. Any other failure leaves a VIP without a socket, which the data path does not
    // need: it is logged, and no reason to stop serving.
    [[nodiscard]] std::map<SocketAddress, std::string> listen(const std::set<SocketAddress>& want);

    // Readable when somebody has connected; then call refuse().
    [[nodiscard]] int fd() const { return epoll_.get(); }
    void refuse();

    [[nodiscard]] std::uint64_t refused() const { return refused_; }  // connections, so far
    [[nodiscard]] std::size_t size() const { return sockets_.size(); }

  private:
    explicit ListeningSockets(Fd epoll) : epoll_(std::move(epoll)) {}
    [[nodiscard]] Result<Fd> open(const SocketAddress& vip) const;
    void note_problem(const std::string& problem);

    Fd epoll_;
    std::map<SocketAddress, Fd> sockets_;
    std::string problem_;  // that was logged last
    std::uint64_t refused_ = 0;
};

}  // namespace slipgate
