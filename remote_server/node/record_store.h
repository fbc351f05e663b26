#pragma once

#include "trace_model/records/chunk_reader.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace gantry::node {

/// The records of one process in a window. A ring gives up its oldest events, in whole blocks; what events refer to (texts, names,
/// devices) stays for as long as there is room for it. One thread; copies share what they hold and may be read by another.
class RecordStore
{
public:
    void add(const records::RecordView& record, std::int64_t nowNs);

    /// Gives up events that were added before `timeNs`.
    void trim(std::int64_t timeNs);
    /// Gives up the oldest names until they take at most `mostBytes`: threads and streams come and go for as long as a ring records.
    void trimNames(std::size_t mostBytes);
    /// Gives up the oldest events. False: there are none.
    bool giveUpOldest();
    /// When the last of the oldest events were added; INT64_MAX: there are none.
    [[nodiscard]] std::int64_t oldestNs() const { return m_events.empty() ? INT64_MAX : m_events.front().newestNs; }

    /// Of a ring: every event from here on is there; what is older is not, or not all of it. 0: nothing was given up.
    [[nodiscard]] std::int64_t heldFromNs() const { return m_heldFromNs; }
    [[nodiscard]] std::uint64_t overwritten() const { return m_overwritten; }
    [[nodiscard]] std::size_t bytes() const { return m_bytes; }
    /// Of them, what no copy holds as well.
    [[nodiscard]] std::size_t unsharedBytes() const;
    [[nodiscard]] std::uint64_t events() const;

    /// What is held now, for another thread to read while this one adds.
    [[nodiscard]] RecordStore copy() const;

    /// First what others refer to, then the events in the order in which they were added.
    void forEach(const records::RecordHandler& handler) const;

private:
    struct Block
    {
        std::shared_ptr<std::vector<std::byte>> bytes;
        std::int64_t newestNs = 0;
        std::uint64_t records = 0;
    };

    static void append(std::deque<Block>& blocks, const records::RecordView& record, std::int64_t nowNs, std::size_t blockBytes);
    Block takeFirst(std::deque<Block>& blocks);

    std::deque<Block> m_names;
    std::deque<Block> m_clocks; ///< clock samples
    std::deque<Block> m_events;
    std::size_t m_nameBytes = 0;
    std::size_t m_bytes = 0;
    std::int64_t m_heldFromNs = 0;
    std::uint64_t m_overwritten = 0;
};

} // namespace gantry::node
