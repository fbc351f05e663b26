#include "tests/app/cli/run_gantryctl.h"
#include "tests/support/child_process.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <unistd.h>

namespace gantry::cli {
namespace {

using nlohmann::json;
using test::gantryctl;
using test::ProcessResult;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr unsigned kNobody = 65534;

/// 40 requests of 100 µs, `slower` times as long; two kernels; a memcpy.
std::string script(int slower)
{
    std::string result = "window 0..100000000\nprocess gantry-serve\nthread 12 bert_0\n"
                         "kernel gpu0/stream7 gemm 100000..140000 corr 1\nkernel gpu0/stream7 gemm 200000..250000 corr 2\n"
                         "memcpy gpu0/stream7 HtoD pageable 10000..20000 bytes 4096 corr 3\n"
                         "range 12 compute_infer 90000..140000\n";
    for (int i = 0; i < 40; ++i) {
        const int start = i * 1'000'000;
        const int end = start + 100'000 * slower;
        result += "request " + std::to_string(i + 1) + " model bert:1 " + std::to_string(start) + ".." + std::to_string(end) + " queue " + std::to_string(start) + ".."
            + std::to_string(start + 50'000) + "\n";
    }
    return result;
}

class Gantryctl : public testing::Test
{
protected:
    void SetUp() override
    {
        ASSERT_TRUE(test::writeEventScript(script(1), a));
        ASSERT_TRUE(test::writeEventScript(script(3), b));
    }

    test::TemporaryFolder folder;
    std::string a = folder / "a.gantry", b = folder / "b.gantry";
    std::string nowhere = "unix:" + (folder / "none.sock").string();
};

TEST_F(Gantryctl, HelpDocumentsEveryExitStatus)
{
    const ProcessResult result = gantryctl({"--help"});
    EXPECT_EQ(result.exitStatus, 0);
    for (const char* status : {"   0  ", "   1  ", "   2  ", "  64  ", "  65  ", "  69  ", "  73  ", "  75  ", "  77  "})
        EXPECT_THAT(result.out, HasSubstr(status));
    for (const char* group : {"node", "target", "capture", "report", "load", "recipe", "compare"})
        EXPECT_THAT(result.out, HasSubstr(group));
}

TEST_F(Gantryctl, EverySubcommandHasHelp)
{
    const std::vector<std::vector<std::string>> commands = {{"node", "info"},     {"node", "list"},   {"node", "watch"},  {"target", "list"}, {"target", "launch"}, {"target", "stop"},
                                                            {"target", "log"},    {"capture"},        {"report", "list"}, {"report", "fetch"}, {"report", "info"}, {"report", "stats"},
                                                            {"report", "delete"}, {"report", "convert"}, {"report", "policy"}, {"report", "keep"}, {"report", "unkeep"},
                                                            {"node", "check"},    {"node", "processes"}, {"target", "restart"}, {"compare"},        {"load"}};
    for (std::vector<std::string> command : commands) {
        command.push_back("--help");
        const ProcessResult result = gantryctl(command);
        EXPECT_EQ(result.exitStatus, 0) << command.front();
        EXPECT_THAT(result.out, HasSubstr("Usage: ")) << command.front();
    }
}

TEST_F(Gantryctl, ConvertsAReportAndSaysWhatTheFormatDoesNotHold)
{
    const std::string chrome = folder / "a.json", csv = folder / "kernels.csv", sqlite = folder / "a.sqlite";
    const ProcessResult toChrome = gantryctl({"report", "convert", a, "--to", "chrome", "-o", chrome});
    EXPECT_EQ(toChrome.exitStatus, 0) << toChrome.err;
    EXPECT_THAT(toChrome.out, HasSubstr("it does not hold the thread of slices that overlap"));
    const json document = json::parse(std::ifstream(chrome));
    EXPECT_EQ(std::count_if(document.at("traceEvents").begin(), document.at("traceEvents").end(), [](const json& event) { return event.value("cat", "") == "kernel"; }), 2);

    const ProcessResult toCsv = gantryctl({"report", "convert", a, "--to", "csv", "--table", "kernels", "-o", csv, "--json"});
    EXPECT_EQ(toCsv.exitStatus, 0) << toCsv.err;
    const json answer = json::parse(toCsv.out);
    EXPECT_EQ(answer.at("file"), csv);
    EXPECT_EQ(answer.at("format"), "csv");
    EXPECT_EQ(answer.at("bytes"), std::filesystem::file_size(csv));
    EXPECT_EQ(answer.at("not_kept").size(), 1u);
    std::ifstream lines(csv);
    std::string header, first;
    std::getline(lines, header);
    std::getline(lines, first);
    EXPECT_THAT(header, HasSubstr("start_ns,end_ns,duration_ns,name"));
    EXPECT_THAT(first, HasSubstr("100000,140000,40000,gemm"));

    EXPECT_EQ(gantryctl({"report", "convert", a, "--to", "sqlite", "-o", sqlite}).exitStatus, 0);
    EXPECT_EQ(gantryctl({"report", "stats", sqlite, "--by", "phase", "--json"}).out, gantryctl({"report", "stats", a, "--by", "phase", "--json"}).out);
}

TEST_F(Gantryctl, ConvertSaysWhatIsWrong)
{
    const std::string out = folder / "out";
    const auto status = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), {"report", "convert"});
        return gantryctl(arguments).exitStatus;
    };
    EXPECT_EQ(status({a, "--to", "xml", "-o", out}), 64);
    EXPECT_EQ(status({a, "--to", "csv", "-o", out}), 64);
    EXPECT_EQ(status({a, "--to", "csv", "--table", "kernel", "-o", out}), 64);
    EXPECT_EQ(status({a, "--to", "chrome", "--table", "kernels", "-o", out}), 64);
    EXPECT_EQ(status({folder / "none.gantry", "--to", "chrome", "-o", out}), 65);
    EXPECT_FALSE(std::filesystem::exists(out));
}

TEST_F(Gantryctl, UsageErrorsAre64AndJsonWhereAskedFor)
{
    const std::vector<std::vector<std::string>> wrong = {
        {},
        {"fly"},
        {"node"},
        {"node", "info", "--colour"},
        {"node", "info", "--node", "ftp://gpu-07"},
        {"capture"},
        {"capture", "--for", "2"},
        {"capture", "--for", "20m"},
        {"capture", "--for", "2s", "--target", "t1", "--launch", "x"},
        {"capture", "--for", "2s", "--launch"},
        {"capture", "--for", "2s", "--", "program"},
        {"capture", "--for", "2s", "--launch", "a 'b"},
        {"target", "launch"},
        {"target", "launch", "--env", "NOVALUE", "--", "program"},
        {"report", "stats", a, "--by", "colour"},
        {"report", "stats", a, "--where", "dur>5"},
        {"report", "stats", a, "--where", "dur>5us", "--by", "counter"},
        {"load"},
        {"load", "--model", "m", "--for", "2s", "--max-trials", "3"},
        {"load", "--model", "m:0"},
        {"load", "--model", "m", "--concurrency-range", "8:1"},
        {"compare", a},
    };
    for (std::vector<std::string> command : wrong) {
        const std::string shown = testing::PrintToString(command);
        const ProcessResult plain = gantryctl(command);
        EXPECT_EQ(plain.exitStatus, 64) << shown << plain.err;
        EXPECT_THAT(plain.err, HasSubstr("gantryctl: ")) << shown;
        EXPECT_EQ(std::count(plain.err.begin(), plain.err.end(), '\n'), 1) << shown << plain.err;
        EXPECT_THAT(plain.out, IsEmpty()) << shown;
        command.insert(command.begin(), "--json");
        const ProcessResult machine = gantryctl(command);
        EXPECT_EQ(machine.exitStatus, 64) << shown;
        EXPECT_EQ(json::parse(machine.out)["error"]["code"], "usage") << shown;
    }
}

// It said "A subcommand is required" of a word that was one, as it thought who typed it.
TEST_F(Gantryctl, PolicyOfReportsThatCannotBeMeantIsRefusedBeforeAnyNodeIsAsked)
{
    for (const auto& [option, value] : std::vector<std::pair<std::string, std::string>>{{"--max-total", "many"},
                                                                                        {"--max-total", "-1G"},
                                                                                        {"--max-age", "30"},
                                                                                        {"--max-age", "d"},
                                                                                        {"--max-age", "1e9d"},
                                                                                        {"--min-free", "10 percent"}}) {
        const ProcessResult result = gantryctl({"report", "policy", option, value, "--node", nowhere});
        EXPECT_EQ(result.exitStatus, 64) << option << " " << value << ": " << result.err;
        EXPECT_THAT(result.err, Not(IsEmpty()));
    }
    for (const char* good : {"30d", "12h", "none"})
        EXPECT_EQ(gantryctl({"report", "policy", "--max-age", good, "--node", nowhere}).exitStatus, 69) << good;
}

TEST_F(Gantryctl, WordThatIsNoCommandIsNamed)
{
    EXPECT_THAT(gantryctl({"bogus"}).err, HasSubstr("no command or option 'bogus' of `gantryctl`"));
    EXPECT_THAT(gantryctl({"node", "bogus"}).err, HasSubstr("no command or option 'bogus' of `gantryctl node`"));
    EXPECT_THAT(gantryctl({"report"}).err, HasSubstr("A subcommand is required; see `gantryctl report --help`"));
}

TEST_F(Gantryctl, WindowLongerThanTheLongestIsRefusedBeforeAnyNodeIsAsked)
{
    EXPECT_THAT(gantryctl({"capture", "--for", "20m", "--node", nowhere}).err, HasSubstr("at most 10 minutes"));
    EXPECT_EQ(gantryctl({"capture", "--for", "10m", "--node", nowhere}).exitStatus, 69);
}

// The parser took the -- for itself, and --steps for an option of gantryctl.
TEST_F(Gantryctl, CommandMayFollowLaunchDirectly)
{
    const ProcessResult result = gantryctl({"--node", nowhere, "capture", "--for", "1s", "--launch", "--", "job", "--steps", "20", "--", "--json"});
    EXPECT_EQ(result.exitStatus, 69) << result.err;
    EXPECT_THAT(result.out, IsEmpty()) << "the --json is the job's";
}

TEST_F(Gantryctl, FailureOfTlsIsOneSentence)
{
    std::ofstream(folder / "ca.pem") << "no certificate";
    const ProcessResult result = gantryctl({"node", "info", "--node", "grpcs://127.0.0.1:1?ca=" + (folder / "ca.pem").string()});
    EXPECT_EQ(result.exitStatus, 77);
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
    EXPECT_THAT(result.err, HasSubstr("ca.pem"));
}

TEST_F(Gantryctl, SocketOfAnotherUserIs77)
{
    const test::TemporaryFolder ofAnother;
    std::filesystem::permissions(ofAnother.path(), std::filesystem::perms::none);
    test::ChildProcess::Options options;
    options.beforeExec = [] {
        if (::geteuid() == 0 && (::setgid(kNobody) != 0 || ::setuid(kNobody) != 0)) // nothing is forbidden to root
            ::_exit(99);
    };
    test::ChildProcess process({GANTRYCTL, "node", "info", "--node", "unix:" + (ofAnother / "d.sock").string()}, options);
    const auto result = process.wait();
    ASSERT_TRUE(result);
    if (result->exitStatus == 99)
        GTEST_SKIP() << "this root may not become another user";
    EXPECT_EQ(result->exitStatus, 77) << result->err;
    EXPECT_THAT(result->err, HasSubstr("serves only the user who started it"));
}

TEST_F(Gantryctl, NodeThatIsNotThereIs69)
{
    const ProcessResult result = gantryctl({"node", "info", "--node", nowhere, "--json"});
    EXPECT_EQ(result.exitStatus, 69);
    EXPECT_EQ(json::parse(result.out)["error"]["code"], "unreachable");
    EXPECT_THAT(result.err, HasSubstr("start it with `gantryd --socket"));
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1);
}

TEST_F(Gantryctl, NodeListSaysWhoDoesNotAnswer)
{
    const ProcessResult result = gantryctl({"node", "list", "--node", nowhere, "--json"});
    EXPECT_EQ(result.exitStatus, 0);
    const json nodes = json::parse(result.out);
    ASSERT_EQ(nodes.size(), 1u);
    EXPECT_EQ(nodes[0]["reachable"], false);
    EXPECT_TRUE(nodes[0]["host_name"].is_null());
    EXPECT_TRUE(nodes[0]["error"].is_string());
}

TEST_F(Gantryctl, FileThatIsNoReportIs65)
{
    std::ofstream(folder / "text") << "hello";
    for (const std::string& file : {(folder / "text").string(), (folder / "missing").string()}) {
        const ProcessResult result = gantryctl({"report", "info", file, "--json"});
        EXPECT_EQ(result.exitStatus, 65) << file;
        EXPECT_TRUE(json::parse(result.out)["error"]["message"].is_string());
    }
}

TEST_F(Gantryctl, ReportThatIsCutInItsHeadIs65)
{
    std::filesystem::resize_file(a, 1000);
    const ProcessResult result = gantryctl({"report", "info", a});
    EXPECT_EQ(result.exitStatus, 65) << result.out;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST_F(Gantryctl, ReportThatIsCutLaterOpensAsFarAsItGoesAndSaysSo)
{
    std::filesystem::resize_file(a, std::filesystem::file_size(a) - 4096);
    const ProcessResult result = gantryctl({"report", "info", a, "--json"});
    ASSERT_EQ(result.exitStatus, 0) << result.err;
    EXPECT_EQ(json::parse(result.out)["complete"], false);
}

TEST_F(Gantryctl, ReportInfoHasTheDocumentedKeys)
{
    const ProcessResult result = gantryctl({"report", "info", a, "--json"});
    ASSERT_EQ(result.exitStatus, 0) << result.err;
    const json info = json::parse(result.out);
    EXPECT_EQ(info["format"], "gantry");
    EXPECT_THAT(info["producer"].get<std::string>(), HasSubstr("Gantry"));
    EXPECT_EQ(info["time_range_ns"].size(), 2u);
    for (const char* key : {"kernels", "memcpys", "memsets", "api_calls", "syncs", "nvtx_ranges", "requests", "gpus", "streams", "processes"})
        EXPECT_TRUE(info["counts"][key].is_number_unsigned()) << key;
    EXPECT_EQ(info["counts"]["kernels"], 2);
    EXPECT_EQ(info["counts"]["requests"], 40);
    EXPECT_EQ(info["counts"]["streams"], 1);
    EXPECT_TRUE(info["losses"].is_array());
    EXPECT_TRUE(info["warnings"].is_array());
    EXPECT_TRUE(info["window_cost_ratio"].is_null()) << "not measured is null, never 0";
}

TEST_F(Gantryctl, ReportStatsGroupsByEachWord)
{
    for (const char* by : {"kernel", "memcpy", "api", "nvtx", "stream", "phase"}) {
        const ProcessResult result = gantryctl({"report", "stats", a, "--by", by, "--json"});
        ASSERT_EQ(result.exitStatus, 0) << by << result.err;
        for (const json& row : json::parse(result.out))
            for (const char* key : {"name", "count", "total_ns", "min_ns", "p50_ns", "p95_ns", "p99_ns", "max_ns", "share_ratio", "bytes"})
                EXPECT_TRUE(row.contains(key)) << by << key;
    }
    const json kernels = json::parse(gantryctl({"report", "stats", a, "--json"}).out);
    ASSERT_EQ(kernels.size(), 1u);
    EXPECT_EQ(kernels[0]["name"], "gemm");
    EXPECT_EQ(kernels[0]["count"], 2);
    EXPECT_EQ(kernels[0]["total_ns"], 90'000);
    EXPECT_TRUE(kernels[0]["bytes"].is_null());
    const json copies = json::parse(gantryctl({"report", "stats", a, "--by", "memcpy", "--json"}).out);
    ASSERT_EQ(copies.size(), 1u);
    EXPECT_EQ(copies[0]["bytes"], 4096);
    EXPECT_THAT(gantryctl({"report", "stats", a, "--by", "phase"}).out, HasSubstr("queue"));
}

TEST_F(Gantryctl, ReportStatsCountsOnlyEventsThatMeetAFilter)
{
    const json none = json::parse(gantryctl({"report", "stats", a, "--where", "gemm dur>1s", "--json"}).out);
    EXPECT_TRUE(none.empty());
    EXPECT_THAT(gantryctl({"report", "stats", a, "--where", "gemm dur>1s"}).out, HasSubstr("no event to group by kernel meets 'gemm dur>1s'"));
    const json all = json::parse(gantryctl({"report", "stats", a, "--where", "gemm dur>1us", "--json"}).out);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0]["count"], 2);
    const ProcessResult noKey = gantryctl({"report", "stats", a, "--where", "foo=3"});
    EXPECT_THAT(noKey.err, HasSubstr("no key 'foo': matched as a name; keys are name, dur"));
    EXPECT_EQ(noKey.exitStatus, 0);
    EXPECT_THAT(gantryctl({"report", "stats", a, "--where", "gemm dur>5"}).err, HasSubstr("at character 10: expected a time with its unit"));
}

TEST_F(Gantryctl, CompareSaysWorseAndListsDifferences)
{
    const ProcessResult result = gantryctl({"compare", a, b, "--json"});
    ASSERT_EQ(result.exitStatus, 1) << result.err;
    const json comparison = json::parse(result.out);
    EXPECT_EQ(comparison["verdict"], "worse");
    for (const char* part : {"summary", "phases", "kernels", "memcpys"})
        EXPECT_FALSE(comparison[part].empty()) << part;
    EXPECT_EQ(json::parse(gantryctl({"compare", b, a, "--json"}).out)["verdict"], "better");
    EXPECT_EQ(json::parse(gantryctl({"compare", a, a, "--json"}).out)["verdict"], "same");
    EXPECT_THAT(gantryctl({"compare", a, b}).out, HasSubstr("B is worse: median latency of bert 100.000 µs in A and 300.000 µs in B"));
}

TEST_F(Gantryctl, CompareEndsWithTheVerdictsStatusAndWithThatOfItsConditions)
{
    EXPECT_EQ(gantryctl({"compare", a, a}).exitStatus, 0);
    EXPECT_EQ(gantryctl({"compare", b, a}).exitStatus, 0); // better
    EXPECT_EQ(gantryctl({"compare", a, b}).exitStatus, 1);
    const ProcessResult within = gantryctl({"compare", b, a, "--fail-if", "p50>+5%", "--json"});
    EXPECT_EQ(within.exitStatus, 0);
    EXPECT_EQ(json::parse(within.out)["conditions"][0]["outcome"], "does not hold");
    const ProcessResult beyond = gantryctl({"compare", b, a, "--fail-if", "p50<-5%", "--json"});
    EXPECT_EQ(beyond.exitStatus, 1);
    EXPECT_EQ(json::parse(beyond.out)["conditions"][0]["outcome"], "holds");
    EXPECT_EQ(gantryctl({"compare", b, a, "--fail-if", "kernel:no_such:p50>+5%"}).exitStatus, 2);
    const ProcessResult wrong = gantryctl({"compare", b, a, "--fail-if", "p98>+5%"});
    EXPECT_EQ(wrong.exitStatus, 64);
    EXPECT_THAT(wrong.err, testing::AllOf(HasSubstr("'p98' is no statistic"), HasSubstr("throughput<-5%")));
}

TEST_F(Gantryctl, CompareCannotSayOfReportsWithTooFewRequests)
{
    const std::string few = folder / "few.gantry";
    ASSERT_TRUE(test::writeEventScript("window 0..1000\nrequest 1 model bert:1 0..100 queue 0..40\n", few));
    const ProcessResult result = gantryctl({"compare", a, few, "--json"});
    EXPECT_EQ(result.exitStatus, 2);
    const json comparison = json::parse(result.out);
    EXPECT_EQ(comparison["verdict"], "cannot say");
    EXPECT_FALSE(comparison["limits"].empty());
}

TEST_F(Gantryctl, CompareWritesMarkdownAndAPageThatNeedsNothingButItself)
{
    const std::string odd = folder / "a<b>.gantry", page = folder / "c.html";
    std::filesystem::copy_file(a, odd);
    const ProcessResult result = gantryctl({"compare", odd, b, "--markdown", "--html", page});
    EXPECT_THAT(result.out, testing::AllOf(HasSubstr("## B is worse"), HasSubstr("| latency p50 |")));
    std::stringstream html;
    html << std::ifstream(page).rdbuf();
    EXPECT_THAT(html.str(), testing::AllOf(HasSubstr("<svg"), HasSubstr("B is worse"), HasSubstr("a&lt;b&gt;.gantry"),
                                           Not(HasSubstr("http")), Not(HasSubstr("nan"))));
    EXPECT_EQ(gantryctl({"compare", a, b, "--html", folder / "none" / "c.html"}).exitStatus, 73);
}

TEST_F(Gantryctl, CompareOfMoreThanTwoHasAColumnForEachAndTheWorstStatus)
{
    const std::string page = folder / "windows.html";
    const ProcessResult text = gantryctl({"compare", a, a, b, "--html", page});
    EXPECT_EQ(text.exitStatus, 1) << text.err;
    EXPECT_THAT(text.out, testing::AllOf(HasSubstr("B: no significant change, C: worse"), HasSubstr("bert latency median"),
                                         HasSubstr("+200 % worse")));
    std::stringstream html;
    html << std::ifstream(page).rdbuf();
    EXPECT_THAT(html.str(), testing::AllOf(HasSubstr("+200 % worse"), HasSubstr("C against A"), HasSubstr("<svg"), Not(HasSubstr("nan"))));
    EXPECT_THAT(gantryctl({"compare", a, a, b, "--markdown"}).out, HasSubstr("| verdict |"));
    const json document = json::parse(gantryctl({"compare", a, a, b, "--json"}).out);
    EXPECT_EQ(document["verdict"], "worse");
    ASSERT_EQ(document["windows"].size(), 2u);
    EXPECT_EQ(document["windows"][0]["verdict"], "same");
    EXPECT_EQ(document["windows"][1]["letter"], "C");
    EXPECT_EQ(document["windows"][1]["comparison"]["verdict"], "worse");
    EXPECT_EQ(gantryctl({"compare", a, a, a}).exitStatus, 0);
    EXPECT_EQ(json::parse(gantryctl({"compare", b, a, a, "--json"}).out)["verdict"], "better");
    EXPECT_EQ(gantryctl({"compare", b, a, a, "--fail-if", "kernel:no_such:p50>+5%"}).exitStatus, 2);
    EXPECT_EQ(gantryctl({"compare", a, a, a, a, a, a, a, a, a}).exitStatus, 64); // nine
}

TEST_F(Gantryctl, CompareSaysWhatOfBothWasComparedWhereTheyAreAligned)
{
    const json document = json::parse(gantryctl({"compare", a, b, "--align", "request:11", "--json"}).out);
    EXPECT_EQ(document["alignment"]["by"], "request");
    EXPECT_EQ(document["alignment"]["window_a_ns"][0], 10'000'000);
    EXPECT_EQ(document["verdict"], "worse"); // 30 requests are left
    EXPECT_TRUE(json::parse(gantryctl({"compare", a, b, "--json"}).out)["alignment"].is_null());
    EXPECT_THAT(gantryctl({"compare", a, b, "--align", "range:compute_infer"}).out, HasSubstr("Aligned by range 'compute_infer'"));
    const ProcessResult missing = gantryctl({"compare", a, b, "--align", "range:none"});
    EXPECT_EQ(missing.exitStatus, 65);
    EXPECT_THAT(missing.err, HasSubstr("A and B have no range 'none'"));
    EXPECT_EQ(gantryctl({"compare", a, b, "--align", "middle"}).exitStatus, 64);
}

TEST_F(Gantryctl, CaptureFindsAFolderThatCannotBeWrittenBeforeItAsksTheNode)
{
    const ProcessResult result = gantryctl({"capture", "--for", "1s", "--node", nowhere, "-o", folder / "missing" / "x.gantry", "--json"});
    EXPECT_EQ(result.exitStatus, 73);
    EXPECT_EQ(json::parse(result.out)["error"]["code"], "cannot_write");
}

TEST_F(Gantryctl, LoadWithoutAServerIs69)
{
    // Port 1 is reserved (tcpmux) and nobody listens there.
    const ProcessResult result = gantryctl({"load", "--model", "m", "--count", "1", "--address", "127.0.0.1:1", "--json"});
    EXPECT_EQ(result.exitStatus, 69) << result.err;
}

} // namespace
} // namespace gantry::cli
