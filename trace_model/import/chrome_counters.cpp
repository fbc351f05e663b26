#include "trace_model/import/chrome_counters.h"

namespace gantry::importing {

std::size_t CounterSeries::indexOf(const Key& key)
{
    const auto [found, isNew] = m_index.try_emplace(key, m_series.size());
    if (isNew)
        m_series.push_back({key, {}});
    return found->second;
}

} // namespace gantry::importing
