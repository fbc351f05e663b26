#include "remote_server/node/request_counter.h"

#include "trace_model/records/request_phase.h"

namespace gantry::node {

using records::RecordType;

void RequestCounter::take(const records::RecordView& view)
{
    if (view.type == RecordType::Text) {
        if (const auto* r = view.as<records::TextRecord>();
            r && view.textBehind<records::TextRecord>(r->length) == records::nvtx_convention::kRequest)
            m_texts.insert(r->id);
    } else if (view.type == RecordType::Domain) {
        if (const auto* r = view.as<records::NamedRecord>();
            r && view.textBehind<records::NamedRecord>(r->length) == records::nvtx_convention::kDomain)
            m_domains.insert(r->id);
    } else if (view.type == RecordType::NvtxStart) {
        if (const auto* r = view.as<records::NvtxRecord>(); r && r->textId != 0) {
            const Kind kind{r->domain, r->textId};
            if (m_ends.erase(r->rangeId))
                ++m_finished[kind];
            else
                m_starts.emplace(r->rangeId, kind);
        }
    } else if (view.type == RecordType::NvtxEnd) {
        if (const auto* r = view.as<records::NvtxRecord>()) {
            if (const auto start = m_starts.find(r->rangeId); start != m_starts.end()) {
                ++m_finished[start->second];
                m_starts.erase(start);
            } else {
                m_ends.insert(r->rangeId);
            }
        }
    }
}

std::uint64_t RequestCounter::finished() const
{
    std::uint64_t sum = 0;
    for (const std::uint32_t domain : m_domains)
        for (const std::uint32_t text : m_texts)
            if (const auto found = m_finished.find({domain, text}); found != m_finished.end())
                sum += found->second;
    return sum;
}

} // namespace gantry::node
