#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace gantry::node {

/// A thread began or ceased to run on a processor.
struct ContextSwitch
{
    std::int64_t monotonicNs = 0;
    std::uint32_t tid = 0;
    std::uint16_t cpu = 0;
    bool isIn = false;
};

/// Records when the threads of processes run, by perf events of the kernel: a ring for each thread, read by a thread of its own. Threads
/// that begin later are found within 50 ms. Any thread.
class ContextSwitches
{
public:
    struct Recorded
    {
        std::vector<ContextSwitch> switches; ///< in order of time for each thread
        std::uint64_t lost = 0;              ///< that the kernel or the bound dropped
        std::uint64_t unwatchedThreads = 0;  ///< for which there was no file or no memory
    };

    /// Error: NotPermitted or Unsupported, with the setting that forbids it.
    [[nodiscard]] static Result<void> permitted();

    /// `keepNs`: those that are older may be forgotten; 0: none.
    explicit ContextSwitches(DurationNs keepNs = 0);
    ContextSwitches(const ContextSwitches&) = delete;
    ContextSwitches& operator=(const ContextSwitches&) = delete;
    ~ContextSwitches();

    /// From now on the threads of this process are recorded.
    void add(int pid);
    /// What was recorded of a process so far.
    [[nodiscard]] Recorded recorded(int pid);

private:
    struct Ring;
    struct Process;

    void run(const std::stop_token& stop);
    void findThreads(int pid, Process& process);
    void drain(Process& process);

    const DurationNs m_keepNs;
    std::mutex m_mutex; ///< everything below
    std::map<int, std::unique_ptr<Process>> m_processes;
    std::size_t m_held = 0; ///< switches
    std::jthread m_thread;
};

/// Why perf events are refused: `error` of perf_event_open(2), and kernel.perf_event_paranoid where it can be read.
[[nodiscard]] Error perfEventError(int error, std::optional<int> paranoid);

} // namespace gantry::node
