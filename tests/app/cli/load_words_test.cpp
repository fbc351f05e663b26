#include "app/cli/load_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<double> levels(std::string_view text, bool isRate)
{
    std::vector<double> values;
    if (const auto parsed = parseLevels(text, isRate))
        for (const load::LoadLevel& level : *parsed)
            values.push_back(level.value);
    return values;
}

TEST(LoadWords, ARangeOfLevelsIsWrittenAsForPerfAnalyzer)
{
    EXPECT_THAT(levels("4", false), ElementsAre(4));
    EXPECT_THAT(levels("1:4", false), ElementsAre(1, 2, 3, 4));
    EXPECT_THAT(levels("1:8:3", false), ElementsAre(1, 4, 7));
    EXPECT_THAT(levels("0.1:0.5:0.1", true), testing::SizeIs(5)) << "the end belongs to it, whatever the rounding";
    for (const char* wrong : {"", "0", "8:1", "1:8:0", "1:2:3:4", "1.5", "1:2000", "a:b", "1:", "nan", "1:inf"})
        EXPECT_THAT(levels(wrong, false), testing::IsEmpty()) << wrong;
    EXPECT_THAT(parseLevels("1:1e9:1", true).error().text(), HasSubstr("larger step"));
}

TEST(LoadWords, AModelMayHaveAShare)
{
    EXPECT_EQ(parseModelShare("bert:0.7")->name, "bert");
    EXPECT_EQ(parseModelShare("bert:0.7")->share, 0.7);
    EXPECT_EQ(parseModelShare("name:space")->name, "name:space") << "what is no number belongs to the name";
    for (const char* wrong : {"", ":1", "bert:0", "bert:-1"})
        EXPECT_FALSE(parseModelShare(wrong)) << wrong;
}

TEST(LoadWords, AnIntervalWithoutAUnitIsInMilliseconds)
{
    EXPECT_EQ(*parseMilliseconds("5000"), 5'000'000'000);
    EXPECT_EQ(*parseMilliseconds("2s"), 2'000'000'000);
    EXPECT_FALSE(parseMilliseconds("0"));
}

} // namespace
} // namespace gantry::cli
