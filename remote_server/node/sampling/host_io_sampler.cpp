#include "remote_server/node/sampling/host_io_sampler.h"

#include "remote_server/node/clock.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostDevices = 64; // of a kind
constexpr double kBytesPerSector = 512;  // of /proc/diskstats, whatever the disk's are: the kernel's documentation of iostats
constexpr double kBytesPerWord = 4;      // of InfiniBand's counters: sysfs-class-infiniband

void reportCounter(SampleRound& round, std::string_view name, const std::map<std::string, std::string>& labels, std::string_view unit,
                   std::string_view help, double value)
{
    round.report(name, labels, unit, metrics::SeriesKind::Counter, help, value);
}

template <std::size_t Count>
bool beginsWithAny(std::string_view name, const std::array<std::string_view, Count>& beginnings)
{
    return std::any_of(beginnings.begin(), beginnings.end(), [&](std::string_view beginning) { return name.starts_with(beginning); });
}

std::optional<double> numberIn(const fs::path& file)
{
    std::ifstream text(file);
    double value = 0;
    return text >> value ? std::optional(value) : std::nullopt;
}

} // namespace

void HostIoSampler::sample(SampleRound& round)
{
    const TimestampNs now = monotonicNow();
    if (now < m_next)
        return;
    m_next = now + kPeriod;
    sampleDisks(round);
    sampleNetworks(round);
    sampleInfiniBand(round);
    m_took = monotonicNow() - now;
}

void HostIoSampler::sampleDisks(SampleRound& round) const
{
    constexpr std::array<std::string_view, 4> kNoDisks{"loop", "ram", "zram", "dm-"}; // the last one's disks are counted themselves
    std::ifstream file(m_root / "proc/diskstats");
    std::size_t disks = 0;
    for (std::string line; disks < kMostDevices && std::getline(file, line);) {
        std::istringstream fields(line);
        std::string skipped, name;
        // major minor name reads merged sectors ms writes merged sectors ms in-flight ms-busy
        std::uint64_t reads = 0, sectorsRead = 0, writes = 0, sectorsWritten = 0, msBusy = 0;
        fields >> skipped >> skipped >> name >> reads >> skipped >> sectorsRead >> skipped >> writes >> skipped >> sectorsWritten >>
            skipped >> skipped >> msBusy;
        std::error_code ignored;
        if (!fields || beginsWithAny(name, kNoDisks) || !fs::exists(m_root / "sys/block" / name, ignored)) // a partition
            continue;
        ++disks;
        const std::map<std::string, std::string> labels{{"device", name}};
        reportCounter(round, "host_disk_read_bytes_total", labels, "bytes", "Bytes read from a disk",
                      static_cast<double>(sectorsRead) * kBytesPerSector);
        reportCounter(round, "host_disk_written_bytes_total", labels, "bytes", "Bytes written to a disk",
                      static_cast<double>(sectorsWritten) * kBytesPerSector);
        reportCounter(round, "host_disk_busy_seconds_total", labels, "s", "Time in which a disk had something to do",
                      static_cast<double>(msBusy) / 1e3);
    }
}

void HostIoSampler::sampleNetworks(SampleRound& round) const
{
    constexpr std::array<std::string_view, 5> kNotOutside{"lo:", "veth", "docker", "br-", "virbr"};
    std::ifstream file(m_root / "proc/net/dev");
    std::size_t networks = 0;
    for (std::string line; networks < kMostDevices && std::getline(file, line);) {
        const std::size_t begin = line.find_first_not_of(' '), colon = line.find(':');
        if (begin == std::string::npos || colon == std::string::npos || beginsWithAny(std::string_view(line).substr(begin), kNotOutside))
            continue;
        std::istringstream fields(line.substr(colon + 1));
        std::array<double, 16> values{}; // received: bytes packets errs drop fifo frame compressed multicast; sent: bytes packets …
        for (double& value : values)
            fields >> value;
        if (!fields || values[0] + values[8] == 0)
            continue;
        ++networks;
        const std::map<std::string, std::string> labels{{"device", line.substr(begin, colon - begin)}};
        reportCounter(round, "host_network_received_bytes_total", labels, "bytes", "Bytes received from a network", values[0]);
        reportCounter(round, "host_network_sent_bytes_total", labels, "bytes", "Bytes sent to a network", values[8]);
        reportCounter(round, "host_network_dropped_packets_total", labels, "count",
                      "Packets that the kernel dropped, received or to be sent", values[3] + values[11]);
    }
}

void HostIoSampler::sampleInfiniBand(SampleRound& round) const
{
    std::error_code none;
    std::size_t ports = 0;
    for (fs::directory_iterator device(m_root / "sys/class/infiniband", none), end; !none && device != end; device.increment(none))
        for (fs::directory_iterator port(device->path() / "ports", none); !none && port != end; port.increment(none)) {
            const auto received = numberIn(port->path() / "counters/port_rcv_data");
            const auto sent = numberIn(port->path() / "counters/port_xmit_data");
            if (!received || !sent || ++ports > kMostDevices)
                continue;
            const std::map<std::string, std::string> labels{{"device", device->path().filename()}, {"port", port->path().filename()}};
            reportCounter(round, "host_infiniband_received_bytes_total", labels, "bytes", "Bytes received by an InfiniBand port",
                          *received * kBytesPerWord);
            reportCounter(round, "host_infiniband_sent_bytes_total", labels, "bytes", "Bytes sent by an InfiniBand port",
                          *sent * kBytesPerWord);
        }
}

} // namespace gantry::node
