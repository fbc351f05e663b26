#include "trace_model/metrics/metric_condition.h"

#include "trace_model/base/nearest_words.h"
#include "trace_model/metrics/histogram.h"
#include "trace_model/metrics/prometheus_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <set>
#include <utility>

namespace gantry::metrics {
namespace {

constexpr DurationNs kRateBaseNs = 1'000'000'000;
constexpr DurationNs kStaleNs = 1'500'000'000; // some scrapes went by
constexpr std::size_t kPointsKept = 64;
constexpr std::size_t kNamesShown = 12;

/// A time of a request by the name that it has here, and how servers publish it: two counters, and a histogram or a summary.
struct KnownTime
{
    std::string_view name;
    std::string_view sum, count; ///< empty: only of the distribution
    std::string_view distribution;
};

// Triton's metrics documentation; the metrics pages of vLLM, SGLang, TensorRT-LLM and Dynamo.
constexpr std::array kTimes = {
    KnownTime{"latency", "nv_inference_request_duration_us", "nv_inference_request_success", "nv_inference_first_response_histogram_ms"},
    KnownTime{"latency", "", "", "nv_inference_request_summary_us"},
    KnownTime{"latency", "", "", "vllm:e2e_request_latency_seconds"},
    KnownTime{"latency", "", "", "sglang:e2e_request_latency_seconds"},
    KnownTime{"latency", "", "", "trtllm_e2e_request_latency_seconds"},
    KnownTime{"latency", "", "", "dynamo_frontend_request_duration_seconds"},
    KnownTime{"queue", "nv_inference_queue_duration_us", "nv_inference_request_success", "nv_inference_queue_summary_us"},
    KnownTime{"queue", "", "", "vllm:request_queue_time_seconds"},
    KnownTime{"queue", "", "", "sglang:queue_time_seconds"},
    KnownTime{"queue", "", "", "trtllm_request_queue_time_seconds"},
    KnownTime{"compute_input", "nv_inference_compute_input_duration_us", "nv_inference_request_success",
              "nv_inference_compute_input_summary_us"},
    KnownTime{"compute_infer", "nv_inference_compute_infer_duration_us", "nv_inference_request_success",
              "nv_inference_compute_infer_summary_us"},
    KnownTime{"compute_output", "nv_inference_compute_output_duration_us", "nv_inference_request_success",
              "nv_inference_compute_output_summary_us"},
    KnownTime{"first_token", "", "", "vllm:time_to_first_token_seconds"},
    KnownTime{"first_token", "", "", "sglang:time_to_first_token_seconds"},
    KnownTime{"first_token", "", "", "trtllm_time_to_first_token_seconds"},
    KnownTime{"first_token", "", "", "dynamo_frontend_time_to_first_token_seconds"},
};

/// A counter whose rate has a name here.
struct KnownRate
{
    std::string_view name, counter;
};

constexpr std::array kRates = {
    KnownRate{"requests", "nv_inference_request_success"},
    KnownRate{"requests", "vllm:request_success_total"},
    KnownRate{"requests", "vllm:request_success"},
    KnownRate{"requests", "sglang:num_requests_total"},
    KnownRate{"requests", "trtllm_request_success_total"},
    KnownRate{"requests", "dynamo_frontend_requests_total"},
    KnownRate{"failures", "nv_inference_request_failure"},
    KnownRate{"failures", "trtllm_request_error_total"},
    KnownRate{"failures", "sglang:num_aborted_requests_total"},
};

/// What unit the values of a distribution have, by the end of its name.
double nsPerUnit(std::string_view name)
{
    return name.ends_with("_us") ? 1e3 : name.ends_with("_ms") ? 1e6 : 1e9;
}

bool isTimeName(std::string_view name)
{
    return name.ends_with("_us") || name.ends_with("_ms") || name.ends_with("_seconds") || name.ends_with("_secs");
}

std::string_view trimmed(std::string_view text)
{
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

/// "p99", "p99.9". Nothing: it is none.
std::optional<double> quantileNamed(std::string_view word)
{
    double percent = 0;
    if (word.size() < 2 || word.front() != 'p')
        return {};
    const auto [end, error] = std::from_chars(word.data() + 1, word.data() + word.size(), percent, std::chars_format::fixed);
    if (error != std::errc() || end != word.data() + word.size() || !(percent > 0 && percent < 100))
        return {};
    return percent / 100;
}

std::map<std::string, std::string> without(std::map<std::string, std::string> labels, std::initializer_list<const char*> names)
{
    for (const char* name : names)
        labels.erase(name);
    return labels;
}

/// `label`: that it has; null: any.
bool hasSeries(const std::vector<SeriesDefinition>& all, std::string_view name, const char* label = nullptr)
{
    return std::any_of(all.begin(), all.end(),
                       [&](const SeriesDefinition& series) { return series.name == name && (!label || series.labels.count(label) > 0); });
}

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

} // namespace

const MetricCondition::Unit MetricCondition::kUnits[] = {
    {"", Quantity::Number, 1},         {"%", Quantity::Ratio, 0.01},
    {"ns", Quantity::Time, 1},         {"us", Quantity::Time, 1e3},
    {"µs", Quantity::Time, 1e3},       {"ms", Quantity::Time, 1e6},
    {"s", Quantity::Time, 1e9},        {"B", Quantity::Bytes, 1},
    {"kB", Quantity::Bytes, 1e3},      {"MB", Quantity::Bytes, 1e6},
    {"GB", Quantity::Bytes, 1e9},      {"KiB", Quantity::Bytes, 1024},
    {"MiB", Quantity::Bytes, 1048576}, {"GiB", Quantity::Bytes, 1073741824},
    {"/s", Quantity::Rate, 1},         {"1/s", Quantity::Rate, 1},
    {"req/s", Quantity::Rate, 1},      {"W", Quantity::Power, 1},
    {"Hz", Quantity::Frequency, 1},    {"MHz", Quantity::Frequency, 1e6},
    {"GHz", Quantity::Frequency, 1e9}, {"C", Quantity::Temperature, 1},
    {"°C", Quantity::Temperature, 1},
};

MetricCondition::MetricCondition() : m_patience(kStaleNs), m_store(kPointsKept) {}

Result<MetricCondition> MetricCondition::parse(std::string_view text)
{
    constexpr std::string_view kExample =
        "write a metric, a comparison and a value, such as 'p99 queue > 5ms' or 'gpu_utilization_ratio < 50%'";
    MetricCondition condition;
    condition.m_text = trimmed(text);
    // A comparison inside of a label's value is none.
    bool isQuoted = false;
    std::size_t at = 0;
    for (; at < text.size() && (isQuoted || (text[at] != '<' && text[at] != '>')); ++at)
        isQuoted ^= text[at] == '"';
    if (at == text.size())
        return badInput(fmt::format("'{}' compares nothing: {}", condition.m_text, kExample));
    const bool isEqualToo = at + 1 < text.size() && text[at + 1] == '=';
    condition.m_comparison = text[at] == '<' ? (isEqualToo ? Comparison::LessEqual : Comparison::Less)
                                             : (isEqualToo ? Comparison::GreaterEqual : Comparison::Greater);
    std::string_view metric = trimmed(text.substr(0, at));
    const std::string_view value = trimmed(text.substr(at + (isEqualToo ? 2 : 1)));

    if (const std::size_t brace = metric.find('{'); brace != std::string_view::npos) {
        if (metric.back() != '}')
            return badInput(fmt::format("the labels of '{}' have no end: write metric{{model=\"bert\"}}", metric));
        condition.m_labels = parseLabels(metric.substr(brace + 1, metric.size() - brace - 2));
        if (condition.m_labels.empty())
            return badInput(fmt::format("the labels of '{}' cannot be read: write metric{{model=\"bert\"}}", metric));
        metric = trimmed(metric.substr(0, brace));
    }
    if (const std::size_t space = metric.find(' '); space != std::string_view::npos) {
        condition.m_quantile = quantileNamed(metric.substr(0, space));
        if (!condition.m_quantile)
            return badInput(fmt::format("'{}' is no percentile: {}", metric.substr(0, space), kExample));
        metric = trimmed(metric.substr(space));
    }
    if (metric.empty() || metric.find(' ') != std::string_view::npos)
        return badInput(fmt::format("'{}' names no metric: {}", condition.m_text, kExample));
    condition.m_metric = metric;

    double number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number, std::chars_format::fixed);
    const std::string_view unit =
        error == std::errc() ? trimmed(value.substr(static_cast<std::size_t>(end - value.data()))) : std::string_view("?");
    const auto known = std::find_if(std::begin(kUnits), std::end(kUnits), [&](const Unit& candidate) { return candidate.name == unit; });
    if (known == std::end(kUnits) || !std::isfinite(number))
        return badInput(fmt::format("'{}' is no value with a unit: {}", value, kExample));
    condition.m_unit = known;
    condition.m_value = number * known->scale;
    condition.m_names.insert(condition.m_metric);
    for (Source& source : condition.sources({})) {
        condition.m_names.insert(std::move(source.series));
        condition.m_names.insert(std::move(source.divisor));
    }
    return condition;
}

std::optional<double> MetricCondition::anomalyRatio() const
{
    const bool isShare = m_comparison == Comparison::Greater && m_unit->quantity == Quantity::Ratio && m_value > 0;
    return isShare ? std::optional(m_value) : std::nullopt;
}

std::vector<MetricCondition::Source> MetricCondition::sources(const std::vector<SeriesDefinition>& series) const
{
    std::vector<Source> found;
    const auto addDistribution = [&](std::string_view name) {
        const Quantity quantity = isTimeName(name) ? Quantity::Time : Quantity::Number;
        const double scale = quantity == Quantity::Time ? nsPerUnit(name) : 1;
        if (!m_quantile) {
            found.push_back({Measure::Mean, std::string(name) + "_sum", std::string(name) + "_count", quantity, scale});
            return;
        }
        found.push_back({Measure::Histogram, std::string(name) + "_bucket", {}, quantity, scale});
        found.push_back({Measure::Summary, std::string(name), {}, quantity, scale});
    };
    for (const KnownTime& time : kTimes) {
        if (time.name != m_metric)
            continue;
        if (!m_quantile && !time.sum.empty())
            found.push_back({Measure::Mean, std::string(time.sum), std::string(time.count), Quantity::Time, nsPerUnit(time.sum)});
        addDistribution(time.distribution);
    }
    if (!m_quantile)
        for (const KnownRate& rate : kRates)
            if (rate.name == m_metric)
                found.push_back({Measure::Rate, std::string(rate.counter), {}, Quantity::Rate, 1});
    const auto named = std::find_if(series.begin(), series.end(), [&](const SeriesDefinition& s) { return s.name == m_metric; });
    if (named != series.end() && !m_quantile) {
        static constexpr std::pair<std::string_view, std::pair<Quantity, double>> kOfUnits[] = {
            {"us", {Quantity::Time, 1e3}},      {"s", {Quantity::Time, 1e9}}, {"ratio", {Quantity::Ratio, 1}},
            {"bytes", {Quantity::Bytes, 1}},    {"W", {Quantity::Power, 1}},  {"Hz", {Quantity::Frequency, 1}},
            {"°C", {Quantity::Temperature, 1}},
        };
        const auto unit =
            std::find_if(std::begin(kOfUnits), std::end(kOfUnits), [&](const auto& entry) { return entry.first == named->unit; });
        if (named->kind == SeriesKind::Counter)
            found.push_back({Measure::Rate, m_metric, {}, Quantity::Rate, 1});
        else if (unit == std::end(kOfUnits))
            found.push_back({Measure::Gauge, m_metric, {}, Quantity::Number, 1});
        else
            found.push_back({Measure::Gauge, m_metric, {}, unit->second.first, unit->second.second});
    }
    addDistribution(m_metric);
    return found;
}

std::optional<MetricCondition::Source> MetricCondition::sourceIn(const std::vector<SeriesDefinition>& series) const
{
    for (Source& source : sources(series))
        if (hasSeries(series, source.series, source.measure == Measure::Summary ? "quantile" : nullptr) &&
            (source.divisor.empty() || hasSeries(series, source.divisor)))
            return std::move(source);
    return {};
}

std::vector<std::string> MetricCondition::namesIn(const std::vector<SeriesDefinition>& series) const
{
    std::set<std::string> names;
    for (const SeriesDefinition& one : series)
        names.insert(histogramOfBucket(one.name).empty() ? one.name : std::string(histogramOfBucket(one.name)));
    MetricCondition other = *this;
    const auto addIfThere = [&](std::string_view name) {
        other.m_metric = name;
        if (other.sourceIn(series))
            names.insert(std::string(name));
    };
    for (const KnownTime& time : kTimes)
        addIfThere(time.name);
    for (const KnownRate& rate : kRates)
        addIfThere(rate.name);
    if (m_quantile)
        std::erase_if(names, [&](const std::string& name) {
            other.m_metric = name;
            return !other.sourceIn(series);
        });
    return {names.begin(), names.end()};
}

bool MetricCondition::isMeant(const SeriesDefinition& series) const
{
    return std::all_of(m_labels.begin(), m_labels.end(), [&](const auto& wanted) {
        const auto label = series.labels.find(wanted.first);
        return label != series.labels.end() && label->second == wanted.second;
    });
}

Result<void> MetricCondition::check(const std::vector<SeriesDefinition>& series) const
{
    const std::string asked = m_quantile ? fmt::format("p{:g} {}", *m_quantile * 100, m_metric) : m_metric;
    const auto source = sourceIn(series);
    if (!source) {
        std::vector<std::string> names = nearestWords(m_metric, namesIn(series));
        const std::size_t more = names.size() > kNamesShown ? names.size() - kNamesShown : 0;
        names.resize(names.size() - more);
        if (names.empty())
            return Error{
                ErrorCode::NotFound,
                m_quantile
                    ? fmt::format("there is no '{}' here: no metric has percentiles, watch its mean", asked)
                    : fmt::format("there is no metric '{}' here, nor any other yet: those of a server appear once it answers", asked),
                {}};
        return Error{ErrorCode::NotFound,
                     fmt::format("there is no metric '{}' here: there {} {}{}", asked, m_quantile ? "are percentiles of" : "are",
                                 fmt::join(names, ", "), more > 0 ? fmt::format(" and {} more", more) : ""),
                     {}};
    }
    if (std::none_of(series.begin(), series.end(), [&](const auto& one) { return one.name == source->series && isMeant(one); }))
        return Error{ErrorCode::NotFound, fmt::format("no '{}' has the labels {{{}}}", asked, formatLabels(m_labels)), {}};
    const bool fits = m_unit->quantity == source->quantity ||
                      (m_unit->quantity == Quantity::Number && (source->quantity == Quantity::Ratio || source->quantity == Quantity::Rate));
    if (fits)
        return {};
    static constexpr std::pair<Quantity, const char*> kExamples[] = {
        {Quantity::Number, "a number without a unit, such as 20"},
        {Quantity::Time, "a time, such as 5ms"},
        {Quantity::Ratio, "a share, such as 50%"},
        {Quantity::Bytes, "an amount of memory, such as 2GiB"},
        {Quantity::Rate, "a rate, such as 100/s"},
        {Quantity::Power, "a power, such as 300W"},
        {Quantity::Frequency, "a frequency, such as 1200MHz"},
        {Quantity::Temperature, "a temperature, such as 80C"},
    };
    const auto example =
        std::find_if(std::begin(kExamples), std::end(kExamples), [&](const auto& entry) { return entry.first == source->quantity; });
    return badInput(fmt::format("'{}' is compared with {}", asked, example->second));
}

void MetricCondition::define(const SeriesDefinition& series)
{
    if (!m_names.contains(series.name) || (!isMeant(series) && histogramOfBucket(series.name).empty()) || !m_ids.insert(series.id).second)
        return;
    m_series.push_back(series);
    m_isChosen = false;
}

void MetricCondition::forget(std::span<const std::uint32_t> ids)
{
    for (const std::uint32_t id : ids)
        if (m_ids.erase(id) > 0) {
            std::erase_if(m_series, [id](const SeriesDefinition& series) { return series.id == id; });
            m_isChosen = false;
        }
    m_store.remove(ids);
}

void MetricCondition::choose()
{
    if (std::exchange(m_isChosen, true))
        return;
    m_source = sourceIn(m_series);
    const auto fits = check(m_series);
    m_unitProblem = !fits && fits.error().code == ErrorCode::BadInput ? fits.error().message : std::string();
    m_measured.clear();
    for (const SeriesDefinition& series : m_series)
        if (m_source && (series.name == m_source->series || series.name == m_source->divisor)) {
            m_measured.push_back(series);
            if (!m_store.find(series.id))
                m_store.define(series);
        }
}

std::string MetricCondition::unitProblem()
{
    choose();
    return m_unitProblem;
}

void MetricCondition::take(const Sample& sample)
{
    choose();
    if (m_store.find(sample.seriesId))
        m_store.append(sample);
}

bool MetricCondition::holds(double value) const
{
    switch (m_comparison) {
    case Comparison::Less:
        return value < m_value;
    case Comparison::LessEqual:
        return value <= m_value;
    case Comparison::Greater:
        return value > m_value;
    case Comparison::GreaterEqual:
        return value >= m_value;
    }
    return false;
}

/// Growth in the last second; a server that began anew, or said nothing since, has none.
std::optional<Point> MetricCondition::rate(std::uint32_t id, TimestampNs now) const
{
    const auto points = m_store.rate(id, {now - m_patience, now + 1}, kRateBaseNs);
    return points.empty() ? std::nullopt : std::optional(points.back());
}

std::optional<Point> MetricCondition::newest(std::uint32_t id, TimestampNs now) const
{
    const auto points = m_store.snapshot(id, {now - m_patience, now + 1});
    return points.empty() ? std::nullopt : std::optional(points.back());
}

std::optional<Point> MetricCondition::quantileOf(const SeriesDefinition& anyBucket, const std::vector<SeriesDefinition>& series,
                                                 TimestampNs now) const
{
    HistogramCounts counts;
    TimestampNs time = now;
    const auto labels = without(anyBucket.labels, {"le"});
    for (const SeriesDefinition& bucket : series) {
        const auto le = bucket.labels.find("le");
        if (bucket.name != anyBucket.name || le == bucket.labels.end() || without(bucket.labels, {"le"}) != labels)
            continue;
        const auto bound = bucketBound(le->second);
        const auto growth = rate(bucket.id, now);
        if (!bound || !growth)
            return {};
        counts[*bound] = growth->value;
        time = std::min(time, growth->time);
    }
    const auto found = histogramQuantile(counts, *m_quantile);
    return found ? std::optional(Point{time, found->value}) : std::nullopt;
}

std::optional<Point> MetricCondition::measure(const Source& source, const SeriesDefinition& of, const std::vector<SeriesDefinition>& series,
                                              TimestampNs now) const
{
    switch (source.measure) {
    case Measure::Gauge:
        return newest(of.id, now);
    case Measure::Rate:
        return rate(of.id, now);
    case Measure::Mean: {
        const auto divisor = std::find_if(series.begin(), series.end(),
                                          [&](const auto& other) { return other.name == source.divisor && other.labels == of.labels; });
        const auto sum = rate(of.id, now);
        const auto count = divisor == series.end() ? std::nullopt : rate(divisor->id, now);
        return sum && count && count->value > 0 ? std::optional(Point{sum->time, sum->value / count->value}) : std::nullopt;
    }
    case Measure::Histogram:
        return quantileOf(of, series, now);
    case Measure::Summary: {
        const auto label = of.labels.find("quantile");
        const auto quantile = label == of.labels.end() ? std::nullopt : bucketBound(label->second);
        if (!quantile || std::abs(*quantile - *m_quantile) > 1e-9)
            return {};
        return newest(of.id, now);
    }
    }
    return {};
}

MetricCondition::Reading MetricCondition::read(TimestampNs now)
{
    choose();
    Reading reading;
    const auto& series = m_measured;
    const auto& source = m_source;
    if (!source)
        return reading;
    const bool wantsLarge = m_comparison == Comparison::Greater || m_comparison == Comparison::GreaterEqual;
    std::set<std::map<std::string, std::string>> seen; // a histogram has a series for each of its buckets
    for (const SeriesDefinition& one : series) {
        if (one.name != source->series || !isMeant(one))
            continue;
        if (source->measure == Measure::Histogram && !seen.insert(without(one.labels, {"le"})).second)
            continue;
        const auto measured = measure(*source, one, series, now);
        if (!measured)
            continue;
        const double value = measured->value * source->scale;
        if (reading.value && (wantsLarge ? value <= *reading.value : value >= *reading.value))
            continue;
        reading.value = value;
        reading.time = measured->time;
        reading.isTrue = holds(value);
        reading.subject = formatLabels(without(one.labels, {"le", "quantile", "target", "version"}));
        reading.text = textOf(source->quantity, value);
    }
    return reading;
}

std::string MetricCondition::textOf(Quantity quantity, double value)
{
    switch (quantity) {
    case Quantity::Time:
        return formatDuration(static_cast<DurationNs>(std::clamp(value, -9e18, 9e18)));
    case Quantity::Ratio:
        return fmt::format("{:.4g} %", value * 100);
    case Quantity::Bytes:
        return fmt::format("{:.4g} MiB", value / 1048576);
    case Quantity::Rate:
        return fmt::format("{:.4g}/s", value);
    case Quantity::Power:
        return fmt::format("{:.4g} W", value);
    case Quantity::Frequency:
        return fmt::format("{:.4g} MHz", value / 1e6);
    case Quantity::Temperature:
        return fmt::format("{:.4g} °C", value);
    case Quantity::Number:
        break;
    }
    return fmt::format("{:.4g}", value);
}

std::string MetricCondition::valueText(double value) const
{
    return fmt::format("{:.4g}{}{}", value / m_unit->scale, m_unit->name.empty() || m_unit->name == "%" ? "" : " ", m_unit->name);
}

} // namespace gantry::metrics
