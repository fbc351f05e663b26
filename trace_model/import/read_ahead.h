#pragma once

#include "trace_model/report/byte_source.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

namespace gantry::importing {

/// Reads (and unpacks) a source on a thread of its own, a few blocks ahead of the one thread that calls read(). Until this is gone
/// only the source's fileBytesRead() may be asked elsewhere.
class ReadAhead
{
public:
    explicit ReadAhead(report::ByteSource& source);
    ReadAhead(const ReadAhead&) = delete;
    ReadAhead& operator=(const ReadAhead&) = delete;
    ~ReadAhead();

    /// As ByteSource::read().
    Result<std::size_t> read(std::span<char> into);

private:
    struct Block
    {
        std::vector<char> bytes;
        std::size_t begin = 0;
    };
    void fill(const std::stop_token& stop);
    Result<std::size_t> fillBlock(std::vector<char>& bytes);

    report::ByteSource& m_source;
    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::deque<Block> m_full;               ///< read and not taken; guarded by m_mutex
    std::vector<std::vector<char>> m_spare; ///< for the next blocks; guarded by m_mutex
    std::optional<Error> m_error;           ///< guarded by m_mutex
    bool m_ended = false;                   ///< nothing comes after m_full; guarded by m_mutex
    Block m_current;                        ///< of the thread that calls read()
    std::jthread m_thread;                  ///< last: it ends before what it uses
};

} // namespace gantry::importing
