#include "remote_server/node/nvtx_pairing.h"

namespace gantry::node {

void NvtxPairing::push(NvtxSpan span)
{
    Stack& stack = stackOf(span.tid, span.domain);
    unwind(stack, span.enclosing);
    stack.push_back(m_spans.size());
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

NvtxSpan* NvtxPairing::pop(TimestampNs time, std::uint32_t tid, std::uint32_t domain, std::uint64_t rangeId, std::uint64_t enclosing)
{
    Stack& stack = stackOf(tid, domain);
    unwind(stack, rangeId);
    NvtxSpan* ended = nullptr;
    if (!stack.empty() && m_spans[stack.back()].rangeId == rangeId) { // else its push was lost, and counted there
        ended = &m_spans[stack.back()];
        ended->end = time;
        ended->endTid = tid;
        stack.pop_back();
    }
    unwind(stack, enclosing);
    return ended;
}

NvtxSpan* NvtxPairing::end(TimestampNs time, std::uint32_t tid, std::uint64_t rangeId)
{
    const auto found = m_open.find(rangeId);
    if (found == m_open.end()) {
        ++m_unmatched;
        return nullptr;
    }
    NvtxSpan& ended = m_spans[found->second];
    ended.end = time;
    ended.endTid = tid;
    m_open.erase(found);
    return &ended;
}

void NvtxPairing::dropLostEnds()
{
    std::erase_if(m_spans, [](const NvtxSpan& span) { return span.isEndLost; });
    m_stacks.clear(); // their places have changed
    m_open.clear();
}

/// Numbers grow inwards: what lies above `innermost` is no longer open, so its pop was lost.
void NvtxPairing::unwind(Stack& stack, std::uint64_t innermost)
{
    for (; !stack.empty() && m_spans[stack.back()].rangeId > innermost; stack.pop_back())
        m_spans[stack.back()].isEndLost = true;
}

} // namespace gantry::node
