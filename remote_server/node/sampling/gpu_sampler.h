#pragma once

#include "remote_server/node/report_assembler.h"
#include "trace_model/base/time.h"
#include "trace_model/metrics/series_store.h"

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gantry::node {

/// Samples hardware counters of GPUs for a capture: a gantry-gpu-sampler for each, whose samples are kept for the reports. A program
/// that fails or is killed ends its samples and nothing else. Any thread; owns one for each GPU.
class GpuSampler
{
public:
    struct Options
    {
        std::filesystem::path program; ///< gantry-gpu-sampler
        std::vector<int> devices;      ///< as CUDA numbers them
        DurationNs periodNs = 100'000;
    };

    explicit GpuSampler(Options options);
    ~GpuSampler(); ///< waits for the programs' ends, which hand out what they have first: at high rates that takes seconds

    /// Every program samples, or has said that it cannot.
    [[nodiscard]] bool isReady() const;
    /// Why there are no samples of some GPU; empty: there are.
    [[nodiscard]] std::string problem() const;

    /// No more samples are taken; those that were are still on their way.
    void stopSampling();

    /// Gives up what lies before.
    void keepFrom(TimestampNs time);
    /// Adds the series and the samples of the window to it, once those up to its end are there (or a minute has gone by, or the programs
    /// have ended).
    void copyTo(WindowCapture& window);

private:
    struct Device
    {
        int index = 0;
        bool isReady = false; ///< or has ended
        bool hasEnded = false;
        std::string problem;
        std::vector<metrics::SeriesDefinition> series;
        std::string received;          ///< the beginning of a frame
        std::deque<TimestampNs> times; ///< ends of samples
        std::deque<double> values;     ///< series.size() for each time
        std::uint64_t dropped = 0;     ///< samples beyond the bound, and those that the program lost
    };

    void run(Device& device, const std::stop_token& stop);
    void receive(Device& device, std::string_view bytes);
    bool takeFrame(Device& device, std::uint32_t type, std::string_view content);
    void takeSeries(Device& device, std::string_view json);
    void takeSamples(Device& device, std::string_view content);
    static void giveUp(Device& device, std::string problem);

    Options m_options;
    mutable std::mutex m_mutex; ///< everything below
    std::condition_variable m_changed;
    std::deque<Device> m_devices;
    bool m_isStopping = false; ///< the programs tell what they lost when they end, and that is waited for
    std::vector<std::jthread> m_threads;
};

} // namespace gantry::node
