#pragma once

#include "trace_model/base/clock_map.h"
#include "trace_model/records/chunk_reader.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace gantry::records {

/// An NVTX event, in whichever record it was written: the type is one of NvtxPush to NvtxMark, and a short record's fields are at
/// their place in the full one. The text, when `record.textId` is 0, lies in the reader's copy of the record.
struct NvtxEvent
{
    RecordType type;
    NvtxRecord record;
    std::string_view text;
    std::string_view extendedPayload; ///< ExtendedPayloadHeader and what follows, repeated; of the reader's copy as well
};

/// Empty: another kind of record, or one that is too short. Any thread.
[[nodiscard]] std::optional<NvtxEvent> nvtxEvent(const RecordView& view);

/// The time of an NVTX event as it was written. Empty as with nvtxEvent().
[[nodiscard]] std::optional<std::int64_t> nvtxTime(const RecordView& view);

/// Turns the times of a process's NVTX events into CLOCK_MONOTONIC by its clock samples. Immutable use from any thread after the
/// last add().
class NvtxClock
{
public:
    void add(const ClockRecord& sample);

    /// ns of CLOCK_MONOTONIC. Without samples that have ticks the time itself.
    [[nodiscard]] std::int64_t monotonicNs(std::int64_t time) const { return m_ticks.convert(time); }
    /// The same for many that are near to each other (ClockMap::convert).
    [[nodiscard]] std::int64_t monotonicNs(std::int64_t time, std::size_t& place) const { return m_ticks.convert(time, place); }

private:
    ClockMap m_ticks;
};

} // namespace gantry::records
