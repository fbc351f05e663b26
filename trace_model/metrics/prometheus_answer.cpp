#include "trace_model/metrics/prometheus_answer.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace gantry::metrics {
namespace {

using nlohmann::json;

constexpr DurationNs kSecond = 1'000'000'000;
constexpr double kLatestSecond = 9e9; // the year 2255: later does not fit into nanoseconds

Error badAnswer(std::string message)
{
    return {ErrorCode::BadInput, std::move(message), {}};
}

std::string textOf(const json& object, const char* field)
{
    const auto found = object.find(field);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Values are texts in the answer, so that NaN and Inf can be said; those are no points.
std::optional<Point> pointOf(const json& pair)
{
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_string())
        return std::nullopt;
    const auto seconds = pair[0].get<double>();
    const auto& text = pair[1].get_ref<const std::string&>();
    double value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(value) || !(std::abs(seconds) < kLatestSecond))
        return std::nullopt;
    return Point{static_cast<TimestampNs>(std::llround(seconds * 1000)) * (kSecond / 1000), value}; // the server has milliseconds
}

std::optional<QueryCurve> curveOf(const json& series)
{
    if (!series.is_object() || !series.contains("metric") || !series["metric"].is_object() || !series.contains("values") ||
        !series["values"].is_array())
        return std::nullopt;
    QueryCurve curve;
    for (const auto& [label, value] : series["metric"].items())
        if (value.is_string())
            curve.labels.emplace(label, value.get<std::string>());
    for (const json& pair : series["values"])
        if (const auto point = pointOf(pair); point && (curve.points.empty() || point->time > curve.points.back().time))
            curve.points.push_back(*point);
    return curve;
}

} // namespace

PrometheusRange PrometheusRange::forPlot(TimeRange time, int widthPx)
{
    const DurationNs length = std::max<DurationNs>(time.end - time.start, kSecond);
    const DurationNs most = std::clamp(widthPx, 1, kMostPoints - 2); // the ends are moved to whole steps
    const DurationNs step = std::max(kLeastStep, (length / most + kSecond - 1) / kSecond * kSecond);
    const auto down = [step](TimestampNs at) { return at / step * step; };
    // Not beyond its end: rates of a time that is yet to come are of a window that is partly empty.
    return {{down(time.start), down(time.end)}, step};
}

Result<PrometheusCurves> readPrometheusAnswer(std::string_view text, std::size_t mostCurves)
{
    const json answer = json::parse(text, nullptr, false);
    if (!answer.is_object())
        return badAnswer("the answer is no JSON: is this the address of a Prometheus server, and its path complete?");
    const std::string status = textOf(answer, "status");
    if (status == "error")
        return badAnswer(fmt::format("the server refused the query: {} ({})", textOf(answer, "error"), textOf(answer, "errorType")));
    const auto data = answer.find("data");
    if (status != "success" || data == answer.end() || !data->is_object())
        return badAnswer("the answer is not that of a Prometheus server: is its path complete?");
    if (const std::string type = textOf(*data, "resultType"); type != "matrix")
        return badAnswer(fmt::format("the query gives a {}, and a plot needs values over time: remove a range such as [5m] at its end",
                                     type.empty() ? "result of no type" : type));
    const auto result = data->find("result");
    if (result == data->end() || !result->is_array())
        return badAnswer("the answer has no result: is there a proxy that shortens it?");
    PrometheusCurves curves;
    for (const json& series : *result) {
        if (curves.curves.size() >= mostCurves) {
            ++curves.hidden;
            continue;
        }
        auto curve = curveOf(series);
        if (!curve)
            return badAnswer("a series of the answer has no labels or no values: is there a proxy that changes it?");
        curves.curves.push_back(std::move(*curve));
    }
    if (const auto warnings = answer.find("warnings");
        warnings != answer.end() && warnings->is_array() && !warnings->empty() && warnings->front().is_string())
        curves.warning = warnings->front().get<std::string>();
    return curves;
}

} // namespace gantry::metrics
