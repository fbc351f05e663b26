#include "trace_model/analysis/findings/rule.h"
#include "trace_model/analysis/findings/words.h"
#include "trace_model/base/counted.h"
#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace gantry::findings {
namespace {

using trace::EventId;
using trace::EventKind;

constexpr double kMuchIdle = 0.10;       // of the window that a GPU waits for one cause: worth an edit
constexpr double kProblem = 0.25;        // a quarter of the GPU is bought and not used
constexpr double kStall = 0.02;          // of the window in calls that need not be there
constexpr std::size_t kFewestWork = 100; // kernels and copies of a GPU: fewer are the start of something, not how it runs

DurationNs medianOf(std::vector<DurationNs>& values)
{
    if (values.empty())
        return 0;
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// The typical kernel that was launched by itself, and its launch.
struct LaunchFigures
{
    std::size_t kernels = 0;           ///< not of graphs
    DurationNs kernel = 0, launch = 0; ///< medians
    double busiestLauncher = 0;        ///< ns that the thread which launches most is in such calls
};

LaunchFigures launchFigures(const Facts& facts)
{
    LaunchFigures figures;
    std::vector<DurationNs> kernels, launches;
    for (std::uint32_t row = 0; row < facts.trace.kernels.size(); ++row)
        if (facts.trace.kernels.graphNode[row] == 0)
            kernels.push_back(facts.trace.kernels.duration(row));
    for (const ThreadFacts& thread : facts.host.threads()) {
        figures.busiestLauncher =
            std::max(figures.busiestLauncher, static_cast<double>(thread.time[static_cast<std::size_t>(CallClass::Launch)]));
        for (const std::uint32_t row : thread.calls)
            if (facts.host.classOfRow(facts.trace, row) == CallClass::Launch)
                launches.push_back(facts.trace.apiCalls.duration(row));
    }
    figures.kernels = kernels.size();
    figures.kernel = medianOf(kernels);
    figures.launch = medianOf(launches);
    return figures;
}

std::vector<Remedy> graphRemedies()
{
    return {{"TensorRT on Triton, and gantry-serve, record a CUDA graph for each shape of a batch.",
             "# config.pbtxt\noptimization { cuda { graphs: true } }", RemedyFor::Servers},
            {"PyTorch: let it record graphs.", "model = torch.compile(model, mode=\"reduce-overhead\")", RemedyFor::PyTorch},
            {"ONNX Runtime on Triton:",
             "# config.pbtxt\noptimization { execution_accelerators { gpu_execution_accelerator : [ {\n  name : \"cuda\"\n"
             "  parameters { key: \"enable_cuda_graph\" value: \"1\" } } ] } }",
             RemedyFor::Servers},
            {"In code, record what repeats once as a CUDA graph, and launch that.",
             "cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);\n…\ncudaStreamEndCapture(stream, &graph);\n"
             "cudaGraphInstantiate(&executable, graph, 0);\ncudaGraphLaunch(executable, stream);"},
            {"Larger batches make each kernel longer and the launches fewer.",
             "# config.pbtxt\ndynamic_batching { max_queue_delay_microseconds: 1000 }", RemedyFor::Servers}};
}

std::vector<Evidence> gapsOf(const IdleCauses::Cause& cause)
{
    std::vector<Evidence> evidence;
    for (const GpuGap& gap : cause.longest)
        evidence.push_back({"idle for " + formatDuration(gap.time.duration()), gap.time, gap.next, {}});
    return evidence;
}

/// A finding about one cause of a GPU's idle time; nothing where it costs little.
std::optional<Finding> idleFinding(const Facts& facts, std::size_t gpu, IdleCause cause)
{
    const IdleCauses::Cause& found = facts.idle[gpu][cause];
    const double share = facts.shareOfWindow(found.total);
    if (share < kMuchIdle || facts.gpus[gpu].pieces() < kFewestWork)
        return std::nullopt;
    Finding finding;
    finding.share = share;
    finding.severity = share >= kProblem ? Severity::Problem : Severity::Advice;
    finding.evidence = gapsOf(found);
    return finding;
}

template <typename Describe>
Judgement judgeIdle(const Facts& facts, IdleCause cause, Describe describe)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    if (!facts.hasApiCalls())
        return Judgement::cannot("no CUDA API calls were recorded, so that nobody knows what the host did");
    Judgement judgement;
    for (std::size_t i = 0; i < facts.gpus.size(); ++i)
        if (auto finding = idleFinding(facts, i, cause); finding && describe(*finding, facts.gpus[i], facts.idle[i][cause].total))
            judgement.findings.push_back(std::move(*finding));
    return judgement;
}

/// The longest calls of a class, with its sum by the name of the call.
struct CallSum
{
    DurationNs time = 0;
    std::size_t count = 0;
    std::map<std::string_view, DurationNs> byName;
    std::set<std::uint64_t> threads;
    EventId longest;
};

CallSum sumOf(const Facts& facts, CallClass callClass, TimeRange in)
{
    CallSum sum;
    DurationNs most = -1;
    const trace::CallColumns& calls = facts.trace.apiCalls;
    for (const ThreadFacts& thread : facts.host.threads())
        for (const std::uint32_t row : thread.calls) {
            if (facts.host.classOfRow(facts.trace, row) != callClass || !calls.time(row).intersects(in))
                continue;
            const DurationNs inside = calls.time(row).clippedTo(in).duration(); // some began before the window
            ++sum.count;
            sum.time += inside;
            sum.byName[facts.trace.strings[calls.name(row)]] += inside;
            sum.threads.insert(thread.globalTid);
            if (calls.duration(row) > most) {
                most = calls.duration(row);
                sum.longest = EventId(EventKind::ApiCall, row);
            }
        }
    return sum;
}

/// Where the GPU works: what lies before its first and behind its last work is set-up.
TimeRange workingTime(const Facts& facts)
{
    TimeRange time = facts.gpus.front().active;
    for (const GpuFacts& gpu : facts.gpus)
        time = {std::min(time.start, gpu.active.start), std::max(time.end, gpu.active.end)};
    return time;
}

std::string idleParts(const IdleCauses& idle)
{
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < kIdleCauseCount; ++i)
        if (idle.causes[i].total * 20 >= idle.total) // a twentieth: less explains nothing
            order.push_back(i);
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return idle.causes[a].total > idle.causes[b].total; });
    std::string parts;
    for (const std::size_t i : order)
        parts += fmt::format("{}{} {}", parts.empty() ? "" : ", ", formatDuration(idle.causes[i].total), text(static_cast<IdleCause>(i)));
    return parts;
}

} // namespace

Judgement judgeLaunchBound(const Facts& facts)
{
    const LaunchFigures figures = launchFigures(facts);
    return judgeIdle(facts, IdleCause::Launching, [&](Finding& finding, const GpuFacts& gpu, DurationNs time) {
        if (figures.kernel > figures.launch)
            return false;
        finding.sentence = fmt::format(
            "GPU {} waits for the next launch for {}, {} of the window: the median kernel runs for {}, and to launch one takes "
            "the host {}.",
            gpu.device, formatDuration(time), percent(*finding.share), formatDuration(figures.kernel), formatDuration(figures.launch));
        finding.remedies = graphRemedies();
        return true;
    });
}

Judgement judgeTinyKernels(const Facts& facts)
{
    if (facts.trace.kernels.size() == 0)
        return Judgement::cannot("no kernels were recorded");
    if (!facts.hasApiCalls())
        return Judgement::cannot("no CUDA API calls were recorded, so that nobody knows what launching takes");
    constexpr double kMostly = 0.5;       // of the kernels are launched by themselves
    constexpr DurationNs kTiny = 5'000;   // ns: about what a launch costs the host on today's servers
    constexpr double kBusyLauncher = 0.2; // of the work's time that a thread is in launch calls: below, launching costs nobody much
    constexpr std::size_t kFewest = 1000; // kernels: below, nothing repeats often enough to be worth a graph
    const LaunchFigures figures = launchFigures(facts);
    Judgement judgement;
    if (figures.kernels < kFewest || figures.kernel > kTiny ||
        figures.busiestLauncher < kBusyLauncher * static_cast<double>(workingTime(facts).duration()) ||
        static_cast<double>(figures.kernels) < kMostly * static_cast<double>(facts.trace.kernels.size()))
        return judgement;
    Finding finding;
    finding.severity = Severity::Note;
    const std::size_t executions = facts.trace.executions.size();
    finding.sentence =
        fmt::format("{} kernels are launched one by one, and the median one runs for {}{}: a CUDA graph would launch them together.",
                    formatCount(figures.kernels), formatDuration(figures.kernel),
                    executions > 0 ? fmt::format("; that is {} for each execution", figures.kernels / executions) : "");
    finding.evidence.push_back({"the middle of the GPU's work", {facts.gpus.front().active.start, facts.gpus.front().active.end}, {}, {}});
    finding.remedies = graphRemedies();
    judgement.findings.push_back(std::move(finding));
    return judgement;
}

Judgement judgeCpuBound(const Facts& facts)
{
    return judgeIdle(facts, IdleCause::HostCode, [&](Finding& finding, const GpuFacts& gpu, DurationNs time) {
        finding.sentence =
            fmt::format("GPU {} waits for {}, {} of the window, while the thread that launches its next work runs code outside of CUDA.",
                        gpu.device, formatDuration(time), percent(*finding.share));
        finding.remedies = {
            {"Sample the host's code in the gaps shown here: they are where it costs GPU time.",
             "perf record --call-graph=dwarf --pid=PID -- sleep 5"},
            {"PyTorch: Python between launches is the usual reason; compile the model, or record graphs.",
             "model = torch.compile(model, mode=\"reduce-overhead\")", RemedyFor::PyTorch},
            {"Triton: take pre- and post-processing out of the model's thread, or add an instance whose work fills the gaps.",
             "# config.pbtxt\ninstance_group [ { count: 2 kind: KIND_GPU } ]", RemedyFor::Servers}};
        return true;
    });
}

Judgement judgeSyncBound(const Facts& facts)
{
    return judgeIdle(facts, IdleCause::Waiting, [&](Finding& finding, const GpuFacts& gpu, DurationNs time) {
        const CallSum sum = sumOf(facts, CallClass::Synchronize, facts.window);
        finding.sentence =
            fmt::format("GPU {} is idle for {}, {} of the window, because the thread that launches its next work is still in a call that "
                        "waits for the GPU ({} in all).",
                        gpu.device, formatDuration(time), percent(*finding.share), counted(sum.count, "such call"));
        finding.remedies = {
            {"Launch the next work before waiting for the last: order streams by events instead of waiting on the host.",
             "cudaEventRecord(done, first);\ncudaStreamWaitEvent(second, done, 0);   // instead of cudaStreamSynchronize(first)"},
            {"Where a thread must wait, let it spin: waking a sleeping thread takes tens of microseconds.",
             "cudaSetDeviceFlags(cudaDeviceScheduleSpin);"}};
        return true;
    });
}

Judgement judgeStallingCalls(const Facts& facts)
{
    if (!facts.hasApiCalls())
        return Judgement::cannot("no CUDA API calls were recorded");
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    const CallSum sum = sumOf(facts, CallClass::Memory, workingTime(facts));
    Judgement judgement;
    const double share = sum.threads.empty() ? 0 : facts.shareOfWindow(sum.time) / static_cast<double>(sum.threads.size());
    if (share < kStall)
        return judgement;
    const auto most =
        std::max_element(sum.byName.begin(), sum.byName.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    Finding finding;
    finding.share = share;
    finding.severity = share >= kMuchIdle ? Severity::Problem : Severity::Advice;
    finding.sentence =
        fmt::format("Memory is allocated, released or page-locked in the middle of the work: {} of {}, most of it {}; such calls wait for "
                    "the whole GPU.",
                    counted(sum.count, "call"), formatDuration(sum.time), most->first);
    finding.evidence.push_back({"the longest of them", facts.trace.timeOf(sum.longest), sum.longest, {}});
    finding.remedies = {
        {"Allocate once and reuse, or from the pool of the stream.",
         "cudaMallocAsync(&memory, bytes, stream);\ncudaFreeAsync(memory, stream);"},
        {"PyTorch: the allocator that keeps segments avoids most of these calls.", "PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",
         RemedyFor::PyTorch},
        {"TensorFlow on Triton: let it take its memory at the start.", "TF_FORCE_GPU_ALLOW_GROWTH=false", RemedyFor::Servers}};
    judgement.findings.push_back(std::move(finding));
    return judgement;
}

Judgement judgeLoading(const Facts& facts)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    const trace::OverheadColumns& overheads = facts.trace.overheads;
    const TimeRange working = workingTime(facts);
    DurationNs time = 0, most = -1;
    std::size_t count = 0;
    EventId longest;
    for (std::uint32_t row = 0; row < overheads.size(); ++row) {
        std::string name(facts.trace.strings[overheads.name[row]]);
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
        const bool isLoading = name.find("loading") != std::string::npos || name.find("jit") != std::string::npos ||
                               name.find("compiler") != std::string::npos;
        if (!isLoading || !overheads.time(row).intersects(working))
            continue;
        ++count;
        time += overheads.time(row).clippedTo(working).duration();
        if (overheads.duration(row) > most) {
            most = overheads.duration(row);
            longest = EventId(EventKind::Overhead, row);
        }
    }
    const CallSum calls = sumOf(facts, CallClass::Load, working);
    Judgement judgement;
    const DurationNs total = std::max(time, calls.time); // a call and the driver's own record tell of the same time
    if (facts.shareOfWindow(total) < kStall)
        return judgement;
    Finding finding;
    finding.share = std::min(1.0, facts.shareOfWindow(total));
    finding.severity = Severity::Advice;
    finding.sentence = fmt::format(
        "Code is loaded or compiled, or contexts, streams and graphs are made, in the middle of the work for {}, {} of the window: "
        "requests that meet it are slower than those after them.",
        formatDuration(total), percent(*finding.share));
    const EventId shown = time >= calls.time ? longest : calls.longest;
    finding.evidence.push_back(
        {"the longest of it, " + formatDuration(facts.trace.timeOf(shown).duration()), facts.trace.timeOf(shown), shown, {}});
    finding.remedies = {{"Load everything at the start: it takes longer to start, and no request waits.", "CUDA_MODULE_LOADING=EAGER"},
                        {"Triton: send requests of every shape before the model is ready.",
                         "model_warmup [ { name: \"warm\" batch_size: 1 inputs { key: \"INPUT0\" value: { data_type: TYPE_FP32 dims: [ 4 ] "
                         "zero_data: true } } } ]",
                         RemedyFor::Servers}};
    judgement.findings.push_back(std::move(finding));
    return judgement;
}

Judgement judgeGpuGaps(const Facts& facts)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    if (!facts.hasApiCalls())
        return Judgement::cannot("no CUDA API calls were recorded, so that nobody knows what the host did");
    constexpr double kMuch = 0.30; // of the window, from all causes together
    Judgement judgement;
    for (std::size_t i = 0; i < facts.gpus.size(); ++i) {
        const IdleCauses& idle = facts.idle[i];
        const double share = facts.shareOfWindow(idle.total);
        if (share < kMuch || facts.gpus[i].pieces() < kFewestWork)
            continue;
        const auto most = std::max_element(idle.causes.begin(), idle.causes.end(),
                                           [](const IdleCauses::Cause& a, const IdleCauses::Cause& b) { return a.total < b.total; });
        const auto cause = static_cast<IdleCause>(most - idle.causes.begin());
        Finding finding;
        finding.share = share;
        finding.severity = cause == IdleCause::NoRequests || cause == IdleCause::Unknown ? Severity::Note : Severity::Advice;
        finding.sentence =
            fmt::format("GPU {} is idle for {} between its work, {} of the window. Meanwhile the thread that launches was: {}.",
                        facts.gpus[i].device, formatDuration(idle.total), percent(share), idleParts(idle));
        finding.evidence = gapsOf(*most);
        if (cause == IdleCause::NoRequests)
            finding.remedies.push_back(
                {"The server has room: more load, or a smaller GPU, uses it better. Measure with more requests in flight.",
                 "gantryctl load --model MODEL --concurrency 32 --for 10s"});
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

} // namespace gantry::findings
