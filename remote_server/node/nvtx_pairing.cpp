#include "remote_server/node/nvtx_pairing.h"

namespace gantry::node {

void NvtxPairing::push(NvtxSpan span)
{
    m_stacks[{span.tid, span.domain}].push_back(m_spans.size());
    m_spans.push_back(std::move(span));
}

void NvtxPairing::start(NvtxSpan span)
{
    span.isStartEnd = true;

    m_open[span.rangeId] = m_spans.size();
    m_spans.push_back(std::move(span));
}

void NvtxPairing::mark(NvtxSpan span)
{
    span.isMark = true;
    m_spans.push_back(std::move(span));
}

void NvtxPairing::pop(TimestampNs time, std::uint32_t tid, std::uint32_t domain)
{
    auto& stack = m_stacks[{tid, domain}];
    if (stack.empty()) {
        ++m_unmatched;
        return;
    }
    m_spans[stack.back()].end = time;
    m_spans[stack.back()].endTid = tid;
    stack.pop_back();
}

void NvtxPairing::end(TimestampNs time, std::uint32_t tid, std::uint64_t rangeId)
{
    const auto found = m_open.find(rangeId);
    if (found == m_open.end()) {
        ++m_unmatched;
        return;
    }
    m_spans[found->second].end = time;
    m_spans[found->second].endTid = tid;
    m_open.erase(found);
}

} // namespace gantry::node
