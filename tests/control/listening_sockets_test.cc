// SPDX-License-Identifier: Apache-2.0
#include "agent/host/listening_sockets.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "tests/control/no_more_files.h"
#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::at;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// Of the loopback network, by the process: each case is one, and they may run at the same time.
SocketAddress own(int number) {
    const auto id = ::getpid();
    return at(fmt::format("127.{}.{}.{}", 64 + id / 256 % 64, id % 256, number), 8443);
}

const SocketAddress kFirst = own(1), kSecond = own(2), kThird = own(3);

Fd connect(const SocketAddress& vip) {
    Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(vip.port);
    ::inet_pton(AF_INET, vip.address.to_string().c_str(), &name.sin_addr);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)), 0);
    return socket;
}

TEST(ListeningSockets, AllThatWaitAreRefusedAtOnce) {
    auto sockets = ListeningSockets::create().value();
    ASSERT_THAT(sockets.listen({kFirst, kSecond}), IsEmpty());
    std::vector<Fd> clients;
    for (int n = 0; n < 10; n++) {
        clients.push_back(connect(kFirst));
        clients.push_back(connect(kSecond));
    }
    sockets.refuse();
    EXPECT_EQ(sockets.refused(), clients.size());
}

TEST(ListeningSockets, ThereIsABoundAndWhatIsBeyondIsSaid) {
    auto sockets = ListeningSockets::create(2).value();
    ASSERT_THAT(sockets.listen({kSecond, kThird}), IsEmpty());
    EXPECT_THAT(sockets.listen({kFirst, kSecond, kThird}), ElementsAre(Pair(kFirst, HasSubstr("2 others"))))
        << "those that are there stay";
    EXPECT_EQ(sockets.size(), 2u);
    EXPECT_EQ(sockets.missing(), 1u);
    EXPECT_THAT(sockets.listen({kFirst, kSecond}), IsEmpty()) << "there is room again";
    EXPECT_EQ(sockets.missing(), 0u);
}

TEST(ListeningSockets, WithoutADescriptorAVipIsServedAllTheSame) {
    SKIP_IF_FILES_ARE_NEEDED();
    auto sockets = ListeningSockets::create().value();
    {
        const test::NoMoreFiles limit;
        EXPECT_THAT(sockets.listen({kFirst}), IsEmpty()) << "the port is nobody else's";
    }
    EXPECT_EQ(sockets.size(), 0u);
    EXPECT_EQ(sockets.missing(), 1u);
    EXPECT_THAT(sockets.listen({kFirst}), IsEmpty());
    EXPECT_EQ(sockets.size(), 1u) << "it is tried again";
}

TEST(ListeningSockets, APortOfAnotherProcessIsLeftToIt) {
    auto other = ListeningSockets::create().value(), sockets = ListeningSockets::create().value();
    ASSERT_THAT(other.listen({kFirst}), IsEmpty());
    EXPECT_THAT(sockets.listen({kFirst, kSecond}), ElementsAre(Pair(kFirst, HasSubstr("another process"))));
    EXPECT_EQ(sockets.size(), 1u);
}

}  // namespace
}  // namespace slipgate
