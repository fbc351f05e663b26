#pragma once

#include "trace_model/base/digest.h"
#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace gantry::app {

/// SHA-256 of a file while it is written: a thread of its own reads behind the writer, from the page cache, so that the digest is there a
/// moment after the last byte; what it has read is handed to the disk. The file only grows. Owns its thread; its methods are one thread's.
class FollowingHash
{
public:
    explicit FollowingHash(std::filesystem::path path);

    /// So many bytes are in the file now.
    void grownTo(std::uint64_t size);
    /// Of the first `size` bytes, which are all in the file; once. Errors: those of reading it.
    [[nodiscard]] Result<std::string> finish(std::uint64_t size);

private:
    void run(const std::stop_token& stop);
    void beginWriting(const UniqueFd& file) const;
    [[nodiscard]] Result<void> readUntil(const UniqueFd& file, std::uint64_t size, const std::stop_token& stop);

    std::filesystem::path m_path;
    Sha256 m_digest;            ///< of the thread until it has ended
    std::uint64_t m_hashed = 0; ///< of the thread
    Result<void> m_result;      ///< of the thread until it has ended
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::uint64_t m_size = 0; ///< m_mutex
    bool m_isWhole = false;   ///< m_mutex: it grows no more
    std::jthread m_thread;
};

} // namespace gantry::app
