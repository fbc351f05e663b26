#include "trace_model/analysis/findings/host_facts.h"

#include "trace_model/trace/launch_key.h"

#include <algorithm>
#include <initializer_list>

namespace gantry::findings {
namespace {

using trace::EventKind;
using trace::launchKey;
using trace::Trace;

constexpr std::uint32_t kStopCheckMask = 0xFFFF; // a look at the token each 65 536 calls

bool hasAny(std::string_view text, std::initializer_list<std::string_view> words)
{
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

/// Process and correlation id of a piece of GPU work; 0: it has none.
std::uint64_t keyOf(const Trace& trace, trace::EventId work)
{
    const auto key = [&](const trace::GpuEventColumns& columns) -> std::uint64_t {
        const std::uint32_t correlation = columns.correlation[work.row()];
        return correlation == 0 ? 0 : launchKey(columns.globalPid(work.row()), correlation);
    };
    switch (work.kind()) {
    case EventKind::Kernel:
        return key(trace.kernels);
    case EventKind::Memcpy:
        return key(trace.memcpys);
    case EventKind::Memset:
        return key(trace.memsets);
    case EventKind::GraphLaunch:
        return key(trace.graphLaunches);
    default:
        return 0;
    }
}

} // namespace

CallClass classOf(std::string_view callName)
{
    if (hasAny(callName, {"Synchronize"}))
        return CallClass::Synchronize;
    if (hasAny(callName, {"GraphLaunch", "cudaLaunch", "cuLaunch"}))
        return CallClass::Launch;
    if (hasAny(callName, {"MallocAsync", "FreeAsync", "MemAllocAsync", "FromPoolAsync"}))
        return CallClass::Other; // of a pool, in the order of the stream: no stall
    if (hasAny(callName, {"Memcpy", "Memset", "MemcpyHtoD"}) && !hasAny(callName, {"Node", "Param"}))
        return hasAny(callName, {"Async"}) ? CallClass::AsyncCopy : CallClass::Copy;
    if (hasAny(callName,
               {"Malloc", "cudaFree", "MemAlloc", "MemFree", "HostAlloc", "HostRegister", "HostUnregister", "MemCreate", "MemMap"}))
        return CallClass::Memory;
    if (hasAny(callName, {"ModuleLoad", "LibraryLoad", "GraphInstantiate", "ModuleGetFunction", "LinkComplete", "CtxCreate", "StreamCreate",
                          "DevicePrimaryCtxRetain"}))
        return CallClass::Load;
    return CallClass::Other;
}

HostFacts::HostFacts(const Trace& trace, const std::stop_token& stop)
{
    const trace::CallColumns& calls = trace.apiCalls;
    for (const trace::Callee& callee : calls.callees.values())
        m_classes.push_back(classOf(trace.strings[callee.name]));
    for (const std::uint64_t tid : calls.threads.values())
        m_threads.push_back({tid, {}, {}, {}});
    std::vector<TimestampNs> busyUntil(m_threads.size(), kNoTime); // in the outermost call
    for (std::uint32_t row = 0; row < calls.size(); ++row) {
        if ((row & kStopCheckMask) == 0 && stop.stop_requested())
            return;
        const std::uint32_t number = calls.threadNumber[row];
        ThreadFacts& thread = m_threads[number];
        // What lies in a call of the runtime is the driver's part of it.
        if (busyUntil[number] == kNoTime || calls.start[row] >= busyUntil[number]) {
            busyUntil[number] = calls.end(row);
            const auto place = static_cast<std::size_t>(m_classes[calls.calleeNumber[row]]);
            thread.calls.push_back(row);
            thread.time[place] += calls.duration(row);
            ++thread.count[place];
        }
        if (calls.correlation[row] != 0)
            m_calls.emplace_back(launchKey(Trace::processOf(thread.globalTid), calls.correlation[row]), thread.calls.back());
    }
    std::sort(m_calls.begin(), m_calls.end());
    std::sort(m_threads.begin(), m_threads.end(), [](const ThreadFacts& a, const ThreadFacts& b) { return a.globalTid < b.globalTid; });
}

const ThreadFacts* HostFacts::thread(std::uint64_t globalTid) const
{
    const auto found = std::lower_bound(m_threads.begin(), m_threads.end(), globalTid,
                                        [](const ThreadFacts& thread, std::uint64_t tid) { return thread.globalTid < tid; });
    return found != m_threads.end() && found->globalTid == globalTid ? &*found : nullptr;
}

std::optional<std::uint32_t> HostFacts::callOf(const Trace& trace, trace::EventId work) const
{
    const std::uint64_t key = keyOf(trace, work);
    const auto found = std::lower_bound(m_calls.begin(), m_calls.end(), std::pair<std::uint64_t, std::uint32_t>(key, 0));
    if (key == 0 || found == m_calls.end() || found->first != key)
        return std::nullopt;
    return found->second;
}

} // namespace gantry::findings
