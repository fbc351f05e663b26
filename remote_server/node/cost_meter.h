#pragma once

#include "remote_server/node/report_assembler.h"
#include "remote_server/node/sample_history.h"
#include "trace_model/report/window_cost.h"

#include <condition_variable>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace gantry::node {

/// Measures what windows cost: CPU times from the command that opens one until everything is flushed, and the rates and latencies of the
/// target before, in and after it. A report is not kept waiting for the time after its window: it is written with what is known, and its
/// figures are completed in place when that time has gone by. Any thread; owns one.
class CostMeter
{
public:
    struct Options
    {
        const SampleHistory& history;
        std::filesystem::path reportFolder;
        /// The figures of a report are complete, also where nothing could be added. Own thread, no lock held.
        std::function<void(const std::string& captureId, const std::string& reportName, const report::WindowCost& cost)> onMeasured;
    };

    explicit CostMeter(Options options);
    CostMeter(const CostMeter&) = delete;
    CostMeter& operator=(const CostMeter&) = delete;
    ~CostMeter() = default; ///< what was still to come is left out

    /// The thread that takes what the targets write: called on it, once.
    void setCaptureThread();

    /// A window of the target opens in these processes.
    void opens(std::uint32_t windowId, const std::string& targetId, std::span<const int> pids);
    /// Everything is flushed; fills in what the window's cost is measured by. `hasMetrics`: rates and latencies are measured, too.
    void closes(const std::string& captureId, std::uint32_t windowId, WindowCapture& recorded, bool hasMetrics);
    /// A window without a report.
    void forgets(std::uint32_t windowId, const std::string& targetId);

    /// The report is written. True: onMeasured() follows.
    [[nodiscard]] bool written(std::uint32_t windowId, const std::string& reportName);
    /// There is none.
    void failed(std::uint32_t windowId);

private:
    struct OpenWindow
    {
        std::map<int, DurationNs> targetCpu; ///< by pid
        std::optional<DurationNs> daemonCpu;
    };
    /// A window whose time after it is measured.
    struct FollowUp
    {
        std::string captureId;
        WindowCapture window; ///< samples up to its end, of the series that count
        std::int64_t dueNs = 0;
        std::optional<std::uint64_t> recordBytes;
        bool isMeasured = false;
        report::WindowCost cost;
        std::string reportName; ///< empty: not written yet
    };

    void run(const std::stop_token& stop);
    /// Measures what is due; one that is done is taken out. `nextNs`: when another one is due.
    [[nodiscard]] std::optional<FollowUp> takeDone(std::int64_t& nextNs);
    void measure(FollowUp& followUp) const;
    void changed();
    [[nodiscard]] std::optional<DurationNs> daemonCpu() const;
    [[nodiscard]] std::optional<DurationNs> targetCpu(int pid);

    Options m_options;
    std::mutex m_mutex; ///< everything below
    std::condition_variable_any m_changed;
    std::optional<clockid_t> m_captureThread;
    std::map<int, int> m_threads; ///< of the capture library, by pid: its tid
    std::map<std::uint32_t, OpenWindow> m_open;
    std::map<std::string, std::int64_t> m_lastClosed; ///< by target
    std::map<std::uint32_t, FollowUp> m_followUps;
    bool m_isChanged = false; ///< what the thread waits for
    std::jthread m_thread;
};

} // namespace gantry::node
