#include "trace_model/analysis/idle_gaps.h"

#include "tests/support/event_script.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

class IdleGaps : public testing::Test
{
protected:
    void SetUp() override
    {
        m_trace = test::traceOf("window 0..1000\n"
                                "kernel gpu0/stream7 a 100..200 corr 1\n"
                                "kernel gpu0/stream7 b 205..300 corr 2\n"
                                "kernel gpu0/stream7 inside 210..250 corr 3\n"
                                "kernel gpu0/stream7 c 340..400 corr 4\n"
                                "kernel gpu0/stream7 d 500..600 corr 5\n");
        for (std::uint32_t i = 0; i < m_trace->tracks.size(); ++i)
            if (m_trace->tracks[i].kind == trace::TrackKind::GpuStream)
                m_track = trace::TrackId(i);
        ASSERT_FALSE(m_track.isNone());
    }

    std::string gapAfter(TimestampNs after, DurationNs shortest) const
    {
        const auto gap = nextIdleGap(*m_trace, m_track, after, shortest);
        return gap ? std::to_string(gap->start) + ".." + std::to_string(gap->end) : "none";
    }

    std::shared_ptr<const trace::Trace> m_trace;
    trace::TrackId m_track;
};

TEST_F(IdleGaps, AreTheFirstThatAreLongEnough)
{
    EXPECT_EQ(gapAfter(0, 1), "200..205");
    EXPECT_EQ(gapAfter(0, 6), "300..340"); // "inside" ends before its neighbour does: that is no gap
    EXPECT_EQ(gapAfter(0, 40), "300..340");
    EXPECT_EQ(gapAfter(0, 41), "400..500");
    EXPECT_EQ(gapAfter(0, 101), "none"); // neither before the first span nor behind the last one
}

TEST_F(IdleGaps, GoOnBehindTheOneFoundBefore)
{
    EXPECT_EQ(gapAfter(205, 1), "300..340");
    EXPECT_EQ(gapAfter(340, 1), "400..500");
    EXPECT_EQ(gapAfter(500, 1), "none");
}

TEST_F(IdleGaps, ThatAreBegunCountByWhatIsLeftOfThem)
{
    EXPECT_EQ(gapAfter(320, 20), "320..340");
    EXPECT_EQ(gapAfter(320, 21), "400..500");
}

} // namespace
} // namespace gantry::analysis
