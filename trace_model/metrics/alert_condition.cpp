#include "trace_model/metrics/alert_condition.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <utility>

namespace gantry::metrics {
namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr DurationNs kRemembered = 3600 * kSecond;
constexpr DurationNs kLeastBefore = 60 * kSecond; // the first seconds of a server are nobody's normal
constexpr DurationNs kPatience = 5 * kSecond;     // endpoints that are asked once a second, and one answer that is late

constexpr std::string_view kAbsent = "absent ", kAnomaly = "anomaly ";

std::string withSubject(std::string value, const std::string& subject)
{
    return subject.empty() ? value : value + " (" + subject + ")";
}

} // namespace

AlertCondition::AlertCondition(Kind kind, MetricCondition metric) : m_kind(kind), m_metric(std::move(metric))
{
    m_metric.setPatience(kPatience);
}

Result<AlertCondition> AlertCondition::parse(std::string_view text)
{
    while (text.starts_with(' '))
        text.remove_prefix(1);
    if (text.starts_with(kAbsent)) {
        if (text.find_first_of("<>") != std::string_view::npos)
            return Error{ErrorCode::BadInput, fmt::format("'{}' compares something: write 'absent' and a metric alone", text), {}};
        GANTRY_TRY(MetricCondition metric, MetricCondition::parse(std::string(text.substr(kAbsent.size())) + " > 0"));
        AlertCondition condition(Kind::Absence, std::move(metric));
        condition.m_text = text;
        return condition;
    }
    if (!text.starts_with(kAnomaly)) {
        GANTRY_TRY(MetricCondition metric, MetricCondition::parse(text));
        AlertCondition condition(Kind::Value, std::move(metric));
        condition.m_text = condition.m_metric.text();
        return condition;
    }
    GANTRY_TRY(MetricCondition metric, MetricCondition::parse(text.substr(kAnomaly.size())));
    const auto deviation = metric.anomalyRatio();
    if (!deviation)
        return Error{ErrorCode::BadInput,
                     fmt::format("'{}' is no anomaly: write 'anomaly', a metric and how far it may differ, such as "
                                 "'anomaly queue > 50%'",
                                 text),
                     {}};
    AlertCondition condition(Kind::Anomaly, std::move(metric));
    condition.m_text = text;
    condition.m_deviation = *deviation;
    return condition;
}

AlertCondition::Reading AlertCondition::read(TimestampNs now)
{
    if (m_kind == Kind::Anomaly)
        return readAnomaly(now);
    if (m_since == 0)
        m_since = now;
    if (m_kind == Kind::Value)
        if (std::string problem = m_metric.unitProblem(); !problem.empty())
            return {{}, {}, std::move(problem)};
    const MetricCondition::Reading reading = m_metric.read(now);
    if (m_kind == Kind::Absence && !reading.value && now - m_since < kPatience)
        return {{}, {}, "it is waited for"};
    if (m_kind == Kind::Absence)
        return {!reading.value, reading.value ? "measured" : "not measured", {}};
    if (!reading.value)
        return {{}, {}, "nothing was measured of it in the last seconds"};
    return {reading.isTrue, withSubject(m_metric.valueText(*reading.value), reading.subject), {}};
}

double AlertCondition::median() const
{
    std::vector<double> values;
    values.reserve(m_before.size());
    for (const Point& point : m_before)
        values.push_back(point.value);
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

AlertCondition::Reading AlertCondition::readAnomaly(TimestampNs now)
{
    const MetricCondition::Reading reading = m_metric.read(now);
    while (!m_before.empty() && m_before.front().time < now - kRemembered)
        m_before.pop_front();
    if (!reading.value)
        return {{}, {}, "nothing was measured of it in the last seconds"};
    const bool isJudged = !m_before.empty() && now - m_before.front().time >= kLeastBefore;
    const double usual = m_median;
    if (m_before.empty() || now - m_before.back().time >= kSecond) {
        m_before.push_back({now, *reading.value});
        m_median = median(); // once a second
    }
    if (!isJudged)
        return {{}, reading.text, "it has not been watched for a minute yet: what is usual is not known"};
    const double change = *reading.value - usual;
    // Where nothing is usual, anything is more than any share of it.
    const bool isTrue = std::abs(change) > m_deviation * std::abs(usual);
    std::string value = reading.text;
    if (usual != 0)
        value += fmt::format(", {:.3g} % {} its median of the last hour", std::abs(change / usual) * 100, change < 0 ? "below" : "above");
    return {isTrue, withSubject(std::move(value), reading.subject), {}};
}

} // namespace gantry::metrics
