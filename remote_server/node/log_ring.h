#pragma once

#include "remote_server/node/clock.h"
#include "remote_server/proto/node_types.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// The last lines of one log, bounded; readers follow it by sequence number and learn how many lines they missed. Any thread.
class LogRing
{
public:
    explicit LogRing(std::size_t maxLines = 2000) : m_maxLines(maxLines) {}

    void add(std::string text, proto::LogLevel level = proto::LogLevel::Unknown)
    {
        constexpr std::size_t kLongestLine = 8192;
        if (text.size() > kLongestLine)
            text.resize(kLongestLine);
        const std::lock_guard lock(m_mutex);
        m_lines.push_back({utcNow(), std::move(text), 0, level});
        ++m_next;
        if (m_lines.size() > m_maxLines)
            m_lines.pop_front();
        m_changed.notify_all();
    }

    /// Sequence number from which the last `count` lines follow.
    [[nodiscard]] std::uint64_t tail(std::uint32_t count) const
    {
        const std::lock_guard lock(m_mutex);
        return m_next - std::min<std::uint64_t>(count, m_lines.size());
    }

    /// Lines from `sequence` on, waiting up to `timeout` for the first; moves `sequence` behind them. The first line says how
    /// many before it were lost to the bound.
    [[nodiscard]] std::vector<proto::LogLine> follow(std::uint64_t& sequence, std::chrono::milliseconds timeout) const
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, timeout, [&] { return m_next > sequence; });
        const std::uint64_t oldest = m_next - m_lines.size();
        const std::uint64_t lost = oldest > sequence ? oldest - sequence : 0;
        std::vector<proto::LogLine> lines(m_lines.begin() + static_cast<std::ptrdiff_t>(sequence + lost - oldest), m_lines.end());
        if (!lines.empty())
            lines.front().droppedLines = lost;
        sequence = m_next;
        return lines;
    }

private:
    std::size_t m_maxLines;
    mutable std::mutex m_mutex;
    mutable std::condition_variable m_changed;
    std::deque<proto::LogLine> m_lines;
    std::uint64_t m_next = 0;
};

} // namespace gantry::node
