#include "trace_model/exporting/export_format.h"

#include "tests/support/event_script.h"
#include "tests/support/small_files.h"
#include "tests/support/temporary_folder.h"
#include "tests/trace_model/exporting/trace_lines.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string_view>

namespace gantry::exporting {
namespace {

using trace::Trace;

/// What is there in the original and gone, or something else, in what is read back.
struct Loss
{
    ExportFormat format;
    std::string_view what; ///< as the format lists it
    bool (*isThere)(const Trace& trace);
};

/// Every limit of every format that reads back, with what shows it.
const std::vector<Loss>& losses()
{
    static const std::vector<Loss> kLosses = {
        {ExportFormat::ChromeJson, "the costs of the capture window, and settings of the capture",
         [](const Trace& t) { return t.meta.openCost || t.meta.settings.contains("CAPTURE_EVENT_TYPE"); }},
        {ExportFormat::ChromeJson, "the thread of slices that overlap others of it, but for the name of their row",
         [](const Trace& t) { return t.osCalls.threads.values().size() == 1; }},
        {ExportFormat::ChromeJson, "units of metrics, but for a part of their names",
         [](const Trace& t) {
             return std::any_of(t.tracks.begin(), t.tracks.end(),
                                [](const auto& track) { return track.counter.unit == "requests" && !track.counter.isDerived; });
         }},
        {ExportFormat::ChromeJson, "when threads ran on a processor",
         [](const Trace& t) {
             return std::any_of(t.tracks.begin(), t.tracks.end(),
                                [](const auto& track) { return track.kind == trace::TrackKind::Counter && track.globalTid != 0; });
         }},
        {ExportFormat::ChromeJson, "tables without times", [](const Trace& t) { return !t.summaries.empty(); }},
        {ExportFormat::NsysSqlite, "the format of the file it was read from, and what was skipped there",
         [](const Trace& t) { return t.meta.format == "nsys-sqlite"; }},
    };
    return kLosses;
}

Result<std::shared_ptr<const Trace>> through(ExportFormat format, const Trace& trace)
{
    const test::TemporaryFolder folder;
    GANTRY_CHECK(exportTrace(trace, format, folder / "out"));
    return trace::loadTrace(folder / "out");
}

TEST(ExportFormat, HoldsEverythingButWhatItsListSays)
{
    const auto trace = test::traceWithEverything();
    for (const ExportFormat format : {ExportFormat::ChromeJson, ExportFormat::NsysSqlite}) {
        const auto copy = through(format, *trace);
        ASSERT_TRUE(copy) << copy.error().text();
        std::set<std::string_view> shown;
        for (const Loss& loss : losses()) {
            if (loss.format != format)
                continue;
            shown.insert(loss.what);
            EXPECT_TRUE(loss.isThere(*trace)) << loss.what << " is not in the original: this test shows nothing";
            EXPECT_FALSE(loss.isThere(**copy)) << loss.what << " is held: take it off the list";
        }
        std::set<std::string_view> listed;
        for (const FormatLimit& limit : limitsOf(format))
            listed.insert(limit.what);
        // All else is equal: see the tests of each format. What a file has and a trace has not is shown with real files there.
        if (format == ExportFormat::ChromeJson)
            EXPECT_EQ(shown, listed);
        else
            EXPECT_TRUE(std::includes(listed.begin(), listed.end(), shown.begin(), shown.end()));
    }
}

TEST(ExportFormat, CsvHoldsOneTableAndNoNames)
{
    const auto trace = test::traceWithEverything();
    const test::TemporaryFolder folder;
    ExportOptions options;
    options.table = "api_calls";
    ASSERT_TRUE(exportTrace(*trace, ExportFormat::Csv, folder / "out", options));
    std::ostringstream text;
    text << std::ifstream(folder / "out").rdbuf();
    EXPECT_NE(text.str().find("cudaLaunchKernel"), std::string::npos);
    EXPECT_EQ(text.str().find("gemm"), std::string::npos);
    EXPECT_EQ(text.str().find("gantry-serve"), std::string::npos);
    EXPECT_EQ(notKept(*trace, ExportFormat::Csv),
              (std::vector<std::string_view>{"any table but the one that was asked for, nor names of processes, threads and GPUs"}));
}

TEST(ExportFormat, NamesOnlyTheLimitsThatConcernTheTrace)
{
    const auto everything = test::traceWithEverything();
    for (const ExportFormat format : {ExportFormat::ChromeJson, ExportFormat::Csv})
        EXPECT_EQ(notKept(*everything, format).size(), limitsOf(format).size());
    const auto plain =
        test::traceOf("window 0..1000\napi 12 cudaMemcpyAsync 10..20 corr 1\nmemcpy gpu0/stream7 HtoD pinned 20..30 bytes 8 corr 1\n");
    const std::vector<std::string_view> expected = {"the thread of slices that overlap others of it, but for the name of their row"};
    EXPECT_EQ(notKept(*plain, ExportFormat::ChromeJson), expected);
    for (const std::string_view limit : notKept(*plain, ExportFormat::NsysSqlite))
        EXPECT_EQ(limit.find("KERNEL"), std::string_view::npos) << "there is none: " << limit;
}

TEST(ExportFormat, SaysWhatWasNotReadToBeginWith)
{
    const test::TemporaryFolder folder;
    const auto tracesOf = [&](const std::string& args) {
        std::ofstream(folder / "a.json") << R"({"traceEvents": [{"ph":"X","cat":"cpu_op","name":"a","pid":1,"tid":1,"ts":0,"dur":1)" +
                                                args + "}]}";
        return *trace::loadTrace(folder / "a.json");
    };
    for (const ExportFormat format : {ExportFormat::ChromeJson, ExportFormat::Csv, ExportFormat::NsysSqlite}) {
        const auto has = [&](const Trace& trace) {
            const auto sentences = notKept(trace, format);
            return std::find(sentences.begin(), sentences.end(), kNotRead) != sentences.end();
        };
        EXPECT_TRUE(has(*tracesOf(R"(,"args":{"Input Dims":[[1]]})")));
        EXPECT_FALSE(has(*tracesOf("")));
    }
}

TEST(ExportFormat, SaysThatItCannotWriteAndLeavesNothing)
{
    const auto trace = test::traceWithEverything();
    for (const ExportFormat format : {ExportFormat::ChromeJson, ExportFormat::Csv, ExportFormat::NsysSqlite}) {
        const test::TemporaryFolder folder;
        ExportOptions options;
        options.table = "kernels";
        {
            const test::SmallFiles small(100);
            const auto written = exportTrace(*trace, format, folder / "out", options);
            ASSERT_FALSE(written);
            EXPECT_EQ(written.error().code, ErrorCode::CannotWrite) << written.error().text();
        }
        EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
        const auto written = exportTrace(*trace, format, folder / "no/such/folder/out", options);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, ErrorCode::CannotWrite) << written.error().text();
    }
}

TEST(ExportFormat, IsNamedAsOnTheCommandLine)
{
    EXPECT_EQ(formatFromName("chrome"), ExportFormat::ChromeJson);
    EXPECT_EQ(formatFromName("csv"), ExportFormat::Csv);
    EXPECT_EQ(formatFromName("sqlite"), ExportFormat::NsysSqlite);
    EXPECT_EQ(formatFromName("json"), std::nullopt);
}

} // namespace
} // namespace gantry::exporting
