#include "remote_server/node/sampling/process_sampler.h"

#include "tests/remote_server/node/fake_proc.h"
#include "tests/remote_server/node/recorded_round.h"
#include "tests/support/child_process.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace gantry::node {
namespace {

/// proc(5), "stat": 10 ms of user time a tick.
std::string stat(int pid, int parent, int group, int ticks, int pages, int start = 1)
{
    std::string text = std::to_string(pid) + " (a ) b) S " + std::to_string(parent) + " " + std::to_string(group);
    for (int field = 6; field <= 13; ++field)
        text += " 0";
    text += " " + std::to_string(ticks) + " 0";
    for (int field = 16; field <= 21; ++field)
        text += " 0";
    return text + " " + std::to_string(start) + " 0 " + std::to_string(pages) + "\n";
}

TEST(ProcessSampler, AddsChildrenTheirChildrenAndTheGroupAndLeavesOutOthers)
{
    const FakeProc machine;
    machine.write("100/stat", stat(100, 1, 100, 10, 1));
    machine.write("90/stat", stat(90, 101, 77, 20, 2));   // a grandchild with a lower number, in a group of its own
    machine.write("101/stat", stat(101, 100, 77, 30, 3)); // a child
    machine.write("102/stat", stat(102, 1, 100, 40, 4));  // left its parent, and is in the group
    machine.write("200/stat", stat(200, 1, 200, 1000, 1000));
    ProcessSampler sampler(100, "t1", "triton", machine.root() / "proc");
    RecordedRound round;
    sampler.sample(round);
    EXPECT_EQ(round.value("target_processes{target=t1}"), 4);
    EXPECT_EQ(round.value("target_cpu_seconds_total{target=t1}"), 100.0 / static_cast<double>(sysconf(_SC_CLK_TCK)));
    EXPECT_EQ(round.value("target_memory_bytes{target=t1}"), 10.0 * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

TEST(ProcessSampler, TimeOfAProcessThatEndedStaysAndANumberThatIsGivenAgainIsNoProcessOfTheServers)
{
    const FakeProc machine;
    machine.write("100/stat", stat(100, 1, 100, 10, 1));
    machine.write("101/stat", stat(101, 100, 100, 30, 1));
    ProcessSampler sampler(100, "t1", "triton", machine.root() / "proc");
    RecordedRound first;
    sampler.sample(first);
    machine.write("100/stat", stat(100, 1, 100, 15, 1));
    machine.write("101/stat", stat(101, 1, 1, 5000, 1, 2));
    const double ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    RecordedRound later;
    ASSERT_TRUE(test::eventually([&] {
        sampler.sample(later);
        return !later.isEmpty();
    }));
    EXPECT_EQ(later.value("target_cpu_seconds_total{target=t1}"), 45 / ticks);
    EXPECT_EQ(later.value("target_processes{target=t1}"), 1);
}

TEST(ProcessSampler, SaysNothingOfAServerThatIsGone)
{
    const FakeProc machine;
    ProcessSampler sampler(100, "t1", "triton", machine.root() / "proc");
    RecordedRound round;
    sampler.sample(round);
    EXPECT_TRUE(round.isEmpty());
}

} // namespace
} // namespace gantry::node
