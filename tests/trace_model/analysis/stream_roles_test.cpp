#include "trace_model/analysis/stream_roles.h"

#include "tests/support/event_script.h"
#include "tests/support/simulated_server.h"
#include "trace_model/analysis/comparison.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

std::map<std::uint32_t, std::string> rolesByNumber(const trace::Trace& trace)
{
    std::map<std::uint32_t, std::string> roles;
    for (const auto& [key, role] : streamRoles(comparedSides(trace, trace)[0]))
        roles[key.stream] = role;
    return roles;
}

TEST(StreamRoles, AreTheInstanceThatLaunchesElseWhatIsOnThem)
{
    const auto trace =
        test::traceOf("window 0..1000\nexecution 3 thread 12 model bert:1 instance bert_0 80..250\n"
                      "api 12 cudaLaunchKernel 90..95 corr 1\nkernel gpu0/stream20 gemm 100..150 corr 1\n"
                      "api 13 cudaLaunchKernel 90..95 corr 2\nkernel gpu0/stream21 gemm 100..150 corr 2\n"
                      "memcpy gpu0/stream22 HtoD pinned 10..20 bytes 4096\nmemcpy gpu0/stream23 DtoH pinned 10..20 bytes 4096\n"
                      "memcpy gpu0/stream24 HtoD pinned 30..40 bytes 4096\nmemcpy gpu0/stream24 DtoH pinned 50..60 bytes 4096\n"
                      "memset gpu0/stream25 30..31 bytes 64\n");
    const std::map<std::uint32_t, std::string> expected = {{20, "bert_0"},      {21, "compute"}, {22, "copies HtoD"},
                                                           {23, "copies DtoH"}, {24, "copies"},  {25, "memsets"}};
    EXPECT_EQ(rolesByNumber(*trace), expected);
}

TEST(StreamRoles, MatchStreamsOfOtherNumbers)
{
    const auto script = [](int compute, int copies) {
        return "window 0..1000\nrequest 1 model bert:1 0..200\nrequest 2 model bert:1 200..400\nkernel gpu0/stream" +
               std::to_string(compute) + " gemm 100..150\nmemcpy gpu0/stream" + std::to_string(copies) + " HtoD pinned 10..20 bytes 4096\n";
    };
    const auto a = test::traceOf(script(7, 13)), b = test::traceOf(script(33, 21) + "memcpy gpu0/stream40 DtoH pinned 10..20 bytes 4096\n");
    std::map<std::string, std::pair<std::optional<double>, std::optional<double>>> rows;
    for (const ComparisonRow& row : compare(*a, *b).streams)
        rows[row.name] = {row.a, row.b};
    EXPECT_EQ(rows.size(), 3u);
    const auto compute = rows["compute"];
    EXPECT_EQ(compute.first, 25.0); // 50 ns of two requests
    EXPECT_EQ(compute.second, 25.0);
    const auto unmatched = rows["copies DtoH"];
    EXPECT_FALSE(unmatched.first);
    EXPECT_EQ(unmatched.second, 5.0);
}

TEST(StreamRoles, HaveAShareOfTheTimeWhereASideHasNoRequests)
{
    const auto a = test::traceOf("window 0..3200\nkernel gpu0/stream7 gemm 100..900\n");
    const Comparison result = compare(*a, *a);
    const auto row =
        std::find_if(result.streams.begin(), result.streams.end(), [](const ComparisonRow& one) { return one.kind == RowKind::Stream; });
    ASSERT_NE(row, result.streams.end());
    EXPECT_EQ(row->name, "compute");
    EXPECT_EQ(row->unit, "ratio");
    EXPECT_DOUBLE_EQ(*row->a, 0.25);
}

TEST(ComparedWindows, AreCorrectedTogether)
{
    const auto a = test::traceOfServer({.seed = 1}), b = test::traceOfServer({.seed = 2}),
               c = test::traceOfServer({.seed = 3, .clock = 0.7});
    const std::array<const trace::Trace*, 2> others = {b.get(), c.get()};
    const auto both = compareEach(*a, others, {});
    ASSERT_TRUE(both);
    ASSERT_EQ(both->size(), 2u);
    const Comparison alone = compare(*a, *c);
    EXPECT_EQ((*both)[1].verdict.verdict, Verdict::Worse);
    EXPECT_EQ((*both)[0].rowsTested, (*both)[1].rowsTested);
    EXPECT_GT((*both)[1].rowsTested, alone.rowsTested);
    ASSERT_EQ((*both)[1].verdict.asked.size(), alone.verdict.asked.size());
    for (std::size_t i = 0; i < alone.verdict.asked.size(); ++i)
        EXPECT_DOUBLE_EQ((*both)[1].verdict.asked[i].p, std::min(1.0, 2 * alone.verdict.asked[i].p));
}

} // namespace
} // namespace gantry::analysis
