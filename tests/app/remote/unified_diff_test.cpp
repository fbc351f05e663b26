#include "app/remote/unified_diff.h"

#include <gtest/gtest.h>

namespace gantry::app {
namespace {

std::string diff(std::string_view before, std::string_view after)
{
    return diffText(unifiedDiff(before, after));
}

TEST(UnifiedDiff, EqualTextsHaveNone)
{
    EXPECT_EQ(diff("", ""), "");
    EXPECT_EQ(diff("a\nb\n", "a\nb\n"), "");
}

TEST(UnifiedDiff, AChangedLineIsRemovedAndAddedAmongTheLinesAroundIt)
{
    EXPECT_EQ(diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n"),
              "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

TEST(UnifiedDiff, ChangesFarApartAreTwoParts)
{
    EXPECT_EQ(diff("a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "1\n2\n3\n4\n5\n6\n7\n8\nb\nc\n"),
              "@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n@@ -8,3 +7,4 @@\n 7\n 8\n b\n+c\n");
}

TEST(UnifiedDiff, ChangesWhoseSurroundingsTouchAreOnePart)
{
    EXPECT_EQ(diff("a\n1\n2\n3\n4\n5\n6\nb\n", "1\n2\n3\n4\n5\n6\n"), "@@ -1,8 +1,6 @@\n-a\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n");
}

TEST(UnifiedDiff, ATextThatComesOrGoesIsAllAddedOrRemoved)
{
    EXPECT_EQ(diff("", "a\nb\n"), "@@ -0,0 +1,2 @@\n+a\n+b\n");
    EXPECT_EQ(diff("a\n", ""), "@@ -1 +0,0 @@\n-a\n");
}

TEST(UnifiedDiff, TextsTooLongForTheSmallestDiffAreStillTold)
{
    std::string before, after;
    for (int i = 0; i < 3'000; ++i) {
        before += "old " + std::to_string(i) + "\n";
        after += "new " + std::to_string(i) + "\n";
    }
    EXPECT_EQ(unifiedDiff("same\n" + before, "same\n" + after).size(), 1 + 1 + 6'000U);
}

} // namespace
} // namespace gantry::app
