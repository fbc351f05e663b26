#include "app/remote/log_filter.h"

#include <gtest/gtest.h>

namespace gantry::app {
namespace {

using proto::LogLevel;

proto::LogLine line(LogLevel level, const std::string& text = "x")
{
    return {0, text, 0, level};
}

TEST(LogFilter, ShowsEverythingUnlessItIsToldOtherwise)
{
    LogFilter filter;
    for (const LogLevel level : {LogLevel::Unknown, LogLevel::Debug, LogLevel::Error})
        EXPECT_TRUE(filter.shows(line(level)));
}

TEST(LogFilter, GivesALineWithoutALevelThatOfTheLineBefore)
{
    LogFilter filter(LogLevel::Warning, "");
    EXPECT_FALSE(filter.shows(line(LogLevel::Unknown))) << "of nothing";
    EXPECT_TRUE(filter.shows(line(LogLevel::Error)));
    EXPECT_TRUE(filter.shows(line(LogLevel::Unknown, "  File \"x.py\", line 3"))) << "of its stack trace";
    EXPECT_FALSE(filter.shows(line(LogLevel::Info)));
    EXPECT_FALSE(filter.shows(line(LogLevel::Unknown)));
    EXPECT_TRUE(filter.shows(line(LogLevel::Warning)));
}

TEST(LogFilter, LooksForTextInCapitalOrSmallLetters)
{
    LogFilter filter(LogLevel::Unknown, "CUDA out");
    EXPECT_TRUE(filter.shows(line(LogLevel::Unknown, "RuntimeError: cuda OUT of memory")));
    EXPECT_FALSE(filter.shows(line(LogLevel::Error, "out of CUDA")));
    LogFilter both(LogLevel::Error, "memory");
    EXPECT_FALSE(both.shows(line(LogLevel::Info, "memory")));
    EXPECT_TRUE(both.shows(line(LogLevel::Error, "memory")));
}

TEST(LogFilter, KnowsTheLevelsByTheirNames)
{
    EXPECT_EQ(logLevelNamed("warning"), LogLevel::Warning);
    EXPECT_EQ(logLevelNamed("unknown"), std::nullopt);
    EXPECT_EQ(logLevelNamed("WARNING"), std::nullopt);
}

} // namespace
} // namespace gantry::app
