// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/message.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/control/kube_resources.h"

namespace slipgate::kube {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The lines that come out of these pieces.
std::vector<std::string> lines_of(LineSplitter& splitter, const std::vector<std::string>& pieces) {
    std::vector<std::string> lines;
    for (const auto& piece : pieces) {
        EXPECT_TRUE(splitter.add(piece, [&](std::string_view line) {
            lines.emplace_back(line);
            return true;
        }));
    }
    return lines;
}

TEST(LineSplitter, PutsLinesTogetherWhereverThePiecesEnd) {
    const std::string text = "one\ntwo\n\nthree\n";
    for (std::size_t first = 0; first <= text.size(); ++first) {
        for (std::size_t second = first; second <= text.size(); ++second) {
            LineSplitter splitter;
            EXPECT_THAT(
                lines_of(splitter, {text.substr(0, first), text.substr(first, second - first), text.substr(second)}),
                ElementsAre("one", "two", "three"));
            EXPECT_FALSE(splitter.is_within_line());
        }
    }
}

TEST(LineSplitter, KnowsThatItIsWithinALine) {
    LineSplitter splitter;
    EXPECT_FALSE(splitter.is_within_line());
    EXPECT_THAT(lines_of(splitter, {"one\ntw"}), ElementsAre("one"));
    EXPECT_TRUE(splitter.is_within_line());
    EXPECT_THAT(lines_of(splitter, {"o\n"}), ElementsAre("two"));
    EXPECT_FALSE(splitter.is_within_line());
}

TEST(LineSplitter, StopsWhenItsReaderHasEnough) {
    LineSplitter splitter;
    int calls = 0;
    EXPECT_TRUE(splitter.add("one\ntwo\nthr", [&](std::string_view /*line*/) {
        splitter.clear();
        return ++calls < 1;
    }));
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(splitter.is_within_line()) << "what follows belongs to nobody";
}

TEST(LineSplitter, RefusesALineWithoutEnd) {
    const std::string half(LineSplitter::kLongest / 2, 'x');
    LineSplitter splitter;
    const auto never = [](std::string_view /*line*/) { return true; };
    EXPECT_TRUE(splitter.add(half, never));
    EXPECT_TRUE(splitter.add(half, never));
    EXPECT_FALSE(splitter.add("x", never));
    EXPECT_FALSE(splitter.is_within_line());
}

TEST(Page, IsReadWithItsTokenAndRevision) {
    const auto page = parse_page(R"({"metadata":{"resourceVersion":"7","continue":"abc"},"items":[{"a":1},{"b":2}]})");
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->page.resource_version, "7");
    EXPECT_EQ(page->page.next, "abc");
    EXPECT_EQ(page->items.size(), 2u);
    const auto nothing = parse_page(R"({"metadata":{"resourceVersion":"7"},"items":null})");
    ASSERT_TRUE(nothing) << nothing.error().message;
    EXPECT_EQ(nothing->page.next, "");
    EXPECT_THAT(nothing->items, IsEmpty());
}

TEST(Page, ThatIsNoneIsRefused) {
    for (const auto* text : {"", "[]", "{", R"({"items":[]})", R"({"metadata":{"resourceVersion":7},"items":[]})",
                             R"({"metadata":[],"items":[]})", R"({"metadata":{"resourceVersion":"7"},"items":{}})"})
        EXPECT_FALSE(parse_page(text)) << text;
}

TEST(WatchLine, TellsChangesBookmarksAndErrors) {
    for (const auto* type : {"ADDED", "MODIFIED", "DELETED"}) {
        const auto message = parse_watch_line(std::string(R"({"type":")") + type +
                                              R"(","object":{"metadata":{"name":"a","resourceVersion":"8"}}})");
        ASSERT_TRUE(message) << message.error().message;
        ASSERT_TRUE(std::holds_alternative<Changed>(message->event));
        EXPECT_EQ(std::get<Changed>(message->event).resource_version, "8");
        EXPECT_EQ(message->deleted, std::string_view(type) == "DELETED");
        EXPECT_EQ(key_of(message->object), "a");
    }
    const auto bookmark = parse_watch_line(R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}})");
    ASSERT_TRUE(bookmark) << bookmark.error().message;
    EXPECT_EQ(std::get<Bookmark>(bookmark->event).resource_version, "9");
    const auto error = parse_watch_line(R"({"type":"ERROR","object":{"code":410,"message":"too old"}})");
    ASSERT_TRUE(error) << error.error().message;
    EXPECT_EQ(std::get<Refused>(error->event).code, 410);
    EXPECT_EQ(std::get<Refused>(error->event).message, "too old");
    EXPECT_TRUE(std::get<Refused>(error->event).in_watch);
}

TEST(WatchLine, ThatIsNoneIsRefused) {
    for (const auto* line : {"", "null", "{}", R"({"type":"ADDED"})", R"({"type":"ADDED","object":{"metadata":{}}})",
                             R"({"type":"ADDED","object":{"metadata":5}})", R"({"type":"ADDED","object":[]})",
                             R"({"type":"OTHER","object":{"metadata":{"resourceVersion":"8"}}})",
                             R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"8"}})"})
        EXPECT_FALSE(parse_watch_line(line)) << line;
}

// What is so deep that it could not be copied or written without end of the stack.
TEST(Answers, OfTooManyLevelsAreRefused) {
    const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
    const auto event = [&](std::size_t levels) {
        return R"({"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"8","x":)" + nested(levels) +
               "}}}";
    };
    EXPECT_TRUE(parse_watch_line(event(90)));
    EXPECT_FALSE(parse_watch_line(event(110)));
    EXPECT_THAT(parse_watch_line(event(1'000'000)).error().message, HasSubstr("levels"));
    EXPECT_FALSE(parse_page(R"({"metadata":{"resourceVersion":"7"},"items":)" + nested(1'000'000) + "}"));
    EXPECT_LE(refusal_message(R"({"message":)" + nested(1'000'000) + "}").size(), 1000u);
}

TEST(Discovery, LooksForTheVersionOfTheGroup) {
    const auto& routes = resource("tlsroutes");
    const auto* const groups = R"({"groups":[7,{},{"name":"apps","versions":[{"version":"v1beta1"}]},
        {"name":"gateway.networking.k8s.io","versions":[{"version":"v1"},{"version":"v1alpha2"},{}]}]})";
    EXPECT_EQ(lists_version(groups, routes, "v1"), true);
    EXPECT_EQ(lists_version(groups, routes, "v1alpha2"), true);
    EXPECT_EQ(lists_version(groups, routes, "v1beta1"), false) << "that is another group's";
    EXPECT_EQ(lists_version(R"({"groups":[]})", routes, "v1"), false);
    EXPECT_EQ(lists_version(R"({"groups":[{"name":"gateway.networking.k8s.io"}]})", routes, "v1"), false);
    EXPECT_FALSE(lists_version("{}", routes, "v1"));
    EXPECT_FALSE(lists_version("default backend", routes, "v1"));
}

TEST(Discovery, LooksForThePluralName) {
    const auto& services = resource("services");
    EXPECT_EQ(is_served(R"({"resources":[{"name":"pods"},{"name":"services"}]})", services), true);
    EXPECT_EQ(is_served(R"({"resources":[{"name":"services/status"},7,{}]})", services), false);
    EXPECT_FALSE(is_served("{}", services));
    EXPECT_FALSE(is_served("no JSON", services));
}

TEST(Discovery, PathsAreThoseOfTheApi) {
    for (const auto& resource : resources()) {
        if (resource.plural == "services") {
            EXPECT_EQ(discovery_path(resource, "v1"), "/api/v1");
            EXPECT_EQ(collection_path(resource, "v1"), "/api/v1/services");
        } else if (resource.plural == "tlsroutes") {
            EXPECT_EQ(discovery_path(resource, "v1alpha3"), "/apis/gateway.networking.k8s.io/v1alpha3");
            EXPECT_EQ(collection_path(resource, "v1"), "/apis/gateway.networking.k8s.io/v1/tlsroutes");
        }
    }
}

TEST(Refusal, SaysWhatTheServerSays) {
    EXPECT_EQ(refusal_message(R"({"kind":"Status","message":"slow down"})"), "slow down");
    EXPECT_EQ(refusal_message("upstream is away"), "upstream is away");
    EXPECT_LE(refusal_message(std::string(100'000, 'x')).size(), 1000u);
}

TEST(Refusal, IsNotCutBeforeTheAuthorizersWords) {
    const std::string longest(253, 'n');  // a name, of the object and of a ServiceAccount
    const auto message =
        fmt::format("gateways.gateway.networking.k8s.io \"{}\" is forbidden: User \"system:serviceaccount:{}:{}\" {}",
                    longest, longest.substr(0, 63), longest, "cannot patch resource");
    EXPECT_EQ(refusal_message(nlohmann::json({{"message", message}}).dump()), message);
}

TEST(Key, IsThatOfTheModel) {
    EXPECT_EQ(key_of(nlohmann::json::parse(R"({"metadata":{"name":"a","namespace":"n"}})")), "n/a");
    EXPECT_EQ(key_of(nlohmann::json::parse(R"({"metadata":{"name":"a"}})")), "a");
    for (const auto* text : {"{}", "[]", "7", R"({"metadata":7})", R"({"metadata":{"namespace":"n"}})"})
        EXPECT_EQ(key_of(nlohmann::json::parse(text)), "") << text;
}

}  // namespace
}  // namespace slipgate::kube
