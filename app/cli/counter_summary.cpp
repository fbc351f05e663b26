#include "app/cli/counter_summary.h"

#include "app/cli/text_table.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::cli {

std::vector<CounterSummary> counterSummaries(const trace::Trace& trace)
{
    std::vector<CounterSummary> summaries;
    for (const trace::Track& track : trace.tracks) {
        const auto& values = track.counter.value;
        if (track.kind != trace::TrackKind::Counter || values.empty())
            continue;
        std::string name = track.name;
        for (trace::TrackId at = track.parent; !at.isNone(); at = trace.track(at).parent)
            name = trace.track(at).name + " · " + name;
        CounterSummary summary{std::move(name), track.counter.unit, values.size(), values[0], 0, values[0], values[values.size() - 1]};
        for (std::size_t i = 0; i < values.size(); ++i) {
            summary.min = std::min(summary.min, values[i]);
            summary.max = std::max(summary.max, values[i]);
            summary.mean += (values[i] - summary.mean) / static_cast<double>(i + 1); // a sum of large values could overflow
        }
        summaries.push_back(std::move(summary));
    }
    return summaries;
}

std::string text(const std::vector<CounterSummary>& counters)
{
    const auto number = [](double value) { return fmt::format("{:.6g}", value); };
    std::vector<std::vector<std::string>> rows;
    for (const CounterSummary& counter : counters)
        rows.push_back({counter.name, counter.unit, std::to_string(counter.samples), number(counter.min), number(counter.mean),
                        number(counter.max), number(counter.last)});
    return alignedTable({"counter", "unit", "samples", "min", "mean", "max", "last"}, rows);
}

} // namespace gantry::cli
