#include "trace_model/report/window_cost.h"

#include "trace_model/report/meta_keys.h"

#include <charconv>
#include <fmt/format.h>
#include <type_traits>

namespace gantry::report {
namespace {

/// Gives every value with its row to `visit`, both ways: declared once. Spans are there when their length is.
template <typename Cost, typename Visit>
void forEachValue(Cost& cost, Visit visit)
{
    visit(meta::kWindowCostRatio, cost.ratio);
    visit(meta::kWindowCostError, cost.error);
    const auto visitDifference = [&](const std::string& name, auto& difference) {
        if constexpr (std::is_const_v<Cost>) {
            visit(name + "_NS", difference ? std::optional(difference->value) : std::nullopt);
            visit(name + "_ERROR_NS", difference ? std::optional(difference->error) : std::nullopt);
        } else {
            std::optional<DurationNs> value, error;
            visit(name + "_NS", value);
            visit(name + "_ERROR_NS", error);
            if (value && error)
                difference = CostDifference{*value, *error};
        }
    };
    visitDifference(std::string(meta::kCostPrefix) + "P50", cost.p50);
    visitDifference(std::string(meta::kCostPrefix) + "P99", cost.p99);
    const auto visitSpan = [&](const char* word, auto& span) {
        const std::string name = std::string(meta::kCostPrefix) + word;
        if constexpr (std::is_const_v<Cost>) {
            visit(name + "_LENGTH_NS", span ? std::optional(span->length) : std::nullopt);
            visit(name + "_REQUESTS", span ? std::optional(span->requests) : std::nullopt);
            visit(name + "_MEAN_NS", span ? span->mean : std::nullopt);
            visit(name + "_P50_NS", span ? span->p50 : std::nullopt);
            visit(name + "_P99_NS", span ? span->p99 : std::nullopt);
        } else {
            std::optional<DurationNs> length;
            std::optional<std::uint64_t> requests;
            CostSpan read;
            visit(name + "_LENGTH_NS", length);
            visit(name + "_REQUESTS", requests);
            visit(name + "_MEAN_NS", read.mean);
            visit(name + "_P50_NS", read.p50);
            visit(name + "_P99_NS", read.p99);
            if (length && requests) {
                read.length = *length;
                read.requests = *requests;
                span = read;
            }
        }
    };
    visitSpan("BEFORE", cost.before);
    visitSpan("DURING", cost.during);
    visitSpan("AFTER", cost.after);
    visit(meta::kCostWhyNoRate, cost.whyNoRate);
    visit(meta::kCostWhyNoLatency, cost.whyNoLatency);
    visit(meta::kCostWhyNoAfter, cost.whyNoAfter);
    visit(meta::kCostTargetCpuNs, cost.targetCpu);
    visit(meta::kCostDaemonCpuNs, cost.daemonCpu);
    visit(meta::kCostRecordBytes, cost.recordBytes);
}

template <typename Value>
void parse(const std::string& text, std::optional<Value>& value)
{
    Value read{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    if (!text.empty() && error == std::errc() && end == text.data() + text.size())
        value = read;
}

void parse(const std::string& text, std::string& value)
{
    value = text;
}

} // namespace

std::map<std::string, std::string> WindowCost::rows() const
{
    std::map<std::string, std::string> rows;
    forEachValue(*this, [&](const std::string& name, const auto& value) {
        if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
            rows[name] = value;
        else
            rows[name] = value ? fmt::format("{}", *value) : std::string();
    });
    return rows;
}

WindowCost WindowCost::of(const std::map<std::string, std::string>& rows)
{
    WindowCost cost;
    forEachValue(cost, [&](const std::string& name, auto& value) {
        if (const auto row = rows.find(name); row != rows.end())
            parse(row->second, value);
    });
    return cost;
}

} // namespace gantry::report
