#include "trace_model/analysis/findings/findings.h"

#include "tests/trace_model/analysis/findings/diagnosis_of.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>

namespace gantry::findings {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string readDocument()
{
    std::ifstream file(GANTRY_SOURCE_DIR "/trace_model/analysis/findings/README.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Findings, TheDocumentHasARowForEachRule)
{
    const std::string document = readDocument();
    for (const RuleName& rule : ruleNames())
        EXPECT_THAT(document, HasSubstr("| `" + std::string(rule.id) + "` |")) << rule.title;
}

TEST(Findings, RulesHaveDifferentNames)
{
    std::set<std::string_view> ids, titles;
    for (const RuleName& rule : ruleNames()) {
        ids.insert(rule.id);
        titles.insert(rule.title);
    }
    EXPECT_EQ(ids.size(), ruleNames().size());
    EXPECT_EQ(titles.size(), ruleNames().size());
}

TEST(Findings, ATraceWithoutAnythingIsNotJudgedAndSaysSo)
{
    const Diagnosed d("window 0..1000000\nthread 1 main\nrange 1 work 0..1000\n");
    EXPECT_THAT(d.sentence("too-short"), HasSubstr("neither requests nor work of a GPU"));
    EXPECT_EQ(d.diagnosis.findings.size(), 1u);
    EXPECT_EQ(d.whyNot("queue-bound"), "no requests were recorded");
    EXPECT_EQ(d.whyNot("pageable-copy"), "no GPU work was recorded");
    EXPECT_EQ(d.whyNot("synchronous-copy"), "no CUDA API calls were recorded");
    EXPECT_EQ(d.whyNot("throttling"), "what holds clocks down was not recorded");
}

TEST(Findings, EveryRuleIsFoundOrSilentOrNotJudgedOrSaidBetterByAnother)
{
    Script script;
    script.window(100'000);
    for (int i = 0; i < 200; ++i)
        script.kernel(7, 1, 10 + i * 400, 200 + i * 400);
    const Diagnosed d(script.text());
    std::set<std::string> heard;
    for (const Finding& finding : d.diagnosis.findings)
        heard.insert(finding.rule);
    for (const RuleName& rule : d.diagnosis.silent)
        EXPECT_TRUE(heard.insert(std::string(rule.id)).second) << rule.id;
    for (const Unjudged& each : d.diagnosis.unjudged)
        EXPECT_TRUE(heard.insert(std::string(each.rule.id)).second) << each.rule.id;
    EXPECT_LE(heard.size(), ruleNames().size());
    EXPECT_GE(heard.size() + 3, ruleNames().size()); // gpu-gaps and the like give way to what says it better
}

TEST(Findings, ProblemsComeFirstAndThenWhatCostsMost)
{
    Script script;
    script.window(100'000);
    for (int i = 0; i < 200; ++i)
        script.copy(7, 1, "DtoH", "pageable", 10 + i * 400, 200 + i * 400).kernel(8, 1, 202 + i * 400, 204 + i * 400);
    const Diagnosed d(script.text());
    ASSERT_GE(d.diagnosis.findings.size(), 2u);
    for (std::size_t i = 1; i < d.diagnosis.findings.size(); ++i) {
        const Finding &before = d.diagnosis.findings[i - 1], &after = d.diagnosis.findings[i];
        EXPECT_LE(before.severity, after.severity);
        if (before.severity == after.severity) {
            EXPECT_GE(before.share.value_or(2), after.share.value_or(2));
        }
    }
}

TEST(Findings, SharesArePartsOfAWhole)
{
    Script script;
    script.window(1'000);
    for (int i = 0; i < 4; ++i)
        for (int k = 0; k < 60; ++k)
            script.copy(10 + i, 1 + i, "DtoH", "pageable", 10 + k * 15, 24 + k * 15, "cudaMemcpy");
    for (const Finding& finding : Diagnosed(script.text()).diagnosis.findings)
        if (finding.share) {
            EXPECT_GE(*finding.share, 0) << finding.sentence;
            EXPECT_LE(*finding.share, 1) << finding.sentence;
        }
}

TEST(Findings, ARequestToStopEndsTheWork)
{
    std::stop_source stop;
    stop.request_stop();
    const auto trace = test::traceOf(Script().window(1000).kernel(7, 1, 10, 20).text());
    EXPECT_TRUE(diagnose(*trace, stop.get_token()).isCancelled);
}

TEST(Findings, EditsForServersAreNotGivenToProgramsWithoutRequests)
{
    Script script;
    script.window(100'000);
    for (int i = 0; i < 200; ++i)
        script.copy(7, 1, "DtoH", "pageable", 10 + i * 400, 200 + i * 400);
    const Diagnosed program(script.text());
    script.request(1, 10, 20, 30);
    const Diagnosed server(script.text());
    const auto edits = [](const Diagnosed& d) {
        std::string text;
        for (const Remedy& remedy : d.find("pageable-copy")->remedies)
            text += remedy.edit;
        return text;
    };
    ASSERT_TRUE(program.find("pageable-copy") && server.find("pageable-copy"));
    EXPECT_THAT(edits(program), HasSubstr("cudaHostAlloc"));
    EXPECT_THAT(edits(program), Not(HasSubstr("non_blocking=True"))) << "no kernel of PyTorch ran";
    EXPECT_THAT(edits(program), Not(HasSubstr("--output-memory pinned")));
    EXPECT_THAT(edits(server), HasSubstr("--output-memory pinned"));
    EXPECT_THAT(edits(server), Not(HasSubstr("non_blocking=True")));
}

TEST(Findings, EditsForPyTorchAreGivenWhereItsKernelsRan)
{
    Script script;
    script.window(100'000).line("kernel gpu0/stream7 void_at::native::vectorized_elementwise_kernel 1000..2000");
    for (int i = 0; i < 200; ++i)
        script.copy(7, 1, "DtoH", "pageable", 10 + i * 400, 200 + i * 400);
    const Diagnosed d(script.text());
    ASSERT_TRUE(d.find("pageable-copy"));
    EXPECT_THAT(d.find("pageable-copy")->remedies.back().edit, HasSubstr("non_blocking=True"));
}

} // namespace
} // namespace gantry::findings
