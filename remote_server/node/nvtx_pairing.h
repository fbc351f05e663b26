#pragma once

#include "trace_model/base/time.h"
#include "trace_model/records/event_records.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry::node {

/// A range or mark with its end found. Times: ns since the session start.
struct NvtxSpan
{
    TimestampNs start = 0;
    std::optional<TimestampNs> end; ///< absent: mark, or a range that never ended
    bool isMark = false;
    bool isStartEnd = false;
    bool isEndLost = false;      ///< it ended, its pop was not recorded
    std::uint64_t rangeId = 0;   ///< as in NvtxRecord
    std::uint64_t enclosing = 0; ///< push/pop: rangeId of the one around it, 0: none
    std::uint32_t tid = 0, endTid = 0;
    std::uint32_t domain = 0, category = 0, color = 0;
    std::uint32_t textId = 0; ///< dictionary, or 0
    std::string_view text;    ///< inline text when textId is 0; of the record
    records::PayloadType payloadType = records::PayloadType::None;
    std::uint32_t extended = 0; ///< extended payloads, as who fills this numbers them from 1; 0: none
    std::uint64_t payload = 0;
};

/// Pairs pushes with pops (a stack per thread and domain) and starts with ends (by range id) of one process. Events that were not
/// recorded do not change how the others pair. One thread; events in order of time.
class NvtxPairing
{
public:
    void expect(std::size_t spans) { m_spans.reserve(m_spans.size() + spans); }
    void push(NvtxSpan span);
    void start(NvtxSpan span);
    void mark(NvtxSpan span);
    /// The range that ended; null: it was not recorded. Valid until the next call.
    NvtxSpan* pop(TimestampNs time, std::uint32_t tid, std::uint32_t domain, std::uint64_t rangeId, std::uint64_t enclosing);
    NvtxSpan* end(TimestampNs time, std::uint32_t tid, std::uint64_t rangeId);

    /// After the last event: forgets the ranges that are known to have ended, but not when.
    void dropLostEnds();

    [[nodiscard]] const std::vector<NvtxSpan>& spans() const { return m_spans; }

    /// Ends whose begin was before the window. (Pops of such ranges are counted where they happen.)
    [[nodiscard]] std::uint64_t unmatched() const { return m_unmatched; }

private:
    using Stack = std::vector<std::size_t>; ///< places in m_spans
    [[nodiscard]] Stack& stackOf(std::uint32_t tid, std::uint32_t domain) { return m_stacks[std::uint64_t{tid} << 32 | domain]; }
    void unwind(Stack& stack, std::uint64_t innermost);

    std::vector<NvtxSpan> m_spans;
    std::unordered_map<std::uint64_t, Stack> m_stacks;     ///< by thread and domain
    std::unordered_map<std::uint64_t, std::size_t> m_open; ///< by range id
    std::uint64_t m_unmatched = 0;
};

} // namespace gantry::node
