#include "trace_model/import/json_parts.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace gantry::importing {
namespace {

std::vector<std::string> textsOf(std::string_view container)
{
    std::vector<std::string> texts;
    JsonParts parts(container);
    while (const auto part = parts.next())
        texts.push_back((part->key.empty() ? "" : std::string(part->key) + "=") + std::string(part->text) + (part->isWhole ? "" : "…"));
    return texts;
}

using Texts = std::vector<std::string>;

TEST(JsonParts, WalksTheMembersOfAnObject)
{
    EXPECT_EQ(textsOf(R"( {"a":1})"), Texts());
    EXPECT_EQ(textsOf(R"({"a":1, "b" : {"c":[1,{"d":"}"}]} ,"e":"x\"}" , "f":null} trailing)"), (Texts{"a=1", R"(b={"c":[1,{"d":"}"}]})", R"(e="x\"}")", "f=null"}));
}

TEST(JsonParts, WalksTheElementsOfAnArray)
{
    EXPECT_EQ(textsOf(R"([1, "two", [3], {"four":4}, -5.5e3])"), (Texts{"1", "\"two\"", "[3]", R"({"four":4})", "-5.5e3"}));
    EXPECT_EQ(textsOf("[]"), Texts());
    EXPECT_EQ(textsOf(""), Texts());
    EXPECT_EQ(textsOf("17"), Texts());
}

TEST(JsonParts, TellsWhetherTheContainerIsClosed)
{
    JsonParts closed("[1]"), open("[1,");
    while (closed.next()) {
    }
    while (open.next()) {
    }
    EXPECT_TRUE(closed.isClosed());
    EXPECT_FALSE(open.isClosed());
}

TEST(JsonParts, MarksAValueThatIsCutOff)
{
    EXPECT_EQ(textsOf(R"([{"a":1},{"b":)"), (Texts{R"({"a":1})", R"({"b":…)"}));
    EXPECT_EQ(textsOf(R"({"a":1,"b":"x)"), (Texts{"a=1", "b=\"x…"}));
    EXPECT_EQ(textsOf(R"({"a":1,"b":12)"), (Texts{"a=1", "b=12…"})) << "more digits may have followed";
    EXPECT_EQ(textsOf(R"({"a":1,"b)"), (Texts{"a=1"}));
    EXPECT_EQ(textsOf(R"({"a":1,"b":)"), (Texts{"a=1"}));
}

TEST(JsonParts, PassesOverWhatIsNoJson)
{
    EXPECT_EQ(textsOf(R"({"a":1 xyz "b":2})"), (Texts{"a=1", "b=2"}));
    EXPECT_EQ(textsOf(R"({"a" 7,"b":2})"), (Texts{"b=2"}));
    EXPECT_EQ(textsOf("[1 } 2]"), (Texts{"1", "2"}));
    EXPECT_EQ(textsOf(R"({"a":,"b":]"c":3})"), (Texts{"c=3"}));
    JsonParts parts(R"({"a":1 xyz})");
    while (parts.next()) {
    }
    EXPECT_TRUE(parts.sawJunk());
}

TEST(JsonParts, HandsALargeValueOutBeforeItLooksForItsEnd)
{
    const std::string_view text = R"({"a":[1,2,[3]],"b":{"c":4},"d":5})";
    JsonParts walked(text);
    const auto array = walked.nextUnscanned();
    ASSERT_TRUE(array);
    EXPECT_EQ(array->text, text.substr(5));
    JsonParts inner(array->text);
    while (inner.next()) {
    }
    walked.skip(inner.position());
    EXPECT_EQ(walked.nextUnscanned()->key, "b");
    EXPECT_EQ(walked.nextUnscanned()->text, "5") << "what is not walked is passed over";
    EXPECT_FALSE(walked.nextUnscanned());
    EXPECT_TRUE(walked.isClosed());
}

TEST(JsonParts, AMillionOpenBracketsNeedNoStack)
{
    const std::string deep(1'000'000, '[');
    JsonParts parts(deep);
    const auto inner = parts.next();
    ASSERT_TRUE(inner);
    EXPECT_FALSE(inner->isWhole);
    EXPECT_FALSE(parts.next());
}

TEST(JsonPart, ReadsNumbersOfEveryKindAndNothingElse)
{
    const auto integer = [](std::string_view text) { return JsonPart{{}, text, true}.integer(); };
    EXPECT_EQ(integer("1712195495519689047"), 1712195495519689047);
    EXPECT_EQ(integer("-9223372036854775808"), INT64_MIN);
    EXPECT_EQ(integer("\"42\""), 42);
    EXPECT_EQ(integer("7.9"), 7);
    EXPECT_EQ(integer("2e3"), 2000);
    for (const char* text : {"9223372036854775808", "1e30", "1e999", "", "x", "1x", "null", "\"", "{}", "nan", "inf"})
        EXPECT_FALSE(integer(text)) << text;
    EXPECT_FALSE((JsonPart{{}, "12", false}.integer()));
    const auto number = [](std::string_view text) { return JsonPart{{}, text, true}.number(); };
    EXPECT_EQ(number("67526.06844902039"), 67526.06844902039);
    for (const char* text : {"NaN", "inf", "1e999", "true", "0x10"})
        EXPECT_FALSE(number(text)) << text;
}

TEST(JsonPart, ReadsStringsWithTheirEscapes)
{
    const auto string = [](std::string_view text) { return JsonPart{{}, text, true}.string(); };
    EXPECT_EQ(string(R"("plain")"), "plain");
    EXPECT_EQ(string(R"("a\"b\\\u00e9\ud83d\ude00\n")"), "a\"b\\é😀\n");
    EXPECT_EQ(string(R"("C:\xyz")"), R"(C:\xyz)") << "no escape of JSON's: as it is written";
    EXPECT_EQ(string("\"\\n\xFF\""), "\n\xEF\xBF\xBD");
    for (const char* text : {"12", "null", "\"", "", "{}"})
        EXPECT_FALSE(string(text)) << text;
}

TEST(JsonMember, FindsAMemberAtTheTopLevelAlone)
{
    EXPECT_EQ(jsonMember(R"({"a":{"b":1},"b":2})", "b")->text, "2");
    EXPECT_FALSE(jsonMember(R"({"a":{"b":1}})", "b"));
}

} // namespace
} // namespace gantry::importing
