#include "trace_model/analysis/filtered_events.h"

#include "tests/support/event_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace gantry::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trace::EventId;
using trace::EventKind;

class FilteredEvents : public testing::Test
{
protected:
    void SetUp() override
    {
        m_trace = test::traceOf("window 0..1000\n"
                                "api 12 cudaLaunchKernel 90..95 corr 1\n"
                                "kernel gpu0/stream7 sgemm 100..150 corr 1\n"
                                "kernel gpu0/stream9 sgemm 160..170 corr 2\n"
                                "kernel gpu1/stream7 softmax 180..190 corr 3\n"
                                "memcpy gpu0/stream7 HtoD pageable 200..240 bytes 4096 corr 4\n"
                                "memset gpu0/stream7 250..251 bytes 64 corr 5\n"
                                "range 12 forward 80..300 domain NCCL\n"
                                "range 13 forward 85..300\n"
                                "mark 13 done 400\n"
                                "execution 3 thread 12 model bert:1 instance bert_0 80..150\n"
                                "request 41 model bert:1 10..500 queue 10..80 compute_infer 80..400 batch 3\n"
                                "request 42 model gpt:2 20..600 queue 20..90\n");
    }

    std::vector<std::string> found(std::string_view text) const
    {
        std::vector<std::string> texts;
        const auto filter = parseEventFilter(text);
        if (!filter)
            return {filter.error().message};
        const std::vector<EventId> events = filteredEvents(*m_trace, *filter).value();
        for (const EventId event : events)
            texts.push_back(m_trace->nameOf(event) + " " + std::to_string(m_trace->timeOf(event).start));
        return texts;
    }

    std::shared_ptr<const trace::Trace> m_trace;
};

TEST_F(FilteredEvents, MeetAllTermsAndComeByStart)
{
    EXPECT_THAT(found("sgemm stream=7"), ElementsAre("sgemm 100"));
    EXPECT_THAT(found("kind=kernel stream=7"), ElementsAre("sgemm 100", "softmax 180"));
    EXPECT_THAT(found("kind=kernel stream!=7"), ElementsAre("sgemm 160"));
    EXPECT_THAT(found("stream=7,9 device=0 kind=kernel"), ElementsAre("sgemm 100", "sgemm 160"));
    EXPECT_THAT(found("name!=sgemm kind=kernel"), ElementsAre("softmax 180"));
    EXPECT_THAT(found("kind=kernel ~sfm"), ElementsAre("softmax 180"));
    EXPECT_THAT(found("/^s.*m$/ kind=kernel device=0"), ElementsAre("sgemm 100", "sgemm 160"));
    EXPECT_THAT(found("sgemm stream=8"), IsEmpty());
    EXPECT_THAT(found(""), IsEmpty());
}

TEST_F(FilteredEvents, CompareTimesAndBytesWithBothBoundsAsWritten)
{
    EXPECT_THAT(found("kind=kernel dur>10ns"), ElementsAre("sgemm 100"));
    EXPECT_THAT(found("kind=kernel dur>=10ns dur<50ns"), ElementsAre("sgemm 160", "softmax 180"));
    EXPECT_THAT(found("kind=kernel dur!=10ns"), ElementsAre("sgemm 100"));
    EXPECT_THAT(found("kind=kernel start>" + std::to_string(100 - m_trace->time.start) + "ns"), ElementsAre("sgemm 160", "softmax 180"));
    EXPECT_THAT(found("kind=kernel end<=" + std::to_string(170 - m_trace->time.start) + "ns"), ElementsAre("sgemm 100", "sgemm 160"));
    EXPECT_THAT(found("bytes>64"), ElementsAre("Memcpy HtoD (Pageable) 200"));
    EXPECT_THAT(found("bytes=64"), ElementsAre("Memset (Unknown) 250"));
}

TEST_F(FilteredEvents, TellThreadsAndDomainsApartAndLeaveOutWhatHasNone)
{
    EXPECT_THAT(found("forward thread=12"), ElementsAre("forward 80"));
    EXPECT_THAT(found("kind=nvtx domain=nccl"), ElementsAre("forward 80"));
    EXPECT_THAT(found("domain!=nccl"), IsEmpty()); // neither a range without a domain nor a kernel
    EXPECT_THAT(found("thread=13"), ElementsAre("forward 85", "done 400"));
    EXPECT_THAT(found("correlation=1"), ElementsAre("cudaLaunchKernel 90", "sgemm 100"));
}

TEST_F(FilteredEvents, OfARequestAreItsPhasesAndWhatItsExecutionDid)
{
    EXPECT_THAT(found("request=41 kind=phase queue"), ElementsAre("queue 10"));
    EXPECT_THAT(found("request=41 kind!=phase"), ElementsAre("forward 80", "cudaLaunchKernel 90", "sgemm 100"));
    EXPECT_THAT(found("model=bert kind=kernel"), ElementsAre("sgemm 100"));
    EXPECT_THAT(found("model=bert:1 kind=kernel"), ElementsAre("sgemm 100"));
    EXPECT_THAT(found("model=gpt queue"), ElementsAre("queue 20"));
    EXPECT_THAT(found("model~p kind=kernel"), IsEmpty());
}

TEST_F(FilteredEvents, OfAWindowAreThoseThatReachIntoIt)
{
    const auto rows = filteredRows(*m_trace, parseEventFilter("sgemm kind=kernel").value(), {140, 165}).value();
    EXPECT_THAT(rows[static_cast<std::size_t>(EventKind::Kernel)], ElementsAre(0, 1));
    const auto later = filteredRows(*m_trace, parseEventFilter("sgemm kind=kernel").value(), {155, 165}).value();
    EXPECT_THAT(later[static_cast<std::size_t>(EventKind::Kernel)], ElementsAre(1));
}

TEST(FilteredEventsOfMany, AreThoseThatLookingAtEachOneFinds)
{
    trace::Trace trace;
    std::mt19937 random(7);
    constexpr std::uint32_t kRows = 1'200'000; // several tasks and a part of a block
    const trace::StringId names[] = {trace.strings.intern("gemm_a"), trace.strings.intern("gemm_b"), trace.strings.intern("copy")};
    for (std::uint32_t row = 0; row < kRows; ++row) {
        trace.kernels.addTimes(row * 10, row * 10 + random() % 100);
        trace.kernels.nameNumber.push_back(trace.kernels.names.add({names[random() % 3], {}}));
        trace.kernels.placeNumber.push_back(trace.kernels.places.add({1, 0, 1, static_cast<std::uint32_t>(random() % 4), 0}));
        trace.kernels.correlation.push_back(row);
    }
    trace.time = {0, kRows * 10 + 100};
    const auto rows = filteredRows(trace, parseEventFilter("gemm dur>=30ns dur<60ns stream=1,2 start>=1ms").value()).value();
    std::vector<std::uint32_t> expected;
    for (std::uint32_t row = 0; row < kRows; ++row) {
        const std::uint32_t stream = trace.kernels.stream(row);
        const DurationNs duration = trace.kernels.duration(row);
        if (trace.kernels.shortName(row) != names[2] && duration >= 30 && duration < 60 && (stream == 1 || stream == 2) &&
            trace.kernels.start[row] >= 1'000'000)
            expected.push_back(row);
    }
    EXPECT_EQ(rows[static_cast<std::size_t>(EventKind::Kernel)], expected);
    EXPECT_GT(expected.size(), 10'000U);
}

} // namespace
} // namespace gantry::analysis
