#include "trace_model/report/history_store.h"

#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

namespace gantry::report {
namespace {

constexpr std::int64_t kHour = 3600LL * 1'000'000'000;

metrics::SeriesDefinition named(const std::string& name)
{
    return {0, name, "W", metrics::SeriesKind::Gauge, {{"pod", name}}, {}};
}

/// A block of the hour that ends then.
HistoryStore::Block block(std::int64_t endUtcNs, const std::string& boot = "boot-1", std::int64_t monoToUtcNs = 0)
{
    return {endUtcNs - kHour, endUtcNs, monoToUtcNs, boot, "content"};
}

std::unique_ptr<HistoryStore> openStore(const std::filesystem::path& path)
{
    auto store = HistoryStore::open({path});
    return store ? std::move(*store) : nullptr;
}

std::vector<std::string> names(const HistoryStore& store)
{
    std::vector<std::string> all;
    for (const auto& [id, series] : store.series())
        all.push_back(series.name);
    return all;
}

TEST(HistoryStore, ASeriesGoesWhenTheBlocksOfItsSamplesHaveGone)
{
    const test::TemporaryFolder folder;
    auto store = openStore(folder / "h.db");
    ASSERT_TRUE(store);
    const auto pod = store->idOf(named("pod")), gpu = store->idOf(named("gpu"));
    ASSERT_TRUE(store->noteSamples({*pod, *gpu}, 10 * kHour));
    ASSERT_TRUE(store->add(2, block(10 * kHour)));
    ASSERT_TRUE(store->noteSamples({*gpu}, 50 * kHour));
    ASSERT_TRUE(store->add(2, block(50 * kHour)));
    EXPECT_TRUE(store->endedSeries().empty()) << "its block is still there";
    ASSERT_TRUE(store->removeBefore(2, 20 * kHour));
    EXPECT_EQ(store->endedSeries(), (std::vector<std::uint32_t>{*pod}));
    ASSERT_TRUE(store->removeSeries(store->endedSeries()));
    EXPECT_EQ(names(*store), (std::vector<std::string>{"gpu"}));
    const auto again = store->idOf(named("pod"));
    ASSERT_TRUE(again);
    EXPECT_NE(*again, *pod) << "a reader may still hold blocks with that number";
    store.reset();
    EXPECT_EQ(names(*openStore(folder / "h.db")), (std::vector<std::string>{"gpu", "pod"}));
}

TEST(HistoryStore, ASeriesThatBeganLateInAnotherResolutionStays)
{
    auto store = openStore({});
    ASSERT_TRUE(store);
    const auto pod = store->idOf(named("pod"));
    ASSERT_TRUE(store->noteSamples({*pod}, 40 * kHour));
    ASSERT_TRUE(store->add(0, block(40 * kHour)));
    ASSERT_TRUE(store->add(2, block(60 * kHour)));
    ASSERT_TRUE(store->removeBefore(2, 50 * kHour));
    EXPECT_TRUE(store->endedSeries().empty());
}

TEST(HistoryStore, WhatAnEarlierProgramWroteIsTakenToBeInTheNewestBlock)
{
    const test::TemporaryFolder folder;
    const auto path = folder / "h.db";
    {
        auto store = openStore(path);
        ASSERT_TRUE(store->idOf(named("old")) && store->idOf(named("older")));
        ASSERT_TRUE(store->noteSamples({1}, kHour));
        ASSERT_TRUE(store->add(2, block(10 * kHour)));
    }
    auto store = openStore(path); // blocks are nine hours newer than what is noted
    ASSERT_TRUE(store->add(2, block(30 * kHour)));
    ASSERT_TRUE(store->removeBefore(2, 9 * kHour));
    EXPECT_TRUE(store->endedSeries().empty());
    ASSERT_TRUE(store->removeBefore(2, 20 * kHour));
    EXPECT_EQ(store->endedSeries().size(), 2U);
}

TEST(HistoryStore, AClockThatIsSetForwardMakesNoSeriesOld)
{
    auto store = openStore({});
    const auto pod = store->idOf(named("pod"));
    ASSERT_TRUE(store->noteSamples({*pod}, 10 * kHour));
    ASSERT_TRUE(store->add(2, block(10 * kHour)));
    ASSERT_TRUE(store->setClock("boot-1", 1000 * kHour));
    ASSERT_EQ(store->newestUtcNs(2), 1010 * kHour);
    EXPECT_TRUE(store->endedSeries().empty());
}

} // namespace
} // namespace gantry::report
