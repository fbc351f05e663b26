#include "trace_model/trace/gpu_tracks.h"

#include "trace_model/trace/trace_builder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace gantry::trace {
namespace {

using testing::ElementsAre;

constexpr std::uint64_t kProcess = std::uint64_t{4711} << 24;

std::shared_ptr<const Trace> traceOf(const std::function<void(importing::RowSink&)>& give)
{
    TraceBuilder builder;
    builder.beginFile("report.sqlite");
    builder.nameProcess(kProcess, "server");
    give(builder.rows());
    return *builder.finish({});
}

report::SynchronizationRow synchronization(TimestampNs start, TimestampNs end, SyncType type, std::uint32_t stream)
{
    report::SynchronizationRow row;
    row.start = start;
    row.end = end;
    row.contextId = 1;
    row.streamId = stream;
    row.globalPid = kProcess;
    row.syncType = static_cast<std::uint8_t>(type);
    return row;
}

report::MemcpyRow migration(TimestampNs start, TimestampNs end, CopyKind kind, std::uint32_t context = 0)
{
    report::MemcpyRow row;
    row.start = start;
    row.end = end;
    row.contextId = context;
    row.globalPid = kProcess;
    row.bytes = 4096;
    row.copyKind = static_cast<std::uint8_t>(kind);
    return row;
}

/// "parent/name: spans" of each track of the GPUs.
std::vector<std::string> tracksOf(const Trace& trace)
{
    std::vector<std::string> texts;
    for (const Track& track : trace.tracks) {
        std::size_t spans = 0;
        for (const DepthRow& row : track.rows)
            spans += row.size();
        texts.push_back(fmt::format("{}{}: {}", track.parent.isNone() ? "" : trace.track(track.parent).name + "/", track.name, spans));
    }
    return texts;
}

// They were in no row at all.
TEST(GpuTracks, ShowWhatWaitedForAContextInARowOfIt)
{
    const auto trace = traceOf([](importing::RowSink& rows) {
        rows.add(synchronization(100, 200, SyncType::StreamSync, 7));
        rows.add(synchronization(150, 190, SyncType::ContextSync, 0xFFFFFFFF)); // of another thread
        rows.add(synchronization(300, 400, SyncType::EventSync, 7));
    });
    EXPECT_THAT(tracksOf(*trace),
                ElementsAre("GPU 0: 0", "GPU 0/Context 1 · server (4711): 0", "Context 1 · server (4711)/Synchronization: 3"));
    EXPECT_EQ(trace->tracks.back().kind, TrackKind::GpuSync);
    EXPECT_EQ(trace->tracks.back().rows.size(), 2u);
}

// Nsight Systems wrote device 0 for a context of the second GPU, which was shown twice then.
TEST(GpuTracks, PutASynchronizationIntoItsContextWhicheverDeviceItIsSaidToBeOn)
{
    const auto trace = traceOf([](importing::RowSink& rows) {
        rows.add(synchronization(100, 200, SyncType::StreamSync, 7));
        report::MemcpyRow copy = migration(400, 500, CopyKind::HtoD, 1);
        copy.deviceId = 1;
        rows.add(copy);
    });
    EXPECT_THAT(tracksOf(*trace), ElementsAre("GPU 1: 0", "GPU 1/Context 1 · server (4711): 0", "Context 1 · server (4711)/Stream 0: 1",
                                              "Context 1 · server (4711)/Synchronization: 1"));
}

// CUPTI says context 0 and stream 0, which were shown as if a program had them.
TEST(GpuTracks, NameMigrationsOfUnifiedMemoryAndPutThemBehindTheContextsOfTheirGpu)
{
    const auto trace = traceOf([](importing::RowSink& rows) {
        rows.add(migration(100, 200, CopyKind::UvmHtoD));
        rows.add(migration(300, 310, CopyKind::UvmDtoH));
        rows.add(migration(400, 500, CopyKind::HtoD, 1));
    });
    EXPECT_THAT(tracksOf(*trace), ElementsAre("GPU 0: 0", "GPU 0/Context 1 · server (4711): 0", "Context 1 · server (4711)/Stream 0: 1",
                                              "GPU 0/Unified memory: 2"));
    EXPECT_EQ(trace->tracks.back().detail, "server (4711)");
}

TEST(GpuTracks, LeaveAContextOfNumberZeroThatOrdinaryWorkIsIn)
{
    const auto trace = traceOf([](importing::RowSink& rows) {
        rows.add(migration(100, 200, CopyKind::UvmHtoD));
        rows.add(migration(400, 500, CopyKind::HtoD));
    });
    EXPECT_THAT(tracksOf(*trace), ElementsAre("GPU 0: 0", "GPU 0/Context 0 · server (4711): 0", "Context 0 · server (4711)/Stream 0: 2"));
}

} // namespace
} // namespace gantry::trace
