#include "trace_model/import/chrome_pairs.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace gantry::importing {

RangePairs::Begin* RangePairs::innermost(std::uint64_t key)
{
    const auto found = m_open.find(key);
    return found == m_open.end() || found->second.empty() ? nullptr : &found->second.back();
}

bool RangePairs::end(const End& end, Begin& begin)
{
    const auto found = m_open.find(end.key);
    if (found == m_open.end() || found->second.empty()) {
        m_ends.push_back(end);
        return false;
    }
    begin = std::move(found->second.back());
    found->second.pop_back();
    if (found->second.empty() && found->second.capacity() > 64)
        m_open.erase(found);
    return true;
}

void RangePairs::append(RangePairs later, const Emit& paired, const std::function<void(const End&)>& unpaired)
{
    for (const End& end : later.m_ends) {
        const auto found = m_open.find(end.key);
        if (found == m_open.end() || found->second.empty()) {
            unpaired(end);
            continue;
        }
        const Begin begin = std::move(found->second.back());
        found->second.pop_back();
        paired(begin, end);
    }
    for (auto& [key, begins] : later.m_open) {
        std::vector<Begin>& open = m_open[key];
        open.insert(open.end(), std::make_move_iterator(begins.begin()), std::make_move_iterator(begins.end()));
    }
}

void RangePairs::forEachOpenToChange(const std::function<void(Begin&)>& change)
{
    for (auto& [key, begins] : m_open)
        for (Begin& begin : begins)
            change(begin);
}

void RangePairs::forEachOpen(const std::function<void(const Begin&)>& visit) const
{
    std::vector<std::uint64_t> keys;
    for (const auto& [key, begins] : m_open)
        keys.push_back(key);
    std::sort(keys.begin(), keys.end()); // the same order in every run
    for (const std::uint64_t key : keys)
        for (const Begin& begin : m_open.at(key))
            visit(begin);
}

} // namespace gantry::importing
