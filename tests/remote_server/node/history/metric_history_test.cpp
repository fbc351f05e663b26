#include "remote_server/node/history/metric_history.h"

#include "remote_server/proto/convert_live.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/report/history_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <sys/stat.h>

namespace gantry::node {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr std::int64_t kUtc = 1'700'000'000 * kSecond; // when the clock of the boot was 0

metrics::SeriesDefinition gauge(std::uint32_t id, const std::string& name)
{
    return {id, name, "W", metrics::SeriesKind::Gauge, {{"gpu", "0"}}, "Power"};
}

metrics::SeriesDefinition counter(std::uint32_t id, const std::string& name)
{
    return {id, name, "count", metrics::SeriesKind::Counter, {}, {}};
}

/// A node whose clock stands where a test puts it.
class MetricHistoryTest : public testing::Test
{
protected:
    MetricHistory::Options options()
    {
        MetricHistory::Options options;
        options.path = folder.path() / "history.db";
        options.bootId = bootId;
        options.monoNow = [this] { return now.load(); };
        options.utcNow = [this] { return now + utcOffset; };
        return options;
    }

    static void add(MetricHistory& history, std::uint32_t id, TimestampNs time, double value)
    {
        history.onSamples(std::vector<metrics::Sample>{{id, time, value}});
    }

    struct Series
    {
        metrics::SeriesDefinition definition;
        std::map<DurationNs, HistoryColumns> columns; ///< by step
    };
    /// By name.
    static std::map<std::string, Series> read(MetricHistory& history, TimeRange range, DurationNs step = 0,
                                              std::vector<std::string> names = {})
    {
        v1::ReadHistoryRequest request;
        request.set_from_mono_ns(range.start);
        request.set_to_mono_ns(range.end);
        request.set_step_ns(step);
        for (const std::string& name : names)
            request.add_names(name);
        std::map<std::uint32_t, Series> byId;
        const auto done = history.read(request, [&](v1::HistoryPart&& part) {
            for (const v1::HistorySeries& series : part.series()) {
                Series& known = byId[series.definition().id()];
                if (!series.definition().name().empty()) {
                    known.definition.name = series.definition().name();
                    known.definition.labels = {series.definition().labels().begin(), series.definition().labels().end()};
                }
                const HistoryColumns columns = proto::columnsOf(series);
                HistoryColumns& all = known.columns[series.step_ns()];
                all.times.insert(all.times.end(), columns.times.begin(), columns.times.end());
                all.values.insert(all.values.end(), columns.values.begin(), columns.values.end());
                all.minima.insert(all.minima.end(), columns.minima.begin(), columns.minima.end());
                all.maxima.insert(all.maxima.end(), columns.maxima.begin(), columns.maxima.end());
            }
            return true;
        });
        EXPECT_TRUE(done) << done.error().text();
        std::map<std::string, Series> byName;
        for (auto& [id, series] : byId)
            byName[series.definition.name] = std::move(series);
        return byName;
    }

    test::TemporaryFolder folder;
    std::string bootId = "boot-1";
    std::atomic<TimestampNs> now = 100 * kSecond;
    std::atomic<std::int64_t> utcOffset = kUtc;
};

TEST_F(MetricHistoryTest, ReturnsSamplesAsTheyWereMeasuredFromBlocksAndFromWhatIsNotWrittenYet)
{
    MetricHistory history(options());
    history.onDefinitions(std::vector{gauge(1, "power"), counter(2, "requests")});
    for (int i = 0; i < 300; ++i) {
        now = 100 * kSecond + i * kSecond / 10;
        add(history, 1, now, i);
        if (i % 50 == 49)
            history.settle(); // blocks of ten seconds are written on the way
    }
    const auto series = read(history, {105 * kSecond, 200 * kSecond});
    ASSERT_TRUE(series.contains("power"));
    EXPECT_FALSE(series.contains("requests")) << "nothing was measured of it";
    EXPECT_EQ(series.at("power").definition.labels.at("gpu"), "0");
    const HistoryColumns& power = series.at("power").columns.at(0);
    ASSERT_EQ(power.times.size(), 250U);
    for (std::size_t i = 0; i < 250; ++i) {
        EXPECT_EQ(power.times[i], 105 * kSecond + static_cast<TimestampNs>(i) * kSecond / 10);
        EXPECT_EQ(power.values[i], static_cast<double>(i + 50));
    }
}

TEST_F(MetricHistoryTest, StepsHaveTheMeanAndExtremesOfAGaugeAndTheLastValueOfACounter)
{
    MetricHistory history(options());
    history.onDefinitions(std::vector{gauge(1, "power"), counter(2, "requests")});
    for (int i = 0; i < 40; ++i) { // two seconds at ten a second, twice
        now = 100 * kSecond + i * kSecond / 10;
        add(history, 1, now, i % 10);
        add(history, 2, now, i);
    }
    now += 5 * kSecond;
    const auto series = read(history, {0, 200 * kSecond}, kSecond);
    const HistoryColumns& power = series.at("power").columns.at(kSecond);
    ASSERT_EQ(power.values.size(), 4U);
    EXPECT_DOUBLE_EQ(power.values[0], 4.5);
    EXPECT_DOUBLE_EQ(power.minima[0], 0);
    EXPECT_DOUBLE_EQ(power.maxima[0], 9);
    EXPECT_EQ(power.times[0], 100 * kSecond + 900'000'000) << "the time of its last sample";
    const HistoryColumns& requests = series.at("requests").columns.at(kSecond);
    EXPECT_EQ(requests.values, (std::vector<double>{9, 19, 29, 39}));
}

TEST_F(MetricHistoryTest, WhatThisBootMeasuredIsThereWhereverTheTimeOfDayIsSetTo)
{
    std::optional<MetricHistory> history(options());
    history->onDefinitions(std::vector{gauge(1, "power")});
    const auto measure = [&](TimestampNs from, int count) {
        for (int i = 0; i < count; ++i) {
            now = from + i * kSecond;
            add(*history, 1, now, 1);
            history->settle();
        }
    };
    measure(100 * kSecond, 30);
    utcOffset = kUtc + 400 * 86'400 * kSecond; // it was the wrong year
    measure(130 * kSecond, 30);
    EXPECT_EQ(read(*history, {0, now + kSecond}).at("power").columns.at(0).values.size(), 60U);
    utcOffset = kUtc - 7200 * kSecond;
    measure(160 * kSecond, 30);
    EXPECT_EQ(read(*history, {0, now + kSecond}).at("power").columns.at(0).values.size(), 90U);
    history.reset();
    utcOffset = kUtc; // while gantryd did not run
    history.emplace(options());
    EXPECT_EQ(read(*history, {100 * kSecond, now + kSecond}).at("power").columns.at(0).values.size(), 90U);
}

TEST_F(MetricHistoryTest, NamesChooseSeries)
{
    MetricHistory history(options());
    history.onDefinitions(std::vector{gauge(1, "power"), counter(2, "requests")});
    add(history, 1, now, 1);
    add(history, 2, now, 1);
    const auto series = read(history, {0, 200 * kSecond}, 0, {"requests"});
    EXPECT_EQ(series.size(), 1U);
    EXPECT_TRUE(series.contains("requests"));
}

TEST_F(MetricHistoryTest, WhatAnEarlierDaemonMeasuredIsThereInTheClockOfThisBoot)
{
    {
        MetricHistory history(options());
        history.onDefinitions(std::vector{gauge(7, "power")});
        add(history, 7, now, 42);
    }
    bootId = "boot-2"; // the machine was started an hour later, so that its clock begins anew
    utcOffset = kUtc + 3600 * kSecond;
    now = 5 * kSecond;
    MetricHistory history(options());
    history.onDefinitions(std::vector{gauge(1, "power")}); // another number of the sampler
    add(history, 1, now, 43);
    const auto series = read(history, {-7200 * kSecond, 10 * kSecond});
    ASSERT_EQ(series.size(), 1U) << "one series by its name and labels";
    const HistoryColumns& power = series.at("power").columns.at(0);
    EXPECT_EQ(power.times, (std::vector<TimestampNs>{-3500 * kSecond, 5 * kSecond}));
    EXPECT_EQ(power.values, (std::vector<double>{42, 43}));
}

TEST_F(MetricHistoryTest, SecondsAndMinutesThatADaemonDidNotComeToWriteAreMadeFromWhatItWrote)
{
    MetricHistory::Options crashed = options();
    crashed.resolutions[1].block = crashed.resolutions[2].block = 1'000'000 * kSecond; // never full
    auto history = std::make_unique<MetricHistory>(crashed);
    history->onDefinitions(std::vector{gauge(1, "power")});
    for (int i = 0; i <= 300; ++i) {
        now = 100 * kSecond + i * kSecond / 10;
        add(*history, 1, now, i);
    }
    history->settle();
    // What is on disk now is what a killed process leaves.
    for (const char* name : {"history.db", "history.db-wal"})
        if (std::filesystem::exists(folder.path() / name))
            std::filesystem::copy_file(folder.path() / name, folder.path() / (std::string("left-") + name));
    history.reset();
    MetricHistory::Options after = options();
    after.path = folder.path() / "left-history.db";
    MetricHistory again(after);
    now += 60 * kSecond;
    const auto series = read(again, {0, 1000 * kSecond}, kSecond);
    ASSERT_TRUE(series.contains("power"));
    EXPECT_GE(series.at("power").columns.at(kSecond).values.size(), 29U);
    EXPECT_DOUBLE_EQ(series.at("power").columns.at(kSecond).values.at(3), 34.5);
}

TEST_F(MetricHistoryTest, OldTimesAreThereInCoarserSteps)
{
    MetricHistory::Options small = options();
    small.resolutions = {{0, kSecond, 60 * kSecond}, {kSecond, 10 * kSecond, 100'000 * kSecond}};
    MetricHistory history(small);
    history.onDefinitions(std::vector{gauge(1, "power")});
    for (int i = 0; i < 300; ++i) {
        now = 1000 * kSecond + i * kSecond;
        add(history, 1, now, i);
        if (i % 10 == 0)
            history.settle();
    }
    const auto series = read(history, {0, 2000 * kSecond});
    const auto& columns = series.at("power").columns;
    ASSERT_TRUE(columns.contains(0));
    ASSERT_TRUE(columns.contains(kSecond));
    EXPECT_LT(columns.at(0).values.size(), 150U);
    EXPECT_EQ(columns.at(0).values.size() + columns.at(kSecond).values.size(), 300U) << "each second once";
    EXPECT_LT(columns.at(kSecond).times.back(), columns.at(0).times.front());
}

TEST_F(MetricHistoryTest, AFileOfAnotherDaemonIsLeftAloneAndTheHistoryIsInMemory)
{
    MetricHistory first(options());
    first.settle();
    MetricHistory second(options());
    EXPECT_NE(second.problem().find("another gantryd"), std::string::npos) << second.problem();
    second.onDefinitions(std::vector{gauge(1, "power")});
    add(second, 1, now, 1);
    EXPECT_EQ(read(second, {0, 200 * kSecond}).size(), 1U);
    EXPECT_TRUE(read(first, {0, 200 * kSecond}).empty());
}

TEST_F(MetricHistoryTest, ADamagedFileIsMovedAsideAndItIsBegunAnew)
{
    std::ofstream(folder.path() / "history.db") << std::string(8192, 'x');
    MetricHistory history(options());
    EXPECT_EQ(history.problem(), "");
    EXPECT_TRUE(std::filesystem::exists(folder.path() / "history.db.damaged"));
    history.onDefinitions(std::vector{gauge(1, "power")});
    add(history, 1, now, 1);
    EXPECT_EQ(read(history, {0, 200 * kSecond}).size(), 1U);
}

TEST_F(MetricHistoryTest, NobodyElseCanReadTheFile)
{
    const MetricHistory history(options());
    struct stat file = {};
    ASSERT_EQ(stat((folder.path() / "history.db").c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 0777U, 0600U);
}

TEST_F(MetricHistoryTest, ItsSizeIsBounded)
{
    MetricHistory::Options small = options();
    small.maxBytes = 20'000;
    MetricHistory history(small);
    history.onDefinitions(std::vector{gauge(1, "power")});
    for (int i = 0; i < 20'000; ++i) {
        now = 100 * kSecond + i * kSecond / 10;
        add(history, 1, now, i * 0.37);
        if (i % 100 == 0)
            history.settle();
    }
    const auto series = read(history, {0, 10'000 * kSecond});
    EXPECT_LT(series.at("power").columns.at(0).times.size(), 10'000U);
    EXPECT_EQ(series.at("power").columns.at(0).values.back(), 19'999 * 0.37) << "the newest stay";
    EXPECT_EQ(history.dropped(), 0U);
}

TEST_F(MetricHistoryTest, NamesOfSeriesGoWithTheirSamplesAndThoseThatAreSampledStay)
{
    auto few = options();
    few.resolutions = {{0, 10 * kSecond, 60 * kSecond}, {kSecond, 20 * kSecond, 100 * kSecond}};
    {
        MetricHistory history(few);
        history.onDefinitions(std::vector{gauge(1, "pod"), gauge(2, "power"), gauge(3, "silent")});
        for (const std::uint32_t id : {1U, 2U, 3U})
            add(history, id, now, 1);
        history.settle();
        history.onRemoved(std::vector<std::uint32_t>{1});
        // Time passes as it does: a block at a time, and what is old is looked for each minute.
        for (int step = 0; step < 30; ++step) {
            now += 10 * kSecond;
            add(history, 2, now, 2);
            (void)read(history, {now - kSecond, now + 1});
        }
        add(history, 3, now, 3); // it was never removed: its number is still its own
        const auto all = read(history, {0, now + 1});
        EXPECT_EQ(all.at("silent").columns.begin()->second.values.back(), 3);
        EXPECT_TRUE(all.contains("power"));
    }
    const auto store = report::HistoryStore::open({few.path});
    ASSERT_TRUE(store) << store.error().text();
    std::set<std::string> names;
    for (const auto& [id, series] : (*store)->series())
        names.insert(series.name);
    EXPECT_EQ(names, (std::set<std::string>{"power", "silent"}));
}

TEST_F(MetricHistoryTest, SamplesBeyondWhatMayWaitAreCounted)
{
    MetricHistory::Options small = options();
    small.maxQueued = 10;
    MetricHistory history(small);
    history.onDefinitions(std::vector{gauge(1, "power")});
    history.onSamples(std::vector<metrics::Sample>(11, {1, now, 1}));
    EXPECT_EQ(history.dropped(), 11U);
}

TEST_F(MetricHistoryTest, ATimeThatEndsBeforeItBeginsIsRefused)
{
    MetricHistory history(options());
    v1::ReadHistoryRequest request;
    request.set_from_mono_ns(5);
    request.set_to_mono_ns(5);
    const auto refused = history.read(request, [](v1::HistoryPart&&) { return true; });
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::BadInput);
}

} // namespace
} // namespace gantry::node
