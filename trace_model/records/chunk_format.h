#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

/// The shared-memory region between one target process (writer) and the daemon (reader): a RegionHeader, then `chunkCount`
/// chunks of `chunkSize` bytes, each a ChunkHeader and records. See CHUNK_FORMAT.md. Needs libc alone.
namespace gantry::records {

inline constexpr std::uint64_t kRegionMagic = 0x314D485359524E47ull; // "GNRYSHM1"
inline constexpr std::uint32_t kRegionVersion = 5;

inline constexpr std::uint32_t kChunkSize = 64 * 1024;
inline constexpr std::uint32_t kChunkCount = 1024; ///< 64 MiB; pages cost nothing until written
inline constexpr std::uint32_t kMaxRecordSize = 16 * 1024;

/// Open push/pop ranges of one thread, over all domains, that the library keeps account of; deeper ones are not recorded.
inline constexpr std::uint32_t kMaxOpenPushes = 256;

/// Longest text in a short push record, which has neither a length nor room for more; a longer one makes a full record.
inline constexpr std::uint32_t kMaxShortText = 63;

/// RegionHeader::searchFrom of a writer that has looked at all chunks, until the reader frees one.
inline constexpr std::uint32_t kNoneFree = UINT32_MAX;

/// Life of a chunk. The writer makes Free → Writing → Ready, the reader Ready → Free when it has read everything.
enum class ChunkState : std::uint32_t
{
    Free,
    Writing,
    Ready
};

/// What was lost, counted where it was lost.
enum class LossCounter : std::uint32_t
{
    NvtxNoChunk,    ///< NVTX events with no free chunk
    CuptiNoChunk,   ///< CUPTI records with no free chunk
    CuptiDropped,   ///< cuptiActivityGetNumDroppedRecords
    CuptiNoBuffer,  ///< buffer requests answered with none
    KernelNoTime,   ///< kernels, copies and the like whose times CUPTI could not collect (start == end == 0)
    TextTruncated,  ///< NVTX texts cut at kMaxTextLength
    DictionaryFull, ///< registered strings or domains beyond the dictionary's bound
    UnmatchedEnds,  ///< pops and range ends whose begin lies before the window
    NvtxTooDeep,    ///< pushes beyond kMaxOpenPushes
    CuptiTaken,     ///< CUPTI's buffers that did not come back: another CUDA profiler of the process began and got them
    Count,
};

struct alignas(64) RegionHeader
{
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t chunkSize;
    std::uint32_t chunkCount;
    std::uint32_t headerSize;                                                        ///< offset of the first chunk
    std::atomic<std::uint64_t> losses[static_cast<std::size_t>(LossCounter::Count)]; ///< of the current window
    std::atomic<std::uint32_t> searchFrom; ///< where a writer begins to look for a free chunk; kNoneFree: there is none
};

struct alignas(64) ChunkHeader
{
    std::atomic<ChunkState> state;
    std::atomic<std::uint32_t> used; ///< bytes of complete records after this header; stored with release
    std::atomic<std::uint32_t> windowId;
    std::uint32_t tid;
};

inline constexpr std::size_t kRegionHeaderSize = 4096;
inline constexpr std::size_t kRegionSize = kRegionHeaderSize + std::size_t{kChunkSize} * kChunkCount;
inline constexpr std::uint32_t kChunkCapacity = kChunkSize - sizeof(ChunkHeader);

static_assert(sizeof(RegionHeader) <= kRegionHeaderSize);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<ChunkState>::is_always_lock_free,
              "atomics in shared memory must be lock-free");

} // namespace gantry::records
