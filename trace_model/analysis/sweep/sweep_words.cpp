#include "trace_model/analysis/change_text.h"
#include "trace_model/analysis/sweep/sweep.h"
#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace gantry::sweep {
namespace {

constexpr std::array<FigureWords, kFigureCount> kWords = {{{"throughput_per_second", "throughput", "1/s"},
                                                           {"requests", "n", ""},
                                                           {"latency_p50_ns", "p50", "ns"},
                                                           {"latency_p90_ns", "p90", "ns"},
                                                           {"latency_p95_ns", "p95", "ns"},
                                                           {"latency_p99_ns", "p99", "ns"},
                                                           {"average_batch", "mean batch", "req"},
                                                           {"gpu_busy_ratio", "GPU busy", "ratio"},
                                                           {"gpu_memory_bytes", "GPU memory", "bytes"},
                                                           {"failures", "failed", ""},
                                                           {"dropped", "dropped", ""}}};

std::string counted(double count, const char* one, const char* many)
{
    return fmt::format("{} {}", formatCount(static_cast<std::uint64_t>(count)), count == 1 ? one : many);
}

/// "a, b, c and 4 more": of many equal points each would otherwise name all.
std::string othersOf(const Sweep& sweep, const std::vector<std::size_t>& tie, std::size_t index)
{
    constexpr std::size_t kNamed = 3;
    std::string text;
    std::size_t named = 0;
    for (std::size_t i = 0; i < tie.size() && named < kNamed; ++i)
        if (tie[i] != index)
            text += (named++ == 0 ? "" : ", ") + sweep.points[tie[i]].name;
    return tie.size() - 1 > named ? fmt::format("{} and {} more", text, tie.size() - 1 - named) : text;
}

} // namespace

const FigureWords& wordsOf(Figure figure)
{
    return kWords[static_cast<std::size_t>(figure)];
}

std::string figureText(Figure figure, double value)
{
    const std::string_view unit = wordsOf(figure).unit;
    if (unit.empty())
        return formatCount(static_cast<std::uint64_t>(std::llround(value)));
    if (unit == "bytes")
        return fmt::format("{:.2f} GiB", value / (1024.0 * 1024 * 1024));
    if (unit == "req")
        return fmt::format("{:.2f}", value);
    return analysis::valueText(value, unit);
}

std::vector<std::string> remarksOn(const Sweep& sweep, std::size_t index)
{
    const Point& point = sweep.points[index];
    std::vector<std::string> remarks = point.notes;
    if (!point.error.empty())
        return {point.error};
    if (const auto& failures = point.figures[Figure::Failures]; failures && *failures > 0)
        remarks.push_back(counted(*failures, "request failed", "requests failed"));
    if (!point.whyNoP99.empty())
        remarks.push_back("no p99: " + point.whyNoP99);
    if (const auto& dropped = point.figures[Figure::Dropped]; dropped && *dropped > 0)
        remarks.push_back(counted(*dropped, "record was dropped", "records were dropped"));
    for (const std::vector<std::size_t>& tie : sweep.ties)
        if (std::find(tie.begin(), tie.end(), index) != tie.end())
            remarks.push_back("the same throughput and p99 as " + othersOf(sweep, tie, index));
    return remarks;
}

} // namespace gantry::sweep
