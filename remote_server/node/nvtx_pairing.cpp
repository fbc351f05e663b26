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

void NvtxPairing::pop(TimestampNs time, std::uint32_t tid, std::uint32_t domain, std::uint64_t rangeId, std::uint64_t enclosing)
{
    Stack& stack = stackOf(tid, domain);
    unwind(stack, rangeId);
    if (!stack.empty() && m_spans[stack.back()].rangeId == rangeId) { // else its push was lost, and counted there
        m_spans[stack.back()].end = time;
        m_spans[stack.back()].endTid = tid;
        stack.pop_back();
    }
    unwind(stack, enclosing);
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
