#include "trace_model/trace/file_alignment.h"

#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::trace {
namespace {

using importing::Alignment;
using importing::TraceMeta;
using testing::Contains;
using testing::HasSubstr;

constexpr DurationNs kSecond = 1'000'000'000, kHour = 3600 * kSecond;
constexpr std::int64_t kNoon = 1'750'000'000 * kSecond; // some time of day

TraceMeta utc(std::int64_t time)
{
    TraceMeta meta;
    meta.sessionUtcNs = time;
    return meta;
}

TraceMeta localTime(std::int64_t time)
{
    TraceMeta meta = utc(time);
    meta.isUtcOfUnknownZone = true;
    return meta;
}

TEST(FileAlignment, TakesALocalTimeAsUtcWhereTheRecordingsOverlapThen)
{
    const FileAlignment found = alignFiles(utc(kNoon), {0, 10 * kSecond}, localTime(kNoon + 4 * kSecond), {0, 20 * kSecond});
    EXPECT_EQ(found.alignment, Alignment::LocalTime);
    EXPECT_EQ(found.offset, 4 * kSecond);
    EXPECT_EQ(found.zone, 0);
    const FileAlignment longLog = alignFiles(utc(kNoon), {0, 10 * kSecond}, localTime(kNoon - 6 * kHour), {0, 12 * kHour});
    EXPECT_EQ(longLog.zone, 0) << "other zones would do too";
}

TEST(FileAlignment, FindsTheOneZoneWithWhichTheRecordingsOverlap)
{
    for (const DurationNs zone : {2 * kHour, -7 * kHour, 23 * kHour / 4, -12 * kHour, 14 * kHour}) { // UTC+05:45 is Kathmandu's
        const FileAlignment logLast = alignFiles(utc(kNoon), {0, 10 * kSecond}, localTime(kNoon + zone + 3 * kSecond), {0, 20 * kSecond});
        EXPECT_EQ(logLast.alignment, Alignment::LocalTime);
        EXPECT_EQ(logLast.zone, zone);
        EXPECT_EQ(logLast.offset, 3 * kSecond);
        const FileAlignment logFirst = alignFiles(localTime(kNoon + zone), {0, 20 * kSecond}, utc(kNoon + 3 * kSecond), {0, 10 * kSecond});
        EXPECT_EQ(logFirst.zone, zone);
        EXPECT_EQ(logFirst.offset, 3 * kSecond);
    }
}

TraceMeta ofSession(const char* session, std::int64_t monotonic, std::int64_t offset, DurationNs error)
{
    TraceMeta meta = utc(kNoon);
    meta.sessionMonotonicNs = monotonic;
    meta.settings = {{"GANTRY_NODE_SESSION", session},
                     {"GANTRY_SHARED_CLOCK_OFFSET_NS", std::to_string(offset)},
                     {"GANTRY_SHARED_CLOCK_ERROR_NS", std::to_string(error)}};
    return meta;
}

TEST(FileAlignment, WindowsOfOneSessionOnSeveralNodesGoByTheClockThatTheyWereMeasuredAgainst)
{
    const TraceMeta first = ofSession("s1", 1000, 500'000, 20), other = ofSession("s1", 700'000, -198'000, 30);
    const FileAlignment found = alignFiles(first, {}, other, {});
    EXPECT_EQ(found.alignment, Alignment::SharedClock);
    EXPECT_EQ(found.offset, 502'000 - 501'000) << "although both say the same wall clock";
    EXPECT_EQ(found.errorNs, 50);
    EXPECT_EQ(alignFiles(first, {}, ofSession("s2", 700'000, -198'000, 30), {}).alignment, Alignment::WallClock) << "another session";
    TraceMeta broken = other;
    broken.settings["GANTRY_SHARED_CLOCK_OFFSET_NS"] = "9223372036854775807";
    EXPECT_EQ(alignFiles(first, {}, broken, {}).alignment, Alignment::WallClock);
    broken.settings["GANTRY_SHARED_CLOCK_OFFSET_NS"] = "12 ns";
    EXPECT_EQ(alignFiles(first, {}, broken, {}).alignment, Alignment::WallClock);
    broken = other;
    broken.settings["GANTRY_SHARED_CLOCK_ERROR_NS"] = "-5";
    EXPECT_EQ(alignFiles(first, {}, broken, {}).alignment, Alignment::WallClock);
}

TEST(FileAlignment, TwoNodesMayBeApartByWhatEachIsFromTheFirst)
{
    Trace trace;
    trace.imports.resize(4);
    EXPECT_FALSE(errorBetweenNodes(trace));
    trace.imports[1].alignmentErrorNs = 30;
    EXPECT_EQ(errorBetweenNodes(trace), 30);
    trace.imports[2].alignmentErrorNs = 50;
    trace.imports[3].alignmentErrorNs = 20;
    EXPECT_EQ(errorBetweenNodes(trace), 80);
}

TEST(FileAlignment, PutsTheFirstEventsTogetherWhereNoZoneOrSeveralWouldDo)
{
    const TimeRange trace{5 * kSecond, 10 * kSecond}, log{kSecond, 20 * kSecond};
    const FileAlignment otherDay = alignFiles(utc(kNoon), trace, localTime(kNoon + 48 * kHour), log);
    EXPECT_EQ(otherDay.alignment, Alignment::Starts);
    EXPECT_EQ(otherDay.offset, 4 * kSecond);
    EXPECT_EQ(alignFiles(utc(kNoon), trace, localTime(kNoon + 2 * kHour), {0, kHour}).alignment, Alignment::Starts)
        << "four quarters of an hour would do";
    TraceMeta first = utc(kNoon), other = localTime(kNoon + 48 * kHour);
    first.sessionMonotonicNs = 100;
    other.sessionMonotonicNs = 300;
    EXPECT_EQ(alignFiles(first, trace, other, log).alignment, Alignment::MonotonicClock);
}

TEST(FileAlignment, TakesTwoLocalTimesToBeOfOneZone)
{
    const FileAlignment found = alignFiles(localTime(kNoon), {0, kSecond}, localTime(kNoon + kHour), {0, kSecond});
    EXPECT_EQ(found.alignment, Alignment::LocalTime);
    EXPECT_EQ(found.offset, kHour);
    EXPECT_FALSE(found.zone);
}

class LogBesideATrace : public testing::Test
{
protected:
    void SetUp() override
    {
        if (!std::filesystem::exists(kLog))
            GTEST_SKIP() << "shared/data is not beside the source tree";
    }
    [[nodiscard]] std::shared_ptr<const Trace> load(const std::filesystem::path& first, const std::filesystem::path& second) const
    {
        const LoadFile files[] = {{first, {}}, {second, {}}};
        auto loaded = loadTrace(files, {});
        EXPECT_TRUE(loaded) << loaded.error().text();
        return loaded ? *std::move(loaded) : nullptr;
    }

    test::TemporaryFolder m_folder;
    const std::filesystem::path kLog = GANTRY_SOURCE_DIR "/../shared/data/seed/tensorrt_llm_iteration.log"; // 2023-12-13 14:55:14
    const std::filesystem::path kKineto = GANTRY_SOURCE_DIR "/../shared/data/kineto/kineto__traces__after_fix_trace.json";
};

// It was put years away from the trace, as if its local time were UTC.
TEST_F(LogBesideATrace, OfAnotherDayBeginsWithItAndSaysHowToMoveIt)
{
    for (const bool isLogFirst : {false, true}) {
        const auto trace = isLogFirst ? load(kLog, kKineto) : load(kKineto, kLog);
        ASSERT_TRUE(trace);
        EXPECT_EQ(trace->imports[1].alignment, Alignment::Starts);
        EXPECT_EQ(trace->imports[1].time.start, trace->imports[0].time.start);
        EXPECT_THAT(trace->meta.warnings, Contains(HasSubstr("--offset")));
        EXPECT_THAT(importing::clockText(trace->imports[1]), HasSubstr("which is a guess"));
    }
}

TEST_F(LogBesideATrace, OfTheSameMinuteIsAlignedAndSaysByWhat)
{
    const std::filesystem::path chrome = m_folder / "a.json";
    test::writeFile(chrome, R"({"baseTimeNanoseconds": 1702479310000000000, "traceEvents": [)" // 2023-12-13 14:55:10 UTC
                            R"({"ph": "X", "cat": "x", "name": "n", "pid": 1, "tid": 1, "ts": 0, "dur": 9000000}]})");
    const auto trace = load(chrome, kLog);
    ASSERT_TRUE(trace);
    EXPECT_EQ(trace->imports[1].alignment, Alignment::LocalTime);
    EXPECT_EQ(trace->imports[1].offset, 4 * kSecond);
    EXPECT_THAT(importing::clockText(trace->imports[1]), HasSubstr("taken as UTC: the recordings overlap then"));
    EXPECT_THAT(trace->meta.warnings, Contains(testing::AllOf(HasSubstr("taken as UTC"), HasSubstr("--offset"))));
}

} // namespace
} // namespace gantry::trace
