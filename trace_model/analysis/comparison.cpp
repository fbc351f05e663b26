#include "trace_model/analysis/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace gantry::analysis {
namespace {

std::optional<double> ifAny(const Distribution& d, DurationNs value)
{
    return d.count ? std::optional(static_cast<double>(value)) : std::nullopt;
}

std::optional<std::size_t> countOf(const Distribution& d)
{
    return d.count ? std::optional(d.count) : std::nullopt;
}

ComparisonRow row(std::string name, const Distribution& a, const Distribution& b, DurationNs Distribution::* what)
{
    return {std::move(name), ifAny(a, a.*what), ifAny(b, b.*what), "ns", countOf(a), countOf(b)};
}

std::vector<ComparisonRow> totals(const trace::Trace& a, const trace::Trace& b, GroupBy by)
{
    std::map<std::string, ComparisonRow> rows;
    const auto take = [&](const trace::Trace& trace, std::optional<double> ComparisonRow::* side, std::optional<std::size_t> ComparisonRow::* count) {
        for (const ActivityRow& activity : activityTable(trace, by)) {
            ComparisonRow& target = rows[activity.name];
            target.name = activity.name;
            target.unit = "ns";
            target.*side = static_cast<double>(activity.duration.total);
            target.*count = activity.duration.count;
        }
    };
    take(a, &ComparisonRow::a, &ComparisonRow::countA);
    take(b, &ComparisonRow::b, &ComparisonRow::countB);
    std::vector<ComparisonRow> result;
    for (auto& [name, value] : rows)
        result.push_back(std::move(value));
    const auto weight = [](const ComparisonRow& r) { return std::abs(r.b.value_or(0) - r.a.value_or(0)); };
    std::stable_sort(result.begin(), result.end(), [&](const auto& x, const auto& y) { return weight(x) > weight(y); });
    return result;
}

} // namespace

std::optional<double> ComparisonRow::difference() const
{
    return a && b ? std::optional(*b - *a) : std::nullopt;
}

std::optional<double> ComparisonRow::ratio() const
{
    return a && b && *a != 0 ? std::optional(*b / *a) : std::nullopt;
}

Comparison compare(const trace::Trace& a, const trace::Trace& b)
{
    const RequestBreakdown x = requestBreakdown(a), y = requestBreakdown(b);
    const auto number = [](std::string name, const RequestBreakdown& left, const RequestBreakdown& right, double RequestBreakdown::* what, std::string unit) {
        const auto value = [&](const RequestBreakdown& r) { return r.requests ? std::optional(r.*what) : std::nullopt; };
        return ComparisonRow{std::move(name), value(left), value(right), std::move(unit), {}, {}};
    };
    Comparison result;
    result.summary = {
        number("requests per second", x, y, &RequestBreakdown::requestsPerSecond, "1/s"),
        row("latency p50", x.latency, y.latency, &Distribution::p50),
        row("latency p99", x.latency, y.latency, &Distribution::p99),
        number("average batch", x, y, &RequestBreakdown::averageBatch, "requests"),
    };
    for (std::size_t i = 0; i < x.phases.size(); ++i) {
        if (!x.phases[i].count && !y.phases[i].count)
            continue;
        const std::string phase(records::name(static_cast<records::RequestPhase>(i)));
        result.phases.push_back(row(phase + " p50", x.phases[i], y.phases[i], &Distribution::p50));
        result.phases.push_back(row(phase + " p99", x.phases[i], y.phases[i], &Distribution::p99));
    }
    result.kernels = totals(a, b, GroupBy::Kernel);
    result.memcpys = totals(a, b, GroupBy::Memcpy);
    return result;
}

} // namespace gantry::analysis
