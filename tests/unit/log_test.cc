// SPDX-License-Identifier: Apache-2.0
#include "agent/base/log.h"

#include <gtest/gtest.h>

#include <string>

namespace slipgate {
namespace {

TEST(LogQuote, PlainValuesStayAsTheyAre) {
    for (const auto* value : {"a", "shop/web:443", "192.0.2.1", "[2001:db8::1]:443", "it's", "a,b;c", "~!"}) {
        EXPECT_EQ(log::quote(value), value);
    }
}

TEST(LogQuote, SpacesQuotesAndEqualSigns) {
    EXPECT_EQ(log::quote(""), R"("")");
    EXPECT_EQ(log::quote("two words"), R"("two words")");
    EXPECT_EQ(log::quote("key=value"), R"("key=value")");
    EXPECT_EQ(log::quote(R"(say "hello")"), R"("say \"hello\"")");
    EXPECT_EQ(log::quote(R"(back\slash)"), R"("back\\slash")");
}

TEST(LogQuote, ForeignBytesNeverReachTheTerminal) {
    EXPECT_EQ(log::quote("line\nbreak"), R"("line\x0abreak")");
    EXPECT_EQ(log::quote("\x1b[31mred"), R"("\x1b[31mred")");
    EXPECT_EQ(log::quote(std::string_view("a\0b", 3)), R"("a\x00b")");
    EXPECT_EQ(log::quote("caf\xc3\xa9"), R"("caf\xc3\xa9")");
    for (int c = 0; c < 256; c++) {
        for (const char shown : log::quote(std::string(1, static_cast<char>(c)))) {
            EXPECT_GE(shown, ' ') << c;
            EXPECT_LT(shown, 0x7f) << c;
        }
    }
}

TEST(LogQuote, DifferentValuesLookDifferent) {
    EXPECT_NE(log::quote("\n"), log::quote(R"(\x0a)"));
    EXPECT_NE(log::quote("a"), log::quote(R"("a")"));
}

}  // namespace
}  // namespace slipgate
