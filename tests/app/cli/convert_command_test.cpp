#include "tests/app/cli/run_gantryctl.h"
#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <sys/resource.h>
#include <sys/stat.h>

namespace gantry::cli {
namespace {

using nlohmann::json;
using test::gantryctl;
using test::ProcessResult;
using test::readFile;
using test::writeFile;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr char kSession[] = "8851fc15-615b-42b0-8c66-0a44a273ed74";
constexpr char kScript[] = "window 0..100000000\nprocess gantry-serve\nthread 12 bert_0\n"
                           "kernel gpu0/stream7 gemm 100000..140000 corr 1\n"
                           "api 12 cudaLaunchKernel 90000..95000 corr 1\n"
                           "range 12 compute_infer 90000..140000\n";

class ConvertCommand : public testing::Test
{
protected:
    void SetUp() override { ASSERT_TRUE(test::writeEventScript(kScript, report)); }

    ProcessResult convert(std::vector<std::string> arguments) const
    {
        arguments.insert(arguments.begin(), {"report", "convert"});
        return gantryctl(arguments);
    }
    ProcessResult toChrome(const std::string& from, const std::string& to) const { return convert({from, "--to", "chrome", "-o", to}); }

    test::TemporaryFolder folder;
    std::string report = folder / "a.gantry", out = folder / "out.json";
};

// It replaced whatever was there.
TEST_F(ConvertCommand, ReplacesAFileOnlyWhenItIsTold)
{
    writeFile(out, "mine");
    const ProcessResult refused = toChrome(report, out);
    EXPECT_EQ(refused.exitStatus, 73);
    EXPECT_THAT(refused.err, HasSubstr("name another, or replace it with --force"));
    EXPECT_EQ(readFile(out), "mine");
    EXPECT_EQ(convert({report, "--to", "chrome", "-o", out, "--force"}).exitStatus, 0);
    EXPECT_THAT(readFile(out), HasSubstr("gemm"));
}

TEST_F(ConvertCommand, NeverReplacesWhatItReads)
{
    const std::string before = readFile(report);
    for (const char* force : {"", "--force"}) {
        std::vector<std::string> arguments{report, "--to", "sqlite", "-o", (folder.path() / "." / "a.gantry").string()};
        if (*force)
            arguments.push_back(force);
        const ProcessResult result = convert(arguments);
        EXPECT_EQ(result.exitStatus, 64);
        EXPECT_THAT(result.err, HasSubstr("choose another name"));
    }
    EXPECT_EQ(readFile(report), before);
}

// The rows of a .nsys-rep come from the export beside it, which a conversion to "its" SQLite replaced.
TEST_F(ConvertCommand, NeverReplacesTheExportThatIsReadInPlaceOfAnNsightReport)
{
    const std::string exported = folder / "run.sqlite", original = folder / "run.nsys-rep";
    ASSERT_TRUE(test::writeEventScript(kScript, exported));
    {
        sqlite3* opened = nullptr;
        ASSERT_EQ(sqlite3_open(exported.c_str(), &opened), SQLITE_OK);
        const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
        const std::string sql = std::string("INSERT INTO META_DATA_CAPTURE VALUES ('PROFILING_SESSION_UUID', '") + kSession + "')";
        ASSERT_EQ(sqlite3_exec(opened, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    }
    std::string content = std::string("NVIDIA Tegra Profiler Report 2025@1@1@110-251135451612v0.\n\x0BLocal (CLI)") + kSession;
    content += '\x40' + std::string(7, '\0') + "U3w[END]";
    writeFile(original, content);
    const std::string before = readFile(exported);
    ASSERT_EQ(gantryctl({"report", "info", original}).exitStatus, 0);
    const ProcessResult result = convert({original, "--to", "sqlite", "-o", exported, "--force"});
    EXPECT_EQ(result.exitStatus, 64) << result.out << result.err;
    EXPECT_THAT(result.err, HasSubstr("is what is read in place of run.nsys-rep"));
    EXPECT_TRUE(readFile(exported) == before);
}

// A link was replaced by a file.
TEST_F(ConvertCommand, WritesThroughALink)
{
    const std::filesystem::path link = folder / "link.json";
    std::filesystem::create_directory(folder / "there");
    std::filesystem::create_symlink("there/target.json", link);
    ASSERT_EQ(toChrome(report, link).exitStatus, 0);
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_THAT(readFile(folder / "there/target.json"), HasSubstr("gemm"));
}

// They were 0600, as what is captured of a server.
TEST_F(ConvertCommand, GivesItsFilesTheModeThatTheUmaskSays)
{
    for (const char* format : {"chrome", "sqlite"}) {
        const std::string file = folder / format;
        test::ChildProcess::Options options;
        options.beforeExec = [] { ::umask(027); };
        test::ChildProcess process({GANTRYCTL, "report", "convert", report, "--to", format, "-o", file}, options);
        ASSERT_EQ(process.wait()->exitStatus, 0);
        struct stat status
        {
        };
        ASSERT_EQ(::stat(file.c_str(), &status), 0);
        EXPECT_EQ(status.st_mode & 0777, 0640u) << format;
    }
}

TEST_F(ConvertCommand, WritesToStandardOutputWhereTheFormatCan)
{
    const ProcessResult csv = convert({report, "--to", "csv", "--table", "kernels", "-o", "-"});
    EXPECT_EQ(csv.exitStatus, 0) << csv.err;
    EXPECT_THAT(csv.out, StartsWith("start_ns,end_ns,"));
    EXPECT_THAT(csv.out, Not(HasSubstr("note"))) << "what is not held goes to standard error";
    EXPECT_THAT(csv.err, HasSubstr("it does not hold any table but the one that was asked for"));
    const ProcessResult chrome = toChrome(report, "-");
    EXPECT_TRUE(json::parse(chrome.out).contains("traceEvents"));
    const ProcessResult sqlite = convert({report, "--to", "sqlite", "-o", "-"});
    EXPECT_EQ(sqlite.exitStatus, 64);
    EXPECT_THAT(sqlite.err, HasSubstr("which a pipe cannot take"));
    EXPECT_EQ(convert({report, "--to", "chrome", "-o", "-", "--json"}).exitStatus, 64);
}

// The database was not compressed.
TEST_F(ConvertCommand, RefusesANameThatPromisesAnotherFormat)
{
    const std::string file = folder / "out.sqlite.gz";
    const ProcessResult result = convert({report, "--to", "sqlite", "-o", file});
    EXPECT_EQ(result.exitStatus, 64);
    EXPECT_THAT(result.err, HasSubstr("name it out.sqlite"));
    EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(ConvertCommand, SaysWhatToDoAboutAFolderThatIsNotThere)
{
    const ProcessResult result = toChrome(report, folder / "no/such/out.json");
    EXPECT_EQ(result.exitStatus, 73);
    EXPECT_THAT(result.err, HasSubstr("there is no folder " + (folder / "no/such").string() + "; make it or name another"));
}

// SIGXFSZ ended the program, even where it was only the cache that grew too large.
TEST_F(ConvertCommand, MeetsALimitOfTheSizeOfFilesAsAnError)
{
    std::string script = "window 0..1000000000\nprocess p\n";
    for (int i = 0; i < 60'000; ++i)
        script += "kernel gpu0/stream7 gemm " + std::to_string(i * 100) + ".." + std::to_string(i * 100 + 50) + " corr " +
                  std::to_string(i + 1) + '\n';
    const std::string large = folder / "large.gantry";
    ASSERT_TRUE(test::writeEventScript(script, large));
    const std::filesystem::path cache = folder / "cache", target = folder / "target";
    std::filesystem::create_directory(target);
    test::ChildProcess::Options options;
    options.environment = {{"XDG_CACHE_HOME", cache.string()}};
    options.beforeExec = [] {
        const rlimit limit{500'000, 500'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    };
    test::ChildProcess info({GANTRYCTL, "report", "info", large, "--json"}, options);
    const auto told = info.wait();
    EXPECT_EQ(told->signal, 0);
    ASSERT_EQ(told->exitStatus, 0) << told->err;
    EXPECT_EQ(json::parse(told->out)["counts"]["kernels"], 60'000);
    for (const char* format : {"chrome", "sqlite"}) {
        test::ChildProcess converting({GANTRYCTL, "report", "convert", large, "--to", format, "-o", target / "out"}, options);
        const auto result = converting.wait();
        EXPECT_EQ(result->exitStatus, 73) << format << result->err;
        EXPECT_THAT(result->err, HasSubstr("ulimit -f")) << format;
        EXPECT_TRUE(std::filesystem::is_empty(target)) << format;
    }
}

// Names of kernels were written to the terminal as they are.
TEST_F(ConvertCommand, NothingThatATraceHoldsControlsTheTerminal)
{
    const std::string hostile = folder / "hostile.json";
    writeFile(
        hostile,
        R"({"traceEvents": [{"ph": "X", "cat": "kernel", "name": "\u001b]0;owned\u0007\u0000gemm\u009b2J", "pid": 0, "tid": 7, "ts": 1, "dur": 2,
        "args": {"device": 0, "stream": 7, "correlation": 1}}, {"ph": "X", "cat": "\u001b[31m", "name": "x\ny", "pid": 1, "tid": 1, "ts": 1, "dur": 2}]})");
    for (const std::vector<std::string>& command : {std::vector<std::string>{"report", "info", hostile},
                                                    {"report", "stats", hostile},
                                                    {"report", "stats", hostile, "--by", "nvtx"},
                                                    {"compare", hostile, hostile},
                                                    {"report", "info", folder / "\x1b[2J"}}) {
        const ProcessResult result = gantryctl(command);
        for (const std::string& text : {result.out, result.err})
            for (const char control : {'\x1b', '\x07', '\0', '\r'})
                EXPECT_EQ(text.find(control), std::string::npos) << testing::PrintToString(command) << text;
    }
    EXPECT_THAT(gantryctl({"report", "stats", hostile}).out, HasSubstr("\\x1b]0;owned\\x07\\x00gemm\\x9b2J"));
}

TEST_F(ConvertCommand, SeveralFilesAreOneReportWithOffsets)
{
    const std::string second = folder / "b.gantry", csv = folder / "out.csv";
    ASSERT_TRUE(test::writeEventScript(kScript, second));
    const ProcessResult result = convert({report, second, "--offset", "1ms", "--to", "csv", "--table", "kernels", "-o", csv});
    ASSERT_EQ(result.exitStatus, 0) << result.err;
    EXPECT_THAT(readFile(csv), HasSubstr("\r\n100000,140000,"));
    EXPECT_THAT(readFile(csv), HasSubstr("\r\n1100000,1140000,"));
    const json rows = json::parse(gantryctl({"report", "stats", report, second, "--offset", "1ms", "--json"}).out);
    EXPECT_EQ(rows.at(0).at("count"), 2);
}

TEST_F(ConvertCommand, OffsetsThatCannotBeMeantAreUsageErrors)
{
    const std::string second = folder / "b.gantry";
    ASSERT_TRUE(test::writeEventScript(kScript, second));
    const std::vector<std::vector<std::string>> wrong = {{report, "--offset", "1ms"},
                                                         {report, second, "--offset", "1ms", "--offset", "2ms"},
                                                         {report, second, "--offset", "banana"},
                                                         {report, second, "--offset", "5"}};
    for (const char* command : {"info", "stats"})
        for (std::vector<std::string> arguments : wrong) {
            arguments.insert(arguments.begin(), {"report", command});
            const ProcessResult result = gantryctl(arguments);
            EXPECT_EQ(result.exitStatus, 64) << testing::PrintToString(arguments) << result.err;
            EXPECT_THAT(result.out, IsEmpty());
        }
    EXPECT_EQ(gantryctl({"report", "info", report, second, "--offset", "-20us"}).exitStatus, 0);
}

} // namespace
} // namespace gantry::cli
