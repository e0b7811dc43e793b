// SPDX-License-Identifier: Apache-2.0
// Scripts of the reflector: what happens, and the actions that must follow.
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <variant>
#include <vector>

#include "agent/source/kube/reflector.h"
#include "tests/control/kube_resources.h"

namespace slipgate::kube {

struct ToText {
    std::string operator()(const Discover& a) const { return fmt::format("discover {}", a.version); }
    std::string operator()(const FindVersion& a) const { return fmt::format("find {}", a.version); }
    std::string operator()(const List& a) const {
        return (a.token.empty() ? "list" : "list " + a.token) + (a.limit == 500 ? "" : fmt::format(" by {}", a.limit));
    }
    std::string operator()(const Watch& a) const { return "watch " + a.resource_version; }
    std::string operator()(const KeepPage& /*a*/) const { return "keep"; }
    std::string operator()(const Replace& /*a*/) const { return "replace"; }
    std::string operator()(const ApplyChange& /*a*/) const { return "apply"; }
    std::string operator()(const ForgetAll& /*a*/) const { return "forget all"; }
    std::string operator()(const DropConnections& /*a*/) const { return "drop connections"; }
    std::string operator()(const Wait& a) const { return fmt::format("wait {}ms", a.delay.count()); }
};

// A line of a script. With random = 0 a wait is half of the full one.
struct Line {
    Event event;
    std::string actions;
};

struct Script {
    const char* name;
    std::vector<Line> lines;
    std::string problem = {};  // at the end
    const char* plural = "tlsroutes";
};

inline void PrintTo(const Script& script, std::ostream* out) {
    *out << script.name;
}

inline std::string run(Reflector& state, const Event& event, double random = 0) {
    auto [next, actions] = step(state, event, random);
    state = std::move(next);
    std::vector<std::string> texts;
    texts.reserve(actions.size());
    for (const auto& action : actions) texts.push_back(std::visit(ToText{}, action));
    return fmt::format("{}", fmt::join(texts, ", "));
}

// Each file of scripts makes an instance of it.
class ReflectorScripts : public testing::TestWithParam<Script> {};

// The lines that lead to a watch.
inline std::vector<Line> watching(std::vector<Line> rest) {
    std::vector<Line> lines = {
        {Started{}, "discover v1"}, {Served{true}, "list"}, {Page{"10", ""}, "keep, replace, watch 10"}};
    lines.insert(lines.end(), rest.begin(), rest.end());
    return lines;
}

inline std::vector<Line> listing(std::vector<Line> rest) {
    std::vector<Line> lines = {{Started{}, "discover v1"}, {Served{true}, "list"}};
    lines.insert(lines.end(), rest.begin(), rest.end());
    return lines;
}

}  // namespace slipgate::kube
