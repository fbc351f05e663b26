#pragma once

#include "trace_model/base/digest.h"
#include "trace_model/base/result.h"

#include "gantry/v1/node.pb.h"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

/// Files on the wire: in chunks of at most 256 KiB, in order, each with its offset and CRC-32, the last one marked.
namespace gantry::proto {

/// Whether a SHA-256 of all bytes is computed on the way.
enum class Digest
{
    None,
    Sha256
};

/// Cuts a file into chunks. One thread at a time.
class FileChunks
{
public:
    /// The bytes from `offset` to `totalBytes`, the file's size. With a digest the last chunk has it; `offset` is 0 then.
    FileChunks(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t totalBytes, Digest digest);

    /// Where the next chunk begins.
    [[nodiscard]] std::uint64_t offset() const { return m_offset; }
    [[nodiscard]] bool isAtEnd() const { return m_isAtEnd; }
    /// Not at the end. An empty file is one empty chunk. Errors: BadInput when the file cannot be read so far.
    [[nodiscard]] Result<v1::ReportChunk> next();

private:
    std::ifstream m_file;
    std::filesystem::path m_path;
    std::uint64_t m_offset, m_totalBytes;
    Digest m_wanted;
    Sha256 m_digest;
    bool m_isAtEnd = false;
};

/// Checks the chunks of a file as they arrive. One thread at a time.
class ChunkCheck
{
public:
    /// `what`: the file's name, for errors. With a digest, that of the last chunk must be the one of all bytes.
    ChunkCheck(std::string what, std::uint64_t offset, Digest digest) : m_what(std::move(what)), m_offset(offset), m_wanted(digest) {}

    /// Errors: Truncated for a chunk that is not the next one, or damaged.
    [[nodiscard]] Result<void> accept(const v1::ReportChunk& chunk);
    /// Whether the last chunk was accepted.
    [[nodiscard]] bool isComplete() const { return m_isComplete; }
    /// Where the next chunk begins.
    [[nodiscard]] std::uint64_t offset() const { return m_offset; }

private:
    std::string m_what;
    std::uint64_t m_offset;
    Digest m_wanted;
    Sha256 m_digest;
    bool m_isComplete = false;
};

} // namespace gantry::proto
