#include "trace_model/analysis/request_join.h"

#include "tests/support/event_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using trace::EventId;
using trace::EventKind;
using trace::RequestIndex;

class RequestJoin : public testing::Test
{
protected:
    void SetUp() override
    {
        m_trace = *test::traceOf(
            "window 0..5000000000\n"
            "execution 3 thread 12 model bert:1 instance bert_0 80..150\n"
            "request 1 model bert:1 0..150 queue 0..80 compute_input 80..90 compute_infer 90..140 compute_output 140..150 batch 3\n"
            "request 2 model bert:1 20..150 queue 20..80 compute_input 80..90 compute_infer 90..140 compute_output 140..150 batch 3\n"
            "request 3 model bert:1 20..30\n"
            "api 12 cudaMemcpyAsync 81..84 corr 1\n"
            "api 12 cudaLaunchKernel 90..99 corr 2\n"
            "api 12 cuLaunchKernel 92..98 corr 2 driver\n"
            "api 12 cudaGraphLaunch 100..110 corr 3\n"
            "api 12 cudaStreamSynchronize 141..148\n"
            "memcpy gpu0/stream7 HtoD pageable 84..88 bytes 4096 corr 1\n"
            "kernel gpu0/stream7 gemm 100..130 corr 2\n"
            "kernel gpu0/stream7 node_a 131..132 corr 3\n"
            "kernel gpu0/stream7 node_b 133..134 corr 3\n"
            "memset gpu0/stream7 135..136 bytes 64 corr 3\n"
            "kernel gpu0/stream7 orphan 138..139\n"
            "api 12 cudaGraphLaunch_2 149..150 corr 4\n"
            "graph gpu0/stream7 5 160..170 corr 4\n"
            "kernel gpu0/stream7 late 900000000..900000100 corr 2\n");
    }

    static trace::Trace withRanges()
    {
        return *test::traceOf("window 0..1000\n"
                              "range 12 forward 10..500\n"
                              "range 12 linear 20..200\n"
                              "range 12 addmm 30..100\n"
                              "range 12 layer 15..400 domain model\n"
                              "range 12 relu 220..300\n"
                              "range 13 other 0..900\n"
                              "async 12 request 0..900\n"
                              "api 12 cudaLaunchKernel 40..50 corr 1\n"
                              "api 12 cudaFree 600..610\n"
                              "kernel gpu0/stream7 gemm 700..800 corr 1\n"
                              "kernel gpu0/stream7 orphan 810..820\n");
    }

    std::vector<std::string> names(const std::vector<EventId>& events) const
    {
        std::vector<std::string> texts;
        for (const EventId event : events)
            texts.push_back(m_trace.nameOf(event));
        return texts;
    }

    EventId named(EventKind kind, std::string_view name) const
    {
        for (std::uint32_t row = 0; row < m_trace.columns(kind).size(); ++row) {
            if (m_trace.nameOf(EventId(kind, row)) == name)
                return EventId(kind, row);
        }
        return {};
    }

    RequestIndex request(std::uint64_t id) const
    {
        for (std::uint32_t i = 0; i < m_trace.requests.size(); ++i) {
            if (m_trace.requests[i].id == id)
                return RequestIndex(i);
        }
        return {};
    }

    trace::Trace m_trace;
};

TEST_F(RequestJoin, KnowsWhatACallLaunched)
{
    EXPECT_THAT(names(launchedBy(m_trace, named(EventKind::ApiCall, "cudaMemcpyAsync"))), ElementsAre("Memcpy HtoD (Pageable)"));
    EXPECT_THAT(names(launchedBy(m_trace, named(EventKind::ApiCall, "cudaGraphLaunch"))),
                ElementsAre("node_a", "node_b", "Memset (Unknown)"));
    EXPECT_THAT(names(launchedBy(m_trace, named(EventKind::ApiCall, "cudaLaunchKernel"))),
                ElementsAre("gemm", "late")); // within a second of the call
}

TEST_F(RequestJoin, AGraphThatIsRecordedAsOnePieceOfWorkIsOfItsLaunchAndOfTheRequests)
{
    const EventId launch = named(EventKind::ApiCall, "cudaGraphLaunch_2"), graph = named(EventKind::GraphLaunch, "CUDA graph 5");
    EXPECT_THAT(names(launchedBy(m_trace, launch)), ElementsAre("CUDA graph 5"));
    EXPECT_EQ(launchOf(m_trace, graph), launch);
    EXPECT_THAT(requestsOf(m_trace, graph), ElementsAre(request(1), request(2)));
    EXPECT_THAT(requestActivity(m_trace, request(1)).gpuWork, testing::Contains(graph));
}

TEST_F(RequestJoin, NothingWasLaunchedByACallWithoutCorrelationOrByAnotherEvent)
{
    EXPECT_THAT(launchedBy(m_trace, named(EventKind::ApiCall, "cudaStreamSynchronize")), IsEmpty());
    EXPECT_THAT(launchedBy(m_trace, named(EventKind::Kernel, "gemm")), IsEmpty());
    EXPECT_THAT(launchedBy(m_trace, EventId()), IsEmpty());
}

TEST_F(RequestJoin, TheLaunchOfAKernelIsTheRuntimeCall)
{
    EXPECT_EQ(m_trace.nameOf(launchOf(m_trace, named(EventKind::Kernel, "gemm"))), "cudaLaunchKernel");
    EXPECT_TRUE(launchOf(m_trace, named(EventKind::Kernel, "orphan")).isNone());
    EXPECT_TRUE(launchOf(m_trace, named(EventKind::ApiCall, "cudaGraphLaunch")).isNone());
    EXPECT_TRUE(launchOf(m_trace, EventId()).isNone());
}

TEST_F(RequestJoin, EveryLaunchAndWhatItLaunchedAgree)
{
    std::size_t launched = 0;
    for (std::uint32_t row = 0; row < m_trace.apiCalls.size(); ++row) {
        for (const EventId work : launchedBy(m_trace, EventId(EventKind::ApiCall, row))) {
            const EventId launch = launchOf(m_trace, work);
            ASSERT_FALSE(launch.isNone()) << m_trace.nameOf(work);
            EXPECT_EQ(m_trace.apiCalls.correlation[launch.row()], m_trace.apiCalls.correlation[row]);
            ++launched;
        }
    }
    EXPECT_EQ(launched, 9u); // gemm and late twice: by the runtime's call and by the driver's
}

// The GPU's clock is converted with an error: a kernel may seem to start before the call that launched it, and was then joined
// to nothing.
TEST_F(RequestJoin, FindsTheLaunchOfAKernelThatSeemsToStartBeforeIt)
{
    const EventId call = named(EventKind::ApiCall, "cudaMemcpyAsync");
    m_trace.memcpys.start[0] = m_trace.timeOf(call).start - 3;
    EXPECT_TRUE(launchOf(m_trace, EventId(EventKind::Memcpy, 0)).isNone()); // in a report whose clocks agree this is another call's
    m_trace.meta.clockErrorNs = 5;
    EXPECT_EQ(launchOf(m_trace, EventId(EventKind::Memcpy, 0)), call);
    EXPECT_THAT(names(launchedBy(m_trace, call)), ElementsAre("Memcpy HtoD (Pageable)"));
    EXPECT_THAT(names(requestActivity(m_trace, request(1)).gpuWork), testing::Contains("Memcpy HtoD (Pageable)"));
    EXPECT_THAT(requestsOf(m_trace, EventId(EventKind::Memcpy, 0)), ElementsAre(request(1), request(2)));
}

TEST_F(RequestJoin, PhasesOfARequestAreItsOwnInOrder)
{
    for (const std::uint64_t id : {1u, 2u}) {
        const auto phases = phasesOf(m_trace, request(id));
        EXPECT_THAT(names(phases), testing::IsSupersetOf({"queue", "compute_input", "compute_infer", "compute_output"}));
        EXPECT_TRUE(std::is_sorted(phases.begin(), phases.end(), [&](EventId a, EventId b) { return m_trace.timeOf(a).start < m_trace.timeOf(b).start; }));
        for (const EventId phase : phases)
            EXPECT_EQ(m_trace.phases.request[phase.row()], request(id));
    }
    // Of a request that tells no phases all time is outside them, so that it can be seen and selected.
    EXPECT_THAT(names(phasesOf(m_trace, request(3))), ElementsAre("outside"));
    EXPECT_EQ(m_trace.timeOf(phasesOf(m_trace, request(3)).front()), m_trace.requests[request(3).value].time);
}

TEST_F(RequestJoin, ARequestWithoutExecutionHasNoActivity)
{
    const RequestActivity activity = requestActivity(m_trace, request(3));
    EXPECT_TRUE(activity.executions.empty());
    EXPECT_THAT(activity.gpuWork, IsEmpty());
    EXPECT_THAT(activity.peers, IsEmpty());
}

TEST(RequestJoinAtTheEdge, WorkLaunchedBeforeTheWindowIsOfTheExecutionThatWasUnderWay)
{
    const trace::Trace trace = *test::traceOf("window 0..1000\n"
                                              "execution 3 thread 12 model bert:1 instance bert_0 0..150\n"
                                              "execution 4 thread 13 model bert:1 instance bert_1 0..400\n"
                                              "execution 5 thread 12 model bert:1 instance bert_0 200..390\n"
                                              "request 1 model bert:1 0..160 batch 3\n"
                                              "request 2 model bert:1 0..410 batch 4\n"
                                              "request 3 model bert:1 100..395 batch 5\n"
                                              "api 12 cudaGraphLaunch -10..30 corr 91\n"
                                              "kernel gpu0/stream7 mine 10..20 corr 91\n"
                                              "kernel gpu0/stream8 other 12..30 corr 92\n"
                                              "kernel gpu0/stream9 nobodys 14..30 corr 93\n"
                                              "kernel gpu0/stream7 between 160..170 corr 94\n"
                                              "api 12 cudaLaunchKernel 210..212 corr 1\n"
                                              "api 13 cudaLaunchKernel 220..222 corr 2\n"
                                              "kernel gpu0/stream7 next 230..240 corr 1\n"
                                              "kernel gpu0/stream8 next 231..240 corr 2\n");
    const auto idsOf = [&](std::uint32_t kernel) {
        std::vector<std::uint64_t> ids;
        for (const RequestIndex request : requestsOf(trace, EventId(EventKind::Kernel, kernel)))
            ids.push_back(trace.requests[request.value].id);
        return ids;
    };
    EXPECT_THAT(idsOf(0), ElementsAre(1));
    EXPECT_THAT(idsOf(1), ElementsAre(2));
    EXPECT_THAT(idsOf(2), IsEmpty()) << "nothing says for which thread its stream works";
    EXPECT_THAT(idsOf(3), IsEmpty()) << "no execution was under way on its thread";
    EXPECT_THAT(idsOf(4), ElementsAre(3));
    for (std::uint32_t i = 0; i < trace.requests.size(); ++i) {
        const auto work = requestActivity(trace, RequestIndex(i)).gpuWork;
        std::vector<std::uint64_t> kernelsOf; // the same seen from the other side
        for (std::uint32_t kernel = 0; kernel < trace.kernels.size(); ++kernel)
            if (const auto ids = idsOf(kernel); ids == std::vector{trace.requests[i].id})
                kernelsOf.push_back(kernel);
        std::vector<std::uint64_t> rows;
        for (const EventId event : work)
            rows.push_back(event.row());
        EXPECT_THAT(rows, testing::UnorderedElementsAreArray(kernelsOf)) << "request " << trace.requests[i].id;
    }
}

TEST_F(RequestJoin, WorkIsInTheRangesOfItsLaunchWhateverRunsMeanwhile)
{
    m_trace = withRanges();
    EXPECT_THAT(names(rangesAround(m_trace, named(EventKind::Kernel, "gemm"))), ElementsAre("forward", "layer", "linear", "addmm"));
    EXPECT_THAT(names(rangesAround(m_trace, named(EventKind::ApiCall, "cudaLaunchKernel"))),
                ElementsAre("forward", "layer", "linear", "addmm"));
    EXPECT_THAT(names(rangesAround(m_trace, named(EventKind::Kernel, "orphan"))), IsEmpty());
    EXPECT_THAT(names(rangesAround(m_trace, named(EventKind::ApiCall, "cudaFree"))), IsEmpty());
    EXPECT_THAT(rangesAround(m_trace, {}), IsEmpty());
}

TEST_F(RequestJoin, ARangeIsInThoseAroundItAndNotInItself)
{
    m_trace = withRanges();
    EXPECT_THAT(names(rangesAround(m_trace, named(EventKind::NvtxRange, "linear"))), ElementsAre("forward", "layer"));
    EXPECT_THAT(names(rangesAround(m_trace, named(EventKind::NvtxRange, "relu"))), ElementsAre("forward", "layer"));
    EXPECT_THAT(names(rangesAround(m_trace, named(EventKind::NvtxRange, "forward"))), IsEmpty());
}

} // namespace
} // namespace gantry::analysis
