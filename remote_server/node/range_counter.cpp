#include "remote_server/node/range_counter.h"

#include "trace_model/records/request_phase.h"

namespace gantry::node {
namespace {

using records::RecordType;

constexpr std::uint32_t kInlineText = UINT32_MAX;    ///< the name itself, where it stands behind its record
constexpr std::uint32_t kOtherText = UINT32_MAX - 1; ///< another one there

} // namespace

RangeName RangeName::parse(std::string_view text)
{
    const std::size_t at = text.rfind('@');
    if (at == std::string_view::npos)
        return {std::string(text), {}, false};
    const std::string_view domain = text.substr(at + 1);
    return {std::string(text.substr(0, at)), domain == "*" ? std::string() : std::string(domain), domain == "*"};
}

RangeName RangeName::request()
{
    return {records::nvtx_convention::kRequest, records::nvtx_convention::kDomain, false};
}

RangeName RangeName::execution()
{
    return {records::nvtx_convention::kExecute, records::nvtx_convention::kDomain, false};
}

void RangeCounter::take(const records::RecordView& view)
{
    if (view.type == RecordType::Text) {
        if (const auto* r = view.as<records::TextRecord>(); r && view.textBehind<records::TextRecord>(r->length) == m_name.message)
            m_texts.insert(r->id);
    } else if (view.type == RecordType::Domain) {
        if (const auto* r = view.as<records::NamedRecord>(); r && view.textBehind<records::NamedRecord>(r->length) == m_name.domain)
            m_domains.insert(r->id);
    } else if (const auto event = records::nvtxEvent(view)) {
        takeEvent(*event);
    }
}

void RangeCounter::takeEvent(const records::NvtxEvent& event)
{
    const records::NvtxRecord& r = event.record;
    const bool isOfThread = event.type == RecordType::NvtxPush || event.type == RecordType::NvtxPop;
    const Range range{isOfThread ? r.tid : 0, r.rangeId};
    if (event.type == RecordType::NvtxEnd || event.type == RecordType::NvtxPop)
        end(range);
    else if (event.type != RecordType::NvtxMark) // of any name: its end is known then, and forgotten
        begin(range, {r.domain, r.textId ? r.textId : event.text == m_name.message ? kInlineText : kOtherText});
}

void RangeCounter::begin(const Range& range, const Kind& kind)
{
    if (m_ends.erase(range))
        ++m_finished[kind];
    else
        m_starts.emplace(range, kind);
}

void RangeCounter::end(const Range& range)
{
    if (const auto start = m_starts.find(range); start != m_starts.end()) {
        ++m_finished[start->second];
        m_starts.erase(start);
    } else {
        m_ends.insert(range);
    }
}

bool RangeCounter::isOfDomain(std::uint32_t domain) const
{
    return m_name.isOfAnyDomain || (m_name.domain.empty() ? domain == 0 : m_domains.contains(domain));
}

std::uint64_t RangeCounter::finished() const
{
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : m_finished)
        if (isOfDomain(kind.first) && (kind.second == kInlineText || m_texts.contains(kind.second)))
            sum += count;
    return sum;
}

} // namespace gantry::node
