#include "remote_server/node/log_ring.h"

#include <algorithm>
#include <utility>

namespace gantry::node {

LogRing::LogRing(std::size_t maxLines) : m_maxLines(std::max<std::size_t>(maxLines, 1)) {}

void LogRing::append(std::int64_t utcNs, std::string_view line)
{
    std::string text(line.substr(0, kMaxLineBytes));
    if (line.size() > kMaxLineBytes)
        text += " …";
    {
        const std::lock_guard lock(m_mutex);
        if (m_closed)
            return;
        m_lines.push_back(Line{utcNs, std::move(text)});
        while (m_lines.size() > m_maxLines) {
            m_lines.pop_front();
            ++m_firstNumber;
        }
    }
    m_changed.notify_all();
}

void LogRing::close()
{
    {
        const std::lock_guard lock(m_mutex);
        m_closed = true;
    }
    m_changed.notify_all();
}

LogRing::Cursor LogRing::cursorBeforeEnd(std::uint32_t lastLines) const
{
    const std::lock_guard lock(m_mutex);
    const std::uint64_t end = m_firstNumber + m_lines.size();
    const std::uint64_t back = std::min<std::uint64_t>(lastLines, m_lines.size());
    return Cursor{end - back, 0};
}

LogRing::Batch LogRing::read(Cursor& cursor, std::size_t maxLines, std::chrono::milliseconds timeout)
{
    std::unique_lock lock(m_mutex);
    m_changed.wait_for(lock, timeout, [&] { return m_closed || cursor.next < m_firstNumber + m_lines.size(); });
    if (cursor.next < m_firstNumber) {
        cursor.dropped += m_firstNumber - cursor.next;
        cursor.next = m_firstNumber;
    }
    Batch batch;
    const std::uint64_t end = m_firstNumber + m_lines.size();
    while (cursor.next < end && batch.lines.size() < maxLines) {
        const Line& line = m_lines[static_cast<std::size_t>(cursor.next - m_firstNumber)];
        batch.lines.push_back(proto::LogLine{line.utcNs, line.text, cursor.dropped});
        ++cursor.next;
    }
    batch.ended = m_closed && cursor.next == end;
    return batch;
}

void LineSplitter::push(std::int64_t utcNs, std::string_view bytes)
{
    while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view piece = bytes.substr(0, end);
        // A line that never ends must not grow without bound; one byte more than the ring keeps lets it mark the cut.
        const std::size_t room = LogRing::kMaxLineBytes + 1 - std::min(m_partial.size(), LogRing::kMaxLineBytes + 1);
        m_partial.append(piece.substr(0, room));
        if (end == std::string_view::npos)
            return;
        emit(utcNs);
        bytes.remove_prefix(end + 1);
    }
}

void LineSplitter::finish(std::int64_t utcNs)
{
    if (!m_partial.empty())
        emit(utcNs);
}

void LineSplitter::emit(std::int64_t utcNs)
{
    if (!m_partial.empty() && m_partial.back() == '\r')
        m_partial.pop_back();
    m_ring.append(utcNs, m_partial);
    m_partial.clear();
}

} // namespace gantry::node
