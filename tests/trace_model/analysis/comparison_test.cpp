#include "trace_model/analysis/comparison.h"

#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

std::shared_ptr<const trace::Trace> traceOf(const char* script)
{
    const test::TemporaryFolder folder;
    if (!test::writeEventScript(script, folder / "a.gantry"))
        return nullptr;
    auto loaded = trace::loadTrace(folder / "a.gantry");
    return loaded ? *loaded : nullptr;
}

TEST(Comparison, LeavesTheSideAbsentThatHasNoSuchKernel)
{
    const auto a = traceOf("window 0..1000\nkernel gpu0/stream7 gemm 100..130\nkernel gpu0/stream7 old 200..210\n");
    const auto b = traceOf("window 0..1000\nkernel gpu0/stream7 gemm 100..190\nkernel gpu0/stream7 new 200..205\n");
    ASSERT_TRUE(a && b);
    const Comparison result = compare(*a, *b);
    ASSERT_EQ(result.kernels.size(), 3u);
    EXPECT_EQ(result.kernels[0].name, "gemm"); // the largest difference first
    EXPECT_EQ(result.kernels[0].difference(), 60.0);
    EXPECT_EQ(result.kernels[0].ratio(), 3.0);
    EXPECT_EQ(result.kernels[1].name, "old");
    EXPECT_FALSE(result.kernels[1].b);
    EXPECT_FALSE(result.kernels[1].difference());
    EXPECT_EQ(result.kernels[2].name, "new");
    EXPECT_FALSE(result.kernels[2].a);
}

TEST(Comparison, OfATraceWithItselfHasNoDifference)
{
    const auto a = traceOf("window 0..1000\nkernel gpu0/stream7 gemm 100..130\nrequest 1 model bert:1 0..100 queue 0..40\n");
    ASSERT_TRUE(a);
    const Comparison result = compare(*a, *a);
    for (const auto* rows : {&result.summary, &result.phases, &result.kernels}) {
        for (const ComparisonRow& row : *rows)
            EXPECT_EQ(row.difference().value_or(0.0), 0.0) << row.name;
    }
    EXPECT_FALSE(result.phases.empty());
}

} // namespace
} // namespace gantry::analysis
