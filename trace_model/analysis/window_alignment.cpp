#include "trace_model/analysis/window_alignment.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace gantry::analysis {
namespace {

std::optional<TimestampNs> startOfRequest(const trace::Trace& trace, std::size_t index)
{
    for (const trace::Request& request : trace.requests)
        if (!request.cutByWindow && index-- == 0)
            return request.time.start;
    return {};
}

std::optional<TimestampNs> startOfRange(const trace::Trace& trace, const std::string& text, std::size_t index)
{
    const trace::NvtxColumns& ranges = trace.nvtxRanges;
    std::vector<char> isMeant(ranges.labels.size());
    for (std::uint32_t number = 0; number < isMeant.size(); ++number)
        isMeant[number] = trace.strings[ranges.labels[number].text] == text;
    for (std::size_t row = 0; row < ranges.size(); ++row)
        if (isMeant[ranges.labelNumber[row]] && index-- == 0)
            return ranges.start[row];
    return {};
}

std::map<std::string, std::size_t> rangeTexts(const trace::Trace& trace)
{
    const trace::NvtxColumns& ranges = trace.nvtxRanges;
    std::vector<std::size_t> counts(ranges.labels.size());
    for (const std::uint32_t number : ranges.labelNumber)
        ++counts[number];
    std::map<std::string, std::size_t> texts;
    for (std::uint32_t number = 0; number < counts.size(); ++number)
        if (const trace::NvtxLabel& label = ranges.labels[number];
            counts[number] > 0 && trace.strings[label.domain] != records::nvtx_convention::kDomain)
            texts[std::string(trace.strings[label.text])] += counts[number];
    return texts;
}

} // namespace

std::optional<TimestampNs> anchorOf(const trace::Trace& trace, const WindowAlignment& alignment)
{
    switch (alignment.by) {
    case WindowAlignment::By::Start:
        return trace.time.start;
    case WindowAlignment::By::Request:
        return startOfRequest(trace, alignment.index);
    case WindowAlignment::By::Range:
        return startOfRange(trace, alignment.text, alignment.index);
    case WindowAlignment::By::Iteration:
    case WindowAlignment::By::Hand:
        break;
    }
    return {};
}

std::vector<std::string> commonRanges(const trace::Trace& a, const trace::Trace& b, std::size_t most)
{
    const auto inA = rangeTexts(a), inB = rangeTexts(b);
    std::vector<std::pair<std::size_t, std::string>> common;
    for (const auto& [text, count] : inA)
        if (!text.empty() && inB.contains(text))
            common.emplace_back(count, text);
    std::stable_sort(common.begin(), common.end(), [](const auto& x, const auto& y) { return x.first > y.first; });
    common.resize(std::min(common.size(), most));
    std::vector<std::string> texts;
    for (auto& [count, text] : common)
        texts.push_back(std::move(text));
    return texts;
}

} // namespace gantry::analysis
