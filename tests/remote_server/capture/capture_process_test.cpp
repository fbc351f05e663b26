// The capture library in a program of its own, which ends in all the ways that programs end.

#include "tests/remote_server/capture/recording_daemon.h"
#include "tests/support/child_process.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>
#include <utility>

namespace gantry::capture {
namespace {

using namespace std::chrono_literals;

constexpr std::uint32_t kContent = ContentNvtx | ContentKernels | ContentRuntimeApi | ContentDriverApi;

/// The program of busy_target.cpp and its daemon.
class BusyTarget
{
public:
    explicit BusyTarget(int threads, int children = 0)
        : m_process({BUSY_TARGET, std::to_string(threads), std::to_string(children)},
                    {.environment = {{"NVTX_INJECTION64_PATH", GANTRY_CAPTURE_LIBRARY}, {kSocketVariable, m_daemon.socketPath()}}})
    {
        m_daemon.accept();
        m_daemon.receive<CudaLoadedMessage>(MessageType::CudaLoaded);
    }

    [[nodiscard]] RecordingDaemon& daemon() { return m_daemon; }
    [[nodiscard]] test::ChildProcess& process() { return m_process; }

    /// Opens a window and waits until something is in it.
    void openAndFill(std::uint32_t window)
    {
        ASSERT_EQ(m_daemon.open(window, kContent).outcome, OpenOutcome::Capturing);
        ASSERT_TRUE(test::eventually([&] { return !m_daemon.read(window).events.empty(); }));
    }

    /// How it ended, with what a sanitizer said.
    void expectGoodEnd()
    {
        const auto ended = m_process.wait();
        ASSERT_TRUE(ended) << "it hangs";
        EXPECT_EQ(ended->exitStatus, 0) << "signal " << ended->signal << '\n' << ended->err;
    }

private:
    RecordingDaemon m_daemon;
    test::ChildProcess m_process;
};

TEST(CaptureProcess, ExitsInAnOpenWindowWhichIsClosedThoughItsThreadsGoOn)
{
    BusyTarget target(16);
    target.openAndFill(1);
    target.process().signal(SIGTERM);
    EXPECT_EQ(target.daemon().receive<ClosedMessage>(MessageType::Closed).windowId, 1u);
    target.expectGoodEnd();
    EXPECT_EQ(target.daemon().damagedChunks(), 0u);
}

TEST(CaptureProcess, ThatIsKilledInAWindowLeavesWholeRecords)
{
    BusyTarget target(16);
    target.openAndFill(1);
    target.process().kill();
    for (const Event& event : target.daemon().read(1).events) {
        const bool begins = event.type == records::RecordType::NvtxPush || event.type == records::RecordType::NvtxStart;
        EXPECT_TRUE(!begins || event.text == "outer" || event.text == "inner" || event.text == "anywhere") << event.text;
    }
    EXPECT_EQ(target.daemon().damagedChunks(), 0u);
}

TEST(CaptureProcess, ForksWithoutExecWhileItsThreadsRecordInAWindow)
{
    RecordingDaemon daemon;
    test::ChildProcess process({BUSY_TARGET, "16", "8"}, {.environment = {{"NVTX_INJECTION64_PATH", GANTRY_CAPTURE_LIBRARY},
                                                                          {kSocketVariable, daemon.socketPath()}}});
    const HelloMessage hello = daemon.accept();
    ASSERT_EQ(hello.pid, process.pid());
    daemon.receive<CudaLoadedMessage>(MessageType::CudaLoaded);
    ASSERT_EQ(daemon.open(1, kContent).outcome, OpenOutcome::Capturing);
    process.signal(SIGTERM);
    EXPECT_EQ(daemon.receive<ClosedMessage>(MessageType::Closed).windowId, 1u);
    const auto ended = process.wait();
    ASSERT_TRUE(ended) << "it hangs";
    EXPECT_EQ(ended->exitStatus, 0) << "signal " << ended->signal << '\n' << ended->err;
    std::set<std::uint32_t> threads;
    for (const Event& event : daemon.read(1).events)
        threads.insert(event.tid);
    EXPECT_GT(threads.size(), 1u);
    EXPECT_LE(threads.size(), 17u) << "its own, none of a child's";
    EXPECT_EQ(daemon.damagedChunks(), 0u);
}

TEST(CaptureProcess, SixtyFourThreadsRecordWhileWindowsComeAndGo)
{
    constexpr std::uint32_t kWindows = 100;
    BusyTarget target(64);
    RecordingDaemon& daemon = target.daemon();
    int whole = 0;
    for (std::uint32_t window = 1; window <= kWindows; ++window) {
        ASSERT_EQ(daemon.open(window, kContent, 0, window % 3 != 0).outcome, OpenOutcome::Capturing);
        const Recording inside = daemon.read(window);
        daemon.close(window);
        EXPECT_EQ(daemon.damagedChunks(), 0u);
        if (daemon.loss(records::LossCounter::NvtxNoChunk) > 0)
            continue; // a pop names its push also when that was lost
        ++whole;
        std::set<std::pair<std::uint32_t, std::uint64_t>> pushes, pops;
        for (const Event& event : inside.events)
            (event.type == records::RecordType::NvtxPop ? pops : pushes).insert({event.tid, event.record.rangeId});
        // A push may stand in a chunk that was read before it came, and its pop in one that was read after.
        for (const Event& event : daemon.read(window).events)
            if (event.type == records::RecordType::NvtxPush)
                pushes.insert({event.tid, event.record.rangeId});
        EXPECT_TRUE(std::includes(pushes.begin(), pushes.end(), pops.begin(), pops.end())) << "window " << window;
    }
    EXPECT_GT(whole, 0);
    target.process().signal(SIGTERM);
    target.expectGoodEnd();
}

} // namespace
} // namespace gantry::capture
