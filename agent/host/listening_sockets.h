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
    // `most`: sockets that are held at the same time.
    [[nodiscard]] static Result<ListeningSockets> create(std::size_t most = kMost);

    // As many as the map of VIPs has room for (bpf/maps.h): what is refused here has no place there.
    static constexpr std::size_t kMost = 4096;

    // Opens what is missing of `want` and closes what is not in it. Returns those that another process has, or that are
    // too many, and says so; calling again tries them again. Any other failure leaves a VIP without a socket, which the
    // data path does not need: it is logged, and no reason to stop serving.
    [[nodiscard]] std::map<SocketAddress, std::string> listen(const std::set<SocketAddress>& want);

    // Readable when somebody has connected; then call refuse().
    [[nodiscard]] int fd() const { return epoll_.get(); }
    void refuse();  // all that wait, as far as the backlog goes

    [[nodiscard]] std::uint64_t refused() const { return refused_; }  // connections, so far
    [[nodiscard]] std::size_t size() const { return sockets_.size(); }
    [[nodiscard]] std::size_t missing() const { return missing_; }  // of those wanted last

  private:
    ListeningSockets(Fd epoll, std::size_t most) : epoll_(std::move(epoll)), most_(most) {}
    [[nodiscard]] Result<Fd> open(const SocketAddress& vip) const;
    void note_problem(const std::string& problem);

    Fd epoll_;
    std::size_t most_;
    std::size_t missing_ = 0;
    std::map<SocketAddress, Fd> sockets_;
    std::string problem_;  // that was logged last
    std::uint64_t refused_ = 0;
};

}  // namespace slipgate
