#include "remote_server/inference/metrics_text.h"

#include <charconv>
#include <chrono>
#include <fmt/format.h>
#include <sstream>

namespace gantry::inference_server {
namespace {

using Values = ModelStatistics::Values;

/// A model as of one moment, so that its numbers fit each other.
struct Snapshot
{
    std::string model, version, labels;
    bool hasCache = false;
    Values values;
    std::chrono::nanoseconds loadDuration{0};
};

struct Family
{
    const char* name;
    const char* type;
    const char* help;
    std::uint64_t (*value)(const Values&);
};

constexpr Family kCounts[] = {
    {"nv_inference_request_success", "counter", "Requests that succeeded, of any batch size", [](const Values& v) { return v.success; }},
    {"nv_inference_count", "counter", "Inferences performed: rows of requests, those that the cache answered not counted",
     [](const Values& v) { return v.inferences; }},
    {"nv_inference_exec_count", "counter", "Executions of the model, a batch each", [](const Values& v) { return v.executions; }},
};
constexpr Family kDurations[] = {
    {"nv_inference_request_duration_us", "counter", "Sum of the durations of requests in microseconds",
     [](const Values& v) { return v.requestNs / 1000; }},
    {"nv_inference_queue_duration_us", "counter", "Sum of the times of requests in the queue in microseconds",
     [](const Values& v) { return v.queueNs / 1000; }},
    {"nv_inference_compute_input_duration_us", "counter", "Sum of the times in which inputs were made ready, in microseconds",
     [](const Values& v) { return v.inputNs / 1000; }},
    {"nv_inference_compute_infer_duration_us", "counter", "Sum of the times in which the model executed, in microseconds",
     [](const Values& v) { return v.inferNs / 1000; }},
    {"nv_inference_compute_output_duration_us", "counter", "Sum of the times in which outputs were taken, in microseconds",
     [](const Values& v) { return v.outputNs / 1000; }},
};
constexpr Family kPending = {"nv_inference_pending_request_count", "gauge", "Requests that wait for their execution now",
                             [](const Values& v) { return v.pending; }};
constexpr Family kOldFailures = {"nv_inference_request_failure", "counter", "Requests that failed",
                                 [](const Values& v) { return v.failed; }};
constexpr Family kCacheCounts[] = {
    {"nv_cache_num_hits_per_model", "counter", "Requests that the response cache answered", [](const Values& v) { return v.cacheHits; }},
    {"nv_cache_num_misses_per_model", "counter", "Requests that the response cache did not know",
     [](const Values& v) { return v.cacheMisses; }},
};
constexpr Family kCacheDurations[] = {
    {"nv_cache_hit_duration_per_model", "counter", "Sum of the times of look-ups that hit, in microseconds",
     [](const Values& v) { return v.hitLookupNs / 1000; }},
    {"nv_cache_miss_duration_per_model", "counter", "Sum of the times of look-ups that missed and of insertions, in microseconds",
     [](const Values& v) { return (v.missLookupNs + v.missInsertNs) / 1000; }},
};
constexpr Family kOldCacheDurations[] = {
    {"nv_cache_hit_lookup_duration_per_model", "counter", "Sum of the times of look-ups that hit, in microseconds",
     [](const Values& v) { return v.hitLookupNs / 1000; }},
    {"nv_cache_miss_lookup_duration_per_model", "counter", "Sum of the times of look-ups that missed, in microseconds",
     [](const Values& v) { return v.missLookupNs / 1000; }},
    {"nv_cache_miss_insertion_duration_per_model", "counter", "Sum of the times of insertions, in microseconds",
     [](const Values& v) { return v.missInsertNs / 1000; }},
};

struct SummaryFamily
{
    LatencySummaries::Kind kind;
    const char* name;
    const char* help;
    std::uint64_t (*count)(const Values&);
    std::uint64_t (*sumNs)(const Values&);
    bool isOfCache;
};
constexpr auto kSuccess = [](const Values& v) { return v.success; };
constexpr auto kComputed = [](const Values& v) { return v.success - v.cacheHits; };
constexpr SummaryFamily kSummaries[] = {
    {LatencySummaries::Request, "nv_inference_request_summary_us", "Durations of requests in microseconds", kSuccess,
     [](const Values& v) { return v.requestNs; }, false},
    {LatencySummaries::Queue, "nv_inference_queue_summary_us", "Times of requests in the queue in microseconds", kSuccess,
     [](const Values& v) { return v.queueNs; }, false},
    {LatencySummaries::ComputeInput, "nv_inference_compute_input_summary_us", "Times in which inputs were made ready, in microseconds",
     kComputed, [](const Values& v) { return v.inputNs; }, false},
    {LatencySummaries::ComputeInfer, "nv_inference_compute_infer_summary_us", "Times in which the model executed, in microseconds",
     kComputed, [](const Values& v) { return v.inferNs; }, false},
    {LatencySummaries::ComputeOutput, "nv_inference_compute_output_summary_us", "Times in which outputs were taken, in microseconds",
     kComputed, [](const Values& v) { return v.outputNs; }, false},
    {LatencySummaries::CacheHit, "nv_cache_hit_summary_per_model", "Times of look-ups that hit, in microseconds",
     [](const Values& v) { return v.cacheHits; }, [](const Values& v) { return v.hitLookupNs; }, true},
    {LatencySummaries::CacheMiss, "nv_cache_miss_summary_per_model", "Times of look-ups that missed and of insertions, in microseconds",
     [](const Values& v) { return v.cacheMisses; }, [](const Values& v) { return v.missLookupNs + v.missInsertNs; }, true},
};

/// A label's value: Prometheus' text format escapes these three.
std::string labelValue(const std::string& text)
{
    std::string escaped;
    for (const char c : text) {
        if (c == '\\' || c == '"')
            escaped += '\\';
        escaped += c == '\n' ? std::string("\\n") : std::string(1, c);
    }
    return escaped;
}

std::vector<Snapshot> snapshots(const InferenceServer& server)
{
    std::vector<Snapshot> all;
    for (const auto& serving : server.serving()) {
        const ModelDescription& description = serving->description();
        all.push_back({description.name, description.version,
                       fmt::format("model=\"{}\",version=\"{}\"", labelValue(description.name), labelValue(description.version)),
                       description.config.response_cache().enable(), serving->statistics().values(), serving->loadDuration()});
    }
    return all;
}

std::string heading(const char* name, const char* type, const char* help)
{
    return fmt::format("# HELP {0} {2}\n# TYPE {0} {1}\n", name, type, help);
}

void addFamily(std::string& text, const Family& family, const std::vector<Snapshot>& models, bool onlyCached = false)
{
    std::string lines;
    for (const Snapshot& model : models)
        if (!onlyCached || model.hasCache)
            lines += fmt::format("{}{{{}}} {}\n", family.name, model.labels, family.value(model.values));
    if (!lines.empty() || !onlyCached)
        text += heading(family.name, family.type, family.help) + lines;
}

void addLoadDurations(std::string& text, const std::vector<Snapshot>& models)
{
    constexpr const char* kName = "nv_model_load_duration_secs";
    text += heading(kName, "gauge", "How long the model took to load, in seconds");
    for (const Snapshot& model : models)
        text += fmt::format("{}{{{}}} {:.9f}\n", kName, model.labels, std::chrono::duration<double>(model.loadDuration).count());
}

/// Absent where all responses had a place.
void addUncountedResponses(std::string& text, const std::vector<Snapshot>& models)
{
    constexpr const char* kName = "gantry_responses_without_statistics";
    std::string lines;
    for (const Snapshot& model : models)
        if (model.values.responsesBeyond > 0)
            lines += fmt::format("{}{{{}}} {}\n", kName, model.labels, model.values.responsesBeyond);
    if (!lines.empty())
        text +=
            heading(kName, "counter", "Responses that response_stats leaves out, because too many to the same request came before") + lines;
}

void addFailures(std::string& text, const std::vector<Snapshot>& models)
{
    constexpr const char* kName = "nv_inference_request_failure";
    text += heading(kName, "counter", "Requests that failed, by the reason");
    for (const Snapshot& model : models)
        for (std::size_t reason = 0; reason < kFailureReasons; ++reason)
            text += fmt::format("{}{{model=\"{}\",reason=\"{}\",version=\"{}\"}} {}\n", kName, labelValue(model.model),
                                name(static_cast<FailureReason>(reason)), labelValue(model.version), model.values.failedBy[reason]);
}

/// Triton's histogram of first responses, which it has for models of several; one that answers a request once has sent all with the first.
void addHistograms(std::string& text, const std::vector<Snapshot>& models)
{
    constexpr const char* kName = "nv_inference_first_response_histogram_ms";
    text += heading(kName, "histogram", "Duration from request to first response in milliseconds");
    for (const Snapshot& model : models) {
        text += fmt::format("{}_count{{{}}} {}\n{}_sum{{{}}} {}\n", kName, model.labels, model.values.success, kName, model.labels,
                            static_cast<double>(model.values.firstResponseNs) / 1e6);
        std::uint64_t upTo = 0;
        for (std::size_t bucket = 0; bucket < model.values.latencies.size(); ++bucket) {
            upTo += model.values.latencies[bucket];
            const std::string bound =
                bucket < ModelStatistics::kLatencyBounds ? fmt::format("{:.4g}", ModelStatistics::latencyBoundMs(bucket)) : "+Inf";
            text += fmt::format("{}_bucket{{{},le=\"{}\"}} {}\n", kName, model.labels, bound, upTo);
        }
    }
}

void addSummaries(std::string& text, const std::vector<Snapshot>& models, const LatencySummaries& summaries,
                  const std::vector<double>& quantiles)
{
    for (const SummaryFamily& family : kSummaries) {
        std::string lines;
        for (const Snapshot& model : models) {
            // As in Triton, whose request summary leaves models with a cache out: their requests are of two kinds.
            if (family.isOfCache != model.hasCache && (family.isOfCache || family.kind == LatencySummaries::Request))
                continue;
            lines += fmt::format("{0}_count{{{1}}} {2}\n{0}_sum{{{1}}} {3}\n", family.name, model.labels, family.count(model.values),
                                 family.sumNs(model.values) / 1000);
            const auto values = summaries.quantiles(model.model, model.version, family.kind, quantiles);
            for (std::size_t i = 0; i < quantiles.size(); ++i)
                lines += fmt::format("{}{{{},quantile=\"{}\"}} {}\n", family.name, model.labels, quantiles[i],
                                     values[i] ? fmt::format("{:.6g}", *values[i]) : "NaN");
        }
        if (!lines.empty())
            text += heading(family.name, "summary", family.help) + lines;
    }
}

/// Triton's pool is one of its own; here models hold page-locked memory for as long as they serve. Absent where none may.
void addPinnedMemory(std::string& text, const InferenceServer& server)
{
    std::uint64_t bytes = 0;
    bool isOnGpu = false;
    for (const auto& model : server.serving()) {
        isOnGpu = isOnGpu || model->platform() == "gpu";
        bytes += model->pinnedBytes();
    }
    if (!isOnGpu)
        return;
    for (const auto& [name, help] :
         {std::pair("nv_pinned_memory_pool_total_bytes",
                    "Page-locked host memory that models hold, in bytes; it is no pool of a fixed size"),
          std::pair("nv_pinned_memory_pool_used_bytes", "Page-locked host memory that models hold, in bytes; all of it is in use")})
        text += heading(name, "gauge", help) + fmt::format("{} {}\n", name, bytes);
}

/// Those of the response cache itself, which are gauges in Triton although they only grow: its cache is a library that sets them.
void addCache(std::string& text, const ResponseCache::Counts& cache)
{
    const auto count = [&](const char* name, const char* help, auto value) {
        text += heading(name, "gauge", help) + fmt::format("{} {}\n", name, value);
    };
    const auto share = cache.capacityBytes == 0 ? 0.0 : static_cast<double>(cache.bytes) / static_cast<double>(cache.capacityBytes);
    count("nv_cache_util", "Share of the cache's bytes that are in use, 0 to 1", share);
    count("nv_cache_num_entries", "Answers in the cache", cache.entries);
    count("nv_cache_num_hits", "Look-ups that hit", cache.hits);
    count("nv_cache_num_misses", "Look-ups that missed", cache.misses);
    count("nv_cache_num_lookups", "Look-ups", cache.lookups);
    count("nv_cache_num_evictions", "Answers that others took the place of", cache.evictions);
    count("nv_cache_lookup_duration", "Sum of the times of look-ups, in microseconds", cache.lookupNs / 1000);
    count("nv_cache_insertion_duration", "Sum of the times of insertions, in microseconds", cache.insertionNs / 1000);
}

Error badFlag(const std::string& flag, const char* problem)
{
    return {ErrorCode::BadInput, fmt::format("--metrics-config {}: {}", flag, problem), {}};
}

/// "0.5:0.05,0.9:0.01": quantiles with the error that is allowed, which is always 2 % here.
Result<std::vector<double>> quantilesOf(const std::string& flag, const std::string& value)
{
    std::vector<double> quantiles;
    std::istringstream parts(value);
    for (std::string part; std::getline(parts, part, ',');) {
        double quantile = -1;
        const std::string number = part.substr(0, part.find(':'));
        const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), quantile);
        if (problem != std::errc() || end != number.data() + number.size() || !(quantile >= 0 && quantile <= 1))
            return badFlag(flag, "quantiles are numbers from 0 to 1, each with :ERROR behind it, separated by commas");
        quantiles.push_back(quantile);
    }
    return quantiles;
}

} // namespace

Result<void> applyMetricsFlag(const std::string& flag, MetricsOptions& options)
{
    const std::size_t equals = flag.find('=');
    if (equals == std::string::npos)
        return badFlag(flag, "it must be SETTING=VALUE");
    const std::string name = flag.substr(0, equals), value = flag.substr(equals + 1);
    if (name == "summary_quantiles") {
        GANTRY_TRY(options.quantiles, quantilesOf(flag, value));
        return {};
    }
    bool* setting = name == "counter_latencies"     ? &options.counterLatencies
                    : name == "histogram_latencies" ? &options.histogramLatencies
                    : name == "summary_latencies"   ? &options.summaryLatencies
                                                    : nullptr;
    if (!setting)
        return badFlag(flag, "the settings are counter_latencies, histogram_latencies, summary_latencies and summary_quantiles");
    if (value != "true" && value != "false")
        return badFlag(flag, "the value must be true or false");
    *setting = value == "true";
    return {};
}

Metrics::Metrics(const MetricsOptions& options) : m_options(options), m_machine(options.machine) {}

void Metrics::add(const ModelDescription& model, const RequestTimes& times, bool cacheHit)
{
    if (m_options.summaryLatencies)
        m_summaries.add(model.name, model.version, times, cacheHit);
}

std::string Metrics::text(const InferenceServer& server, std::uint64_t droppedTraces) const
{
    const std::vector<Snapshot> models = snapshots(server);
    std::string text;
    addFamily(text, kCounts[0], models);
    if (m_options.oldNames)
        addFamily(text, kOldFailures, models);
    else
        addFailures(text, models);
    addFamily(text, kCounts[1], models);
    addFamily(text, kCounts[2], models);
    if (m_options.counterLatencies || m_options.oldNames)
        for (const Family& family : kDurations)
            addFamily(text, family, models);
    for (const Family& family : kCacheCounts)
        addFamily(text, family, models, true);
    if (m_options.oldNames) {
        for (const Family& family : kOldCacheDurations)
            addFamily(text, family, models, true);
        if (const auto cache = server.cacheCounts())
            addCache(text, *cache);
        return text + m_machine.text();
    }
    if (m_options.counterLatencies)
        for (const Family& family : kCacheDurations)
            addFamily(text, family, models, true);
    addFamily(text, kPending, models);
    addLoadDurations(text, models);
    addUncountedResponses(text, models);
    addPinnedMemory(text, server);
    text += m_machine.text();
    if (const auto cache = server.cacheCounts())
        addCache(text, *cache);
    if (m_options.histogramLatencies)
        addHistograms(text, models);
    if (m_options.summaryLatencies)
        addSummaries(text, models, m_summaries, m_options.quantiles);
    if (droppedTraces > 0)
        text += heading("gantry_traces_dropped", "counter", "Traces of requests that could not be written") +
                fmt::format("gantry_traces_dropped {}\n", droppedTraces);
    return text;
}

} // namespace gantry::inference_server
