// SPDX-License-Identifier: Apache-2.0
#include "agent/app/access_log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::at;
using testing::AllOf;
using testing::HasSubstr;

ConnectionEvent closed() {
    ConnectionEvent event;
    event.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1767323045067));
    event.client = at("192.0.2.1", 40000);
    event.vip = at("198.51.100.7", 443);
    event.sni = "shop.example.com";
    event.route = "shop/web";
    event.endpoint = at("10.0.0.7", 8443);
    event.source = at("10.0.0.1", 61000);
    event.bytes_up = 517;
    event.bytes_down = 1073741824;
    event.duration = std::chrono::duration<double>(12.3456);
    event.reason = "fin";
    return event;
}

ConnectionEvent refused(std::string sni) {
    ConnectionEvent event;
    event.kind = ConnectionEvent::Kind::kRefused;
    event.client = at("2001:db8::1", 40000);
    event.vip = at("2001:db8::7", 443);
    event.sni = std::move(sni);
    event.reason = "no_route";
    return event;
}

TEST(AccessLogLine, OfAClosedConnection) {
    EXPECT_EQ(access_log_line(closed()),
              "time=2026-01-02T03:04:05.067Z event=closed client=192.0.2.1:40000 vip=198.51.100.7:443 "
              "sni=shop.example.com route=shop/web endpoint=10.0.0.7:8443 source=10.0.0.1:61000 bytes_up=517 "
              "bytes_down=1073741824 duration=12.346 reason=fin\n");
}

TEST(AccessLogLine, OfARefusedConnectionHasEmptyValues) {
    EXPECT_EQ(access_log_line(refused("")),
              "time=1970-01-01T00:00:00.000Z event=refused client=[2001:db8::1]:40000 vip=[2001:db8::7]:443 "
              "sni=\"\" route=\"\" endpoint=\"\" source=\"\" bytes_up=0 bytes_down=0 duration=0.000 reason=no_route\n");
}

// Every byte a client can put into the name: the line stays one line of printable ASCII, and what follows stays in
// place.
TEST(AccessLogLine, HostileServerNamesForgeNothing) {
    std::string every_byte;
    for (int byte = 1; byte < 256; byte++) every_byte += static_cast<char>(byte);
    for (const std::string& sni :
         {every_byte, std::string("a\nevent=closed client=1.2.3.4:5"), std::string("a reason=fin"),
          std::string("\x1b[2J"), std::string("\" route=\"x"), std::string("\\"), std::string("\xff\xfe")}) {
        const auto line = access_log_line(refused(sni));
        EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
        EXPECT_TRUE(std::all_of(line.begin(), line.end() - 1, [](char c) { return c >= ' ' && c < 0x7f; })) << line;
        // The name is one quoted token, and the true fields follow its closing quote.
        const auto begin = line.find(" sni=\"") + 6;
        ASSERT_GT(begin, 6u);
        auto end = begin;
        while (line[end] != '"') end += line[end] == '\\' ? 2 : 1;
        EXPECT_TRUE(line.substr(end + 1).starts_with(" route=\"\" endpoint=\"\"")) << line;
    }
    EXPECT_THAT(access_log_line(refused("a\nb=\"c\"")), HasSubstr(R"(sni="a\x0ab=\"c\"" route)"));
}

class AccessLogFile : public testing::Test {
  protected:
    void SetUp() override { std::filesystem::create_directories(folder_); }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    static std::string contents(const std::filesystem::path& path) {
        std::stringstream text;
        text << std::ifstream(path).rdbuf();
        return text.str();
    }

    const std::filesystem::path folder_ = testing::TempDir() + "slipgate_access_log." + std::to_string(::getpid());
    const std::filesystem::path path_ = folder_ / "access.log";
};

TEST_F(AccessLogFile, IsAppendedToAndReopenedAfterRotation) {
    std::ofstream(path_) << "earlier\n";
    auto log = AccessLog::open(path_.string());
    ASSERT_TRUE(log) << log.error().message;
    log->add(closed());
    ASSERT_TRUE(log->flush());
    EXPECT_EQ(contents(path_), "earlier\n" + access_log_line(closed()));

    std::filesystem::rename(path_, folder_ / "access.log.1");
    ASSERT_TRUE(log->reopen());
    log->add(refused("x"));
    ASSERT_TRUE(log->flush());
    EXPECT_EQ(contents(path_), access_log_line(refused("x")));
}

TEST_F(AccessLogFile, ThatCannotBeReopenedStaysInUse) {
    auto log = AccessLog::open(path_.string());
    ASSERT_TRUE(log);
    std::filesystem::remove(path_);
    std::filesystem::create_directory(path_);
    EXPECT_THAT(log->reopen().error().message, AllOf(HasSubstr("access log"), HasSubstr("Is a directory")));
    log->add(closed());
    EXPECT_TRUE(log->flush());
    EXPECT_FALSE(log->has_pending());
}

TEST_F(AccessLogFile, InAFolderThatIsMissingIsNamed) {
    EXPECT_THAT(AccessLog::open("/nonexistent/a.log").error().message,
                AllOf(HasSubstr("/nonexistent/a.log"), HasSubstr("No such file")));
}

TEST_F(AccessLogFile, WriteErrorIsReportedAndItsLinesCounted) {
    auto log = AccessLog::open("/dev/full");
    ASSERT_TRUE(log);
    log->add(closed());
    log->add(closed());
    EXPECT_THAT(log->flush().error().message, HasSubstr("No space left"));
    EXPECT_EQ(log->lost_lines(), 2u);
    EXPECT_FALSE(log->has_pending());
}

// A reader that stopped: flush() returns, the newest lines are dropped and counted, none is torn.
TEST_F(AccessLogFile, SlowReaderNeverHoldsTheAgent) {
    const auto fifo = folder_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    const Fd reader(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK));
    ASSERT_TRUE(reader);
    auto log = AccessLog::open(fifo.string());
    ASSERT_TRUE(log);
    const auto line = access_log_line(closed());
    const std::size_t count = 2 * AccessLog::kPendingLimit / line.size();
    for (std::size_t i = 0; i < count; i++) {
        log->add(closed());
        ASSERT_TRUE(log->flush());
    }
    EXPECT_GT(log->lost_lines(), 0u);

    std::string received;
    std::array<char, 65536> buffer;
    while (log->has_pending()) {
        ASSERT_TRUE(log->flush());
        for (ssize_t n = 0; (n = ::read(reader.get(), buffer.data(), buffer.size())) > 0;)
            received.append(buffer.data(), static_cast<std::size_t>(n));
    }
    EXPECT_EQ(received.size(), (count - log->lost_lines()) * line.size());
    for (std::size_t start = 0; start < received.size(); start += line.size())
        ASSERT_EQ(received.substr(start, line.size()), line);
}

TEST_F(AccessLogFile, FifoNeedsNoReader) {
    const auto fifo = folder_ / "fifo";
    ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
    auto log = AccessLog::open(fifo.string());
    ASSERT_TRUE(log) << log.error().message;
    log->add(closed());
    EXPECT_TRUE(log->flush());
    const Fd late(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK));
    std::string received(4096, '\0');
    received.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, ::read(late.get(), received.data(), received.size()))));
    EXPECT_EQ(received, access_log_line(closed()));
}

TEST(AccessLogOff, WritesNothing) {
    auto log = AccessLog::open("off");
    ASSERT_TRUE(log);
    log->add(closed());
    EXPECT_FALSE(log->has_pending());
    EXPECT_TRUE(log->flush());
    EXPECT_TRUE(log->reopen());
}

}  // namespace
}  // namespace slipgate
