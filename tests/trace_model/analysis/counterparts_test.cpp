#include "trace_model/analysis/counterparts.h"

#include "tests/support/event_script.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using trace::EventId;
using trace::EventKind;

TEST(Counterparts, AreTheSameKernelAsOftenAsItWasSinceBothAreAligned)
{
    const auto a = test::traceOf(
        "window 0..1000\nkernel gpu0/stream7 gemm 100..110\nkernel gpu0/stream7 norm 120..130\nkernel gpu0/stream7 gemm 200..230\n");
    const auto b = test::traceOf(
        "window 0..1000\nkernel gpu0/stream3 warm_up 5..10\nkernel gpu0/stream3 gemm 300..310\nkernel gpu0/stream3 gemm 400..460\n");
    const Counterparts counterparts(a, b);
    const auto second = counterparts.of(0, EventId(EventKind::Kernel, 2), {0, 0});
    ASSERT_TRUE(second);
    EXPECT_EQ(b->timeOf(second->event), (TimeRange{400, 460}));
    EXPECT_EQ(second->number, 2u);
    EXPECT_EQ(counterparts.of(1, second->event, {0, 0})->event, EventId(EventKind::Kernel, 2));          // and back
    EXPECT_EQ(b->timeOf(counterparts.of(0, EventId(EventKind::Kernel, 2), {150, 0})->event).start, 300); // the first one since then
    const auto none = counterparts.of(0, EventId(EventKind::Kernel, 1), {0, 0});
    ASSERT_TRUE(none);
    EXPECT_TRUE(none->event.isNone());
    EXPECT_EQ(none->others, 0u);
    EXPECT_FALSE(counterparts.of(0, EventId(EventKind::Kernel, 0), {150, 0})); // began before both are aligned
}

TEST(Counterparts, OfPhasesAreThoseOfTheSameRequest)
{
    const auto a =
        test::traceOf("window 0..1000\nrequest 7 model bert:1 100..200 queue 100..120\nrequest 8 model bert:1 300..400 queue 300..310\n");
    const auto b = test::traceOf("window 0..1000\nrequest 1 model other:1 10..20 queue 10..12\nrequest 2 model bert:1 50..90 queue 50..60\n"
                                 "request 3 model bert:1 500..600 queue 500..555\n");
    const Counterparts counterparts(a, b);
    std::size_t queues = 0;
    for (std::uint32_t row = 0; row < a->phases.size(); ++row) {
        if (a->phases.phase[row] != records::RequestPhase::Queue)
            continue;
        const auto counterpart = counterparts.of(0, EventId(EventKind::Phase, row), {0, 0});
        ASSERT_TRUE(counterpart);
        EXPECT_EQ(b->timeOf(counterpart->event), a->phases.start[row] == 100 ? (TimeRange{50, 60}) : (TimeRange{500, 555}));
        ++queues;
    }
    EXPECT_EQ(queues, 2u);
}

TEST(Counterparts, OfRangesCallsAndCopiesAreOfTheSameFamily)
{
    const auto a = test::traceOf(
        "window 0..1000\nrange 12 step_1 10..20\napi 12 cudaLaunchKernel 10..12 corr 1\nmemcpy gpu0/stream7 HtoD pinned 10..20 bytes 4\n");
    const auto b = test::traceOf(
        "window 0..1000\nrange 12 step_5 30..40\napi 12 cudaLaunchKernel 50..52 corr 1\nmemcpy gpu0/stream7 DtoH pinned 60..70 bytes 4\n"
        "memcpy gpu0/stream7 HtoD pinned 80..90 bytes 4\n");
    const Counterparts counterparts(a, b);
    EXPECT_EQ(b->timeOf(counterparts.of(0, EventId(EventKind::NvtxRange, 0), {0, 0})->event).start, 30);
    EXPECT_EQ(b->timeOf(counterparts.of(0, EventId(EventKind::ApiCall, 0), {0, 0})->event).start, 50);
    EXPECT_EQ(b->timeOf(counterparts.of(0, EventId(EventKind::Memcpy, 0), {0, 0})->event).start, 80);
}

} // namespace
} // namespace gantry::analysis
