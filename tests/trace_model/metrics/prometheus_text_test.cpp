#include "trace_model/metrics/prometheus_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gantry::metrics {
namespace {

TEST(PrometheusText, ReadsNamesLabelsTypesAndValues)
{
    const PrometheusScrape scrape = parsePrometheusText("# HELP nv_x Number of # things\n# TYPE nv_x counter\n"
                                                        "nv_x{model=\"bert\", version=\"1\",} 4.000000\r\n"
                                                        "vllm:y 1e+06 1700000000000\n"
                                                        "z{le=\"+Inf\"} +Inf");
    ASSERT_EQ(scrape.samples.size(), 3u);
    EXPECT_EQ(scrape.samples[0].labels, (std::map<std::string, std::string>{{"model", "bert"}, {"version", "1"}}));
    EXPECT_EQ(scrape.samples[0].value, 4.0);
    EXPECT_EQ(scrape.samples[1].name, "vllm:y");
    EXPECT_EQ(scrape.samples[1].value, 1e6);
    EXPECT_TRUE(std::isinf(scrape.samples[2].value));
    EXPECT_EQ(scrape.kinds.at("nv_x"), SeriesKind::Counter);
    EXPECT_EQ(scrape.help.at("nv_x"), "Number of # things");
    EXPECT_EQ(scrape.malformedLines, 0u);
}

TEST(PrometheusText, LeavesOutNaNAndCountsWhatItCannotRead)
{
    const PrometheusScrape scrape = parsePrometheusText("a NaN\n...\nb{c=\"d} 1\ne{f=\"\"} 2\n\ng one\n");
    ASSERT_EQ(scrape.samples.size(), 1u);
    EXPECT_EQ(scrape.samples[0].name, "e");
    EXPECT_EQ(scrape.samples[0].labels.at("f"), "");
    EXPECT_EQ(scrape.malformedLines, 3u);
}

TEST(PrometheusText, LabelsSurviveBeingWrittenAndRead)
{
    const std::map<std::string, std::string> labels = {{"model", "a\"b\\c\nd"}, {"version", "1"}};
    const PrometheusScrape scrape = parsePrometheusText("x{" + formatLabels(labels) + "} 1\n");
    ASSERT_EQ(scrape.samples.size(), 1u);
    EXPECT_EQ(scrape.samples[0].labels, labels);
}

TEST(PrometheusText, QuotesAndBracesInsideOfLabelsEndNothing)
{
    const PrometheusScrape scrape = parsePrometheusText("a{b=\"}\",c=\"\\\"}\",d=\"\\\\\"} 1\ne{f=\"\\\"} 2\n");
    ASSERT_EQ(scrape.samples.size(), 1u);
    EXPECT_EQ(scrape.samples[0].labels, (std::map<std::string, std::string>{{"b", "}"}, {"c", "\"}"}, {"d", "\\"}}));
    EXPECT_EQ(scrape.malformedLines, 1u) << "the quote of the second line has no end";
}

TEST(PrometheusText, WhatSaysThatThereIsNoValueIsAbsent)
{
    const PrometheusScrape scrape =
        parsePrometheusText("DCGM_FI_DEV_MEMORY_TEMP 9223372036854775794\nDCGM_FI_DEV_GPU_TEMP 2147483632\n"
                            "DCGM_FI_DEV_POWER 140737488355328\nother_bytes 2147483632\ninf_bucket{le=\"+Inf\"} +Inf\n");
    ASSERT_EQ(scrape.samples.size(), 2u);
    EXPECT_EQ(scrape.samples[0].name, "other_bytes") << "a blank of DCGM is one only in its own metrics";
    EXPECT_EQ(scrape.samples[1].name, "inf_bucket");
}

TEST(PrometheusText, ReadsEveryLineOfTheRealScrapes)
{
    const std::filesystem::path folder = std::filesystem::path(GANTRY_SOURCE_DIR) / "../shared/data/triton_metrics";
    if (!std::filesystem::exists(folder))
        GTEST_SKIP() << "the shared scrapes are not here";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".txt")
            continue;
        SCOPED_TRACE(entry.path().filename().string());
        std::ostringstream text;
        text << std::ifstream(entry.path()).rdbuf();
        const PrometheusScrape scrape = parsePrometheusText(text.str());
        EXPECT_FALSE(scrape.samples.empty());
        // Documentation samples hold a literal "..." line; nothing else is unreadable.
        EXPECT_LE(scrape.malformedLines, 1u);
    }
}

} // namespace
} // namespace gantry::metrics
