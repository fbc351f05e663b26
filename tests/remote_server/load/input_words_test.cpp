#include "remote_server/load/input_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::load {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(InputWords, AShapeNamesItsInput)
{
    const auto shape = parseInputShape("IMAGE:3,224,224");
    ASSERT_TRUE(shape);
    EXPECT_EQ(shape->first, "IMAGE");
    EXPECT_THAT(shape->second, ElementsAre(3, 224, 224));
    for (const char* wrong : {"IMAGE", ":3", "IMAGE:", "IMAGE:3,", "IMAGE:-1", "IMAGE:3x3"})
        EXPECT_FALSE(parseInputShape(wrong)) << wrong;
}

TEST(InputWords, ARangeIsOfOneInputOrOfAll)
{
    const auto all = parseIntegerRange("-5:511");
    ASSERT_TRUE(all) << all.error().text();
    EXPECT_EQ(all->first, "");
    EXPECT_EQ(all->second.low, -5);
    EXPECT_EQ(all->second.high, 511);
    const auto one = parseIntegerRange("a:b:1:1");
    ASSERT_TRUE(one);
    EXPECT_EQ(one->first, "a:b") << "a name may have colons";
    EXPECT_EQ(one->second.low, 1);
    for (const char* wrong : {"", "5", ":", "5:1", "IDS:5", "IDS:5:", ":1:2", "IDS:1:x", "0:99999999999999999999"})
        EXPECT_FALSE(parseIntegerRange(wrong)) << wrong;
    EXPECT_THAT(parseIntegerRange("9:1").error().text(), HasSubstr("write LOW:HIGH"));
}

} // namespace
} // namespace gantry::load
