#include "tests/support/simulated_server.h"
#include "trace_model/analysis/comparison.h"
#include "trace_model/analysis/comparison_verdict.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

using test::ServerSetup;
using test::traceOfServer;

struct Alarms
{
    int pairs = 0, worse = 0, better = 0, rows = 0, any = 0, cannotSay = 0;
};

/// Compares pairs of windows of the same server.
Alarms alarmsOf(int pairs, double memory, int requests)
{
    Alarms alarms;
    for (int i = 0; i < pairs; ++i) {
        ServerSetup setup;
        setup.memory = memory;
        setup.requests = requests;
        setup.seed = 1000 + 2 * static_cast<std::uint64_t>(i);
        const auto a = traceOfServer(setup);
        ++setup.seed;
        const auto b = traceOfServer(setup);
        const Comparison comparison = compare(*a, *b);
        const Verdict verdict = verdictOf(comparison).verdict;
        const auto rows = comparison.rows();
        const bool isRow = std::any_of(rows.begin(), rows.end(), [](const ComparisonRow* row) { return row->isChanged(); });
        const bool isVerdict = verdict == Verdict::Worse || verdict == Verdict::Better;
        ++alarms.pairs;
        alarms.worse += verdict == Verdict::Worse;
        alarms.better += verdict == Verdict::Better;
        alarms.cannotSay += verdict == Verdict::CannotSay;
        alarms.rows += isRow;
        alarms.any += isRow || isVerdict;
    }
    return alarms;
}

class FalseAlarms : public testing::TestWithParam<double> ///< how much a millisecond of the machine is like the one before it
{
};

TEST_P(FalseAlarms, AreAtMostOneInTwentyPairsOfWindowsOfTheSameServer)
{
    const Alarms alarms = alarmsOf(200, GetParam(), 600);
    EXPECT_LE(alarms.any, alarms.pairs / 20) << alarms.rows << " by rows, " << alarms.worse << " worse, " << alarms.better << " better";
    EXPECT_LE(alarms.cannotSay, alarms.pairs / 20);
}

INSTANTIATE_TEST_SUITE_P(Memory, FalseAlarms, testing::Values(0.0, 0.9, 0.97));

} // namespace
} // namespace gantry::analysis
