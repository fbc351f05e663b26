#include "trace_model/analysis/latency_waterfall.h"

#include "tests/support/event_script.h"
#include "tests/support/simulated_server.h"
#include "trace_model/analysis/comparison_subjects.h"
#include "trace_model/trace/trace_loader.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <stdexcept>
#include <string>

namespace gantry::analysis {
namespace {

using Of = WaterfallStep::Of;

LatencyWaterfall waterfallOf(const trace::Trace& a, const trace::Trace& b, const std::string& model)
{
    const auto waterfall = latencyWaterfall(comparedSides(a, b), model, kernelRows(a, b));
    EXPECT_TRUE(waterfall);
    return waterfall.value_or(LatencyWaterfall{});
}

void expectToAddUp(const LatencyWaterfall& waterfall)
{
    double sum = 0;
    std::map<std::string, double> phases, inside;
    for (const WaterfallStep& step : waterfall.steps) {
        (step.of == Of::Phase ? phases : inside)[step.phase] += step.contribution();
        sum += step.of == Of::Phase ? step.contribution() : 0;
    }
    const double tolerance = 0.01 * std::abs(waterfall.b - waterfall.a) + 1; // 1 %, and a nanosecond for rounding
    EXPECT_NEAR(sum, waterfall.b - waterfall.a, tolerance);
    for (const auto& [phase, contribution] : inside)
        EXPECT_NEAR(contribution, phases.at(phase), 0.01 * std::abs(phases.at(phase)) + 1) << phase;
    EXPECT_FALSE(inside.empty());
}

const WaterfallStep& stepOf(const LatencyWaterfall& waterfall, const std::string& phase, const std::string& name)
{
    const auto found = std::find_if(waterfall.steps.begin(), waterfall.steps.end(),
                                    [&](const WaterfallStep& step) { return step.phase == phase && step.name == name; });
    if (found == waterfall.steps.end())
        throw std::runtime_error("no step " + name);
    return *found;
}

TEST(LatencyWaterfall, AddsUpToTheChangeForSimulatedServers)
{
    test::ServerSetup a, b;
    b.seed = 2;
    b.slower["gemm_ffn"] = 1.5;
    b.isPageable = true;
    b.instances = 1;
    expectToAddUp(waterfallOf(*test::traceOfServer(a), *test::traceOfServer(b), "bert"));
}

TEST(LatencyWaterfall, AddsUpToTheChangeForTheDemoReports)
{
    const std::filesystem::path folder = GANTRY_SOURCE_DIR "/resources/demo";
    const auto a = trace::loadTrace(folder / "bert-pageable.gantry.zst"), b = trace::loadTrace(folder / "bert-pinned.gantry.zst");
    ASSERT_TRUE(a && b);
    const LatencyWaterfall waterfall = waterfallOf(**a, **b, "bert_base");
    expectToAddUp(waterfall);
    EXPECT_LT(stepOf(waterfall, "compute_output", "compute_output").contribution(), -100'000); // pinned: 0.17 ms less
    EXPECT_EQ(stepOf(waterfall, "compute_output", "DtoH Device to Pageable").b, 0);
}

TEST(LatencyWaterfall, CountsEachMomentOnceAndTheRestAsAGap)
{
    const auto script = [](const char* kernels) {
        return test::traceOf(std::string("window 0..1000\nexecution 3 thread 12 model bert:1 instance bert_0 100..400\n"
                                         "request 7 model bert:1 0..420 queue 0..100 compute_infer 100..400 batch 3\n") +
                             kernels);
    };
    // The second kernel overlaps the first one by 20.
    const auto a = script("api 12 cudaLaunchKernel 110..112 corr 1\napi 12 cudaLaunchKernel 113..115 corr 2\n"
                          "kernel gpu0/stream7 gemm 150..250 corr 1\nkernel gpu0/stream8 relu 230..300 corr 2\n");
    const auto b = script("api 12 cudaLaunchKernel 110..112 corr 1\nkernel gpu0/stream7 gemm 150..300 corr 1\n");
    const LatencyWaterfall waterfall = waterfallOf(*a, *b, "bert");
    expectToAddUp(waterfall);
    EXPECT_EQ(stepOf(waterfall, "compute_infer", "gemm").a, 100);
    EXPECT_EQ(stepOf(waterfall, "compute_infer", "gemm").b, 150);
    EXPECT_EQ(stepOf(waterfall, "compute_infer", "relu").a, 50);
    EXPECT_EQ(stepOf(waterfall, "compute_infer", "relu").b, 0);
    EXPECT_EQ(stepOf(waterfall, "compute_infer", "no GPU work").a, 150);
    EXPECT_EQ(stepOf(waterfall, "outside", "outside").a, 20);
}

TEST(LatencyWaterfall, TellsAKernelsShareOfTheChange)
{
    test::ServerSetup a, b;
    a.requests = b.requests = 2000;
    a.largestBatch = b.largestBatch = 1;
    b.slower["attention"] = 1.5; // four times 45 µs: 90 µs more
    const LatencyWaterfall waterfall = waterfallOf(*test::traceOfServer(a), *test::traceOfServer(b), "bert");
    EXPECT_NEAR(stepOf(waterfall, "compute_infer", "attention").contribution(), 90'000, 9'000);
    EXPECT_NEAR(stepOf(waterfall, "compute_infer", "gelu").contribution(), 0, 2'000);
}

TEST(LatencyWaterfall, IsNoneWhereASideHasNoRequestOfTheModel)
{
    const auto a = test::traceOfServer({});
    EXPECT_FALSE(latencyWaterfall(comparedSides(*a, *a), "resnet", kernelRows(*a, *a)));
}

} // namespace
} // namespace gantry::analysis
