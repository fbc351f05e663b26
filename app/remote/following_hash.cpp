#include "app/remote/following_hash.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <span>
#include <unistd.h>
#include <utility>

namespace gantry::app {
namespace {

constexpr std::size_t kBlock = 256 * 1024; // stays in the second-level cache between reading and hashing

constexpr std::uint64_t kWritten = 16 << 20; // between two hints to the kernel

} // namespace

FollowingHash::FollowingHash(std::filesystem::path path)
    : m_path(std::move(path)), m_thread([this](const std::stop_token& stop) { run(stop); })
{
}

void FollowingHash::grownTo(std::uint64_t size)
{
    const std::lock_guard lock(m_mutex);
    m_size = size;
    m_changed.notify_one();
}

Result<std::string> FollowingHash::finish(std::uint64_t size)
{
    {
        const std::lock_guard lock(m_mutex);
        m_size = size;
        m_isWhole = true;
        m_changed.notify_one();
    }
    m_thread.join();
    GANTRY_CHECK(m_result);
    return m_digest.finishHex();
}

void FollowingHash::run(const std::stop_token& stop)
{
    const UniqueFd file(::open(m_path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file)
        m_result = errnoError(errno, "cannot read " + m_path.string());
    for (bool isWhole = false; m_result && !isWhole;) {
        std::uint64_t size = 0;
        {
            std::unique_lock lock(m_mutex);
            if (!m_changed.wait(lock, stop, [this] { return m_isWhole || m_size - m_hashed >= kBlock; }) || stop.stop_requested())
                return; // nobody wants it
            size = m_size;
            isWhole = m_isWhole;
        }
        m_result = readUntil(file, size, stop);
    }
}

/// The disk has the time of the fetch to take it, so that syncing it at its end is short. A hint: a failure changes nothing.
void FollowingHash::beginWriting(const UniqueFd& file) const
{
    const std::uint64_t from = m_hashed - m_hashed % kWritten;
    (void)::sync_file_range(file.get(), static_cast<off_t>(from), static_cast<off_t>(kWritten), SYNC_FILE_RANGE_WRITE);
}

Result<void> FollowingHash::readUntil(const UniqueFd& file, std::uint64_t size, const std::stop_token& stop)
{
    const auto block = std::make_unique_for_overwrite<std::byte[]>(kBlock);
    while (m_hashed < size && !stop.stop_requested()) { // who gives up does not wait for what is hashed for nobody
        const std::size_t wanted = std::min<std::uint64_t>(kBlock, size - m_hashed);
        const ssize_t got = ::pread(file.get(), block.get(), wanted, static_cast<off_t>(m_hashed));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errnoError(errno, "cannot read " + m_path.string())
                           : Error{ErrorCode::Truncated, m_path.string() + " became shorter while it was written", {}};
        if (m_hashed / kWritten != (m_hashed + static_cast<std::uint64_t>(got)) / kWritten)
            beginWriting(file);
        m_digest.update(std::span(block.get(), static_cast<std::size_t>(got)));
        m_hashed += static_cast<std::uint64_t>(got);
    }
    return {};
}

} // namespace gantry::app
