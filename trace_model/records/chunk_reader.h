#pragma once

#include "trace_model/base/result.h"
#include "trace_model/records/chunk_format.h"
#include "trace_model/records/event_records.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace gantry::records {

/// One record as found in a chunk: `bytes` holds the whole of it and lies in the reader's own copy, not in shared memory.
struct RecordView
{
    RecordType type;
    std::span<const std::byte> bytes;

    /// The fixed part, or null when the record is too short for it.
    template <typename Record>
    [[nodiscard]] const Record* as() const
    {
        return bytes.size() >= sizeof(Record) ? reinterpret_cast<const Record*>(bytes.data()) : nullptr;
    }

    /// `length` bytes of text behind the fixed part, cut to what is there.
    template <typename Record>
    [[nodiscard]] std::string_view textBehind(std::uint32_t length) const
    {
        const std::size_t room = bytes.size() - sizeof(Record);
        return {reinterpret_cast<const char*>(bytes.data() + sizeof(Record)), length < room ? length : room};
    }
};

/// Called for each record in the order of its thread.
using RecordHandler = std::function<void(const RecordView&)>;

/// Walks the records of one block. Returns how many bytes belong to well-formed records; less than block.size() means damage
/// behind that offset (a size of 0, unaligned, or beyond the block). Never reads outside the block. Any thread.
std::size_t forEachRecord(std::span<const std::byte> block, const RecordHandler& handler);

/// The daemon's view of a region that another process writes. What comes from there is not trusted: every number is checked and
/// records are copied out before they are looked at. One thread at a time.
class RegionReader
{
public:
    /// `memory`: the mapped region. Errors: BadInput (wrong magic or sizes), UnsupportedVersion.
    [[nodiscard]] static Result<RegionReader> open(std::span<std::byte> memory);

    /// Hands out everything written to window `windowId` since the last call, and frees chunks that are read to their end or are of
    /// earlier windows. Returns the number of records.
    std::size_t drain(std::uint32_t windowId, const RecordHandler& handler);

    /// Value of a loss counter of the current window.
    [[nodiscard]] std::uint64_t loss(LossCounter counter) const;

    /// Chunks given up because of damage, since open().
    [[nodiscard]] std::uint64_t damagedChunks() const { return m_damagedChunks; }

    /// Frees whatever a writer that is gone, or an earlier daemon, has left Ready.
    void freeReadyChunks();

private:
    explicit RegionReader(std::span<std::byte> memory);
    [[nodiscard]] ChunkHeader& chunk(std::uint32_t index) const;
    std::size_t drainChunk(std::uint32_t index, const RecordHandler& handler);

    struct Progress
    {
        std::uint32_t windowId = 0;
        std::uint32_t consumed = 0; ///< bytes of the chunk already handed out
        bool damaged = false;
    };

    std::span<std::byte> m_memory;
    std::vector<Progress> m_progress;
    std::vector<std::byte> m_copy;
    std::uint64_t m_damagedChunks = 0;
};

} // namespace gantry::records
