#include "trace_model/analysis/findings/rule.h"
#include "trace_model/analysis/findings/words.h"
#include "trace_model/trace/counter_window.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

namespace gantry::findings {
namespace {

constexpr double kUnderLoad = 0.3; // of the window that a GPU is busy: an idle one lowers its clocks on purpose

/// What the samples of a counter say over the window.
struct Series
{
    trace::TrackId track;
    double min = 0, max = 0, last = 0;
    TimestampNs timeOfMin = 0, timeOfMax = 0;
    std::size_t samples = 0;
};

/// The value of a label in a source such as "gpu_power_w{gpu=\"0\"}"; empty: there is none.
std::string_view labelOf(std::string_view source, std::string_view label)
{
    const std::string wanted = std::string(label) + "=\"";
    const auto start = source.find(wanted);
    if (start == std::string_view::npos)
        return {};
    const std::string_view rest = source.substr(start + wanted.size());
    return rest.substr(0, rest.find('"'));
}

/// The number of a GPU, which goes into commands that people paste: what is none is left out.
std::string gpuOf(std::string_view source)
{
    const std::string_view gpu = labelOf(source, "gpu");
    const bool isNumber = !gpu.empty() && gpu.size() < 4 && gpu.find_first_not_of("0123456789") == std::string_view::npos;
    return isNumber ? std::string(gpu) : std::string("GPU");
}

std::optional<Series> seriesOf(const trace::Trace& trace, std::size_t index)
{
    const trace::CounterColumns& counter = trace.tracks[index].counter;
    Series series;
    series.track = trace::TrackId(static_cast<std::uint32_t>(index));
    const trace::SamplesInWindow samples = trace::samplesInWindow(trace, counter);
    for (std::size_t i = samples.begin; i < samples.end; ++i) {
        const double value = counter.value[i];
        if (std::isnan(value))
            continue;
        if (series.samples == 0 || value < series.min) {
            series.min = value;
            series.timeOfMin = counter.time[i];
        }
        if (series.samples == 0 || value > series.max) {
            series.max = value;
            series.timeOfMax = counter.time[i];
        }
        series.last = value;
        ++series.samples;
    }
    return series.samples > 0 ? std::optional(series) : std::nullopt;
}

/// The counters made of a series of that name, by the number of their GPU.
std::multimap<std::string, Series> seriesByGpu(const trace::Trace& trace, std::string_view name)
{
    std::multimap<std::string, Series> found;
    for (std::size_t i = 0; i < trace.tracks.size(); ++i) {
        const trace::Track& track = trace.tracks[i];
        if (track.kind != trace::TrackKind::Counter)
            continue;
        const std::string_view source = track.counter.source;
        if (source.substr(0, source.find('{')) != name)
            continue;
        if (const auto series = seriesOf(trace, i))
            found.emplace(gpuOf(source), *series);
    }
    return found;
}

/// A stretch around a sample.
TimeRange around(const Facts& facts, TimestampNs time)
{
    const DurationNs half = std::max<DurationNs>(1, facts.window.duration() / 40);
    return {time - half, time + half};
}

bool isUnderLoad(const Facts& facts)
{
    return std::any_of(facts.gpus.begin(), facts.gpus.end(),
                       [&](const GpuFacts& gpu) { return facts.shareOfWindow(gpu.busy) >= kUnderLoad; });
}

/// Bytes of a value in the unit of a track.
double bytesOf(const trace::Trace& trace, const Series& series, double value)
{
    return trace.track(series.track).counter.unit == "GiB" ? value * 1024 * 1024 * 1024 : value;
}

} // namespace

Judgement judgeThrottling(const Facts& facts)
{
    const auto throttled = seriesByGpu(facts.trace, "gpu_throttled");
    if (throttled.empty())
        return Judgement::cannot("what holds clocks down was not recorded");
    Judgement judgement;
    for (const auto& [gpu, series] : throttled) {
        if (series.max <= 0)
            continue;
        const std::string reason(labelOf(facts.trace.track(series.track).counter.source, "reason"));
        Finding finding;
        finding.severity = Severity::Problem;
        finding.sentence = fmt::format("The clocks of GPU {} were held down in the window. The driver's reason: {}.", gpu, reason);
        finding.evidence.push_back({"when it was seen first", around(facts, series.timeOfMax), {}, {}});
        if (reason == "power cap")
            finding.remedies.push_back(
                {"Allow the board more power, where its cooling takes it; or accept the cap and compare only runs under the same one.",
                 fmt::format("nvidia-smi -i {} --query-gpu=power.max_limit --format=csv\nsudo nvidia-smi -i {} --power-limit=WATTS", gpu,
                             gpu)});
        else
            finding.remedies.push_back({"See to the cooling and the power supply: temperature, fan, neighbours in the chassis.",
                                        fmt::format("nvidia-smi -i {} -q -d TEMPERATURE,POWER,PERFORMANCE", gpu)});
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

Judgement judgeClockDrop(const Facts& facts)
{
    constexpr double kDrop = 0.85; // of the highest clock in the window
    const auto clocks = seriesByGpu(facts.trace, "gpu_sm_clock_hz");
    if (clocks.empty())
        return Judgement::cannot("no clocks were recorded");
    if (!isUnderLoad(facts))
        return Judgement::cannot("no GPU was busy enough for its clocks to matter");
    Judgement judgement;
    for (const auto& [gpu, series] : clocks) {
        if (series.samples < 2 || series.min >= kDrop * series.max)
            continue;
        Finding finding;
        finding.severity = Severity::Advice;
        finding.sentence = fmt::format(
            "The SM clock of GPU {} lies between {:.0f} and {:.0f} {} in the window: kernels of the same work take different times.", gpu,
            series.min, series.max, facts.trace.track(series.track).counter.unit);
        finding.evidence.push_back({"the lowest clock", around(facts, series.timeOfMin), {}, {}});
        finding.remedies = {{"To compare runs, lock the clocks; give them back afterwards with --reset-gpu-clocks.",
                             fmt::format("sudo nvidia-smi -i {} --lock-gpu-clocks={:.0f}", gpu, series.max)}};
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

Judgement judgePowerCap(const Facts& facts)
{
    constexpr double kNear = 0.97;
    const auto power = seriesByGpu(facts.trace, "gpu_power_w"), limits = seriesByGpu(facts.trace, "gpu_power_limit_w");
    if (power.empty() || limits.empty())
        return Judgement::cannot(power.empty() ? "no power was recorded" : "the limit of the power was not recorded");
    Judgement judgement;
    for (const auto& [gpu, series] : power) {
        const auto limit = limits.find(gpu);
        if (limit == limits.end() || limit->second.last <= 0 || series.max < kNear * limit->second.last)
            continue;
        Finding finding;
        finding.severity = Severity::Advice;
        finding.sentence = fmt::format("GPU {} draws {:.0f} W of the {:.0f} W that it may: it lowers its clocks to stay below.", gpu,
                                       series.max, limit->second.last);
        finding.evidence.push_back({"the most power", around(facts, series.timeOfMax), {}, {}});
        finding.remedies = {
            {"Allow the board more power, where its cooling takes it.", fmt::format("sudo nvidia-smi -i {} --power-limit=WATTS", gpu)}};
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

Judgement judgeMemoryFull(const Facts& facts)
{
    constexpr double kNearly = 0.95, kGiB = 1024.0 * 1024 * 1024;
    const auto used = seriesByGpu(facts.trace, "gpu_memory_used_bytes"), totals = seriesByGpu(facts.trace, "gpu_memory_total_bytes");
    if (used.empty() || totals.empty())
        return Judgement::cannot(used.empty() ? "no use of GPU memory was recorded" : "how much memory the GPU has was not recorded");
    Judgement judgement;
    for (const auto& [gpu, series] : used) {
        const auto total = totals.find(gpu);
        if (total == totals.end())
            continue;
        const double most = bytesOf(facts.trace, series, series.max), all = bytesOf(facts.trace, total->second, total->second.last);
        if (all <= 0 || most < kNearly * all)
            continue;
        Finding finding;
        finding.severity = Severity::Advice;
        finding.sentence = fmt::format(
            "GPU {} uses {:.1f} of its {:.1f} GiB of memory: the next larger batch or instance may fail, and allocators that look for "
            "room are slow.",
            gpu, most / kGiB, all / kGiB);
        finding.evidence.push_back({"the most memory", around(facts, series.timeOfMax), {}, {}});
        finding.remedies = {
            {"Fewer instances, or smaller batches.", "instance_group [ { count: 1 kind: KIND_GPU } ]"},
            {"vLLM takes this share on purpose; leave some for what else runs there.", "vllm serve MODEL --gpu-memory-utilization 0.85"}};
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

} // namespace gantry::findings
