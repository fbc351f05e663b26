#include "trace_model/analysis/sweep/sweep_report.h"

#include "trace_model/analysis/comparison_subjects.h"
#include "trace_model/analysis/gaps.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/counter_window.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <nlohmann/json.hpp>

namespace gantry::sweep {
namespace {

constexpr int kDeepest = 16;
constexpr std::size_t kMostLevels = 1000; // of a load

using Of = analysis::CircumstanceChange::Of;
using nlohmann::json;

std::optional<double> numberAt(const json& object, const char* key)
{
    const auto found = object.find(key);
    return found != object.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
}

/// Of a level of a load.
void takeLevel(Point& point, const json& level)
{
    Figures& figures = point.figures;
    figures[Figure::Throughput] = numberAt(level, "inferences_per_second");
    figures[Figure::Requests] = numberAt(level, "ok");
    figures[Figure::P50] = numberAt(level, "latency_p50_ns");
    figures[Figure::P90] = numberAt(level, "latency_p90_ns");
    figures[Figure::P95] = numberAt(level, "latency_p95_ns");
    figures[Figure::P99] = numberAt(level, "latency_p99_ns");
    double failures = 0;
    if (const auto errors = level.find("errors"); errors != level.end() && errors->is_object())
        for (const auto& [message, count] : errors->items())
            failures += count.is_number() ? count.get<double>() : 0;
    figures[Figure::Failures] = failures;
    point.measuredBy = MeasuredBy::Client;
    for (const auto& [key, name] : {std::pair("concurrency", "concurrency"), std::pair("request_rate", "request rate")})
        if (const auto value = numberAt(level, key); value && !point.parameter(name))
            point.parameters.push_back({name, fmt::format("{:g}", *value)});
    if (level.value("partial", json(false)) == true)
        point.notes.emplace_back("the load was interrupted");
    if (level.value("stable", json()) == false)
        point.notes.emplace_back("its load did not become stable: longer measurements may");
}

std::vector<json> levelsIn(std::string_view text)
{
    // A report may be somebody else's: what nests without end is copied by recursion, which would end the program.
    const auto isShallow = [](int depth, json::parse_event_t, const json&) { return depth <= kDeepest; };
    const json document = json::parse(text, isShallow, false);
    if (!document.is_object())
        return {};
    const auto levels = document.find("levels");
    if (levels == document.end() || !levels->is_array() || levels->size() > kMostLevels)
        return {};
    std::vector<json> found;
    for (const json& level : *levels)
        if (level.is_object())
            found.push_back(level);
    return found;
}

void takeRequests(Point& point, const trace::Trace& trace)
{
    std::vector<DurationNs> latencies;
    std::size_t failed = 0;
    for (const trace::Request& request : trace.requests) {
        if (request.cutByWindow || request.parentId) // a step of an ensemble is part of its request
            continue;
        if (request.failed)
            ++failed;
        else
            latencies.push_back(request.time.duration());
    }
    if (latencies.empty() && failed == 0)
        return;
    Figures& figures = point.figures;
    point.measuredBy = MeasuredBy::Server;
    figures[Figure::Requests] = static_cast<double>(latencies.size());
    figures[Figure::Failures] = static_cast<double>(failed);
    if (const DurationNs length = analysis::recordedTime(trace).duration(); length > 0)
        figures[Figure::Throughput] = static_cast<double>(latencies.size()) / (static_cast<double>(length) / 1e9);
    if (latencies.empty())
        return;
    std::sort(latencies.begin(), latencies.end());
    for (const auto& [figure, share] :
         {std::pair(Figure::P50, 0.5), std::pair(Figure::P90, 0.9), std::pair(Figure::P95, 0.95), std::pair(Figure::P99, 0.99)})
        figures[figure] = static_cast<double>(analysis::nearestRank(latencies, share));
}

std::optional<double> gpuBusy(const trace::Trace& trace)
{
    const TimeRange time = analysis::recordedTime(trace);
    analysis::ComparedSide whole;
    whole.trace = &trace;
    whole.blocks = {time.start, std::max<DurationNs>(time.duration(), 1), 1};
    analysis::Subjects subjects;
    analysis::takeGpus(subjects, whole);
    for (const auto& [key, subject] : subjects)
        if (key.kind == analysis::RowKind::Gpu && subject.unit == "ratio" && !subject.sums.weight.empty() && subject.sums.weight[0] > 0)
            return std::min(1.0, subject.sums.sum[0] / subject.sums.weight[0]);
    return std::nullopt;
}

/// The most that was in use at once on the GPUs together, each at its worst.
std::optional<double> gpuMemory(const trace::Trace& trace)
{
    std::optional<double> sum;
    for (const trace::Track& track : trace.tracks) {
        if (track.kind != trace::TrackKind::Counter || !track.counter.source.starts_with("gpu_memory_used_bytes"))
            continue;
        std::optional<double> most;
        const trace::SamplesInWindow samples = trace::samplesInWindow(trace, track.counter);
        for (std::size_t i = samples.begin; i < samples.end; ++i)
            if (const double value = track.counter.value[i]; !std::isnan(value))
                most = std::max(most.value_or(value), value);
        const double factor = track.counter.unit == "GiB" ? 1024.0 * 1024 * 1024 : track.counter.unit == "MiB" ? 1024.0 * 1024 : 1;
        if (most)
            sum = sum.value_or(0) + *most * factor;
    }
    return sum;
}

/// Lines of a configuration that people call by shorter names.
std::string shortName(const std::string& name)
{
    static const std::map<std::string, std::string> kNames = {{"instance_group.count", "instances"},
                                                              {"max_batch_size", "max batch size"},
                                                              {"dynamic_batching.preferred_batch_size", "preferred batch sizes"}};
    const auto found = kNames.find(name);
    return found == kNames.end() ? name : found->second;
}

void takeCircumstances(Point& point, const trace::Trace& trace, const std::string& model)
{
    const std::string ofModel = " of " + model;
    for (const analysis::Circumstance& one : analysis::circumstancesOf(trace)) {
        const bool isOfModel = !model.empty() && one.name.ends_with(ofModel);
        const std::string name = isOfModel ? one.name.substr(0, one.name.size() - ofModel.size()) : one.name;
        if (one.of == Of::ModelConfig && isOfModel && name == "dynamic_batching.max_queue_delay_microseconds")
            point.parameters.push_back({"queue delay", one.value + " µs", one.of});
        else
            point.parameters.push_back({isOfModel ? shortName(name) : name, one.value, one.of});
    }
    // An empty block switches it on too, and holds no value that would say so.
    const auto config = trace.meta.settings.find(report::meta::kModelConfigPrefix + model);
    if (config != trace.meta.settings.end())
        point.parameters.push_back(
            {"dynamic batching", config->second.find("dynamic_batching") != std::string::npos ? "on" : "off", Of::ModelConfig});
}

} // namespace

bool takeLoad(Point& point, std::string_view text)
{
    const std::vector<json> levels = levelsIn(text);
    if (levels.size() != 1)
        return false;
    takeLevel(point, levels.front());
    return true;
}

std::vector<Point> pointsOfReport(const trace::Trace& trace, const std::filesystem::path& file)
{
    Point point;
    point.file = point.trace = file;
    point.name = file.stem().string();
    const std::vector<std::string> models = analysis::modelsByTime(trace);
    if (!models.empty())
        point.parameters.push_back({"model", fmt::format("{}", fmt::join(models, ", "))});
    takeRequests(point, trace);
    point.figures[Figure::AverageBatch] = analysis::requestBreakdown(trace).averageBatch;
    point.figures[Figure::GpuBusy] = gpuBusy(trace);
    point.figures[Figure::GpuMemory] = gpuMemory(trace);
    point.figures[Figure::Dropped] = static_cast<double>(droppedTotal(trace.losses));
    if (const auto dropped = droppedTotal(trace.losses); dropped == 0 && !analysis::gapsOf(trace).empty())
        point.notes.push_back(analysis::gapsOf(trace));
    takeCircumstances(point, trace, models.empty() ? std::string() : models.front());
    const auto load = trace.meta.settings.find(report::meta::kRecipeLoad);
    if (load == trace.meta.settings.end() || takeLoad(point, load->second))
        return {point};
    std::vector<Point> points;
    for (const json& level : levelsIn(load->second)) {
        Point one;
        one.file = file;
        one.parameters = point.parameters;
        takeLevel(one, level);
        one.notes.emplace_back("the report's window lies across all levels of its load");
        one.name = one.parameters.empty() ? point.name
                                          : fmt::format("{} {} {}", point.name, one.parameters.back().name, one.parameters.back().value);
        points.push_back(std::move(one));
    }
    return points.empty() ? std::vector{point} : points;
}

} // namespace gantry::sweep
