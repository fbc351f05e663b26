#include "trace_model/analysis/circumstances.h"

#include "tests/support/simulated_server.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

namespace gantry::analysis {
namespace {

using Settings = std::map<std::string, std::string>;

std::vector<std::string> changesOf(const Settings& a, const Settings& b)
{
    trace::Trace x, y;
    x.meta.format = y.meta.format = "gantry";
    x.meta.settings = a;
    y.meta.settings = b;
    std::vector<std::string> sentences;
    for (const CircumstanceChange& change : circumstanceChanges(x, y))
        sentences.push_back(sentenceOf(change));
    return sentences;
}

using Sentences = std::vector<std::string>;

TEST(Circumstances, AnInstanceMoreIsTheOneChangedLineOfTheConfiguration)
{
    const std::string key = std::string(report::meta::kModelConfigPrefix) + "bert";
    const std::string config = "name: \"bert\"\nmax_batch_size: 8\ninput [\n  {\n    name: \"ids\"\n    dims: [ 64 ]\n  }\n]\ninstance_group [\n  {\n    count: 1\n    kind: KIND_GPU\n  }\n]\n";
    std::string more = config;
    more.replace(more.find("count: 1"), 8, "count: 2");
    EXPECT_EQ(changesOf({{key, config}}, {{key, more}}), (Sentences{"instance_group.count of bert: 1 in A, 2 in B"}));
    EXPECT_EQ(changesOf({{key, config}}, {{key, config}}), Sentences{});
}

TEST(Circumstances, DriverFlagsAndEnvironmentAreSaidWithBothValues)
{
    const std::string allocator = std::string(report::meta::kEnvironmentPrefix) + "CUDA_LAUNCH_BLOCKING";
    const std::string devices = std::string(report::meta::kEnvironmentPrefix) + "CUDA_VISIBLE_DEVICES";
    EXPECT_EQ(changesOf({{"GANTRY_DRIVER_VERSION", "580.1"}, {report::meta::kTargetCommand, "serve --threads 1"}, {devices, "0"}},
                        {{"GANTRY_DRIVER_VERSION", "580.2"}, {report::meta::kTargetCommand, "serve --threads 2"}, {devices, "0"}, {allocator, "1"}}),
              (Sentences{"command line: serve --threads 1 in A, serve --threads 2 in B", "CUDA_LAUNCH_BLOCKING: – in A, 1 in B", "driver: 580.1 in A, 580.2 in B"}));
}

// Reports of before it was recorded have no environment: that is not an empty one.
TEST(Circumstances, WhatASideDoesNotSayIsNoDifference)
{
    EXPECT_EQ(changesOf({}, {{"GANTRY_DRIVER_VERSION", "580.2"}, {std::string(report::meta::kEnvironmentPrefix) + "CUDA_VISIBLE_DEVICES", "0"}}), Sentences{});
}

TEST(Circumstances, OfTheSameServerDoNotDiffer)
{
    test::ServerSetup a, b;
    b.seed = 2;
    EXPECT_TRUE(circumstanceChanges(*test::traceOfServer(a), *test::traceOfServer(b)).empty());
}

TEST(Circumstances, AClockThatIsHeldDownIsSaidInMegahertz)
{
    test::ServerSetup a, b;
    b.clock = 0.5;
    const auto changes = circumstanceChanges(*test::traceOfServer(a), *test::traceOfServer(b));
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(sentenceOf(changes.front()), "SM clock: 1980 MHz in A, 990 MHz in B");
}

} // namespace
} // namespace gantry::analysis
