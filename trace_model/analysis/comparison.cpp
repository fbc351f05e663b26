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

/// Mean time of a call: the two sides rarely served the same number of requests, so totals say more about the load than about the code.
std::vector<ComparisonRow> means(const trace::Trace& a, const trace::Trace& b, GroupBy by)
{
    std::map<std::string, ComparisonRow> rows;
    const auto take = [&](const trace::Trace& trace, std::optional<double> ComparisonRow::* side, std::optional<std::size_t> ComparisonRow::* count) {
        for (const ActivityRow& activity : activityTable(trace, by)) {
            ComparisonRow& target = rows[activity.name];
            target.name = activity.name;
            target.unit = "ns";
            target.*side = activity.duration.mean();
            target.*count = activity.duration.count;
        }
    };
    take(a, &ComparisonRow::a, &ComparisonRow::countA);
    take(b, &ComparisonRow::b, &ComparisonRow::countB);
    std::vector<ComparisonRow> result;
    for (auto& [name, value] : rows)
        result.push_back(std::move(value));
    const auto weight = [](const ComparisonRow& r) {
        return std::abs(r.b.value_or(0) - r.a.value_or(0)) * static_cast<double>(std::max(r.countA.value_or(0), r.countB.value_or(0)));
    };
    std::stable_sort(result.begin(), result.end(), [&](const auto& x, const auto& y) { return weight(x) > weight(y); });
    return result;
}

/// p50 and p99 of the latency, each name begun with `prefix`.
void addLatency(std::vector<ComparisonRow>& rows, const std::string& prefix, const RequestBreakdown& a, const RequestBreakdown& b)
{
    rows.push_back(row(prefix + "latency p50", a.latency, b.latency, &Distribution::p50));
    rows.push_back(row(prefix + "latency p99", a.latency, b.latency, &Distribution::p99));
}

/// p50 and p99 of each phase that either side has and of what is outside them, each name begun with `prefix`.
void addPhases(std::vector<ComparisonRow>& rows, const std::string& prefix, const RequestBreakdown& a, const RequestBreakdown& b)
{
    for (std::size_t i = 0; i < a.phases.size(); ++i) {
        if (!a.phases[i].count && !b.phases[i].count)
            continue;
        const std::string phase = prefix + std::string(records::name(static_cast<records::RequestPhase>(i)));
        rows.push_back(row(phase + " p50", a.phases[i], b.phases[i], &Distribution::p50));
        rows.push_back(row(phase + " p99", a.phases[i], b.phases[i], &Distribution::p99));
    }
    if (a.outside.count || b.outside.count) {
        const std::string outside = prefix + std::string(records::name(records::RequestPhase::Outside));
        rows.push_back(row(outside + " p50", a.outside, b.outside, &Distribution::p50));
        rows.push_back(row(outside + " p99", a.outside, b.outside, &Distribution::p99));
    }
}

/// Models of both sides, those of A first.
std::vector<std::string> modelsOf(const trace::Trace& a, const trace::Trace& b)
{
    std::vector<std::string> models = modelsByTime(a);
    for (std::string& model : modelsByTime(b))
        if (std::find(models.begin(), models.end(), model) == models.end())
            models.push_back(std::move(model));
    return models;
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
    const auto number = [&](std::string name, auto RequestBreakdown::*what, std::string unit) {
        const auto value = [&](const RequestBreakdown& r) { return r.requests ? std::optional<double>(r.*what) : std::nullopt; };
        return ComparisonRow{std::move(name), value(x), value(y), std::move(unit), {}, {}};
    };
    Comparison result;
    result.summary.push_back(number("requests per second", &RequestBreakdown::requestsPerSecond, "1/s"));
    // Several models: each by itself, for a mixture of theirs says nothing about any.
    const std::vector<std::string> models = modelsOf(a, b);
    if (models.size() <= 1) {
        addLatency(result.summary, {}, x, y);
        addPhases(result.phases, {}, x, y);
    } else {
        for (const std::string& model : models) {
            const RequestBreakdown ofA = requestBreakdown(a, {}, model), ofB = requestBreakdown(b, {}, model);
            addLatency(result.summary, model + " ", ofA, ofB);
            addPhases(result.phases, model + " ", ofA, ofB);
        }
    }
    result.summary.push_back(number("average batch", &RequestBreakdown::averageBatch, "req"));
    result.kernels = means(a, b, GroupBy::Kernel);
    result.memcpys = means(a, b, GroupBy::Memcpy);
    return result;
}

} // namespace gantry::analysis
