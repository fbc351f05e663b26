#pragma once

#include "trace_model/trace/trace.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

namespace gantry::exporting {

/// Which work a call launched: pairs of the same process and correlation id. A graph's launch has many, and a driver call inside the runtime
/// call that made it has the same number: the outer one counts.
class LaunchFlows
{
public:
    /// Device work is added first, in any order.
    void add(std::uint64_t process, std::uint32_t correlation, trace::EventId work)
    {
        if (correlation != 0)
            m_work.push_back({process, correlation, work, false});
    }
    void finishAdding()
    {
        std::sort(m_work.begin(), m_work.end(), [](const Work& a, const Work& b) { return a.key() < b.key(); });
    }

    /// Calls `startFlow(id)` for each piece of work that this call launched and no other has claimed. Calls come outer ones first.
    template <typename StartFlow>
    void claim(std::uint64_t process, std::uint32_t correlation, StartFlow startFlow)
    {
        if (correlation == 0)
            return;
        const auto first = std::lower_bound(m_work.begin(), m_work.end(), std::tuple(process, correlation, trace::EventId(trace::EventKind::Kernel, 0)),
                                            [](const Work& work, const auto& key) { return work.key() < key; });
        for (auto work = first; work != m_work.end() && work->process == process && work->correlation == correlation; ++work) {
            if (!work->isClaimed)
                startFlow(idOf(*work));
            work->isClaimed = true;
        }
    }

    /// The id of the flow that ends in a piece of work; 0: no call launched it.
    [[nodiscard]] std::uint64_t flowTo(std::uint64_t process, std::uint32_t correlation, trace::EventId event) const
    {
        const auto work = std::lower_bound(m_work.begin(), m_work.end(), std::tuple(process, correlation, event),
                                           [](const Work& candidate, const auto& key) { return candidate.key() < key; });
        return work != m_work.end() && work->key() == std::tuple(process, correlation, event) && work->isClaimed ? idOf(*work) : 0;
    }

private:
    struct Work
    {
        std::uint64_t process;
        std::uint32_t correlation;
        trace::EventId event;
        bool isClaimed;

        [[nodiscard]] std::tuple<std::uint64_t, std::uint32_t, trace::EventId> key() const { return {process, correlation, event}; }
    };

    [[nodiscard]] std::uint64_t idOf(const Work& work) const { return static_cast<std::uint64_t>(&work - m_work.data()) + 1; }

    std::vector<Work> m_work;
};

} // namespace gantry::exporting
