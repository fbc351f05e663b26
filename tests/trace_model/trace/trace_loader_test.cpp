#include "trace_model/trace/trace_loader.h"

#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_builder.h"
#include "trace_model/trace/trace_cache.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace gantry::trace {
namespace {

using testing::HasSubstr;

class SeveralFiles : public testing::Test
{
protected:
    LoadFile chromeTrace(const char* name, const char* base, const char* kernel)
    {
        const std::filesystem::path path = m_folder / name;
        std::ofstream(path)
            << R"({"baseTimeNanoseconds": )" << base << R"(, "traceEvents": [{"ph": "X", "cat": "kernel", "name": ")" << kernel
            << R"(", "pid": 0, "tid": 7, "ts": 1000, "dur": 10, "args": {"device": 0, "context": 1, "stream": 7, "correlation": 5}},)"
            << R"({"ph": "X", "cat": "cuda_runtime", "name": "cudaLaunchKernel", "pid": 99, "tid": 99, "ts": 990, "dur": 5, "args": {"correlation": 5}}]})";
        return {path, {}};
    }

    test::TemporaryFolder m_folder;
};

TEST_F(SeveralFiles, StandOnOneClockWhenBothKnowTheTimeOfDay)
{
    const LoadFile files[] = {chromeTrace("a.json", "1700000000000000000", "gemm_a"),
                              chromeTrace("b.json", "1700000000000500000", "gemm_b")};
    const auto loaded = loadTrace(files, {});
    ASSERT_TRUE(loaded) << loaded.error().text();
    const Trace& trace = **loaded;
    ASSERT_EQ(trace.kernels.size(), 2u);
    EXPECT_EQ(trace.kernels.start[1] - trace.kernels.start[0], 500'000);
    ASSERT_EQ(trace.imports.size(), 2u);
    EXPECT_EQ(trace.imports[1].alignment, importing::Alignment::WallClock);
    EXPECT_EQ(trace.imports[1].offset, 500'000);
    EXPECT_THAT(importing::clockText(trace.imports[1]), HasSubstr("Aligned by the wall clock"));
    EXPECT_EQ(trace.imports[0].time.duration(), 20'000); // each its own
    EXPECT_EQ(trace.imports[1].time.duration(), 20'000);
    EXPECT_EQ(trace.imports[1].time.start - trace.imports[0].time.start, 500'000);
    EXPECT_EQ(trace.meta.title, "a.json + b.json");
}

// Ranks of one job have the same process numbers on their machines, and count correlation ids from 1.
TEST_F(SeveralFiles, KeepProcessesAndGpusOfTheSameNumberApart)
{
    const LoadFile files[] = {chromeTrace("rank0.json", "1700000000000000000", "gemm"),
                              chromeTrace("rank1.json", "1700000000000000000", "gemm")};
    const auto loaded = loadTrace(files, {});
    ASSERT_TRUE(loaded) << loaded.error().text();
    const Trace& trace = **loaded;
    EXPECT_NE(trace.kernels.globalPid(0), trace.kernels.globalPid(1));
    EXPECT_EQ(Trace::pidOf(trace.kernels.globalPid(0)), Trace::pidOf(trace.kernels.globalPid(1)));
    std::vector<std::string> gpuFiles;
    for (const Track& track : trace.tracks)
        if (track.name.starts_with("GPU 0"))
            gpuFiles.push_back(track.detail);
    EXPECT_THAT(gpuFiles, testing::ElementsAre("rank0.json", "rank1.json"));
}

TEST_F(SeveralFiles, AreMovedByHandWhereAskedTo)
{
    LoadFile files[] = {chromeTrace("a.json", "1700000000000000000", "gemm_a"), chromeTrace("b.json", "1700000000000500000", "gemm_b")};
    files[1].offset = -2'000;
    const auto loaded = loadTrace(files, {});
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ((*loaded)->strings[(*loaded)->kernels.shortName(0)], "gemm_b");
    EXPECT_EQ((*loaded)->kernels.start[1] - (*loaded)->kernels.start[0], 2'000);
    EXPECT_EQ((*loaded)->imports[1].alignment, importing::Alignment::ByHand);
}

TEST_F(SeveralFiles, OfFormatsWithoutACommonClockBeginTogetherAndSaySo)
{
    const std::filesystem::path report = m_folder / "server.gantry";
    ASSERT_TRUE(test::writeEventScript("window 0..1000\nrequest 1 model bert:1 0..150 queue 0..80\n", report));
    const std::filesystem::path triton = m_folder / "triton.json";
    std::ofstream(triton)
        << R"([{"id":1,"model_name":"m","model_version":1},{"id":1,"timestamps":[{"name":"REQUEST_START","ns":5000}]},{"id":1,"timestamps":[{"name":"REQUEST_END","ns":6000}]}])";
    const LoadFile files[] = {{report, {}}, {triton, {}}};
    const auto loaded = loadTrace(files, {});
    ASSERT_TRUE(loaded) << loaded.error().text();
    ASSERT_EQ((*loaded)->requests.size(), 2u);
    EXPECT_EQ((*loaded)->requests[0].time.start, (*loaded)->requests[1].time.start);
    EXPECT_EQ((*loaded)->imports[1].alignment, importing::Alignment::Starts);
    EXPECT_THAT((*loaded)->meta.warnings, testing::Contains(HasSubstr("which is a guess")));
}

TEST_F(SeveralFiles, OfDifferentTimesSayHowFarTheyAreApart)
{
    const LoadFile files[] = {chromeTrace("a.json", "1700000000000000000", "gemm_a"),
                              chromeTrace("b.json", "1700000060000000000", "gemm_b")};
    const auto loaded = loadTrace(files, {});
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_THAT((*loaded)->meta.warnings, testing::Contains(HasSubstr("were not recorded at the same time")));
}

// A log that is still being written: what is shown is not all of it.
TEST_F(SeveralFiles, ThatChangeWhileTheyAreReadSaySo)
{
    const LoadFile file = chromeTrace("a.json", "1700000000000000000", "gemm_a");
    EXPECT_TRUE((*loadTrace(file.path))->meta.complete);
    const auto loaded = loadTrace(file.path, [&](double, std::string_view) { std::ofstream(file.path, std::ios::app) << " "; });
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ((*loaded)->kernels.size(), 1u);
    EXPECT_THAT((*loaded)->meta.warnings, testing::Contains(HasSubstr("changed while it was read")));
    EXPECT_THAT((*loaded)->meta.whyIncomplete, testing::Contains("the file changed while it was read"));
}

// A trace that was switched on in the middle of a request, in a file without a window.
TEST_F(SeveralFiles, DoNotMakeARequestWithoutAStartBeginAtTimeZero)
{
    const std::filesystem::path triton = m_folder / "triton.json";
    std::ofstream(triton)
        << R"([{"id":1,"model_name":"m","model_version":1},{"id":1,"timestamps":[{"name":"QUEUE_START","ns":10000000000},{"name":"COMPUTE_START","ns":10000001000},)"
        << R"({"name":"COMPUTE_INPUT_END","ns":10000002000},{"name":"COMPUTE_OUTPUT_START","ns":10000003000},{"name":"COMPUTE_END","ns":10000004000},{"name":"REQUEST_END","ns":10000005000}]}])";
    const auto loaded = loadTrace(triton);
    ASSERT_TRUE(loaded) << loaded.error().text();
    ASSERT_EQ((*loaded)->requests.size(), 1u);
    EXPECT_EQ((*loaded)->requests[0].time.duration(), 5'000);
    EXPECT_TRUE((*loaded)->requests[0].cutByWindow);
    EXPECT_EQ((*loaded)->requests[0].time.start, (*loaded)->time.start);
}

TEST_F(SeveralFiles, AndOneAloneSayWhenTheirEventsAreAndNotWhenTheyWereRecorded)
{
    const std::filesystem::path report = m_folder / "a.gantry";
    ASSERT_TRUE(test::writeEventScript("window 0..1000\nkernel gpu0/stream7 gemm 100..200 corr 1\n", report));
    const auto trace = loadTrace(report);
    ASSERT_TRUE(trace) << trace.error().text();
    EXPECT_EQ((*trace)->time, (TimeRange{0, 1000}));
    EXPECT_EQ((*trace)->imports.front().time, (TimeRange{100, 200}));
}

// The windows were taken for one, and a request that the first of them cut off lasted until the end of the last one.
TEST_F(SeveralFiles, CutOffWhatRunsOnAtTheirOwnWindows)
{
    const std::string_view script =
        "window 0..1000\nprocess server\nrange 12 open 100..\nexecution 3 thread 12 model bert:1 instance bert_0 80..150\n"
        "request 7 model bert:1 500..\nrequest 8 model bert:1 ..300\n";
    for (const char* name : {"a.gantry", "b.gantry"})
        ASSERT_TRUE(test::writeEventScript(script, m_folder / name));
    const LoadFile files[] = {{m_folder / "a.gantry", 0}, {m_folder / "b.gantry", 1'000'000'000}};
    const auto trace = loadTrace(files, {});
    ASSERT_TRUE(trace) << trace.error().text();
    ASSERT_EQ((*trace)->requests.size(), 4u);
    for (const Request& request : (*trace)->requests)
        EXPECT_LE(request.time.duration(), 1000);
    ASSERT_EQ((*trace)->nvtxRanges.size(), 2u);
    EXPECT_EQ((*trace)->nvtxRanges.time(0), (TimeRange{100, 1000}));
    EXPECT_EQ((*trace)->nvtxRanges.time(1), (TimeRange{1'000'000'100, 1'000'001'000}));
}

// Between the recordings the counts of requests were 0, as if there had been none.
TEST_F(SeveralFiles, CountNoRequestsWhereNoneOfThemWasRecorded)
{
    ASSERT_TRUE(
        test::writeEventScript("window 0..1000\nprocess server\nrequest 7 model bert:1 500.. queue 500..700\n", m_folder / "a.gantry"));
    ASSERT_TRUE(test::writeEventScript("window 0..1000\nprocess server\nrequest 8 model bert:1 200..300\n", m_folder / "b.gantry"));
    ASSERT_TRUE(test::writeEventScript("window 0..9000\nkernel gpu0/stream7 gemm 100..8200 corr 1\n", m_folder / "gpu.gantry"));
    const LoadFile files[] = {{m_folder / "a.gantry", 0}, {m_folder / "b.gantry", 5'000}, {m_folder / "gpu.gantry", 0}};
    const auto trace = loadTrace(files, {});
    ASSERT_TRUE(trace) << trace.error().text();
    const auto counterNamed = [&](std::string_view name) {
        std::string text;
        for (const Track& track : (*trace)->tracks)
            for (std::size_t i = 0; track.name == name && i < track.counter.time.size(); ++i)
                text += fmt::format("{}: {}\n", track.counter.time[i], track.counter.value[i]);
        return text;
    };
    EXPECT_EQ(counterNamed("In flight"), "0: 0\n500: 1\n1000: nan\n5000: 0\n5200: 1\n5300: 0\n6000: nan\n");
    EXPECT_EQ(counterNamed("Queue depth"), "0: 0\n500: 1\n700: 0\n1000: nan\n5000: 0\n6000: nan\n");
}

TEST_F(SeveralFiles, WithOffsetsByHandAreNotKeptForEachOffset)
{
    LoadFile files[] = {chromeTrace("a.json", "1700000000000000000", "gemm_a"), chromeTrace("b.json", "1700000000000500000", "gemm_b")};
    const TraceCache cache(m_folder / "cache");
    LoadOptions options;
    options.cache = &cache;
    const auto found = loadTrace(files, options);
    files[1].offset = 1'000;
    const auto byHand = loadTrace(files, options);
    ASSERT_TRUE(found && byHand);
    EXPECT_FALSE((*found)->cacheKey.empty());
    EXPECT_TRUE((*byHand)->cacheKey.empty());
}

TEST_F(SeveralFiles, FailWithTheNameOfTheOneThatCannotBeRead)
{
    const LoadFile files[] = {chromeTrace("a.json", "0", "gemm"), {m_folder / "absent.json", {}}};
    const auto loaded = loadTrace(files, {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::NotFound);
    EXPECT_THAT(loaded.error().text(), HasSubstr("absent.json"));
}

/// A report of `launches` kernels with their calls.
std::string manyLaunches(int launches)
{
    std::string script = "window 0.." + std::to_string(launches * 100 + 100) + "\n";
    for (int i = 0; i < launches; ++i) {
        const std::string at = std::to_string(i * 100), corr = std::to_string(i + 1);
        script += "api 12 cudaLaunchKernel " + at + ".." + std::to_string(i * 100 + 20) + " corr " + corr + "\n";
        script += "kernel gpu0/stream7 gemm_" + std::to_string(i % 20) + " " + std::to_string(i * 100 + 10) + ".." +
                  std::to_string(i * 100 + 90) + " corr " + corr + "\n";
    }
    return script;
}

// PyTorch's "Spans" was shown as process 15699105, a number that its name was hashed to.
TEST(TracksOfAFile, HaveNoNumbersThatAReaderMadeUp)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "trace.json")
        << R"([{"ph": "X", "cat": "Trace", "name": "record", "pid": "Spans", "tid": "PyTorch Profiler", "ts": 1, "dur": 9},)"
        << R"({"ph": "X", "cat": "cpu_op", "name": "mm", "pid": 4711, "tid": 4712, "ts": 2, "dur": 3}])";
    const auto loaded = loadTrace(folder / "trace.json");
    ASSERT_TRUE(loaded) << loaded.error().text();
    std::vector<std::string> names;
    for (const Track& track : (*loaded)->tracks)
        names.push_back(track.name);
    EXPECT_THAT(names, testing::UnorderedElementsAre("Spans", "PyTorch Profiler", "Process (4711)", "Thread 4712"));
}

TEST(TracksOfAFile, HaveTheStreamNamesOfTheirProcess)
{
    TraceBuilder builder;
    builder.beginFile("two.sqlite");
    importing::RowSink& rows = builder.rows();
    for (const std::uint64_t pid : {1, 2}) {
        report::KernelRow kernel;
        kernel.end = 10;
        kernel.contextId = 1;
        kernel.streamId = 7;
        kernel.globalPid = pid << 24;
        rows.add(kernel);
    }
    builder.nameStream(std::uint64_t{2} << 24, 0, 1, 7, "decode");
    const auto trace = builder.finish({});
    ASSERT_TRUE(trace);
    std::vector<std::string> names;
    for (const Track& track : (*trace)->tracks)
        if (track.kind == TrackKind::GpuStream)
            names.push_back(track.name);
    EXPECT_THAT(names, testing::ElementsAre("Stream 7", "decode"));
}

class ALargeFile : public testing::Test
{
protected:
    void SetUp() override { ASSERT_TRUE(test::writeEventScript(manyLaunches(40'000), m_report)); }

    test::TemporaryFolder m_folder;
    std::filesystem::path m_report = m_folder / "large.gantry";
};

TEST_F(ALargeFile, IsTheSameTraceWhenItsColumnsLieInFiles)
{
    const LoadFile file{m_report, {}};
    const auto inMemory = loadTrace(m_report);
    LoadOptions options;
    options.memoryLimit = 1; // byte: nothing has room
    options.spillFolder = m_folder.path();
    const auto inFiles = loadTrace(std::span(&file, 1), options);
    ASSERT_TRUE(inMemory && inFiles);
    ASSERT_EQ((*inFiles)->kernels.size(), (*inMemory)->kernels.size());
    for (std::size_t row = 0; row < (*inMemory)->kernels.size(); ++row) {
        ASSERT_EQ((*inFiles)->kernels.time(row), (*inMemory)->kernels.time(row));
        ASSERT_EQ((*inFiles)->strings[(*inFiles)->kernels.shortName(row)], (*inMemory)->strings[(*inMemory)->kernels.shortName(row)]);
    }
    std::size_t files = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(m_folder.path()))
        ++files;
    EXPECT_EQ(files, 1u); // the report: files of columns have no names
}

TEST_F(ALargeFile, SaysSoWhenThereIsNoRoomForItsColumns)
{
    const LoadFile file{m_report, {}};
    LoadOptions options;
    options.memoryLimit = 1;
    options.spillFolder = "/dev/null/nonexistent";
    // Small columns stay in memory wherever the large ones go: enough of them to need a file.
    ASSERT_TRUE(test::writeEventScript(manyLaunches(300'000), m_report));
    const auto loaded = loadTrace(std::span(&file, 1), options);
    ASSERT_FALSE(loaded);
    EXPECT_THAT(loaded.error().text(), HasSubstr("/dev/null/nonexistent has no room"));
}

TEST_F(ALargeFile, OpensFromTheCacheTheSecondTime)
{
    const TraceCache cache(m_folder / "cache");
    const LoadFile file{m_report, {}};
    LoadOptions options;
    options.cache = &cache;
    int stages = 0;
    options.progress = [&](double, std::string_view) { ++stages; };
    const auto first = loadTrace(std::span(&file, 1), options);
    ASSERT_TRUE(first);
    ASSERT_TRUE(keepInCache(**first, cache));
    EXPECT_GT(std::exchange(stages, 0), 0);
    const auto second = loadTrace(std::span(&file, 1), options);
    ASSERT_TRUE(second);
    EXPECT_EQ(stages, 0); // nothing was read
    EXPECT_EQ((*second)->eventCount(), (*first)->eventCount());
}

TEST_F(ALargeFile, StopsWhenItIsAskedTo)
{
    std::stop_source source;
    const auto loaded = loadTrace(
        m_report,
        [&](double, std::string_view stage) {
            if (stage == "API calls")
                source.request_stop();
        },
        source.get_token());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::Cancelled);
}

TEST_F(ALargeFile, TellsItsStagesInOrderAndNeverGoesBack)
{
    double last = 0;
    std::vector<std::string> stages;
    ASSERT_TRUE(loadTrace(m_report, [&](double fraction, std::string_view stage) {
        EXPECT_GE(fraction, last);
        EXPECT_LE(fraction, 1.0);
        last = fraction;
        if (stages.empty() || stages.back() != stage)
            stages.emplace_back(stage);
    }));
    EXPECT_EQ(last, 1.0);
    EXPECT_THAT(stages, testing::IsSupersetOf({"kernels", "API calls", "sorting", "arranging tracks", "done"}));
}

} // namespace
} // namespace gantry::trace
