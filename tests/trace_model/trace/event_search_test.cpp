#include "trace_model/trace/event_search.h"

#include "tests/support/event_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EventSearch : public testing::Test
{
protected:
    void SetUp() override
    {
        m_trace = *test::traceOf("window 0..1000\n"
                                 "kernel gpu0/stream7 volta_sgemm_128x64 300..330 corr 3\n"
                                 "kernel gpu0/stream7 softmax 340..350 corr 4\n"
                                 "memcpy gpu0/stream7 HtoD pageable 100..140 bytes 4096 corr 1\n"
                                 "memcpy gpu0/stream7 DtoH pinned 360..380 bytes 4096 corr 5\n"
                                 "memset gpu0/stream7 150..151 bytes 64 corr 2\n"
                                 "api 12 cudaMemcpyAsync 90..95 corr 1\n"
                                 "range 12 SGEMM_block 80..400\n"
                                 "mark 12 sgemm_done 400\n"
                                 "request 41 model bert:1 10..500 queue 10..80 compute_infer 80..400\n"
                                 "request 4 model bert:1 20..600 queue 20..90\n");
    }

    /// "kind name start" of each match.
    std::vector<std::string> found(std::string_view text) const { return described(findEvents(m_trace, parseNameQuery(text)).value()); }

    std::vector<std::string> described(const std::vector<EventId>& events) const
    {
        std::vector<std::string> texts;
        for (const EventId event : events)
            texts.push_back(std::string(name(event.kind())) + " " + m_trace.nameOf(event) + " " +
                            std::to_string(m_trace.timeOf(event).start));
        return texts;
    }

    Trace m_trace;
};

TEST_F(EventSearch, FindsAllKindsByPartOfTheNameWhateverTheCaseInOrderOfTime)
{
    EXPECT_THAT(found("sGeMm"), ElementsAre("nvtx_range SGEMM_block 80", "kernel volta_sgemm_128x64 300", "nvtx_mark sgemm_done 400"));
    EXPECT_THAT(found("memcpyasync"), ElementsAre("api_call cudaMemcpyAsync 90"));
    EXPECT_THAT(found("memset"), ElementsAre("memset Memset (Unknown) 150"));
}

TEST_F(EventSearch, FindsByRegularExpressionAndByCharactersInOrder)
{
    EXPECT_THAT(found("/^volta.*_64|x64$/"), ElementsAre("kernel volta_sgemm_128x64 300"));
    EXPECT_THAT(found("~vsg128"), ElementsAre("kernel volta_sgemm_128x64 300"));
    EXPECT_THAT(found("~zz"), IsEmpty());
    const auto wrong = findEvents(m_trace, parseNameQuery("/gemm(/"));
    ASSERT_FALSE(wrong);
    EXPECT_EQ(wrong.error().code, ErrorCode::BadInput);
}

TEST_F(EventSearch, FindsCopiesByDirectionAndMemory)
{
    EXPECT_THAT(found("htod"), ElementsAre("memcpy Memcpy HtoD (Pageable) 100"));
    EXPECT_THAT(found("pinned"), ElementsAre("memcpy Memcpy DtoH (Pinned) 360"));
    EXPECT_THAT(found("memcpy DtoH"), ElementsAre("memcpy Memcpy DtoH (Pinned) 360"));
}

TEST_F(EventSearch, FindsAKernelByItsFullName)
{
    m_trace.kernels.names.values()[m_trace.kernels.nameNumber[1]].demangledName =
        m_trace.strings.intern("void at::native::softmax_warp<float>(float*)");
    EXPECT_THAT(found("at::native"), ElementsAre("kernel softmax 340"));
}

TEST_F(EventSearch, FindsARequestOnceByItsWholeIdAsItsFirstPhase)
{
    EXPECT_THAT(found("41"), ElementsAre("phase queue 10"));
    EXPECT_THAT(found("Request 4"), ElementsAre("phase queue 20"));
    m_trace.requests[0].clientId = m_trace.strings.intern("checkout-7f3a");
    EXPECT_THAT(found("7F3A"), ElementsAre("phase queue 10"));
}

TEST_F(EventSearch, FindsNothingForAnEmptyTextOrANameThatIsNotThere)
{
    EXPECT_THAT(found(""), IsEmpty());
    EXPECT_THAT(found("no such kernel"), IsEmpty());
}

TEST_F(EventSearch, EndsWhenAskedTo)
{
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THAT(findEvents(m_trace, parseNameQuery("sgemm"), stop.get_token()).value(), IsEmpty());
}

} // namespace
} // namespace gantry::trace
