#include "remote_server/node/record_store.h"

namespace gantry::node {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

using records::RecordType;

bool isReferredTo(RecordType type)
{
    switch (type) {
    case RecordType::Text:
    case RecordType::Domain:
    case RecordType::Category:
    case RecordType::ThreadName:
    case RecordType::ApiName:
    case RecordType::Device:
    case RecordType::Stream:
    case RecordType::Context:
    case RecordType::ClockSample:
        return true;
    default:
        return false;
    }
}

} // namespace

void RecordStore::append(std::deque<Block>& blocks, const records::RecordView& record, std::int64_t nowNs)
{
    if (blocks.empty() || blocks.back().bytes->size() + record.bytes.size() > kBlockBytes) {
        blocks.push_back({std::make_shared<std::vector<std::byte>>()});
        blocks.back().bytes->reserve(kBlockBytes);
    }
    Block& block = blocks.back();
    block.bytes->insert(block.bytes->end(), record.bytes.begin(), record.bytes.end());
    block.newestNs = nowNs;
    ++block.records;
}

void RecordStore::add(const records::RecordView& record, std::int64_t nowNs)
{
    append(isReferredTo(record.type) ? m_names : m_events, record, nowNs);
    m_bytes += record.bytes.size();
}

void RecordStore::trim(std::int64_t timeNs, std::size_t mostBytes)
{
    while (!m_events.empty() && (m_events.front().newestNs < timeNs || m_bytes > mostBytes)) {
        m_heldFromNs = m_events.front().newestNs;
        m_overwritten += m_events.front().records;
        m_bytes -= m_events.front().bytes->size();
        m_events.pop_front();
    }
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
    for (std::deque<Block>* blocks : {&copied.m_names, &copied.m_events})
        if (!blocks->empty()) // the one that still grows
            blocks->back().bytes = std::make_shared<std::vector<std::byte>>(*blocks->back().bytes);
    return copied;
}

void RecordStore::forEach(const records::RecordHandler& handler) const
{
    for (const std::deque<Block>* blocks : {&m_names, &m_events})
        for (const Block& block : *blocks)
            records::forEachRecord(*block.bytes, handler);
}

} // namespace gantry::node
