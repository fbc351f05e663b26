#include "remote_server/node/sampling/host_io_sampler.h"

#include "tests/remote_server/node/fake_proc.h"
#include "tests/remote_server/node/recorded_round.h"

#include <gtest/gtest.h>

namespace gantry::node {
namespace {

TEST(HostIoSampler, CountsWholeDisksInBytesAndLeavesOutPartitionsAndWhatIsNoDisk)
{
    const FakeProc machine;
    machine.write("diskstats", "   7       0 loop0 5 0 10 1 0 0 0 0 0 1 1\n"
                               " 259       0 nvme0n1 100 2 3000 40 50 6 7000 80 0 1500 120 0 0 0 0\n"
                               " 259       1 nvme0n1p1 90 2 2900 40 50 6 7000 80 0 1400 120\n"
                               " 253       0 dm-0 90 2 2900 40 50 6 7000 80 0 1400 120\n");
    machine.writeAt("sys/block/nvme0n1/size", "1");
    machine.writeAt("sys/block/loop0/size", "1");
    machine.writeAt("sys/block/dm-0/size", "1");
    HostIoSampler sampler(machine.root());
    RecordedRound round;
    sampler.sample(round);
    EXPECT_EQ(round.value("host_disk_read_bytes_total{device=nvme0n1}"), 3000.0 * 512);
    EXPECT_EQ(round.value("host_disk_written_bytes_total{device=nvme0n1}"), 7000.0 * 512);
    EXPECT_EQ(round.value("host_disk_busy_seconds_total{device=nvme0n1}"), 1.5);
    for (const char* other : {"loop0", "nvme0n1p1", "dm-0"})
        EXPECT_FALSE(round.value(std::string("host_disk_read_bytes_total{device=") + other + "}")) << other;
}

TEST(HostIoSampler, CountsNetworksThatLeadOutsideAndInfiniBandInBytes)
{
    const FakeProc machine;
    machine.write(
        "net/dev",
        "Inter-|   Receive                                                |  Transmit\n"
        " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
        "    lo: 111 1 0 0 0 0 0 0 111 1 0 0 0 0 0 0\n"
        "  eth0:123456 100 0 3 0 0 0 0 654321 200 0 4 0 0 0 0\n"
        "veth12: 5 1 0 0 0 0 0 0 5 1 0 0 0 0 0 0\n"
        "  ifb0: 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n"
        "  cut0: 5 1\n");
    machine.writeAt("sys/class/infiniband/mlx5_0/ports/1/counters/port_rcv_data", "1000\n");
    machine.writeAt("sys/class/infiniband/mlx5_0/ports/1/counters/port_xmit_data", "2000\n");
    HostIoSampler sampler(machine.root());
    RecordedRound round;
    sampler.sample(round);
    EXPECT_EQ(round.value("host_network_received_bytes_total{device=eth0}"), 123456);
    EXPECT_EQ(round.value("host_network_sent_bytes_total{device=eth0}"), 654321);
    EXPECT_EQ(round.value("host_network_dropped_packets_total{device=eth0}"), 7);
    EXPECT_EQ(round.value("host_infiniband_received_bytes_total{device=mlx5_0}{port=1}"), 4000);
    EXPECT_EQ(round.value("host_infiniband_sent_bytes_total{device=mlx5_0}{port=1}"), 8000);
    for (const char* other : {"lo", "veth12", "ifb0", "cut0"})
        EXPECT_FALSE(round.value(std::string("host_network_sent_bytes_total{device=") + other + "}")) << other;
}

TEST(HostIoSampler, IsAskedOnceASecondAndSaysNothingOfWhatIsNotThere)
{
    const FakeProc machine;
    HostIoSampler sampler(machine.root());
    RecordedRound first, second;
    sampler.sample(first);
    EXPECT_TRUE(first.isEmpty());
    machine.write("net/dev", "eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n");
    sampler.sample(second);
    EXPECT_TRUE(second.isEmpty()) << "a second has not passed";
}

} // namespace
} // namespace gantry::node
