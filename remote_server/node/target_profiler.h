#pragma once

#include "remote_server/node/target_profiles.h"
#include "trace_model/base/result.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace gantry::node {

/// Asks the profilers of targets to start and to stop, so that they call cudaProfilerStart and cudaProfilerStop. A profiler that was asked
/// to start is asked to stop, too, whatever becomes of the capture: when it ends, fails, or gantryd ends. Any thread; the calls go out, one
/// after the other, on a thread of its own.
class TargetProfiler
{
public:
    struct Calls
    {
        std::string address; ///< "http://127.0.0.1:8000"
        ProfilerCall start, stop;
        std::string title; ///< of the engine
    };
    /// The profiler did not start: nothing will open the window of that capture. Own thread, no lock held.
    using OnFailed = std::function<void(const std::string& captureId, const Error& error)>;

    explicit TargetProfiler(OnFailed onFailed);
    TargetProfiler(const TargetProfiler&) = delete;
    TargetProfiler& operator=(const TargetProfiler&) = delete;
    ~TargetProfiler(); ///< stops those that were started, and waits for that some seconds at most

    /// How the profiler of a target is asked from now on.
    void prepare(const std::string& targetId, Calls calls);
    /// Ignored for a target that was not prepared.
    void start(const std::string& captureId, const std::string& targetId);
    /// More than once, and of a capture that has none: does nothing.
    void stop(const std::string& captureId);

private:
    struct Task
    {
        std::string captureId;
        Calls calls;
        bool isStart = false;
    };
    void run();
    void perform(const Task& task, bool isLast);

    OnFailed m_onFailed;
    std::mutex m_mutex; ///< everything below
    std::condition_variable m_changed;
    std::deque<Task> m_tasks;
    std::map<std::string, Calls> m_prepared; ///< by target
    std::map<std::string, Calls> m_started;  ///< by capture; to be stopped
    bool m_isEnding = false;
    std::jthread m_thread;
};

} // namespace gantry::node
