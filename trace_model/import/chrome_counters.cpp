#include "trace_model/import/chrome_counters.h"

namespace gantry::importing {

std::vector<CounterSeries::Sample>& CounterSeries::samplesOf(const Key& key)
{
    const auto [found, isNew] = m_index.try_emplace(key, m_series.size());
    if (isNew)
        m_series.push_back({key, {}});
    return m_series[found->second].samples;
}

} // namespace gantry::importing
