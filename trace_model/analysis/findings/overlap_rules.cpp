#include "trace_model/analysis/findings/rule.h"
#include "trace_model/analysis/findings/words.h"
#include "trace_model/base/counted.h"
#include "trace_model/import/gpu_settings.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

namespace gantry::findings {
namespace {

using trace::EventId;
using trace::EventKind;

constexpr double kWorkingStream = 0.05;      // of the GPU's work: less is set-up, not one of the streams that ought to overlap
constexpr double kProblem = 0.10;            // of the window that overlap would save
constexpr std::size_t kFewestPieces = 100;   // of work, to speak of what is usual
constexpr double kTogether = 1.05;           // concurrency from which threads launch at the same time
constexpr std::size_t kMostSamples = 20'000; // kernels that are looked at one by one
constexpr std::uint32_t kDefaultStream = 7;  // the number that CUDA gives the legacy default stream of a context

std::vector<const StreamFacts*> workingStreams(const GpuFacts& gpu)
{
    std::vector<const StreamFacts*> working;
    for (const StreamFacts& stream : gpu.streams)
        if (stream.busy > 0 && static_cast<double>(stream.busy) >= kWorkingStream * static_cast<double>(gpu.streamBusy))
            working.push_back(&stream);
    return working;
}

/// Time in which any stream would be busy, if each were busy as much as it is but at moments of its own choice.
double busyByChance(const GpuFacts& gpu, DurationNs window)
{
    double idle = 1;
    for (const StreamFacts& stream : gpu.streams)
        idle *= 1 - std::min(1.0, static_cast<double>(stream.busy) / static_cast<double>(window));
    return (1 - idle) * static_cast<double>(window);
}

/// Of the sampled kernels of a GPU, how many each thread launched on each stream.
using Launchers = std::map<trace::GpuPlace, std::map<std::uint64_t, std::size_t>>;

Launchers launchersOf(const Facts& facts, const GpuFacts& gpu)
{
    Launchers launchers;
    const trace::KernelColumns& kernels = facts.trace.kernels;
    const auto step = static_cast<std::uint32_t>(1 + kernels.size() / kMostSamples);
    for (std::uint32_t row = 0; row < kernels.size(); row += step) {
        if (kernels.device(row) != gpu.device || trace::Trace::fileOf(kernels.globalPid(row)) != gpu.file)
            continue;
        if (const auto call = facts.host.callOf(facts.trace, EventId(EventKind::Kernel, row)))
            ++launchers[kernels.place(row)][facts.trace.apiCalls.globalTid(*call)];
    }
    return launchers;
}

/// How many threads a GPU holds at once.
double residentThreads(const trace::Trace& trace, const GpuFacts& gpu)
{
    const auto setting = trace.meta.settings.find(importing::residentThreadsSetting(gpu.device));
    const double threads = setting == trace.meta.settings.end() ? 0 : std::strtod(setting->second.c_str(), nullptr);
    return threads > 0 ? threads : 132.0 * 2048; // an H100's: no GPU of its time holds many more
}

/// Part of the time in kernels whose threads alone could fill the GPU.
double shareOfFullKernels(const Facts& facts, const GpuFacts& gpu)
{
    const double threadsOfGpu = residentThreads(facts.trace, gpu);
    const trace::KernelColumns& kernels = facts.trace.kernels;
    double full = 0, all = 0;
    for (std::uint32_t row = 0; row < kernels.size(); ++row) {
        if (kernels.device(row) != gpu.device || trace::Trace::fileOf(kernels.globalPid(row)) != gpu.file)
            continue;
        const trace::LaunchShape& shape = kernels.shape(row);
        double threads = 1;
        for (int i = 0; i < 3; ++i)
            threads *= static_cast<double>(shape.grid[static_cast<std::size_t>(i)]) * shape.block[static_cast<std::size_t>(i)];
        const auto time = static_cast<double>(kernels.duration(row));
        all += time;
        full += threads >= threadsOfGpu ? time : 0;
    }
    return all > 0 ? full / all : 0;
}

/// Sum of the executions' times over the time with any; absent: fewer than two instances execute.
std::optional<double> executionConcurrency(const Facts& facts)
{
    std::vector<TimeRange> times;
    DurationNs sum = 0;
    std::size_t instances = 0;
    for (const ModelFacts& model : facts.serving.models)
        for (const InstanceFacts& instance : model.instances) {
            ++instances;
            times.insert(times.end(), instance.executions.begin(), instance.executions.end());
            sum += instance.busy;
        }
    const DurationNs covered = RangeCounts(std::move(times)).covered();
    if (instances < 2 || covered <= 0)
        return std::nullopt;
    return static_cast<double>(sum) / static_cast<double>(covered);
}

/// Sum of the launch calls of threads over the time with any: 1 where never two launch at once; 0: they make none.
double launchConcurrency(const Facts& facts, const std::vector<std::uint64_t>& threads)
{
    DurationNs sum = 0;
    std::vector<TimeRange> launches;
    for (const std::uint64_t thread : threads)
        for (const std::uint32_t row : facts.host.thread(thread)->calls)
            if (facts.host.classOfRow(facts.trace, row) == CallClass::Launch) {
                launches.push_back(facts.trace.apiCalls.time(row));
                sum += launches.back().duration();
            }
    const DurationNs covered = RangeCounts(std::move(launches)).covered();
    return covered > 0 ? static_cast<double>(sum) / static_cast<double>(covered) : 0;
}

/// Why streams take turns: part of a sentence, and what to do.
struct Reason
{
    std::string text;
    Remedy remedy;
};

std::optional<Reason> pageableReason(const GpuFacts& gpu)
{
    DurationNs pageable = 0;
    for (const StreamFacts& stream : gpu.streams)
        pageable += stream.pageableTime;
    const double share = static_cast<double>(pageable) / static_cast<double>(std::max<DurationNs>(1, gpu.streamBusy));
    if (share < 0.10)
        return std::nullopt;
    return Reason{
        fmt::format("{} of the streams' time are copies of pageable memory, which go through one staging buffer, one after the other, and "
                    "hold the thread that should launch the next work",
                    percent(share)),
        {"Copy to page-locked memory: gantry-serve has a flag, in other code allocate the host's buffers with cudaHostAlloc().",
         "gantry-serve --output-memory pinned …\ncudaHostAlloc(&buffer, bytes, cudaHostAllocDefault);"}};
}

/// Whether a stream is taken for the legacy default one: by its number, unless the program named it, which it does of those that it
/// created, or calls the functions of a default stream for each thread.
bool isLegacyDefault(const trace::Trace& trace, const trace::GpuPlace& place)
{
    if (place.stream != kDefaultStream || trace.streamName(place.globalPid, place.device, place.context, place.stream))
        return false;
    const auto& callees = trace.apiCalls.callees.values();
    return std::none_of(callees.begin(), callees.end(), [&](const trace::Callee& callee) {
        const std::string_view name = trace.strings[callee.name];
        return name.find("_ptsz") != std::string_view::npos || name.find("_ptds") != std::string_view::npos;
    });
}

std::optional<Reason> defaultStreamReason(const trace::Trace& trace, const std::vector<const StreamFacts*>& streams)
{
    const bool hasDefault =
        std::any_of(streams.begin(), streams.end(), [&](const StreamFacts* stream) { return isLegacyDefault(trace, stream->place); });
    if (!hasDefault)
        return std::nullopt;
    return Reason{"stream 7 is among them, which is the number of the legacy default stream: what runs there waits for all others that "
                  "were not created as "
                  "non-blocking, and they for it",
                  {"Use no default stream: create streams that do not wait for it, or compile with a default stream for each thread.",
                   "cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);\n# or\nnvcc --default-stream per-thread …"}};
}

std::optional<Reason> fullGpuReason(const Facts& facts, const GpuFacts& gpu)
{
    const double share = shareOfFullKernels(facts, gpu);
    if (share < 0.6)
        return std::nullopt;
    return Reason{
        fmt::format("{} of the kernels' time is in kernels that fill the whole GPU, which leaves no room beside them", percent(share)),
        {"More streams or instances do not help here: fewer instances with larger batches do the same work with less memory.",
         "instance_group [ { count: 1 kind: KIND_GPU } ]"}};
}

std::optional<Reason> oneInstanceReason(const Facts& facts)
{
    const auto concurrency = executionConcurrency(facts);
    if (!concurrency || *concurrency >= 1.1)
        return std::nullopt;
    return Reason{
        fmt::format(
            "the instances themselves hardly ever execute at the same time (concurrency factor {:.2f}): the scheduler has work for one "
            "of them at a time",
            *concurrency),
        {"Let batches be smaller or go earlier so that several instances have work, or keep one instance and save the memory of the "
         "others.",
         "dynamic_batching { max_queue_delay_microseconds: 0 }"}};
}

std::optional<Reason> launcherReason(const Facts& facts, const GpuFacts& gpu)
{
    std::map<std::uint64_t, std::size_t> threads;
    for (const auto& [stream, launchers] : launchersOf(facts, gpu))
        for (const auto& [thread, count] : launchers)
            threads[thread] += count;
    if (threads.size() == 1)
        return Reason{
            "one thread launches the work of all of them, one stream after the other, and the GPU is done before it comes to the next",
            {"Give each stream a thread of its own, or launch more at once: a CUDA graph for each stream's work.",
             "with torch.cuda.graph(graph, stream=stream):\n    output = model(static_input)"}};
    if (threads.size() < 2)
        return std::nullopt;
    std::vector<std::uint64_t> names;
    for (const auto& [thread, count] : threads)
        names.push_back(thread);
    if (launchConcurrency(facts, names) >= kTogether)
        return std::nullopt;
    return Reason{
        fmt::format("the {} that launch work never launch at the same time: something in the host lets one in after the other, such as a "
                    "lock or Python's interpreter",
                    counted(threads.size(), "thread")),
        {"Launch outside of locks; in Python, give each instance a process of its own.",
         "instance_group [ { count: 4 kind: KIND_GPU } ]   # python backend: each instance is a process"}};
}

Reason reasonFor(const Facts& facts, const GpuFacts& gpu, const std::vector<const StreamFacts*>& streams)
{
    if (auto reason = pageableReason(gpu))
        return *reason;
    if (auto reason = defaultStreamReason(facts.trace, streams))
        return *reason;
    if (auto reason = fullGpuReason(facts, gpu))
        return *reason;
    if (auto reason = oneInstanceReason(facts))
        return *reason;
    if (auto reason = launcherReason(facts, gpu))
        return *reason;
    return {"the trace does not show why; events that one stream waits for on another are a usual reason",
            {"Look at the rows of the streams for cudaStreamWaitEvent, and at what the threads do between launches.", ""}};
}

/// Where two streams are busy one after the other: around the longest kernel of the busiest.
TimeRange exampleOf(const GpuFacts& gpu)
{
    const DurationNs length = std::max<DurationNs>(1, gpu.active.duration() / 50);
    const TimestampNs middle = gpu.active.start + gpu.active.duration() / 2;
    return {middle - length / 2, middle + length / 2};
}

std::string streamShares(const std::vector<const StreamFacts*>& streams, DurationNs window)
{
    double least = 1, most = 0;
    for (const StreamFacts* stream : streams) {
        const double share = static_cast<double>(stream->busy) / static_cast<double>(window);
        least = std::min(least, share);
        most = std::max(most, share);
    }
    return percent(least) == percent(most) ? percent(most) : fmt::format("{} to {}", percent(least), percent(most));
}

/// They take turns, and hardly lose by it: no reason to look for one.
Finding harmlessSerialStreams(const Facts& facts, const GpuFacts& gpu, const std::vector<const StreamFacts*>& streams)
{
    Finding finding;
    finding.severity = Severity::Note;
    finding.sentence = fmt::format("{} of GPU {} hardly overlap (concurrency factor {:.2f}) because each is busy for {} of the time only: "
                                   "the GPU is idle for {} of the "
                                   "window, and that is what to look at.",
                                   counted(streams.size(), "stream"), gpu.device, gpu.concurrency(),
                                   streamShares(streams, gpu.active.duration()), percent(1 - facts.shareOfWindow(gpu.busy)));
    finding.evidence.push_back({"the middle of the GPU's work", exampleOf(gpu), {}, {}});
    return finding;
}

std::optional<Finding> serialStreams(const Facts& facts, const GpuFacts& gpu)
{
    const auto streams = workingStreams(gpu);
    const DurationNs window = gpu.active.duration();
    if (streams.size() < 2 || window <= 0)
        return std::nullopt;
    // Streams that are hardly busy do not overlap by chance either, and lose nothing by it.
    const double byChance = static_cast<double>(gpu.streamBusy) - busyByChance(gpu, window);
    const auto overlap = static_cast<double>(gpu.streamBusy - gpu.busy);
    if (overlap >= byChance / 2)
        return std::nullopt;
    if (byChance < 0.05 * static_cast<double>(window))
        return gpu.pieces() >= kFewestPieces ? std::optional(harmlessSerialStreams(facts, gpu, streams)) : std::nullopt;
    const Reason reason = reasonFor(facts, gpu, streams);
    Finding finding;
    finding.share = facts.shareOfWindow(static_cast<DurationNs>(byChance - overlap));
    finding.severity = *finding.share >= kProblem ? Severity::Problem : Severity::Advice;
    finding.sentence = fmt::format(
        "{} of GPU {}, busy for {} of the time each, run one after the other: the concurrency factor is {:.2f}, where streams as "
        "busy as these would reach {:.2f} by chance. The likely reason: {}.",
        counted(streams.size(), "stream"), gpu.device, streamShares(streams, window), gpu.concurrency(),
        static_cast<double>(gpu.streamBusy) / (static_cast<double>(gpu.streamBusy) - byChance), reason.text);
    finding.evidence.push_back({"the middle of the GPU's work: its streams take turns", exampleOf(gpu), {}, {}});
    finding.remedies.push_back(reason.remedy);
    return finding;
}

/// The threads that launched at least a tenth of a stream's kernels.
std::vector<std::uint64_t> mainLaunchers(const std::map<std::uint64_t, std::size_t>& launchers)
{
    std::size_t all = 0;
    for (const auto& [thread, count] : launchers)
        all += count;
    std::vector<std::uint64_t> threads;
    for (const auto& [thread, count] : launchers)
        if (count * 10 >= all)
            threads.push_back(thread);
    return threads;
}

std::optional<Finding> sharedStream(const Facts& facts, const GpuFacts& gpu)
{
    for (const auto& [place, launchers] : launchersOf(facts, gpu)) {
        const auto stream = std::find_if(gpu.streams.begin(), gpu.streams.end(),
                                         [number = place](const StreamFacts& each) { return each.place == number; });
        const auto threads = mainLaunchers(launchers);
        // Threads that take turns, such as those of a forward and a backward pass, lose nothing by it.
        if (threads.size() < 2 || stream == gpu.streams.end() || stream->busy * 2 < gpu.streamBusy ||
            launchConcurrency(facts, threads) < kTogether)
            continue;
        Finding finding;
        finding.share = facts.shareOfWindow(stream->busy);
        finding.severity = *finding.share >= 0.5 ? Severity::Problem : Severity::Advice;
        finding.sentence =
            fmt::format("{} launch on stream {} of GPU {} at the same time; in a stream everything runs one after the other{}.",
                        counted(threads.size(), "thread"), place.stream, gpu.device,
                        isLegacyDefault(facts.trace, place) ? "; 7 is the number of the legacy default stream" : "");
        finding.evidence.push_back({"the middle of the GPU's work", exampleOf(gpu), {}, {}});
        finding.remedies = {
            {"Give each thread a stream of its own.", "cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);"},
            {"PyTorch: one stream for each worker.", "with torch.cuda.stream(torch.cuda.Stream()):\n    output = model(input)"}};
        return finding;
    }
    return std::nullopt;
}

} // namespace

Judgement judgeSerialStreams(const Facts& facts)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    Judgement judgement;
    for (const GpuFacts& gpu : facts.gpus)
        if (auto finding = serialStreams(facts, gpu))
            judgement.findings.push_back(std::move(*finding));
    return judgement;
}

Judgement judgeSharedStream(const Facts& facts)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    if (!facts.hasApiCalls())
        return Judgement::cannot("no CUDA API calls were recorded, so that nobody knows which thread launched what");
    Judgement judgement;
    for (const GpuFacts& gpu : facts.gpus)
        if (auto finding = sharedStream(facts, gpu))
            judgement.findings.push_back(std::move(*finding));
    return judgement;
}

} // namespace gantry::findings
