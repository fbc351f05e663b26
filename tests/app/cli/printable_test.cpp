#include "app/cli/printable.h"

#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

TEST(Printable, KeepsTextOfAnyLanguage)
{
    EXPECT_EQ(printable("gemm<float, 4> · Größe · 中文 · 😀"), "gemm<float, 4> · Größe · 中文 · 😀");
    EXPECT_EQ(printable(""), "");
}

TEST(Printable, WritesControlCharactersAsText)
{
    EXPECT_EQ(printable("\x1b]0;title\x07\x1b[2J"), "\\x1b]0;title\\x07\\x1b[2J");
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("one\ntwo\tthree\r\x7f"), "one\\ntwo\\tthree\\r\\x7f");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\x9b31m")
        << "the CSI of eight bits";
    EXPECT_EQ(printable("\xe2\x80\xae"
                        "txt.exe"),
              "\\u202etxt.exe");
}

TEST(Printable, ReplacesBytesThatAreNotUtf8)
{
    EXPECT_EQ(printable("a\xff"
                        "b\x9b"),
              "a\uFFFDb\uFFFD");
}

} // namespace
} // namespace gantry::cli
