// SPDX-License-Identifier: Apache-2.0
#include "agent/app/http.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <future>
#include <thread>

#include "agent/app/admin.h"

namespace slipgate {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const SocketAddress kAnyPort{*IpAddress::parse("127.0.0.1"), 0};

// Sends one request and returns the whole answer.
std::string request(const SocketAddress& server, const std::string& method, const std::string& path) {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(server.port);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return "no connection";
    const auto text = method + " " + path + " HTTP/1.1\r\nHost: test\r\n\r\n";
    if (::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) < 0) return "not sent";
    std::string answer;
    std::array<char, 4096> buffer;
    for (ssize_t n = 0; (n = ::recv(socket.get(), buffer.data(), buffer.size(), 0)) > 0;)
        answer.append(buffer.data(), static_cast<std::size_t>(n));
    return answer;
}

std::unique_ptr<HttpServer> serve(HttpServer::Handler handler) {
    auto server = HttpServer::start(kAnyPort, std::move(handler));
    EXPECT_TRUE(server) << server.error().message;
    return server ? std::move(*server) : nullptr;
}

TEST(Http, AnswersGetAndHead) {
    const auto server =
        serve([](std::string_view path) { return HttpResponse{200, "you asked for " + std::string(path) + "\n"}; });
    ASSERT_TRUE(server);
    EXPECT_NE(server->address().port, 0);
    EXPECT_THAT(request(server->address(), "GET", "/a"),
                AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nContent-Length: 17\r\n"),
                      EndsWith("\r\n\r\nyou asked for /a\n")));
    EXPECT_THAT(request(server->address(), "HEAD", "/a"),
                AllOf(HasSubstr("\r\nContent-Length: 17\r\n"), EndsWith("\r\n\r\n")));
}

TEST(Http, RefusesOtherMethods) {
    const auto server = serve([](std::string_view) { return HttpResponse{}; });
    ASSERT_TRUE(server);
    EXPECT_THAT(request(server->address(), "DELETE", "/"), StartsWith("HTTP/1.1 405 "));
}

TEST(Http, PortInUseIsAnErrorThatNamesIt) {
    const auto server = serve([](std::string_view) { return HttpResponse{}; });
    ASSERT_TRUE(server);
    const auto second = HttpServer::start(server->address(), [](std::string_view) { return HttpResponse{}; });
    ASSERT_FALSE(second);
    EXPECT_THAT(second.error().message,
                AllOf(HasSubstr(server->address().to_string()), HasSubstr("Address already in use")));
}

TEST(Http, AddressThatIsNotOursIsAnError) {
    const auto server =
        HttpServer::start({*IpAddress::parse("192.0.2.1"), 0}, [](std::string_view) { return HttpResponse{}; });
    ASSERT_FALSE(server);
    EXPECT_THAT(server.error().message, AllOf(HasSubstr("192.0.2.1"), HasSubstr("Cannot assign requested address")));
}

// The pages, answered by a loop on a thread of its own.
class Admin : public testing::Test {
  protected:
    void SetUp() override {
        auto created = EventLoop::create();
        ASSERT_TRUE(created);
        loop_ = std::move(*created);
    }

    void TearDown() override {
        loop_->post([this] { loop_->stop(); });
        if (thread_.joinable()) thread_.join();
    }

    void run_loop() {
        thread_ = std::thread([this] { EXPECT_TRUE(loop_->run()); });
    }

    AdminView view() {
        return {
            [this] { return fmt::format("on_the_loop {}\n", bool(std::this_thread::get_id() == thread_.get_id())); },
            [this] { return ready_; }};
    }

    std::unique_ptr<EventLoop> loop_;
    std::thread thread_;
    Status ready_;
};

TEST_F(Admin, PagesAreMadeOnTheLoop) {
    const auto server = serve(make_admin_handler(*loop_, view()));
    run_loop();
    EXPECT_THAT(
        request(server->address(), "GET", "/metrics"),
        AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("text/plain; version=0.0.4"), EndsWith("on_the_loop true\n")));
    EXPECT_THAT(request(server->address(), "GET", "/healthz"),
                AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nok\n")));
    EXPECT_THAT(request(server->address(), "GET", "/readyz"),
                AllOf(StartsWith("HTTP/1.1 200 "), EndsWith("\r\n\r\nready\n")));
    EXPECT_THAT(request(server->address(), "GET", "/"), HasSubstr("/metrics"));
    EXPECT_THAT(request(server->address(), "GET", "/etc/passwd"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(Admin, NotReadySaysWhy) {
    ready_ = fail("the manifests have not been read yet");
    const auto server = serve(make_admin_handler(*loop_, view()));
    run_loop();
    EXPECT_THAT(request(server->address(), "GET", "/readyz"),
                AllOf(StartsWith("HTTP/1.1 503 "), EndsWith("not ready: the manifests have not been read yet\n")));
    EXPECT_THAT(request(server->address(), "GET", "/healthz"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(Admin, LoopThatHangsIsNotHealthy) {
    const auto server = serve(make_admin_handler(*loop_, view(), std::chrono::milliseconds(50)));
    EXPECT_THAT(request(server->address(), "GET", "/healthz"),
                AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("does not answer")));
    run_loop();  // the late page finds nobody waiting
}

TEST_F(Admin, StoppedLoopIsSaidAtOnce) {
    loop_->stop();
    ASSERT_TRUE(loop_->run());
    const auto server = serve(make_admin_handler(*loop_, view(), std::chrono::hours(1)));
    EXPECT_THAT(request(server->address(), "GET", "/healthz"),
                AllOf(StartsWith("HTTP/1.1 503 "), HasSubstr("shutting down")));
}

}  // namespace
}  // namespace slipgate
