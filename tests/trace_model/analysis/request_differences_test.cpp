#include "trace_model/analysis/request_differences.h"

#include "tests/support/event_script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// "queue 400/80" of each difference of the request with that id.
std::vector<std::string> differences(const std::string& script, std::uint64_t id)
{
    const auto trace = test::traceOf(script);
    std::vector<std::string> texts;
    for (std::uint32_t i = 0; i < trace->requests.size(); ++i) {
        if (trace->requests[i].id != id)
            continue;
        const auto found = differencesFromMedian(*trace, trace::RequestIndex(i));
        for (const RequestDifference& difference : found) {
            using Of = RequestDifference::Of;
            const std::string what = difference.of == Of::Latency ? "latency"
                                     : difference.of == Of::Batch ? "batch"
                                                                  : std::string(records::name(difference.phase));
            texts.push_back(what + " " + std::to_string(difference.value) + "/" + std::to_string(difference.median));
        }
    }
    return texts;
}

const std::string kUsual = "window 0..100000\n"
                           "request 1 model m:1 0..1000 queue 0..100 compute_infer 100..1000\n"
                           "request 2 model m:1 1000..2000 queue 1000..1100 compute_infer 1100..2000\n"
                           "request 3 model m:1 2000..3000 queue 2000..2100 compute_infer 2100..3000\n"
                           "request 4 model m:1 3000..4000 queue 3000..3100 compute_infer 3100..4000\n"
                           "request 9 model other:1 3000..3010 queue 3000..3001\n";

TEST(RequestDifferences, AreThePhasesThatAreMuchLongerAndTheLatencyTheyMake)
{
    const std::string script = kUsual + "request 5 model m:1 5000..7000 queue 5000..6100 compute_infer 6100..7000\n";
    EXPECT_THAT(differences(script, 5), ElementsAre("latency 2000/1000", "queue 1100/100"));
    EXPECT_THAT(differences(script, 1), IsEmpty());
}

TEST(RequestDifferences, AreThePhasesThatAreMuchShorterToo)
{
    const std::string script = kUsual + "request 5 model m:1 5000..5900 queue 5000..5100 compute_infer 5100..5400\n";
    EXPECT_THAT(differences(script, 5), ElementsAre("compute_infer 300/900", "outside 500/0"));
}

TEST(RequestDifferences, LeaveOutWhatIsMuchOfLittle)
{
    const std::string script = kUsual + "request 5 model m:1 5000..6040 queue 5000..5149 compute_infer 5149..6040\n";
    EXPECT_THAT(differences(script, 5), IsEmpty()); // 1.49 times the queue
    const std::string tiny = kUsual + "request 5 model m:1 5000..6000 queue 5000..5100 compute_infer 5100..5980\n";
    EXPECT_THAT(differences(tiny, 5), IsEmpty()); // 20 ns outside where others have none
}

TEST(RequestDifferences, SayNothingOfFewPeersOrOfACutRequest)
{
    EXPECT_THAT(differences(kUsual, 9), IsEmpty());
    EXPECT_THAT(differences(kUsual + "request 5 model m:1 5000..5010 queue 5000..5005\nrequest 6 model m:1 6000..\n", 6), IsEmpty());
}

TEST(RequestDifferences, AreBatchesOfAnotherSize)
{
    std::string script = "window 0..100000\nexecution 99 thread 12 model m:1 instance m_0 6000..6900\n";
    for (int i = 1; i <= 4; ++i) {
        const std::string batch = std::to_string(i), start = std::to_string(i * 1000), end = std::to_string(i * 1000 + 900);
        script += "execution " + batch + " thread 12 model m:1 instance m_0 " + start + ".." + end + "\n";
        script += "request " + batch + " model m:1 " + start + ".." + end + " queue " + start + ".." + start + " batch " + batch + "\n";
    }
    script += "request 5 model m:1 6000..6900 queue 6000..6000 batch 99\nrequest 6 model m:1 6000..6900 queue 6000..6000 batch 99\n";
    EXPECT_THAT(differences(script, 5), ElementsAre("batch 2/1"));
    EXPECT_THAT(differences(script, 1), IsEmpty());
}

} // namespace
} // namespace gantry::analysis
