#include "trace_model/records/chunk_reader.h"

#include <algorithm>
#include <cstring>

namespace gantry::records {

std::size_t forEachRecord(std::span<const std::byte> block, const RecordHandler& handler)
{
    std::size_t offset = 0;
    while (block.size() - offset >= sizeof(RecordHeader)) {
        RecordHeader header;
        std::memcpy(&header, block.data() + offset, sizeof header);
        if (header.size < sizeof(RecordHeader) || header.size % 8 != 0 || header.size > block.size() - offset)
            break;
        handler(RecordView{header.type, block.subspan(offset, header.size)});
        offset += header.size;
    }
    return offset;
}

RegionReader::RegionReader(std::span<std::byte> memory) : m_memory(memory), m_progress(kChunkCount), m_copy(kChunkSize) {}

Result<RegionReader> RegionReader::open(std::span<std::byte> memory)
{
    if (memory.size() < kRegionSize)
        return Error{ErrorCode::BadInput, "the shared memory of the target is smaller than its format says", {}};
    const auto& header = *reinterpret_cast<const RegionHeader*>(memory.data());
    if (header.magic != kRegionMagic)
        return Error{ErrorCode::BadInput, "the shared memory of the target is not a Gantry capture region", {}};
    if (header.version != kRegionVersion)
        return Error{ErrorCode::UnsupportedVersion,
                     "the target was started with another version of the capture library (chunk format " + std::to_string(header.version) +
                         ", this daemon reads " + std::to_string(kRegionVersion) + "): restart the target",
                     {}};
    if (header.chunkSize != kChunkSize || header.chunkCount != kChunkCount || header.headerSize != kRegionHeaderSize)
        return Error{ErrorCode::BadInput, "the shared memory of the target has other chunk sizes than this version uses", {}};
    return RegionReader(memory);
}

ChunkHeader& RegionReader::chunk(std::uint32_t index) const
{
    return *reinterpret_cast<ChunkHeader*>(m_memory.data() + kRegionHeaderSize + std::size_t{index} * kChunkSize);
}

std::uint64_t RegionReader::loss(LossCounter counter) const
{
    const auto& header = *reinterpret_cast<const RegionHeader*>(m_memory.data());
    return header.losses[static_cast<std::size_t>(counter)].load(std::memory_order_relaxed);
}

std::size_t RegionReader::drainChunk(std::uint32_t index, const RecordHandler& handler)
{
    ChunkHeader& source = chunk(index);
    Progress& progress = m_progress[index];
    const std::uint32_t used = std::min(source.used.load(std::memory_order_acquire), kChunkCapacity);
    if (progress.damaged || used <= progress.consumed)
        return 0;
    const std::uint32_t fresh = used - progress.consumed;
    std::memcpy(m_copy.data(), reinterpret_cast<const std::byte*>(&source + 1) + progress.consumed, fresh);
    std::size_t records = 0;
    const std::size_t good = forEachRecord(std::span(m_copy).first(fresh), [&](const RecordView& record) {
        ++records;
        handler(record);
    });
    if (good != fresh) {
        progress.damaged = true;
        ++m_damagedChunks;
    }
    progress.consumed = used;
    return records;
}

std::size_t RegionReader::drain(std::uint32_t windowId, const RecordHandler& handler)
{
    std::size_t records = 0;
    std::uint32_t firstFree = kChunkCount, freed = 0;
    for (std::uint32_t i = 0; i < kChunkCount; ++i) {
        ChunkHeader& source = chunk(i);
        const ChunkState state = source.state.load(std::memory_order_acquire);
        if (state == ChunkState::Free) {
            firstFree = std::min(firstFree, i);
            continue;
        }
        const std::uint32_t id = source.windowId.load(std::memory_order_acquire);
        if (id == windowId) {
            if (m_progress[i].windowId != windowId)
                m_progress[i] = Progress{windowId, 0, false};
            records += drainChunk(i, handler);
        }
        if (state == ChunkState::Ready && id <= windowId) {
            // `used` goes to 0 before the chunk is free: in the same window it may be taken at once, and this reader must
            // not take the old records for new ones.
            m_progress[i] = Progress{};
            source.used.store(0, std::memory_order_relaxed);
            source.state.store(ChunkState::Free, std::memory_order_release);
            firstFree = std::min(firstFree, i);
            ++freed;
        }
    }
    std::atomic<std::uint32_t>& searchFrom = reinterpret_cast<RegionHeader*>(m_memory.data())->searchFrom;
    if (freed > 0 || (firstFree < kChunkCount && searchFrom.load(std::memory_order_relaxed) == kNoneFree))
        searchFrom.store(firstFree, std::memory_order_relaxed);
    return records;
}

void RegionReader::freeReadyChunks()
{
    drain(UINT32_MAX, [](const RecordView&) {});
}

} // namespace gantry::records
