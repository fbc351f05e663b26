#include "remote_server/node/record_store.h"

#include <utility>

namespace gantry::node {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
constexpr std::size_t kClockBlockBytes = 4096; // of a clock sample a second

using records::RecordType;

bool isReferredTo(RecordType type)
{
    switch (type) {
    case RecordType::Text:
    case RecordType::Domain:
    case RecordType::Category:
    case RecordType::ThreadName:
    case RecordType::StreamName:
    case RecordType::ApiName:
    case RecordType::PayloadSchema:
    case RecordType::Device:
    case RecordType::Stream:
    case RecordType::Context:
        return true;
    default:
        return false;
    }
}

} // namespace

void RecordStore::append(std::deque<Block>& blocks, const records::RecordView& record, std::int64_t nowNs, std::size_t blockBytes)
{
    if (blocks.empty() || blocks.back().bytes->size() + record.bytes.size() > blockBytes) {
        blocks.push_back({std::make_shared<std::vector<std::byte>>()});
        blocks.back().bytes->reserve(blockBytes);
    }
    Block& block = blocks.back();
    block.bytes->insert(block.bytes->end(), record.bytes.begin(), record.bytes.end());
    block.newestNs = nowNs;
    ++block.records;
}

void RecordStore::add(const records::RecordView& record, std::int64_t nowNs)
{
    if (record.type == RecordType::ClockSample) {
        append(m_clocks, record, nowNs, kClockBlockBytes);
    } else if (isReferredTo(record.type)) {
        append(m_names, record, nowNs, kBlockBytes);
        m_nameBytes += record.bytes.size();
    } else {
        append(m_events, record, nowNs, kBlockBytes);
    }
    m_bytes += record.bytes.size();
}

RecordStore::Block RecordStore::takeFirst(std::deque<Block>& blocks)
{
    Block first = std::move(blocks.front());
    blocks.pop_front();
    m_bytes -= first.bytes->size();
    return first;
}

bool RecordStore::giveUpOldest()
{
    if (m_events.empty())
        return false;
    const Block given = takeFirst(m_events);
    m_heldFromNs = given.newestNs;
    m_overwritten += given.records;
    while (m_clocks.size() > 2 && m_clocks[1].newestNs < m_heldFromNs) // times are converted between two samples
        (void)takeFirst(m_clocks);
    return true;
}

void RecordStore::trim(std::int64_t timeNs)
{
    while (oldestNs() < timeNs)
        giveUpOldest();
}

void RecordStore::trimNames(std::size_t mostBytes)
{
    while (m_nameBytes > mostBytes && m_names.size() > 1) {
        const Block given = takeFirst(m_names);
        m_nameBytes -= given.bytes->size();
        m_overwritten += given.records;
    }
}

std::size_t RecordStore::unsharedBytes() const
{
    std::size_t sum = 0;
    for (const std::deque<Block>* blocks : {&m_names, &m_clocks, &m_events})
        for (const Block& block : *blocks)
            if (block.bytes.use_count() == 1)
                sum += block.bytes->size();
    return sum;
}

std::uint64_t RecordStore::events() const
{
    std::uint64_t events = 0;
    for (const Block& block : m_events)
        events += block.records;
    return events;
}

RecordStore RecordStore::copy() const
{
    RecordStore copied = *this;
    for (std::deque<Block>* blocks : {&copied.m_names, &copied.m_clocks, &copied.m_events})
        if (!blocks->empty()) // the one that still grows
            blocks->back().bytes = std::make_shared<std::vector<std::byte>>(*blocks->back().bytes);
    return copied;
}

void RecordStore::forEach(const records::RecordHandler& handler) const
{
    for (const std::deque<Block>* blocks : {&m_names, &m_clocks, &m_events})
        for (const Block& block : *blocks)
            records::forEachRecord(*block.bytes, handler);
}

} // namespace gantry::node
