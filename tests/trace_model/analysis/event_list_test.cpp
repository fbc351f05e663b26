#include "trace_model/analysis/event_list.h"

#include "tests/support/event_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <random>

namespace gantry::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trace::EventId;
using trace::EventKind;

class EventList : public testing::Test
{
protected:
    void SetUp() override
    {
        m_trace = test::traceOf("window 0..1000\n"
                                "kernel gpu0/stream7 sgemm 300..330 corr 3\n"
                                "kernel gpu0/stream9 softmax 310..350 corr 4\n"
                                "memcpy gpu0/stream7 HtoD pageable 100..140 bytes 4096 corr 1\n"
                                "api 12 cudaMemcpyAsync 90..95 corr 1\n"
                                "range 12 forward 80..400\n"
                                "mark 12 done 400\n");
    }

    std::vector<std::string> described(const EventScope& scope) const
    {
        std::vector<std::string> texts;
        const auto events = listEvents(*m_trace, scope);
        if (!events)
            return {events.error().message};
        for (const EventId event : *events)
            texts.push_back(m_trace->nameOf(event) + " " + std::to_string(m_trace->timeOf(event).start));
        return texts;
    }

    trace::TrackId track(trace::TrackKind kind, std::string_view name) const
    {
        for (std::uint32_t i = 0; i < m_trace->tracks.size(); ++i)
            if (m_trace->tracks[i].kind == kind && m_trace->tracks[i].name.find(name) != std::string::npos)
                return trace::TrackId(i);
        return {};
    }

    std::shared_ptr<const trace::Trace> m_trace;
};

TEST_F(EventList, HoldsWhatReachesIntoTheWindowOfAllKindsByStart)
{
    EXPECT_THAT(described({m_trace->time, {}, {}}),
                ElementsAre("forward 80", "cudaMemcpyAsync 90", "Memcpy HtoD (Pageable) 100", "sgemm 300", "softmax 310", "done 400"));
    EXPECT_THAT(described({{92, 110}, {}, {}}), ElementsAre("forward 80", "cudaMemcpyAsync 90", "Memcpy HtoD (Pageable) 100"));
    EXPECT_THAT(described({{500, 1000}, {}, {}}), IsEmpty());
}

TEST_F(EventList, OfTracksHoldsWhatIsDrawnOnThemAndBelowThemOnce)
{
    const auto stream = track(trace::TrackKind::GpuStream, "7");
    ASSERT_FALSE(stream.isNone());
    EXPECT_THAT(described({m_trace->time, {stream}, {}}), ElementsAre("Memcpy HtoD (Pageable) 100", "sgemm 300"));
    EXPECT_THAT(described({{320, 330}, {stream}, {}}), ElementsAre("sgemm 300"));
    EXPECT_THAT(described({m_trace->time, {track(trace::TrackKind::GpuRanges, "NVTX")}, {}}), ElementsAre("forward 100"));
    EXPECT_THAT(described({m_trace->time, {track(trace::TrackKind::GpuRanges, "NVTX")}, parseEventFilter("forward").value()}),
                ElementsAre("forward 100"));
    trace::TrackId gpu = stream; // its group: the rows of all streams and of each one show the same events
    while (!m_trace->track(gpu).parent.isNone())
        gpu = m_trace->track(gpu).parent;
    EXPECT_THAT(described({{290, 1000}, {gpu, stream}, {}}), ElementsAre("sgemm 300", "softmax 310"));
}

TEST_F(EventList, AFilterAndTracksMustBothBeMet)
{
    const EventFilter filter = parseEventFilter("dur>=30ns").value();
    EXPECT_THAT(described({m_trace->time, {}, filter}),
                ElementsAre("forward 80", "Memcpy HtoD (Pageable) 100", "sgemm 300", "softmax 310"));
    EXPECT_THAT(described({{200, 400}, {track(trace::TrackKind::GpuStream, "7")}, filter}), ElementsAre("sgemm 300"));
}

TEST_F(EventList, EndsWhenAskedTo)
{
    std::stop_source stop;
    stop.request_stop();
    EXPECT_THAT(listEvents(*m_trace, {m_trace->time, {}, {}}, {}, stop.get_token()).value(), IsEmpty());
}

TEST(EventListOfMany, AgreesWithALookAtEveryEvent)
{
    std::mt19937 random(20250304);
    for (const std::size_t rows : {30, 400'000}) { // one part and several
        trace::Trace trace;
        const auto last = static_cast<std::uint32_t>(rows / 2);
        for (trace::EventColumns* columns :
             {static_cast<trace::EventColumns*>(&trace.kernels), static_cast<trace::EventColumns*>(&trace.memcpys),
              static_cast<trace::EventColumns*>(&trace.apiCalls)}) {
            std::vector<TimestampNs> starts;
            for (std::size_t i = 0; i < rows; ++i)
                starts.push_back(static_cast<TimestampNs>(random() % last)); // many start together
            std::sort(starts.begin(), starts.end());
            for (const TimestampNs start : starts)
                columns->addTimes(start, start + static_cast<TimestampNs>(random() % 3));
            for (std::size_t row = 0; row < rows; row += trace::EventColumns::kBlockRows) {
                TimestampNs latest = 0;
                for (std::size_t i = row; i < std::min(rows, row + trace::EventColumns::kBlockRows); ++i)
                    latest = std::max(latest, columns->end(i));
                columns->latestEnds.push_back(latest);
            }
        }
        for (const TimeRange window : {TimeRange{0, static_cast<TimestampNs>(rows)}, TimeRange{last / 3, last / 2}}) {
            std::vector<EventId> expected;
            for (const EventKind kind : {EventKind::Kernel, EventKind::Memcpy, EventKind::ApiCall}) {
                for (std::uint32_t row = 0; row < rows; ++row) {
                    const TimeRange time = trace.timeOf(EventId(kind, row));
                    if (time.start < window.end && (time.end > window.start || time.start >= window.start))
                        expected.emplace_back(kind, row);
                }
            }
            std::sort(expected.begin(), expected.end(), [&](EventId a, EventId b) {
                const TimestampNs startA = trace.timeOf(a).start, startB = trace.timeOf(b).start;
                return startA != startB ? startA < startB : a < b;
            });
            // Workers tell of their parts at the same time, each of another fraction.
            std::mutex mutex;
            std::vector<double> fractions;
            const auto listed = listEvents(trace, {window, {}, {}}, [&](double fraction) {
                const std::lock_guard lock(mutex);
                fractions.push_back(fraction);
            });
            ASSERT_TRUE(*listed == expected) << rows << " rows";
            std::sort(fractions.begin(), fractions.end());
            EXPECT_GT(fractions.size(), expected.size() / 300'000); // often enough
            for (std::size_t i = 0; i < fractions.size(); ++i)
                EXPECT_DOUBLE_EQ(fractions[i], static_cast<double>(i + 1) / static_cast<double>(fractions.size()));
        }
    }
}

} // namespace
} // namespace gantry::analysis
