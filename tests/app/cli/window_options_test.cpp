#include "app/cli/window_options.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <utility>

namespace gantry::cli {
namespace {

TEST(ParseSize, ReadsDecimalAndBinaryUnits)
{
    const std::pair<const char*, std::uint64_t> cases[] = {
        {"4096", 4096}, {"64MiB", 64u << 20}, {"1.5GB", 1'500'000'000}, {"2K", 2048}, {"1B", 1}};
    for (const auto& [text, expected] : cases) {
        const auto parsed = parseSize(text);
        ASSERT_TRUE(parsed) << text;
        EXPECT_EQ(*parsed, expected) << text;
    }
    for (const char* text : {"", "MiB", "-1", "0", "1 MiB", "1e3", "inf", "64mib", "99999999GB"})
        EXPECT_FALSE(parseSize(text)) << text;
}

TEST(ParseInstant, IsTheNextTimeTheClockShowsThat)
{
    setenv("TZ", "UTC", 1);
    tzset();
    constexpr std::int64_t kSecond = 1'000'000'000, kNoon = 1'700'049'600 * kSecond; // 2023-11-15T12:00:00Z
    EXPECT_EQ(parseInstant("12:00:01", kNoon).value(), kNoon + kSecond);
    EXPECT_EQ(parseInstant("13:30", kNoon).value(), kNoon + 5400 * kSecond);
    EXPECT_EQ(parseInstant("12:00:00.25", kNoon).value(), kNoon + kSecond / 4);
    EXPECT_EQ(parseInstant("11:59", kNoon).value(), kNoon + 86'340 * kSecond) << "tomorrow";
    EXPECT_EQ(parseInstant("2023-11-16T00:00:05", kNoon).value(), kNoon + 43'205 * kSecond);
    for (const char* text : {"", "12", "25:00", "12:61", "12:00:99", "12:00x", "2023-11-15T11:00", "2023-13-01T00:00", "tomorrow"})
        EXPECT_FALSE(parseInstant(text, kNoon)) << text;
}

TEST(WindowOptions, TakeTheRangeEndsOfNsightSystems)
{
    const auto asked = [](const char* end) {
        WindowOptions options;
        options.range = "cudaProfilerApi";
        options.rangeEnd = end;
        return options.request();
    };
    EXPECT_EQ(asked("stop")->windowCount, 1u);
    EXPECT_FALSE(asked("stop")->stopTarget);
    EXPECT_TRUE(asked("stop-shutdown")->stopTarget);
    EXPECT_EQ(asked("repeat:5")->windowCount, 5u);
    EXPECT_GT(asked("repeat")->windowCount, 1000u);
    EXPECT_EQ(asked("repeat-shutdown:2")->windowCount, 2u);
    EXPECT_TRUE(asked("repeat-shutdown:2")->stopTarget);
    for (const char* end : {"", "repeat:", "repeat:0", "repeat:x", "repeat:2x", "repeat-shutdown", "stop:1", "none"})
        EXPECT_FALSE(asked(end)) << end;
}

TEST(WindowOptions, ARangeOfNvtxIsNamedWithItsDomain)
{
    WindowOptions options;
    options.range = "nvtx:forward@engine";
    const auto request = options.request();
    ASSERT_TRUE(request) << request.error().text();
    EXPECT_EQ(request->trigger, proto::CaptureTrigger::NvtxRange);
    EXPECT_EQ(request->triggerRange, "forward@engine");
    for (const char* range : {"nvtx", "nvtx:", "hotkey", "cudaprofilerapi"}) {
        options.range = range;
        EXPECT_FALSE(options.request()) << range;
    }
}

TEST(WindowOptions, WhatIsRecordedIsAskedForInTheWordsOfNsightSystems)
{
    const auto asked = [](const std::string& arguments) {
        WindowOptions options;
        CLI::App command;
        options.addTo(command);
        command.parse("--for 1s " + arguments);
        return options.request().value().content;
    };
    EXPECT_FALSE(asked("").memoryAllocations);
    EXPECT_FALSE(asked("").wholeGraphs);
    EXPECT_FALSE(asked("").modules);
    EXPECT_TRUE(asked("--cuda-memory-usage").memoryAllocations);
    EXPECT_TRUE(asked("--cuda-graph-trace graph").wholeGraphs);
    EXPECT_FALSE(asked("--cuda-graph-trace node").wholeGraphs);
    EXPECT_TRUE(asked("--cuda-modules").modules);
    EXPECT_THROW(asked("--cuda-graph-trace kernels"), CLI::ValidationError);
}

TEST(WindowOptions, OnlyWhatIsNamedIsRecorded)
{
    WindowOptions options;
    options.length = "1s";
    options.trace = "nvtx,kernels";
    const auto some = options.request();
    ASSERT_TRUE(some) << some.error().text();
    EXPECT_TRUE(some->content.nvtx && some->content.kernels);
    EXPECT_FALSE(some->content.memcpy || some->content.runtimeApi || some->content.driverApi || some->content.synchronization ||
                 some->content.overhead || some->content.metrics);
    options.trace = "cuda";
    const auto cuda = options.request();
    ASSERT_TRUE(cuda) << cuda.error().text();
    EXPECT_TRUE(cuda->content.kernels && cuda->content.memcpy && cuda->content.runtimeApi && cuda->content.driverApi);
    EXPECT_FALSE(cuda->content.nvtx || cuda->content.metrics);
    options.trace = "nvtx,osrt";
    EXPECT_EQ(options.request().error().code, ErrorCode::BadInput);
    options.trace = "nvtx,";
    EXPECT_TRUE(options.request());
}

TEST(WindowOptions, WindowsByTheClockNeedAnEndAndMustFitTheirPeriod)
{
    WindowOptions options;
    EXPECT_FALSE(options.request()) << "no end";
    options.length = "2s";
    options.every = "1s";
    EXPECT_FALSE(options.request()) << "longer than its period";
    options.every = "10s";
    options.repeat = 6;
    const auto request = options.request();
    ASSERT_TRUE(request) << request.error().text();
    EXPECT_EQ(request->periodNs, 10'000'000'000);
    EXPECT_EQ(request->windowCount, 6u);
    options.range = "cudaProfilerApi";
    EXPECT_FALSE(options.request()) << "ranges have a count of their own";
}

TEST(WindowOptions, SomeOfTheWindowsAreAPartOfPeriodsOrOfRanges)
{
    WindowOptions options;
    options.length = "500ms";
    options.some = "2/60";
    EXPECT_FALSE(options.request()) << "of what?";
    options.every = "1s";
    const auto request = options.request();
    ASSERT_TRUE(request) << request.error().text();
    EXPECT_EQ(request->kept, 2u);
    EXPECT_EQ(request->keptOf, 60u);
    for (const char* text : {"2", "0/3", "4/3", "1/", "/2", "1/2/3", "1/2000000"}) {
        options.some = text;
        EXPECT_FALSE(options.request()) << text;
    }
    WindowOptions ranges;
    ranges.range = "nvtx:step";
    ranges.some = "3/10";
    ASSERT_TRUE(ranges.request());
    EXPECT_EQ(ranges.request()->kept, 3u);
    EXPECT_EQ(ranges.request()->triggerEvery, 10u);
    ranges.rangeEvery = 5;
    EXPECT_FALSE(ranges.request()) << "that is said twice";
}

} // namespace
} // namespace gantry::cli
