// gantry-gpu-sampler DEVICE PERIOD_NS: samples the counters of one GPU and writes them to standard output (gpu_frames.h) until SIGTERM.
// A process of its own: it makes a CUDA client of itself and runs NVIDIA's libraries, of which neither may touch the daemon.

#include "remote_server/gpu_sampler/cupti_library.h"
#include "remote_server/gpu_sampler/gpu_frames.h"
#include "remote_server/gpu_sampler/pm_sampling.h"
#include "remote_server/node/clock.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/signalfd.h>
#include <unistd.h>
#include <vector>

using namespace gantry;
using gpu_frames::FrameType;
using gpu_sampler::PmSampling;
using node::monotonicNow;
using node::utcNow;

namespace {

constexpr int kReadPeriodMs = 5;
constexpr std::int64_t kDrainNs = 60'000'000'000; // samples of high rates come faster than they are read
constexpr int kBusyTries = 10;
constexpr int kBusyPauseMs = 300;
constexpr std::int64_t kShortestPeriodNs = 5'000; // 200 kHz

/// False: nobody reads any more.
bool writeFrame(FrameType type, const void* data, std::size_t size)
{
    const gpu_frames::FrameHeader header{gpu_frames::kMagic, type, static_cast<std::uint32_t>(size), 0};
    return std::fwrite(&header, sizeof header, 1, stdout) == 1 && (size == 0 || std::fwrite(data, size, 1, stdout) == 1) &&
           std::fflush(stdout) == 0;
}

bool writeText(FrameType type, std::string_view text)
{
    return writeFrame(type, text.data(), text.size());
}

/// Distance of the two clocks, read between two readings of one.
std::int64_t monotonicMinusRealtime()
{
    const std::int64_t before = monotonicNow();
    const std::int64_t realtime = utcNow();
    const std::int64_t after = monotonicNow();
    return before + (after - before) / 2 - realtime;
}

/// Gathers samples into frames.
class SampleWriter
{
public:
    explicit SampleWriter(std::size_t series) : m_recordBytes(sizeof(gpu_frames::SampleHead) + series * sizeof(double)) {}

    void add(const gpu_frames::SampleHead& head, std::span<const double> values)
    {
        if (m_bytes.size() + m_recordBytes > gpu_frames::kMaxFrameBytes)
            flush();
        const std::size_t at = m_bytes.size();
        m_bytes.resize(at + m_recordBytes);
        std::memcpy(m_bytes.data() + at, &head, sizeof head);
        std::memcpy(m_bytes.data() + at + sizeof head, values.data(), values.size_bytes());
    }
    void flush()
    {
        if (!m_bytes.empty())
            m_isRead = m_isRead && writeFrame(FrameType::Samples, m_bytes.data(), m_bytes.size());
        m_bytes.clear();
    }
    [[nodiscard]] bool isRead() const { return m_isRead; }

private:
    std::size_t m_recordBytes;
    std::vector<std::byte> m_bytes;
    bool m_isRead = true;
};

/// Waits so long for a signal that ends the program.
bool isStopped(int signals, int waitMs)
{
    pollfd stop{signals, POLLIN, 0};
    return poll(&stop, 1, waitMs) > 0;
}

int fail(const Error& error)
{
    writeText(FrameType::Failed, error.text());
    return 1;
}

/// Begins anew in a moment, as a new program: CUPTI does not outlive a failed start. Returns where that is not to be.
void tryAgain(char** argv, int triesLeft, int signals)
{
    if (triesLeft == 0 || isStopped(signals, kBusyPauseMs))
        return;
    std::string tries = std::to_string(triesLeft - 1);
    char* arguments[] = {argv[0], argv[1], argv[2], tries.data(), nullptr};
    execv("/proc/self/exe", arguments);
}

int sample(char** argv, int device, std::int64_t periodNs, int triesLeft, int signals)
{
    auto sampling = PmSampling::start(device, periodNs);
    const auto first = sampling ? (*sampling)->read([](std::int64_t, std::int64_t, std::span<const double>) {}) : Result<bool>(false);
    // The counters of a sampler that has just ended, or was killed, are free a moment later.
    if (!first || (!sampling && sampling.error().code == ErrorCode::Busy))
        tryAgain(argv, triesLeft, signals);
    if (!first)
        return fail(first.error());
    if (!sampling)
        return fail(sampling.error());
    nlohmann::json series = nlohmann::json::array();
    for (const PmSampling::Metric& metric : (*sampling)->metrics())
        series.push_back({{"name", metric.name}, {"unit", metric.unit}, {"help", metric.help}});
    SampleWriter writer(series.size());
    bool isRead = writeText(FrameType::Series, series.dump());
    std::int64_t deadline = INT64_MAX; // for what is left once it is told to stop
    for (bool hasMore = true; isRead && (deadline == INT64_MAX || hasMore) && monotonicNow() < deadline;) {
        if (deadline == INT64_MAX && isStopped(signals, hasMore ? 0 : kReadPeriodMs)) {
            (*sampling)->stop();
            deadline = monotonicNow() + kDrainNs;
        }
        const std::int64_t offset = monotonicMinusRealtime();
        const auto read = (*sampling)->read([&](std::int64_t start, std::int64_t end, std::span<const double> values) {
            writer.add({start + offset, end + offset}, values);
        });
        writer.flush();
        if (!read)
            return fail(read.error());
        hasMore = *read;
        isRead = writer.isRead();
    }
    writeText(FrameType::End, nlohmann::json{{"lost", (*sampling)->lost()}}.dump());
    return 0;
}

template <typename Number>
bool parse(const char* text, Number& value)
{
    const char* end = text + std::strlen(text);
    const auto [rest, error] = std::from_chars(text, end, value);
    return error == std::errc() && rest == end;
}

/// Says as a line of JSON on standard output where CUPTI is, and nothing else: what libraries write when they are loaded goes nowhere.
int tellCupti()
{
    const int output = dup(STDOUT_FILENO), nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    const gpu_sampler::CuptiFound found = gpu_sampler::findCupti();
    const std::string line =
        nlohmann::json{{"path", found.path}, {"version", found.version}}.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
        "\n";
    return write(output, line.data(), line.size()) == static_cast<ssize_t>(line.size()) ? 0 : 1;
}

} // namespace

int main(int argc, char** argv)
{
    int device = 0;
    std::int64_t periodNs = 0;
    int tries = kBusyTries;
    if (argc == 2 && std::string_view(argv[1]) == "--help") {
        std::puts("gantry-gpu-sampler DEVICE PERIOD_NS: samples the hardware counters of a GPU for gantryd, which starts it.\n"
                  "  --find-cupti  loads CUPTI and says as JSON where it is and its version\n"
                  "  --help        this text\n\n"
                  "Writes frames (gpu_frames.h) to standard output until SIGTERM. PERIOD_NS is 5000 or more: 200 kHz at most.");
        return 0;
    }
    if (argc == 2 && std::string_view(argv[1]) == "--find-cupti") {
        return tellCupti();
    }
    if (argc < 3 || argc > 4 || !parse(argv[1], device) || !parse(argv[2], periodNs) || device < 0 || periodNs < kShortestPeriodNs ||
        (argc == 4 && !parse(argv[3], tries))) {
        std::fputs("usage: gantry-gpu-sampler DEVICE PERIOD_NS (5000 or more)\n", stderr);
        return 64;
    }
    (void)std::freopen("/dev/null", "w", stderr); // the reader gets both in one pipe
    sigset_t stopping;
    sigemptyset(&stopping);
    sigaddset(&stopping, SIGTERM);
    sigaddset(&stopping, SIGINT);
    sigprocmask(SIG_BLOCK, &stopping, nullptr);
    return sample(argv, device, periodNs, tries, signalfd(-1, &stopping, SFD_CLOEXEC));
}
