#include "trace_model/analysis/filter_work.h"

#include "trace_model/trace/launch_key.h"

#include <algorithm>

namespace gantry::analysis {
namespace {

using trace::launchKey;

constexpr int kMarkBits = 20; // a megabyte of marks stays in the cache

std::size_t markOf(std::uint64_t key)
{
    return key * 0x9E3779B97F4A7C15u >> (64 - kMarkBits); // Knuth's multiplicative hash
}

} // namespace

FilterWork::FilterWork(const trace::Trace& trace, FilterKey key, const trace::NameMatcher& matcher, FilterOperator op)
    : m_requests(trace.requests.size()), m_mayBeLaunch(std::size_t{1} << kMarkBits)
{
    std::vector<std::uint8_t> isWanted(trace.executions.size());
    for (std::size_t i = 0; i < trace.requests.size(); ++i) {
        const trace::Request& request = trace.requests[i];
        bool meets = false;
        if (key == FilterKey::Request) {
            meets = matcher.matches(std::to_string(request.id)) ||
                    (!request.clientId.isNone() && matcher.matches(trace.strings[request.clientId]));
        } else {
            const std::string model(trace.strings[request.model]);
            meets = matcher.matches(model) || matcher.matches(model + ':' + std::string(trace.strings[request.version]));
        }
        m_requests[i] = meets != (op == FilterOperator::NotEqual);
        if (m_requests[i] == 0)
            continue;
        for (const trace::ExecutionIndex execution : trace.earlierExecutionsOf(request))
            isWanted[execution.value] = 1;
        if (!request.execution.isNone())
            isWanted[request.execution.value] = 1;
    }
    for (std::size_t i = 0; i < isWanted.size(); ++i)
        if (isWanted[i] != 0)
            m_executions[trace.executions[i].globalTid].push_back(trace.executions[i].time);
    if (m_executions.empty())
        return;
    std::vector<std::uint8_t> isThread(trace.apiCalls.threads.size() + 1);
    for (std::size_t i = 0; i < trace.apiCalls.threads.size(); ++i)
        isThread[i] = m_executions.contains(trace.apiCalls.threads[static_cast<std::uint32_t>(i)]);
    for (std::uint32_t row = 0; row < trace.apiCalls.size(); ++row) {
        const std::size_t thread = std::min<std::size_t>(trace.apiCalls.threadNumber[row], isThread.size() - 1);
        const std::uint32_t correlation = trace.apiCalls.correlation[row];
        if (isThread[thread] != 0 && correlation != 0 && hasCall(trace.apiCalls.globalTid(row), trace.apiCalls.start[row]))
            m_launches.push_back(launchKey(trace::Trace::processOf(trace.apiCalls.globalTid(row)), correlation));
    }
    std::sort(m_launches.begin(), m_launches.end());
    for (const std::uint64_t launch : m_launches)
        m_mayBeLaunch[markOf(launch)] = 1;
}

bool FilterWork::hasCall(std::uint64_t globalTid, TimestampNs start) const
{
    const auto found = m_executions.find(globalTid);
    if (found == m_executions.end())
        return false;
    const std::vector<TimeRange>& times = found->second;
    const auto after =
        std::upper_bound(times.begin(), times.end(), start, [](TimestampNs t, const TimeRange& time) { return t < time.start; });
    return after != times.begin() && std::prev(after)->contains(start);
}

bool FilterWork::hasLaunched(std::uint64_t globalPid, std::uint32_t correlation) const
{
    const std::uint64_t key = launchKey(globalPid, correlation);
    return correlation != 0 && m_mayBeLaunch[markOf(key)] != 0 && std::binary_search(m_launches.begin(), m_launches.end(), key);
}

} // namespace gantry::analysis
