#include "trace_model/report/report_writer.h"

#include "tests/support/small_files.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/schema.h"
#include "trace_model/trace/trace_loader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cmath>
#include <limits>
#include <memory>

#include <sys/stat.h>

namespace gantry::report {
namespace {

constexpr std::uint64_t kGlobalPid = std::uint64_t{4711} << 24;
constexpr std::uint64_t kTid = kGlobalPid | 12;

std::size_t entriesIn(const std::filesystem::path& folder)
{
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

TEST(ReportWriter, EveryKindOfRowComesBackFromTheTrace)
{
    const test::TemporaryFolder folder;
    auto created = ReportWriter::create(folder / "a.gantry");
    ASSERT_TRUE(created) << created.error().text();
    ReportWriter writer = std::move(*created);

    writer.add(ProcessRow{kGlobalPid, 4711, "gantry-serve"});
    writer.addThreadName(kTid, "bert_0");
    GpuRow gpu;
    gpu.name = "NVIDIA H100";
    gpu.uuid = "GPU-1";
    writer.add(gpu);
    writer.addCudaDevice(0, 0, 4711);
    writer.add(StreamRow{7, 1, 4711, -5, 2});
    KernelRow kernel;
    kernel.start = 100, kernel.end = 200;
    kernel.contextId = 1, kernel.streamId = 7, kernel.correlationId = 9, kernel.globalPid = kGlobalPid;
    kernel.shortName = writer.intern("gemm"), kernel.demangledName = writer.intern("void gemm<float>()");
    kernel.grid = {2, 3, 4}, kernel.block = {32, 2, 1};
    kernel.registersPerThread = 40, kernel.staticSharedMemory = 1024, kernel.dynamicSharedMemory = 2048, kernel.graphNodeId = 77;
    writer.add(kernel);
    writer.add(MemcpyRow{10, 20, 0, 1, 7, 8, kGlobalPid, 4096, 1, 0, 2, 0});
    writer.add(MemsetRow{30, 31, 0, 1, 7, 10, kGlobalPid, 5, 64, 2, 0});
    writer.add(SynchronizationRow{300, 310, 0, 1, 0xFFFFFFFFu, 11, kGlobalPid, 4, 0xFFFFFFFFu});
    writer.add(ApiRow{95, 99, true, kTid, 9, writer.intern("cuLaunchKernel"), 2});
    writer.add(OverheadRow{1, 2, kTid, writer.intern("Buffer flush"), 3});
    NvtxRow range;
    range.start = 90, range.end = 150, range.globalTid = kTid, range.textId = writer.intern("execute");
    range.color = 0xFF00FF00u, range.category = 3, range.uint64Value = std::numeric_limits<std::uint64_t>::max();
    writer.add(range);
    NvtxRow mark;
    mark.type = NvtxEventType::Mark, mark.start = 91, mark.globalTid = kTid, mark.textId = writer.intern("member");
    writer.add(mark);
    RequestRow request;
    request.requestId = 42, request.globalPid = kGlobalPid, request.clientId = writer.intern("client-1");
    request.model = writer.intern("bert"), request.version = writer.intern("1");
    request.start = 0, request.end = 400, request.batchId = 3;
    request.phases[static_cast<std::size_t>(records::RequestPhase::Queue)] = TimeRange{0, 90};
    writer.add(request);
    writer.add(ExecutionRow{3, kTid, writer.intern("bert"), writer.intern("1"), writer.intern("bert_0"), 90, 150});
    writer.add(ClockRow{1, 2, 3, kGlobalPid});
    writer.add(LogRow{5, "target", "ready"});
    metrics::SeriesDefinition series;
    series.id = 6, series.name = "gpu_power", series.unit = "W";
    writer.addSeries(series);
    writer.addSample({6, 500, 250.5});
    writer.addSample({6, 600, std::nan("")});

    ReportWriter::Session session;
    session.utcEpochNs = 1'700'000'000'000'000'000;
    session.window = {0, 1000};
    session.meta = {
        {meta::kHostName, "gpu-07"}, {meta::kClockErrorNs, "3000"}, {meta::kTargetExited, "1"}, {meta::kWindowCostRatio, "-0.008"}};
    session.losses = {{"cupti_dropped_records", LossSeverity::Error, 4, "Lost."}};
    const auto finished = writer.finish(session);
    ASSERT_TRUE(finished) << finished.error().text();

    const auto loaded = trace::loadTrace(folder / "a.gantry");
    ASSERT_TRUE(loaded) << loaded.error().text();
    const trace::Trace& trace = **loaded;
    EXPECT_EQ(trace.meta.format, "gantry");
    EXPECT_EQ(trace.meta.hostName, "gpu-07");
    EXPECT_EQ(trace.meta.sessionUtcNs, session.utcEpochNs);
    EXPECT_EQ(trace.meta.clockErrorNs, 3000);
    EXPECT_TRUE(trace.meta.targetExited);
    ASSERT_TRUE(trace.meta.windowCostRatio);
    EXPECT_DOUBLE_EQ(*trace.meta.windowCostRatio, -0.008);
    ASSERT_EQ(trace.meta.gpus.size(), 1u);
    EXPECT_EQ(trace.meta.gpus[0].name, "NVIDIA H100");
    EXPECT_EQ(trace.time, session.window);

    ASSERT_EQ(trace.kernels.size(), 1u);
    EXPECT_EQ(trace.strings[trace.kernels.shortName(0)], "gemm");
    EXPECT_EQ(trace.strings[trace.kernels.demangledName(0)], "void gemm<float>()");
    EXPECT_EQ(trace.kernels.shape(0).grid, (std::array<std::uint32_t, 3>{2, 3, 4}));
    EXPECT_EQ(trace.kernels.shape(0).block, (std::array<std::uint32_t, 3>{32, 2, 1}));
    EXPECT_EQ(trace.kernels.graphNode[0], 77u);
    EXPECT_EQ(trace.kernels.globalPid(0), kGlobalPid);
    ASSERT_EQ(trace.memcpys.size(), 1u);
    EXPECT_EQ(trace.memcpys.copyKind(0), trace::CopyKind::HtoD);
    EXPECT_EQ(trace.memcpys.route[0].source, trace::MemoryKind::Pageable);
    EXPECT_EQ(trace.memcpys.bytes[0], 4096u);
    ASSERT_EQ(trace.memsets.size(), 1u);
    EXPECT_EQ(trace.memsets.value[0], 5u);
    ASSERT_EQ(trace.synchronizations.size(), 1u);
    EXPECT_EQ(trace.synchronizations.type[0], trace::SyncType::ContextSync);
    EXPECT_EQ(trace.synchronizations.stream(0), 0xFFFFFFFFu);
    ASSERT_EQ(trace.apiCalls.size(), 1u);
    EXPECT_TRUE(trace.apiCalls.isDriver(0));
    EXPECT_EQ(trace.apiCalls.callee(0).returnValue, 2);
    ASSERT_EQ(trace.overheads.size(), 1u);
    EXPECT_EQ(trace.strings[trace.overheads.name[0]], "Buffer flush");
    ASSERT_EQ(trace.nvtxRanges.size(), 1u);
    EXPECT_EQ(trace.nvtxRanges.payload(0), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(trace.nvtxRanges.label(0).color, 0xFF00FF00u);
    ASSERT_EQ(trace.nvtxMarks.size(), 1u);
    ASSERT_EQ(trace.requests.size(), 1u);
    EXPECT_EQ(trace.strings[trace.requests[0].clientId], "client-1");
    EXPECT_FALSE(trace.requests[0].cutByWindow);
    ASSERT_EQ(trace.executions.size(), 1u);
    EXPECT_EQ(trace.executions[0].memberCount, 1u);
    EXPECT_EQ(trace.threadNames.at(kTid), "bert_0");
    ASSERT_EQ(trace.losses.size(), 1u);
    EXPECT_EQ(trace.losses[0].count, 4u);

    // NaN means absent: one sample, not two.
    const auto counter = std::find_if(trace.tracks.begin(), trace.tracks.end(),
                                      [](const auto& t) { return t.kind == trace::TrackKind::Counter && !t.counter.isDerived; });
    ASSERT_NE(counter, trace.tracks.end());
    EXPECT_THAT(counter->counter.value, testing::ElementsAre(250.5));
}

TEST(ReportWriter, GivesTheSameTextTheSameId)
{
    const test::TemporaryFolder folder;
    auto writer = ReportWriter::create(folder / "a.gantry");
    ASSERT_TRUE(writer);
    const TextId first = writer->intern("gemm");
    EXPECT_EQ(writer->intern("gemm"), first);
    EXPECT_NE(writer->intern(""), first);
}

TEST(ReportWriter, LeavesNothingBehindWhenItIsNotFinished)
{
    const test::TemporaryFolder folder;
    {
        auto writer = ReportWriter::create(folder / "a.gantry");
        ASSERT_TRUE(writer);
        for (int i = 0; i < 100'000; ++i)
            writer->add(ApiRow{i, i + 1, false, kTid, 9, writer->intern("cudaLaunchKernel"), 0});
        EXPECT_EQ(entriesIn(folder.path()), 0u); // not even for a process that is killed here
    }
    EXPECT_EQ(entriesIn(folder.path()), 0u);
}

TEST(ReportWriter, SaysThatTheDiskIsFullAndLeavesNothing)
{
    const test::TemporaryFolder folder;
    auto writer = ReportWriter::create(folder / "a.gantry");
    ASSERT_TRUE(writer);
    const test::SmallFiles limit(1'000'000);
    for (int i = 0; i < 100'000; ++i)
        writer->add(ApiRow{i, i + 1, false, kTid, 9, writer->intern("cudaLaunchKernel"), 0});
    ASSERT_TRUE(writer->firstError()); // long before the end
    EXPECT_EQ(writer->firstError()->code, ErrorCode::CannotWrite);
    const auto finished = writer->finish({});
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::CannotWrite);
    EXPECT_EQ(entriesIn(folder.path()), 0u);
}

/// The columns of the first row of a statement, as the library tells them.
std::vector<std::string> firstRow(const std::filesystem::path& path, const std::string& sql)
{
    sqlite3* opened = nullptr;
    EXPECT_EQ(sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY, nullptr), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
    std::vector<std::string> row;
    const auto take = [](void* to, int count, char** values, char**) {
        for (int i = 0; i < count; ++i)
            static_cast<std::vector<std::string>*>(to)->emplace_back(values[i] ? values[i] : "NULL");
        return 1; // one is enough
    };
    sqlite3_exec(opened, sql.c_str(), take, &row, nullptr);
    return row;
}

TEST(ReportWriter, TheLibraryFindsTheFileSoundAndTheTablesAsTheyAreDeclared)
{
    const test::TemporaryFolder folder;
    const auto path = folder / "a.gantry";
    auto writer = ReportWriter::create(path);
    ASSERT_TRUE(writer);
    for (int i = 0; i < 10'000; ++i) {
        writer->add(MemsetRow{i, i + 1, 0, 1, 7, 10, kGlobalPid, 5, 64, 2, 0x1'0000'0000u});
        writer->add(GraphRow{i, i + 1, 0, 1, 7, 10, kGlobalPid, 3});
        writer->addOsCall(CallRow{i, i + 1, kTid, writer->intern("call " + std::to_string(i)), -1});
    }
    metrics::SeriesDefinition series;
    for (const std::uint32_t id : {9u, 3u, 6u}) {
        series.id = id, series.name = "series " + std::to_string(id);
        writer->addSeries(series);
        writer->addSample({id, 500, static_cast<double>(id)});
    }
    ASSERT_TRUE(writer->finish({}));

    using testing::ElementsAre;
    EXPECT_THAT(firstRow(path, "PRAGMA integrity_check"), ElementsAre("ok"));
    EXPECT_THAT(firstRow(path, "PRAGMA encoding"), ElementsAre("UTF-8"));
    EXPECT_THAT(firstRow(path, "PRAGMA freelist_count"), ElementsAre("0"));
    for (const Table& table : tables()) {
        const bool hasRows =
            std::string_view(table.name) == "CUPTI_ACTIVITY_KIND_GRAPH_TRACE" || std::string_view(table.name) == "OSRT_API";
        const auto sql = firstRow(path, fmt::format("SELECT sql FROM sqlite_master WHERE name = '{}'", table.name));
        EXPECT_EQ(sql.size(), table.isLazy && !hasRows ? 0u : 1u) << table.name;
        for (const std::string& text : sql)
            EXPECT_EQ(text, createStatement(table));
    }
    EXPECT_THAT(firstRow(path, "SELECT * FROM CUPTI_ACTIVITY_KIND_MEMSET WHERE rowid = 10000"),
                ElementsAre("9999", "10000", "0", "1", "NULL", "7", "10", std::to_string(kGlobalPid), "5", "64", "4294967296", "2"));
    EXPECT_THAT(firstRow(path, "SELECT value FROM OSRT_API JOIN StringIds ON id = nameId WHERE start = 1234 AND returnValue = -1"),
                ElementsAre("call 1234"));
    EXPECT_THAT(firstRow(path, "SELECT group_concat(id), group_concat(name) FROM GANTRY_SERIES"),
                ElementsAre("3,6,9", "series 3,series 6,series 9"));
    EXPECT_THAT(firstRow(path, "SELECT sum(value) FROM GANTRY_SAMPLES JOIN GANTRY_SERIES ON seriesId = id"), ElementsAre("18.0"));
    EXPECT_THAT(firstRow(path, "SELECT value FROM GANTRY_META WHERE name LIKE '%OSRT_API'"), ElementsAre("10000"));
    EXPECT_THAT(firstRow(path, "SELECT label FROM ENUM_CUDA_MEMCPY_OPER WHERE id = 10"), ElementsAre("Peer-to-Peer"));
    EXPECT_THAT(firstRow(path, "SELECT utcEpochNs, utcTime, systemClockNs FROM TARGET_INFO_SESSION_START_TIME"),
                ElementsAre("NULL", "NULL", "NULL"));
}

TEST(ReportWriter, WhatIsNotKnownOfMemoryAndCopiesIsNull)
{
    const test::TemporaryFolder folder;
    const auto path = folder / "a.gantry";
    auto writer = ReportWriter::create(path);
    ASSERT_TRUE(writer);
    MemoryRow memory{.start = 5, .globalPid = kGlobalPid, .deviceId = 1, .contextId = 2, .streamId = 0xFFFFFFFF, .correlationId = 9};
    memory.address = 0xFFFF'0000'0000'0000;
    memory.programCounter = 7;
    memory.bytes = 4096;
    memory.memKind = 2;
    writer->add(memory);
    memory.isRelease = true;
    memory.streamId = 13;
    memory.name = "g_weights";
    memory.localPool = {1, 2, 3, 4};
    memory.importedPool = {5, 6};
    writer->add(memory);
    MemcpyRow copy{.start = 5, .end = 6};
    writer->add(copy);
    copy.peers = {1, 2, 3, 4};
    writer->add(copy);
    writer->add(ContextRow{7, 4711, 1, 2});
    ASSERT_TRUE(writer->finish({}));

    using testing::ElementsAre;
    const std::string pid = std::to_string(kGlobalPid), address = std::to_string(-(std::int64_t{1} << 48));
    EXPECT_THAT(firstRow(path, "SELECT * FROM CUDA_GPU_MEMORY_USAGE_EVENTS"),
                ElementsAre("5", pid, "1", "2", address, "7", "4096", "2", "0", "NULL", "9", "NULL", "NULL", "NULL", "NULL", "NULL", "NULL",
                            "NULL"));
    EXPECT_THAT(firstRow(path, "SELECT * FROM CUDA_GPU_MEMORY_USAGE_EVENTS WHERE memoryOperationType = 1"),
                ElementsAre("5", pid, "1", "2", address, "7", "4096", "2", "1", "g_weights", "9", "13", "1", "2", "3", "4", "5", "6"));
    const std::string peers = "SELECT srcDeviceId, srcContextId, dstDeviceId, dstContextId FROM CUPTI_ACTIVITY_KIND_MEMCPY WHERE rowid = ";
    EXPECT_THAT(firstRow(path, peers + "1"), ElementsAre("NULL", "NULL", "NULL", "NULL"));
    EXPECT_THAT(firstRow(path, peers + "2"), ElementsAre("1", "2", "3", "4"));
    EXPECT_THAT(firstRow(path, "SELECT nullStreamId, processId, deviceId, contextId FROM TARGET_INFO_CUDA_CONTEXT_INFO"),
                ElementsAre("7", "4711", "1", "2"));
}

TEST(ReportWriter, RefusesTwoSeriesOfOneNumber)
{
    const test::TemporaryFolder folder;
    auto writer = ReportWriter::create(folder / "a.gantry");
    ASSERT_TRUE(writer);
    metrics::SeriesDefinition series;
    series.id = 4;
    writer->addSeries(series);
    writer->addSeries(series);
    const auto finished = writer->finish({});
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code, ErrorCode::Internal);
    EXPECT_EQ(entriesIn(folder.path()), 0u);
}

TEST(ReportWriter, ShowsTheReportOnlyWhenItIsCompleteAndToItsOwnerAlone)
{
    const test::TemporaryFolder folder;
    auto writer = ReportWriter::create(folder / "a.gantry");
    ASSERT_TRUE(writer);
    EXPECT_FALSE(std::filesystem::exists(folder / "a.gantry"));
    ASSERT_TRUE(writer->finish({}));
    struct stat status
    {
    };
    ASSERT_EQ(::stat((folder / "a.gantry").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    EXPECT_EQ(entriesIn(folder.path()), 1u);
}

TEST(ReportWriter, SaysThatAFolderIsMissing)
{
    const test::TemporaryFolder folder;
    const auto writer = ReportWriter::create(folder / "no/such/a.gantry");
    ASSERT_FALSE(writer);
    EXPECT_EQ(writer.error().code, ErrorCode::CannotWrite);
}

} // namespace
} // namespace gantry::report
