#include "remote_server/proto/file_chunks.h"

#include <algorithm>
#include <span>

namespace gantry::proto {
namespace {

constexpr std::uint64_t kChunkBytes = 256 * 1024;

} // namespace

FileChunks::FileChunks(const std::filesystem::path& path, std::uint64_t offset, std::uint64_t totalBytes, Digest digest)
    : m_file(path, std::ios::binary), m_path(path), m_offset(offset), m_totalBytes(totalBytes), m_wanted(digest)
{
    m_file.seekg(static_cast<std::streamoff>(offset));
}

Result<v1::ReportChunk> FileChunks::next()
{
    std::string data(std::min(kChunkBytes, m_totalBytes - m_offset), '\0');
    if (!m_file.read(data.data(), static_cast<std::streamsize>(data.size())))
        return Error{ErrorCode::BadInput,
                     "cannot read " + m_path.filename().string() + " behind byte " + std::to_string(m_offset) + ": has it changed?",
                     {}};
    const auto bytes = std::as_bytes(std::span(data));
    v1::ReportChunk chunk;
    chunk.set_offset(m_offset);
    chunk.set_crc32(crc32(bytes));
    chunk.set_total_bytes(m_totalBytes);
    m_offset += data.size();
    m_isAtEnd = m_offset == m_totalBytes;
    chunk.set_last(m_isAtEnd);
    if (m_wanted == Digest::Sha256) {
        m_digest.update(bytes);
        if (m_isAtEnd)
            chunk.set_sha256(m_digest.finishHex());
    }
    chunk.set_data(std::move(data));
    return chunk;
}

Result<void> ChunkCheck::accept(const v1::ReportChunk& chunk)
{
    const auto bytes = std::as_bytes(std::span(chunk.data()));
    if (chunk.offset() != m_offset || m_isComplete)
        return Error{ErrorCode::Truncated,
                     "byte " + std::to_string(chunk.offset()) + " of " + m_what + " arrived where " + std::to_string(m_offset) + " was due",
                     {}};
    if (crc32(bytes) != chunk.crc32())
        return Error{
            ErrorCode::Truncated, "the bytes of " + m_what + " from " + std::to_string(m_offset) + " on arrived damaged (CRC-32)", {}};
    m_offset += bytes.size();
    m_isComplete = chunk.last();
    if (m_wanted == Digest::None)
        return {};
    m_digest.update(bytes);
    if (m_isComplete && m_digest.finishHex() != chunk.sha256())
        return Error{ErrorCode::Truncated, m_what + " arrived damaged (SHA-256)", {}};
    return {};
}

} // namespace gantry::proto
