#include "remote_server/node/cost_meter.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/window_cost.h"
#include "trace_model/report/report_amendment.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <pthread.h>
#include <spdlog/spdlog.h>
#include <string_view>
#include <system_error>

namespace gantry::node {
namespace {

constexpr std::string_view kLibraryThread = "gantry-control"; // control_channel.cpp
constexpr std::int64_t kScrapesNs = 400'000'000;              // two of them come after the time that they are to cover

/// The thread of a process that has this name; 0: none.
int threadNamed(int pid, std::string_view name)
{
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/task", error), end; !error && entry != end;
         entry.increment(error)) {
        std::ifstream file(entry->path() / "comm", std::ios::binary);
        std::string line;
        if (std::getline(file, line) && line == name)
            return std::atoi(entry->path().filename().c_str());
    }
    return 0;
}

} // namespace

CostMeter::CostMeter(Options options) : m_options(std::move(options)), m_thread([this](const std::stop_token& stop) { run(stop); }) {}

/// Mutex held.
void CostMeter::changed()
{
    m_isChanged = true;
    m_changed.notify_all();
}

void CostMeter::setCaptureThread()
{
    const std::lock_guard lock(m_mutex);
    clockid_t clock{};
    if (pthread_getcpuclockid(pthread_self(), &clock) == 0)
        m_captureThread = clock;
}

/// Mutex held.
std::optional<DurationNs> CostMeter::daemonCpu() const
{
    timespec time{};
    if (!m_captureThread || clock_gettime(*m_captureThread, &time) != 0)
        return {};
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

/// CPU time of the library's thread so far. Mutex held.
std::optional<DurationNs> CostMeter::targetCpu(int pid)
{
    int& tid = m_threads[pid];
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (tid == 0)
            tid = threadNamed(pid, kLibraryThread);
        // sched-stats.rst: time spent on the CPU in ns, time spent waiting, slices
        std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/schedstat");
        DurationNs cpu = 0;
        if (tid != 0 && file >> cpu)
            return cpu;
        tid = 0; // another process has the number now
    }
    m_threads.erase(pid);
    return {};
}

void CostMeter::opens(std::uint32_t windowId, const std::string& targetId, std::span<const int> pids)
{
    const std::lock_guard lock(m_mutex);
    OpenWindow& window = m_open[windowId];
    window.daemonCpu = daemonCpu();
    for (const int pid : pids)
        if (const auto cpu = targetCpu(pid))
            window.targetCpu[pid] = *cpu;
    const std::int64_t now = monotonicNow();
    for (auto& [id, followUp] : m_followUps)
        if (followUp.window.targetId == targetId && !followUp.isMeasured && followUp.window.quietUntilNs > now) {
            followUp.window.quietUntilNs = now;
            followUp.dueNs = std::min(followUp.dueNs, now + kScrapesNs);
        }
    changed();
}

void CostMeter::closes(const std::string& captureId, std::uint32_t windowId, WindowCapture& recorded, bool hasMetrics)
{
    const std::lock_guard lock(m_mutex);
    const std::int64_t now = monotonicNow();
    if (const auto open = m_open.extract(windowId)) {
        if (const auto cpu = daemonCpu(); cpu && open.mapped().daemonCpu)
            recorded.daemonCpu = *cpu - *open.mapped().daemonCpu;
        for (const ProcessCapture& process : recorded.processes)
            if (const auto cpu = targetCpu(process.pid)) { // one that came later has no time before the window
                const auto before = open.mapped().targetCpu.find(process.pid);
                recorded.targetCpu = recorded.targetCpu.value_or(0) + *cpu - (before == open.mapped().targetCpu.end() ? 0 : before->second);
            }
    }
    if (const auto last = m_lastClosed.find(recorded.targetId); last != m_lastClosed.end())
        recorded.quietFromNs = last->second;
    m_lastClosed[recorded.targetId] = now;
    if (!hasMetrics)
        return;
    FollowUp& followUp = m_followUps[windowId];
    followUp.captureId = captureId;
    followUp.window.series = recorded.series;
    followUp.window.samples = recorded.samples;
    followUp.window.openMonotonicNs = recorded.openMonotonicNs;
    followUp.window.closeMonotonicNs = recorded.closeMonotonicNs;
    followUp.window.targetId = recorded.targetId;
    followUp.window.targetCpu = recorded.targetCpu;
    followUp.window.daemonCpu = recorded.daemonCpu;
    followUp.recordBytes = windowCost(recorded).recordBytes;
    followUp.window.quietFromNs = recorded.quietFromNs;
    followUp.window.afterFromNs = now;
    followUp.dueNs = now + std::min<std::int64_t>(recorded.closeMonotonicNs - recorded.openMonotonicNs, kLongestCostSpan) + kScrapesNs;
    keepCostSeries(followUp.window);
    if (followUp.window.samples.empty())
        m_followUps.erase(windowId); // no server that counts requests
    changed();
}

void CostMeter::forgets(std::uint32_t windowId, const std::string& targetId)
{
    const std::lock_guard lock(m_mutex);
    m_open.erase(windowId);
    m_lastClosed[targetId] = monotonicNow();
}

bool CostMeter::written(std::uint32_t windowId, const std::string& reportName)
{
    const std::lock_guard lock(m_mutex);
    const auto followUp = m_followUps.find(windowId);
    if (followUp == m_followUps.end())
        return false;
    followUp->second.reportName = reportName;
    changed();
    return true;
}

void CostMeter::failed(std::uint32_t windowId)
{
    const std::lock_guard lock(m_mutex);
    m_followUps.erase(windowId);
}

/// Mutex held: the history lets go of what is older than some seconds.
void CostMeter::measure(FollowUp& followUp) const
{
    WindowCapture newer;
    m_options.history.copyTo(newer);
    const std::int64_t last = followUp.window.samples.empty() ? 0 : followUp.window.samples.back().time;
    for (const metrics::SeriesDefinition& series : newer.series)
        if (std::none_of(followUp.window.series.begin(), followUp.window.series.end(),
                         [&](const auto& known) { return known.id == series.id; }))
            followUp.window.series.push_back(series);
    std::copy_if(newer.samples.begin(), newer.samples.end(), std::back_inserter(followUp.window.samples),
                 [&](const metrics::Sample& sample) { return sample.time > last; });
    keepCostSeries(followUp.window);
    followUp.cost = windowCost(followUp.window);
    followUp.cost.recordBytes = followUp.recordBytes;
    followUp.isMeasured = true;
    followUp.window.series.clear();
    followUp.window.samples = {};
}

/// Mutex held.
std::optional<CostMeter::FollowUp> CostMeter::takeDone(std::int64_t& nextNs)
{
    const std::int64_t now = monotonicNow();
    nextNs = INT64_MAX;
    for (auto& [windowId, followUp] : m_followUps) {
        if (!followUp.isMeasured && followUp.dueNs <= now)
            measure(followUp);
        if (followUp.isMeasured && !followUp.reportName.empty())
            return std::move(m_followUps.extract(windowId).mapped());
        if (!followUp.isMeasured)
            nextNs = std::min(nextNs, followUp.dueNs);
    }
    return {};
}

void CostMeter::run(const std::stop_token& stop)
{
    std::unique_lock lock(m_mutex);
    while (!stop.stop_requested()) {
        m_isChanged = false;
        std::int64_t next = INT64_MAX;
        if (const auto done = takeDone(next)) {
            lock.unlock();
            const auto amended = report::amendReport(m_options.reportFolder / done->reportName, done->cost.rows());
            if (!amended)
                spdlog::warn("the cost of {} stays as it was when its window closed: {}", done->reportName, amended.error().text());
            m_options.onMeasured(done->captureId, done->reportName, done->cost);
            lock.lock();
        } else if (next == INT64_MAX) {
            m_changed.wait(lock, stop, [this] { return m_isChanged; });
        } else {
            m_changed.wait_for(lock, stop, std::chrono::nanoseconds(std::max<std::int64_t>(0, next - monotonicNow())),
                               [this] { return m_isChanged; });
        }
    }
}

} // namespace gantry::node
