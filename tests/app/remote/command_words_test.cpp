#include "app/remote/command_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::app {
namespace {

using testing::ElementsAre;

TEST(SplitCommandWords, SplitsAtBlanksAndKeepsQuotedOnesTogether)
{
    EXPECT_THAT(*splitCommandWords("python serve.py --port 8000"), ElementsAre("python", "serve.py", "--port", "8000"));
    EXPECT_THAT(*splitCommandWords("  a\t b\n"), ElementsAre("a", "b"));
    EXPECT_THAT(*splitCommandWords("run 'two words' \"and three more\""), ElementsAre("run", "two words", "and three more"));
    EXPECT_THAT(*splitCommandWords("a'b c'd"), ElementsAre("ab cd"));
    EXPECT_THAT(*splitCommandWords("a '' b"), ElementsAre("a", "", "b"));
}

TEST(SplitCommandWords, BackslashTakesTheNextCharacterExceptInSingleQuotes)
{
    EXPECT_THAT(*splitCommandWords(R"(a\ b)"), ElementsAre("a b"));
    EXPECT_THAT(*splitCommandWords(R"("a\"b")"), ElementsAre("a\"b"));
    EXPECT_THAT(*splitCommandWords(R"('a\b')"), ElementsAre(R"(a\b)"));
}

TEST(SplitCommandWords, IsNoShell)
{
    EXPECT_THAT(*splitCommandWords("echo $HOME * ; rm x"), ElementsAre("echo", "$HOME", "*", ";", "rm", "x"));
}

TEST(SplitCommandWords, RefusesOpenQuotesAndNothing)
{
    for (const char* text : {"", "   ", "a 'b", "a \"b"}) {
        const auto words = splitCommandWords(text);
        ASSERT_FALSE(words) << text;
        EXPECT_EQ(words.error().code, ErrorCode::BadInput);
    }
}

} // namespace
} // namespace gantry::app
