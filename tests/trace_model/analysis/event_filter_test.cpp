#include "trace_model/analysis/event_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

EventFilter filterOf(std::string_view text)
{
    return parseEventFilter(text).value();
}

std::string problemOf(std::string_view text)
{
    const auto filter = parseEventFilter(text);
    return filter ? "none" : filter.error().message;
}

TEST(EventFilter, ReadsTermsWithUnitsListsAndQuotes)
{
    const EventFilter filter = filterOf("name~gemm dur>50us dur<=2ms stream=7,13 domain=\"my domain\" bytes>=1MiB kind!=api");
    ASSERT_EQ(filter.terms.size(), 7U);
    EXPECT_EQ(filter.terms[0].key, FilterKey::Name);
    EXPECT_EQ(filter.terms[0].text.text, "gemm");
    EXPECT_EQ(filter.terms[1].op, FilterOperator::Greater);
    EXPECT_THAT(filter.terms[1].numbers, ElementsAre(50'000));
    EXPECT_EQ(filter.terms[2].op, FilterOperator::AtMost);
    EXPECT_THAT(filter.terms[2].numbers, ElementsAre(2'000'000));
    EXPECT_THAT(filter.terms[3].numbers, ElementsAre(7, 13));
    EXPECT_EQ(filter.terms[4].text.text, "my domain");
    EXPECT_EQ(filter.terms[4].text.match, trace::NameMatch::Exact);
    EXPECT_THAT(filter.terms[5].numbers, ElementsAre(1'048'576));
    EXPECT_EQ(filter.terms[6].op, FilterOperator::NotEqual);
    EXPECT_THAT(filter.terms[6].numbers, ElementsAre(static_cast<std::int64_t>(trace::EventKind::ApiCall)));
}

TEST(EventFilter, TakesWordsBesideEachOtherAsOneNameAndKeepsRegularExpressionsWithSpaces)
{
    const EventFilter words = filterOf("  Memcpy HtoD ");
    ASSERT_TRUE(words.isPlain());
    EXPECT_EQ(words.terms[0].text.text, "Memcpy HtoD");
    const EventFilter mixed = filterOf("Memcpy HtoD dur>1us /a b|c/ ~sgm");
    ASSERT_EQ(mixed.terms.size(), 4U);
    EXPECT_EQ(mixed.terms[0].text.text, "Memcpy HtoD");
    EXPECT_EQ(mixed.terms[2].text.match, trace::NameMatch::Regex);
    EXPECT_EQ(mixed.terms[2].text.text, "a b|c");
    EXPECT_EQ(mixed.terms[3].text.match, trace::NameMatch::Fuzzy);
    EXPECT_FALSE(mixed.isPlain());
    EXPECT_TRUE(filterOf("").terms.empty());
}

TEST(EventFilter, TakesNamesOfTemplatesAndNamespacesAsTheyAre)
{
    for (const char* name : {"kernel<float>", "at::native::copy", "a=b", "reduce<512, 1>", "\"dur>50us\""}) {
        const EventFilter filter = filterOf(name);
        ASSERT_TRUE(filter.isPlain()) << name;
        EXPECT_EQ(filter.terms[0].text.match, trace::NameMatch::Substring) << name;
    }
    EXPECT_EQ(filterOf("\"dur>50us\"").terms[0].text.text, "dur>50us");
}

// "foo=3" found nothing, and nothing said that there is no such key.
TEST(EventFilter, SaysWhichWordIsNoKeyWhereOneWouldStand)
{
    for (const char* text : {"foo=3", "gemm foo>50us", "foo!=3", "foo~bar", "foo<3"}) {
        const EventFilter filter = filterOf(text);
        EXPECT_EQ(filter.unknownKey, "foo") << text;
        EXPECT_THAT(filter.note(), HasSubstr("no key 'foo': matched as a name; keys are name, dur, kind")) << text;
    }
    for (const char* text : {"gemm dur>50us", "kernel<float>", "reduce<512, 1>", "at::native::copy", "std::vector<int>", "a=", "\"foo=3\"", "/foo=3/", ""})
        EXPECT_EQ(filterOf(text).note(), "") << text;
}

TEST(EventFilter, SaysWhereAnExpressionIsWrongAndWhatItExpected)
{
    EXPECT_EQ(problemOf("gemm dur>50"), "at character 10: expected a time with its unit, such as 50us, 2ms or 1.5s, not '50'");
    EXPECT_EQ(problemOf("stream=seven"), "at character 8: expected a number, such as stream=7, not 'seven'");
    EXPECT_EQ(problemOf("stream="), "at character 8: expected a number, such as stream=7");
    EXPECT_EQ(problemOf("µµ name>x"), "at character 8: expected ~, = or != after 'name'");
    EXPECT_EQ(problemOf("dur~5us"), "at character 4: expected =, !=, <, <=, > or >= after 'dur'");
    EXPECT_THAT(problemOf("kind=kernels"), HasSubstr("at character 6: expected one of kernel, memcpy, memset"));
    EXPECT_EQ(problemOf("name~\"gemm"), "at character 11: expected a closing quote for the one at character 6");
    EXPECT_EQ(problemOf("straem=7"), "none"); // two slips: a name
    EXPECT_EQ(problemOf("strem=7"), "at character 1: expected 'stream' for 'strem', or the word in quotes to look for it as a name");
    EXPECT_THAT(problemOf("name~/gemm(/"), HasSubstr("at character 6: expected a regular expression"));
    EXPECT_THAT(problemOf("dur>1us,2us"), HasSubstr("at character 8: expected a space"));
    EXPECT_THAT(problemOf("dur>99999999999h"), HasSubstr("expected a time"));
}

TEST(EventFilter, ItsExamplesAreFiltersOfTheirKey)
{
    for (const FilterKeyInfo& key : filterKeys()) {
        const EventFilter filter = filterOf(key.example);
        ASSERT_EQ(filter.terms.size(), 1U) << key.word;
        EXPECT_EQ(filter.terms[0].key, key.key) << key.word;
    }
}

} // namespace
} // namespace gantry::analysis
