// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/source/file/file_source.h"
#include "tests/control/temp_folder.h"

namespace slipgate {

// A Service with one port, as a document of a manifest.
inline std::string service(const std::string& name, int port) {
    return fmt::format("{{apiVersion: v1, kind: Service, metadata: {{name: {}}}, spec: {{ports: [{{port: {}}}]}}}}\n",
                       name, port);
}

class FileSourceTest : public testing::Test {
  protected:
    void open() {
        auto opened = FileSource::open(folder_.path());
        ASSERT_TRUE(opened) << opened.error().message;
        source_.emplace(*std::move(opened));
    }

    void start() {
        open();
        wait_for_first();
    }

    void wait_for_first() {
        wait_for([](const SourceUpdate&) { return true; });
    }

    // Waits until the source has something to do, and lets it.
    std::optional<SourceUpdate> read_once() {
        pollfd poll{source_->fd(), POLLIN, 0};
        EXPECT_EQ(::poll(&poll, 1, 20'000), 1) << "nothing to do";
        return source_->read();
    }

    // Reads until the state is as wanted; the bound is for a failure only.
    void wait_for(const std::function<bool(const SourceUpdate&)>& wanted) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < deadline) {
            pollfd poll{source_->fd(), POLLIN, 0};
            ::poll(&poll, 1, 100);
            auto update = source_->read();
            if (!update) continue;
            state_ = *std::move(update);
            if (wanted(state_)) return;
        }
        FAIL() << "the folder's state did not become as wanted";
    }

    void wait_for_port(const std::string& key, int port) {
        wait_for([&](const SourceUpdate& update) {
            const auto found = update.snapshot.services.find(key);
            return found != update.snapshot.services.end() && found->second.ports.at(0).port == port;
        });
    }

    std::vector<std::string> problems(Severity at_least = Severity::info) const {
        std::vector<std::string> texts;
        for (const auto& problem : state_.problems) {
            if (problem.problem.severity >= at_least) texts.push_back(problem.to_string());
        }
        return texts;
    }

    TempFolder folder_;
    std::optional<FileSource> source_;
    SourceUpdate state_;
};

}  // namespace slipgate
