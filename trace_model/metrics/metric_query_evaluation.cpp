#include "trace_model/metrics/histogram.h"
#include "trace_model/metrics/metric_query.h"
#include "trace_model/metrics/metric_query_node.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

namespace gantry::metrics {
namespace {

using Labels = std::map<std::string, std::string>;
using Curves = std::vector<QueryCurve>;

constexpr DurationNs kLongestApart = 2'000'000'000; // values of two sources that are taken together

Labels without(Labels labels, const char* name)
{
    labels.erase(name);
    return labels;
}

bool has(const Labels& all, const Labels& some)
{
    return std::all_of(some.begin(), some.end(), [&](const auto& label) {
        const auto found = all.find(label.first);
        return found != all.end() && found->second == label.second;
    });
}

std::optional<double> apply(char operation, double left, double right)
{
    switch (operation) {
    case '+':
        return left + right;
    case '-':
        return left - right;
    case '*':
        return left * right;
    default:
        return right != 0 ? std::optional(left / right) : std::nullopt; // per nothing is absent
    }
}

/// At each point of the left one, with the right one's newest value of then.
std::vector<Point> combine(char operation, const std::vector<Point>& left, const std::vector<Point>& right)
{
    std::vector<Point> result;
    std::size_t next = 0;
    for (const Point& point : left) {
        while (next < right.size() && right[next].time <= point.time)
            ++next;
        if (next == 0 || point.time - right[next - 1].time > kLongestApart)
            continue;
        if (const auto value = apply(operation, point.value, right[next - 1].value))
            result.push_back({point.time, *value});
    }
    return result;
}

} // namespace

class MetricQuery::Evaluation
{
public:
    Evaluation(const SeriesStore& store, TimeRange window, DurationNs rateBase) : m_store(store), m_window(window), m_rateBase(rateBase) {}

    [[nodiscard]] Curves curves(const Node& node) const
    {
        switch (node.kind) {
        case Node::Kind::Number:
            return {};
        case Node::Kind::Series:
            return ofSeries(node, [&](std::uint32_t id) { return m_store.snapshot(id, m_window); });
        case Node::Kind::Rate:
            return ofSeries(node, [&](std::uint32_t id) { return m_store.rate(id, m_window, m_rateBase); });
        case Node::Kind::Delta:
            return ofSeries(node, [&](std::uint32_t id) { return growth(id); });
        case Node::Kind::Quantile:
            return quantiles(node);
        case Node::Kind::Operation:
            return operation(node);
        case Node::Kind::Aggregate:
            return aggregate(node);
        case Node::Kind::Any:
            for (const auto& operand : node.operands)
                if (Curves found = curves(*operand); !found.empty())
                    return found;
            return {};
        }
        return {};
    }

private:
    template <typename PointsOf>
    [[nodiscard]] Curves ofSeries(const Node& node, PointsOf pointsOf) const
    {
        Curves found;
        for (const SeriesDefinition* series : m_store.named(node.name))
            if (has(series->labels, node.labels))
                if (auto points = pointsOf(series->id); !points.empty())
                    found.push_back({series->labels, std::move(points)});
        return found;
    }

    /// Since the first point of the window, over restarts.
    [[nodiscard]] std::vector<Point> growth(std::uint32_t id) const
    {
        std::vector<Point> points = m_store.snapshot(id, m_window);
        double grown = 0, last = points.empty() ? 0 : points.front().value;
        for (Point& point : points) {
            grown += point.value >= last ? point.value - last : point.value;
            last = std::exchange(point.value, grown);
        }
        return points;
    }

    [[nodiscard]] Curves quantiles(const Node& node) const
    {
        std::map<Labels, std::map<double, std::vector<Point>>> histograms;
        for (const SeriesDefinition* series : m_store.named(node.name + "_bucket")) {
            const auto le = series->labels.find("le");
            if (le == series->labels.end() || !has(series->labels, node.labels))
                continue;
            if (const auto bound = bucketBound(le->second))
                histograms[without(series->labels, "le")][*bound] = m_store.rate(series->id, m_window, m_rateBase);
        }
        Curves found;
        for (const auto& [labels, buckets] : histograms)
            if (auto points = quantilePoints(buckets, node.number); !points.empty())
                found.push_back({labels, std::move(points)});
        return found.empty() ? summaries(node) : found;
    }

    /// Where all buckets were measured at one time.
    static std::vector<Point> quantilePoints(const std::map<double, std::vector<Point>>& buckets, double quantile)
    {
        std::vector<Point> points;
        std::map<double, std::size_t> next;
        for (const Point& last : buckets.rbegin()->second) {
            HistogramCounts counts;
            for (const auto& [bound, rates] : buckets) {
                std::size_t& at = next[bound];
                while (at < rates.size() && rates[at].time < last.time)
                    ++at;
                if (at < rates.size() && rates[at].time == last.time)
                    counts[bound] = rates[at].value;
            }
            if (counts.size() != buckets.size())
                continue;
            if (const auto found = histogramQuantile(counts, quantile))
                points.push_back({last.time, found->value});
        }
        return points;
    }

    [[nodiscard]] Curves summaries(const Node& node) const
    {
        Curves found;
        for (const SeriesDefinition* series : m_store.named(node.name)) {
            const auto label = series->labels.find("quantile");
            const auto quantile = label == series->labels.end() ? std::nullopt : bucketBound(label->second);
            if (!quantile || std::abs(*quantile - node.number) > 1e-9 || !has(series->labels, node.labels))
                continue;
            if (auto points = m_store.snapshot(series->id, m_window); !points.empty())
                found.push_back({without(series->labels, "quantile"), std::move(points)});
        }
        return found;
    }

    [[nodiscard]] Curves operation(const Node& node) const
    {
        const Node& left = *node.operands[0];
        const Node& right = *node.operands[1];
        if (left.kind == Node::Kind::Number || right.kind == Node::Kind::Number)
            return withNumber(node, left, right);
        const Curves lefts = curves(left), rights = curves(right);
        Curves found;
        for (const QueryCurve& one : lefts) {
            // The one with the same labels before one that has only some of them.
            const QueryCurve* other = nullptr;
            for (const QueryCurve& candidate : rights)
                if (has(one.labels, candidate.labels) && (!other || candidate.labels.size() > other->labels.size()))
                    other = &candidate;
            if (!other)
                continue;
            if (auto points = combine(node.operation, one.points, other->points); !points.empty())
                found.push_back({one.labels, std::move(points)});
        }
        return found;
    }

    [[nodiscard]] Curves withNumber(const Node& node, const Node& left, const Node& right) const
    {
        const bool isLeft = left.kind == Node::Kind::Number;
        Curves found = curves(isLeft ? right : left);
        for (QueryCurve& curve : found) {
            std::vector<Point> points;
            for (const Point& point : curve.points)
                if (const auto value =
                        isLeft ? apply(node.operation, left.number, point.value) : apply(node.operation, point.value, right.number))
                    points.push_back({point.time, *value});
            curve.points = std::move(points);
        }
        return found;
    }

    /// At each time at which one of a group was measured, of those that were measured lately: one that has ended, or has just begun, does
    /// not hide the others.
    [[nodiscard]] Curves aggregate(const Node& node) const
    {
        std::map<Labels, Curves> groups;
        for (QueryCurve& curve : curves(*node.operands[0])) {
            Labels labels;
            for (const std::string& name : node.by)
                if (const auto label = curve.labels.find(name); label != curve.labels.end())
                    labels.insert(*label);
            groups[labels].push_back(std::move(curve));
        }
        Curves found;
        for (const auto& [labels, group] : groups)
            found.push_back({labels, together(node.name, group)});
        return found;
    }

    static std::vector<Point> together(const std::string& how, const Curves& group)
    {
        std::vector<TimestampNs> times;
        for (const QueryCurve& curve : group)
            for (const Point& point : curve.points)
                times.push_back(point.time);
        std::sort(times.begin(), times.end());
        times.erase(std::unique(times.begin(), times.end()), times.end());
        std::vector<std::size_t> next(group.size(), 0);
        std::vector<Point> result;
        for (const TimestampNs time : times) {
            std::vector<double> values;
            for (std::size_t i = 0; i < group.size(); ++i) {
                const auto& points = group[i].points;
                while (next[i] < points.size() && points[next[i]].time <= time)
                    ++next[i];
                if (next[i] > 0 && time - points[next[i] - 1].time <= kLongestApart)
                    values.push_back(points[next[i] - 1].value);
            }
            result.push_back({time, valueOf(how, values)});
        }
        return result;
    }

    static double valueOf(const std::string& how, const std::vector<double>& values)
    {
        if (how == "min")
            return *std::min_element(values.begin(), values.end());
        if (how == "max")
            return *std::max_element(values.begin(), values.end());
        const double sum = std::accumulate(values.begin(), values.end(), 0.0);
        return how == "avg" ? sum / static_cast<double>(values.size()) : sum;
    }

    const SeriesStore& m_store;
    TimeRange m_window;
    DurationNs m_rateBase;
};

std::vector<QueryCurve> MetricQuery::evaluate(const SeriesStore& store, TimeRange window, DurationNs rateBase) const
{
    return m_root ? Evaluation(store, window, rateBase).curves(*m_root) : std::vector<QueryCurve>();
}

} // namespace gantry::metrics
