#include "trace_model/import/read_ahead.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

namespace gantry::importing {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 19; // stays in a core's second-level cache
constexpr std::size_t kBlocks = 8;

} // namespace

ReadAhead::ReadAhead(report::ByteSource& source) : m_source(source), m_thread([this](const std::stop_token& stop) { fill(stop); }) {}

ReadAhead::~ReadAhead() = default;

Result<std::size_t> ReadAhead::fillBlock(std::vector<char>& bytes)
{
    try {
        bytes.resize(kBlockBytes);
        return m_source.read(bytes);
    } catch (const std::exception& exception) {
        return Error{ErrorCode::Internal, exception.what(), {}};
    }
}

void ReadAhead::fill(const std::stop_token& stop)
{
    while (true) {
        std::vector<char> bytes;
        {
            std::unique_lock lock(m_mutex);
            if (!m_changed.wait(lock, stop, [&] { return m_full.size() < kBlocks; }))
                return;
            if (!m_spare.empty()) {
                bytes = std::move(m_spare.back());
                m_spare.pop_back();
            }
        }
        auto count = fillBlock(bytes);
        const std::lock_guard lock(m_mutex);
        if (!count)
            m_error = std::move(count).error();
        m_ended = !count || *count < bytes.size();
        if (count && *count > 0) {
            bytes.resize(*count);
            m_full.push_back({std::move(bytes), 0});
        }
        m_changed.notify_all();
        if (m_ended)
            return;
    }
}

Result<std::size_t> ReadAhead::read(std::span<char> into)
{
    std::size_t done = 0;
    while (done < into.size()) {
        if (m_current.begin == m_current.bytes.size()) {
            std::unique_lock lock(m_mutex);
            if (m_current.bytes.capacity() > 0)
                m_spare.push_back(std::move(m_current.bytes));
            m_current = {};
            m_changed.wait(lock, [&] { return !m_full.empty() || m_ended; });
            if (m_full.empty()) {
                if (m_error && done == 0)
                    return *m_error;
                break;
            }
            m_current = std::move(m_full.front());
            m_full.pop_front();
            m_changed.notify_all();
        }
        const std::size_t count = std::min(into.size() - done, m_current.bytes.size() - m_current.begin);
        std::memcpy(into.data() + done, m_current.bytes.data() + m_current.begin, count);
        m_current.begin += count;
        done += count;
    }
    return done;
}

} // namespace gantry::importing
