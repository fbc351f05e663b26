#pragma once

#include "trace_model/base/result.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace gantry::report {

/// How the bytes on disk hold the content.
enum class Packing : std::uint8_t
{
    None,
    Gzip,
    Zstd
};

/// When unpacking is given up: the data is larger than `bytes` and more than `ratio` times what was read of the file. Both must
/// hold, since long runs of equal events pack very well.
struct UnpackLimits
{
    std::uint64_t bytes = std::uint64_t{1} << 30;
    std::uint64_t ratio = 200;
};

/// A file read from front to back, unpacked when it is packed with gzip or zstd. What it is says its content, not its name.
/// One thread, except where said otherwise.
class ByteSource
{
public:
    /// Never waits: NotFound or NotPermitted as open(2) says; NotAReport for folders, devices, pipes and empty files.
    static Result<std::unique_ptr<ByteSource>> open(const std::filesystem::path& path, UnpackLimits limits = {});
    ByteSource(const ByteSource&) = delete;
    ByteSource& operator=(const ByteSource&) = delete;
    ~ByteSource();

    /// Fills `into` with the next bytes. Fewer than asked for only before the end, 0 at the end. Packed data that is cut off or
    /// damaged ends where it cannot be unpacked any further; damage() says so then.
    Result<std::size_t> read(std::span<char> into);
    /// Fills `into` with the bytes of the file from `offset` on, fewer only at the end. Packed ones as they are. Any thread.
    Result<std::size_t> readAt(std::uint64_t offset, std::span<char> into) const;

    [[nodiscard]] Packing packing() const { return m_packing; }
    [[nodiscard]] std::uint64_t fileBytes() const { return m_fileBytes; } ///< without those of unwrittenBytes()
    /// Bytes behind fileBytes() that the file has room for but that were never written: a hole, which would read as zeros. Only read()
    /// and readAt() of what is in front of it give anything.
    [[nodiscard]] std::uint64_t unwrittenBytes() const { return m_unwrittenBytes; }
    /// How much of the file read() has used, for progress. Any thread.
    [[nodiscard]] std::uint64_t fileBytesRead() const { return m_fileBytesRead.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t unpackedBytes() const { return m_unpackedBytes; } ///< so far; 0 of a file that is not packed
    /// A sentence when packed data ended too early or was damaged, or the file's end was never written; empty: it was whole so far.
    [[nodiscard]] const std::string& damage() const { return m_damage; }

private:
    class Unpacker;
    class GzipUnpacker;
    class ZstdUnpacker;

    ByteSource(int fd, std::uint64_t fileBytes, UnpackLimits limits);
    void findHole(std::uint64_t blockBytes);
    Result<std::size_t> readFile(std::span<char> into);
    Result<std::size_t> readUnpacked(std::span<char> into);

    int m_fd;
    std::uint64_t m_fileBytes;
    std::uint64_t m_unwrittenBytes = 0;
    UnpackLimits m_limits;
    Packing m_packing = Packing::None;
    std::unique_ptr<Unpacker> m_unpacker;
    std::unique_ptr<char[]> m_packed; ///< bytes of the file that are not unpacked yet
    std::size_t m_packedBegin = 0, m_packedEnd = 0;
    std::uint64_t m_unpackedBytes = 0;
    bool m_mayEnd = false; ///< between two packed streams
    bool m_atEnd = false;  ///< nothing more can be unpacked
    std::atomic<std::uint64_t> m_fileBytesRead{0};
    std::string m_damage;
};

} // namespace gantry::report
