#include "tests/app/cli/run_gantryctl.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace gantry::cli {
namespace {

using nlohmann::json;
using test::gantryctl;
using test::ProcessResult;
using testing::Contains;
using testing::HasSubstr;

/// A report of 200 kernels of 90 µs, each followed by a copy of 10 µs, over 21 ms.
std::string copying(std::string_view memory)
{
    std::string script = "window 0..21000000\n";
    for (int i = 0; i < 200; ++i) {
        const int start = 5'000 + i * 102'000, kernel = i * 2 + 1, copy = i * 2 + 2;
        script += fmt::format("api 1 cudaLaunchKernel {}..{} corr {}\nkernel gpu0/stream7 gemm {}..{} corr {}\n", start - 3'000,
                              start - 1'000, kernel, start, start + 90'000, kernel);
        script += fmt::format("api 1 cudaMemcpyAsync {}..{} corr {}\nmemcpy gpu0/stream7 DtoH {} {}..{} bytes 4096 corr {}\n",
                              start + 10'000, start + 99'000, copy, memory, start + 90'000, start + 100'000, copy);
    }
    return script;
}

class FindingsCommand : public testing::Test
{
protected:
    /// Runs gantryctl findings on the script's report.
    ProcessResult findings(const std::string& script, std::vector<std::string> options = {}) const
    {
        const std::string report = folder / "a.gantry";
        const auto written = test::writeEventScript(script, report);
        EXPECT_TRUE(written) << written.error().text();
        options.insert(options.begin(), {"findings", report});
        return gantryctl(options);
    }

    test::TemporaryFolder folder;
};

TEST_F(FindingsCommand, SaysWhatWasFoundWhereItIsSeenAndWhatToEdit)
{
    const ProcessResult result = findings(copying("pageable"));
    EXPECT_EQ(result.exitStatus, 1) << result.err;
    EXPECT_THAT(result.out, HasSubstr("200 asynchronous copies from the GPU to pageable memory take 2.000 ms"));
    EXPECT_THAT(result.out, HasSubstr("pageable-copy · "));
    EXPECT_THAT(result.out, HasSubstr("cudaHostAlloc(&buffer, bytes, cudaHostAllocDefault);"));
    EXPECT_THAT(result.out, HasSubstr("looked for, and not found: losses"));
    EXPECT_THAT(result.out, HasSubstr("no requests were recorded"));
}

TEST_F(FindingsCommand, WithoutAFindingEndsWithZero)
{
    const ProcessResult result = findings(copying("pinned"));
    EXPECT_EQ(result.exitStatus, 0) << result.out << result.err;
    EXPECT_THAT(result.out, HasSubstr("Nothing was found."));
}

TEST_F(FindingsCommand, OfTooLittleCannotSay)
{
    EXPECT_EQ(findings("window 0..1000\nkernel gpu0/stream7 gemm 0..100\n").exitStatus, 2);
}

TEST_F(FindingsCommand, OfAFileThatIsNoReportEndsWith65)
{
    test::writeFile(folder / "no.txt", "nothing of the kind");
    EXPECT_EQ(gantryctl({"findings", folder / "no.txt"}).exitStatus, 65);
}

TEST_F(FindingsCommand, FailsOnlyOnWhatWasAskedFor)
{
    EXPECT_EQ(findings(copying("pinned"), {"--fail-on", "note"}).exitStatus, 0);
    EXPECT_EQ(findings("window 0..1000\nkernel gpu0/stream7 gemm 0..100\n", {"--fail-on", "note"}).exitStatus, 1);
    const ProcessResult unknown = findings(copying("pinned"), {"--fail-on", "everything"});
    EXPECT_EQ(unknown.exitStatus, 64);
    EXPECT_THAT(unknown.err, HasSubstr("'everything' is no severity: use problem, advice or note"));
}

TEST_F(FindingsCommand, JsonHasSharesEvidenceAndEditsAndWhatWasNotJudged)
{
    const json document = json::parse(findings(copying("pageable"), {"--json"}).out);
    const json& first = document["findings"][0];
    EXPECT_EQ(first["rule"], "pageable-copy");
    EXPECT_EQ(first["severity"], "problem");
    EXPECT_NEAR(first["share"].get<double>(), 0.1, 0.9);
    EXPECT_EQ(first["evidence"][0]["event"]["kind"], "memcpy");
    EXPECT_EQ(first["evidence"][0]["request_id"], nullptr);
    EXPECT_EQ(first["evidence"][0]["time_range_ns"][1].get<std::int64_t>() - first["evidence"][0]["time_range_ns"][0].get<std::int64_t>(),
              10'000);
    EXPECT_FALSE(first["remedies"][0]["edit"].get<std::string>().empty());
    EXPECT_THAT(document["silent"].get<std::vector<std::string>>(), Contains("losses"));
    EXPECT_THAT(document["not_judged"].dump(), HasSubstr("{\"reason\":\"no requests were recorded\",\"rule\":\"queue-bound\"}"));
}

TEST_F(FindingsCommand, ListsItsRulesWithoutAReport)
{
    const ProcessResult result = gantryctl({"findings", "--list-rules"});
    EXPECT_EQ(result.exitStatus, 0);
    EXPECT_THAT(result.out, HasSubstr("pageable-copy        Copies of pageable memory\n"));
}

TEST_F(FindingsCommand, WantsAFile)
{
    const ProcessResult result = gantryctl({"findings"});
    EXPECT_EQ(result.exitStatus, 64);
    EXPECT_THAT(result.err, HasSubstr("there is no FILE on the command line"));
}

} // namespace
} // namespace gantry::cli
