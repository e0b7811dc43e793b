// SPDX-License-Identifier: Apache-2.0
// Whatever an API server or a kubeconfig says, reading it ends, and lines do not depend on where the pieces end.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/log.h"
#include "agent/source/kube/access.h"
#include "agent/source/kube/message.h"
#include "agent/source/kube/objects.h"
#include "tests/fuzz/check.h"

namespace {

using namespace slipgate::kube;

std::vector<std::string> lines_of(std::string_view text, std::size_t piece) {
    std::vector<std::string> lines;
    LineSplitter splitter;
    for (std::size_t start = 0; start < text.size(); start += piece) {
        FUZZ_CHECK(splitter.add(text.substr(start, piece), [&](std::string_view line) {
            lines.emplace_back(line);
            return true;
        }));
    }
    FUZZ_CHECK(splitter.is_within_line() == (!text.empty() && text.back() != '\n'));
    return lines;
}

// As the follower does with each line of a watch.
void apply(const std::string& line, Objects& objects) {
    auto message = parse_watch_line(line);
    if (!message || !std::holds_alternative<Changed>(message->event)) return;
    for (const auto& resource : resources()) {
        if (message->deleted)
            objects.erase(resource, key_of(message->object));
        else
            objects.put(resource, resource.versions.front(), message->object);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    slipgate::log::set_level(slipgate::log::Level::off);
    const std::string text(reinterpret_cast<const char*>(data), size);
    const auto lines = lines_of(text, text.size() + 1);
    FUZZ_CHECK(lines == lines_of(text, 1));
    FUZZ_CHECK(lines == lines_of(text, 7));
    Objects objects;
    for (const auto& line : lines) apply(line, objects);
    (void)objects.snapshot();
    if (auto page = parse_page(text)) {
        for (auto& item : page->items) objects.put(resources().front(), "v1", std::move(item));
    }
    (void)is_served(text, resources().front());
    (void)lists_version(text, resources().front(), "v1");
    (void)refusal_message(text);
    const auto access = parse_kubeconfig(text, "", "/");
    if (access) FUZZ_CHECK(access->server.starts_with("http"));
    if (!access) FUZZ_CHECK(!access.error().message.empty());
    return 0;
}
