#pragma once

#include "trace_model/records/chunk_format.h"
#include "trace_model/records/event_records.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace gantry::records {

/// Longest text kept behind an NVTX record; more is cut and counted.
inline constexpr std::size_t kMaxTextLength = 4096;

/// The writer's view of a region. Any thread of the target; lock-free, no allocation.
class RegionWriter
{
public:
    RegionWriter() = default;
    explicit RegionWriter(void* memory) : m_memory(static_cast<std::byte*>(memory)) {}

    /// Prepares fresh memory (zeroed by the kernel).
    void initialise()
    {
        RegionHeader& h = header();
        h.version = kRegionVersion;
        h.chunkSize = kChunkSize;
        h.chunkCount = kChunkCount;
        h.headerSize = kRegionHeaderSize;
        h.magic = kRegionMagic;
    }

    [[nodiscard]] RegionHeader& header() const { return *reinterpret_cast<RegionHeader*>(m_memory); }
    [[nodiscard]] ChunkHeader& chunk(std::uint32_t index) const
    {
        return *reinterpret_cast<ChunkHeader*>(m_memory + kRegionHeaderSize + std::size_t{index} * kChunkSize);
    }

    void count(LossCounter counter, std::uint64_t n = 1) const
    {
        header().losses[static_cast<std::size_t>(counter)].fetch_add(n, std::memory_order_relaxed);
    }
    void clearLosses() const
    {
        for (auto& loss : header().losses)
            loss.store(0, std::memory_order_relaxed);
    }

    /// A free chunk for this thread and window, or null when all are taken. As the reader frees chunks it leads back to the first of
    /// them, so that the same few are filled again: they are in the cache, and the others take no memory. Where there is none all writers
    /// know that from the first who has looked: to look costs more than a hundred events.
    [[nodiscard]] ChunkHeader* acquire(std::uint32_t windowId, std::uint32_t tid) const
    {
        std::uint32_t searchFrom = header().searchFrom.load(std::memory_order_relaxed);
        if (searchFrom == kNoneFree)
            return nullptr;
        const std::uint32_t first = searchFrom % kChunkCount;
        for (std::uint32_t i = 0; i < kChunkCount; ++i) {
            ChunkHeader& candidate = chunk((first + i) % kChunkCount);
            ChunkState expected = ChunkState::Free;
            if (candidate.state.load(std::memory_order_relaxed) != ChunkState::Free)
                continue;
            if (!candidate.state.compare_exchange_strong(expected, ChunkState::Writing, std::memory_order_acquire))
                continue;
            header().searchFrom.store((first + i + 1) % kChunkCount, std::memory_order_relaxed);
            candidate.used.store(0, std::memory_order_relaxed);
            candidate.tid = tid;
            candidate.windowId.store(windowId, std::memory_order_release);
            return &candidate;
        }
        // Not if the reader has freed one meanwhile. It may have left the same number: it puts that right when it reads again.
        header().searchFrom.compare_exchange_strong(searchFrom, kNoneFree, std::memory_order_relaxed);
        return nullptr;
    }

private:
    std::byte* m_memory = nullptr;
};

/// One thread's place in the region: the chunk it is filling. Trivial, so that it can live in thread-local storage of an
/// injected library (no constructor to run, few bytes of static TLS).
struct ThreadCursor
{
    ChunkHeader* chunk;
    std::uint32_t windowId;

    /// Room for `size` bytes (a multiple of 8, at most kMaxRecordSize) in window `id`; null: no chunk free.
    [[nodiscard]] std::byte* reserve(const RegionWriter& region, std::uint32_t id, std::uint32_t tid, std::uint32_t size)
    {
        if (!chunk || windowId != id || chunk->used.load(std::memory_order_relaxed) + size > kChunkCapacity) [[unlikely]]
            if (!renew(region, id, tid))
                return nullptr;
        return reinterpret_cast<std::byte*>(chunk + 1) + chunk->used.load(std::memory_order_relaxed);
    }

    /// Publishes what was written at the place reserve() gave.
    void commit(std::uint32_t size) { chunk->used.store(chunk->used.load(std::memory_order_relaxed) + size, std::memory_order_release); }

    /// Gives the chunk up to the reader, who may not have read all of it, also when its window is over.
    void leave()
    {
        if (chunk)
            chunk->state.store(ChunkState::Ready, std::memory_order_release);
        chunk = nullptr;
    }

    /// Appends a record and the text behind it. False: no chunk was free. The caller counts.
    template <typename Record>
    bool append(const RegionWriter& region, std::uint32_t id, std::uint32_t tid, RecordType type, Record record, std::string_view text = {})
    {
        const auto size = static_cast<std::uint32_t>((sizeof(Record) + text.size() + 7) & ~std::size_t{7});
        std::byte* place = reserve(region, id, tid, size);
        if (!place)
            return false;
        record.header = RecordHeader{type, 0, size};
        std::memcpy(place, &record, sizeof(Record));
        if (!text.empty())
            std::memcpy(place + sizeof(Record), text.data(), text.size());
        commit(size);
        return true;
    }

private:
    /// Once in 64 KiB: kept out of the way of what is recorded.
    [[gnu::noinline]] bool renew(const RegionWriter& region, std::uint32_t id, std::uint32_t tid)
    {
        leave();
        chunk = region.acquire(id, tid);
        windowId = id;
        return chunk != nullptr;
    }
};

} // namespace gantry::records
