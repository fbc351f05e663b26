#include "app/cli/counter_summary.h"

#include "app/cli/output.h"
#include "app/cli/text_table.h"
#include "trace_model/trace/counter_window.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <map>
#include <string_view>

namespace gantry::cli {

namespace {

/// Which of the groups that people see it in, for names that several have.
std::string pathOf(const trace::Trace& trace, const trace::Track& track)
{
    std::string name = track.name;
    for (trace::TrackId at = track.parent; !at.isNone(); at = trace.track(at).parent)
        name = trace.track(at).name + " · " + name;
    return name;
}

std::string valueText(double value, const std::string& unit)
{
    constexpr double kWhole = 1e15; // a double holds such numbers to the last digit
    if (unit == "bytes" && value >= 0 && value < kWhole)
        return formatBytes(static_cast<std::uint64_t>(value));
    return std::abs(value) < kWhole && value == std::floor(value) ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

} // namespace

std::vector<CounterSummary> counterSummaries(const trace::Trace& trace)
{
    std::map<std::string_view, int> uses;
    for (const trace::Track& track : trace.tracks)
        if (track.kind == trace::TrackKind::Counter)
            ++uses[track.name];
    std::vector<CounterSummary> summaries;
    for (const trace::Track& track : trace.tracks) {
        const auto& values = track.counter.value;
        if (track.kind != trace::TrackKind::Counter)
            continue;
        constexpr double kInfinity = std::numeric_limits<double>::infinity();
        CounterSummary summary{
            uses[track.name] > 1 ? pathOf(trace, track) : track.name, track.counter.unit, 0, kInfinity, 0, -kInfinity, 0};
        const trace::SamplesInWindow samples = trace::samplesInWindow(trace, track.counter);
        for (std::size_t i = samples.begin; i < samples.end; ++i) {
            const double value = values[i];
            if (std::isnan(value))
                continue;
            summary.min = std::min(summary.min, value);
            summary.max = std::max(summary.max, value);
            summary.mean += (value - summary.mean) / static_cast<double>(++summary.samples); // a sum of large values could overflow
            summary.last = value;
        }
        if (summary.samples > 0)
            summaries.push_back(std::move(summary));
    }
    return summaries;
}

std::string text(const std::vector<CounterSummary>& counters)
{
    std::vector<std::vector<std::string>> rows;
    for (const CounterSummary& counter : counters)
        rows.push_back({counter.name, counter.unit, std::to_string(counter.samples), valueText(counter.min, counter.unit),
                        valueText(counter.mean, counter.unit), valueText(counter.max, counter.unit),
                        valueText(counter.last, counter.unit)});
    return alignedTable({"counter", "unit", "samples", "min", "mean", "max", "last"}, rows);
}

} // namespace gantry::cli
