#include "trace_model/analysis/findings/rule.h"
#include "trace_model/analysis/findings/words.h"
#include "trace_model/base/counted.h"
#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <set>

namespace gantry::findings {
namespace {

using trace::CopyKind;
using trace::EventId;
using trace::EventKind;
using trace::MemoryKind;

constexpr double kWorthSaying = 0.02; // of the GPU's work or of a thread's time: below, the edit saves less than runs differ by
constexpr double kProblem = 0.10;
constexpr std::size_t kFewestCopies = 3;

/// Copies of one direction.
struct CopySum
{
    std::size_t count = 0;
    DurationNs gpuTime = 0, callTime = 0;
    std::uint64_t bytes = 0;
    std::set<std::uint64_t> threads; ///< that asked for them
    EventId longest;
    DurationNs longestTime = -1;

    void add(EventId copy, DurationNs time, std::uint64_t size)
    {
        ++count;
        gpuTime += time;
        bytes += size;
        if (time > longestTime) {
            longestTime = time;
            longest = copy;
        }
    }
    void addCall(std::uint64_t thread, DurationNs time)
    {
        threads.insert(thread);
        callTime += time;
    }
};

Evidence evidenceOf(const trace::Trace& trace, const CopySum& sum)
{
    return {"the longest of them, " + formatDuration(sum.longestTime), trace.timeOf(sum.longest), sum.longest, {}};
}

/// Asynchronous copies between a GPU and pageable memory of the host.
CopySum pageableCopies(const Facts& facts, CopyKind direction)
{
    const trace::Trace& trace = facts.trace;
    CopySum sum;
    for (std::uint32_t row = 0; row < trace.memcpys.size(); ++row) {
        const trace::CopyRoute route = trace.memcpys.route[row];
        if (route.kind != direction || route.hostMemory() != MemoryKind::Pageable)
            continue;
        const EventId copy(EventKind::Memcpy, row);
        const auto call = facts.host.callOf(trace, copy);
        if (call && facts.host.classOfRow(trace, *call) == CallClass::Copy)
            continue; // a synchronous call: a rule of its own
        sum.add(copy, trace.memcpys.time(row).clippedTo(facts.window).duration(), trace.memcpys.bytes[row]);
        if (call) // one may have begun long before the window
            sum.addCall(trace.apiCalls.globalTid(*call), trace.apiCalls.time(*call).clippedTo(facts.window).duration());
    }
    return sum;
}

std::vector<Remedy> pinRemedies(CopyKind direction)
{
    const bool isOutput = direction == CopyKind::DtoH;
    std::vector<Remedy> remedies = {
        {"gantry-serve: keep outputs in page-locked memory.", "gantry-serve --output-memory pinned …", RemedyFor::Servers},
        {"In code, allocate the host's buffer page-locked, once, and reuse it.", "cudaHostAlloc(&buffer, bytes, cudaHostAllocDefault);"},
        {"Triton: give the server a pool of page-locked memory that is large enough for all requests in flight, and let the model use it.",
         "tritonserver --pinned-memory-pool-byte-size=536870912\n\n# config.pbtxt\noptimization {\n  input_pinned_memory { enable: true }\n"
         "  output_pinned_memory { enable: true }\n}",
         RemedyFor::Servers},
        {"PyTorch: page-lock the tensor on the host's side, and copy without blocking.",
         isOutput ? "host = torch.empty(out.shape, dtype=out.dtype, pin_memory=True)\nhost.copy_(out, non_blocking=True)"
                  : "DataLoader(…, pin_memory=True)\nbatch = batch.to(device, non_blocking=True)",
         RemedyFor::PyTorch}};
    if (!isOutput)
        remedies.erase(remedies.begin());
    return remedies;
}

void judgeDirection(const Facts& facts, CopyKind direction, DurationNs work, Judgement& judgement)
{
    const CopySum sum = pageableCopies(facts, direction);
    if (sum.count < kFewestCopies)
        return;
    const double ofWork = work > 0 ? static_cast<double>(sum.gpuTime) / static_cast<double>(work) : 0;
    const double ofHost = sum.threads.empty() ? 0 : facts.shareOfWindow(sum.callTime) / static_cast<double>(sum.threads.size());
    const double most = std::max(ofWork, ofHost);
    if (most < kWorthSaying)
        return;
    Finding finding;
    finding.severity = most >= kProblem ? Severity::Problem : Severity::Advice;
    finding.sentence =
        fmt::format("{} {} {} pageable memory take {}, {} of the GPU's work", formatCount(sum.count),
                    sum.threads.empty() ? "copies" : "asynchronous copies",
                    direction == CopyKind::DtoH ? "from the GPU to" : "to the GPU from", formatDuration(sum.gpuTime), percent(ofWork));
    if (sum.callTime > 0)
        finding.sentence +=
            fmt::format(", and their calls hold {} for {}: such a copy goes through a staging buffer, so that it is slower, "
                        "holds the thread that asks for it, and overlaps with little",
                        counted(sum.threads.size(), "thread"), formatDuration(sum.callTime));
    finding.sentence += ".";
    finding.share = std::min(1.0, ofWork >= ofHost ? ofWork : ofHost);
    finding.shareOf = ofWork >= ofHost ? ShareOf::GpuWork : ShareOf::Window;
    finding.evidence.push_back(evidenceOf(facts.trace, sum));
    finding.remedies = pinRemedies(direction);
    judgement.findings.push_back(std::move(finding));
}

DurationNs workOf(const Facts& facts)
{
    DurationNs work = 0;
    for (const GpuFacts& gpu : facts.gpus)
        work += gpu.streamBusy;
    return work;
}

/// The longest call of a class on a thread.
EventId longestCall(const Facts& facts, const ThreadFacts& thread, CallClass callClass)
{
    EventId longest;
    DurationNs most = -1;
    for (const std::uint32_t row : thread.calls)
        if (facts.host.classOfRow(facts.trace, row) == callClass && facts.trace.apiCalls.duration(row) > most) {
            most = facts.trace.apiCalls.duration(row);
            longest = EventId(EventKind::ApiCall, row);
        }
    return longest;
}

} // namespace

Judgement judgePageableCopies(const Facts& facts)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    const trace::MemcpyColumns& copies = facts.trace.memcpys;
    const bool isKindKnown = std::any_of(copies.route.begin(), copies.route.end(),
                                         [](const trace::CopyRoute& route) { return route.hostMemory() != MemoryKind::Unknown; });
    if (copies.size() > 0 && !isKindKnown)
        return Judgement::cannot("the report does not say what kind of memory was copied");
    Judgement judgement;
    const DurationNs work = workOf(facts);
    judgeDirection(facts, CopyKind::DtoH, work, judgement);
    judgeDirection(facts, CopyKind::HtoD, work, judgement);
    return judgement;
}

Judgement judgeSynchronousCopies(const Facts& facts)
{
    if (!facts.hasApiCalls())
        return Judgement::cannot("no CUDA API calls were recorded");
    const auto timeOf = [](const ThreadFacts& thread) { return thread.time[static_cast<std::size_t>(CallClass::Copy)]; };
    const ThreadFacts* most = nullptr;
    std::size_t count = 0, threads = 0;
    for (const ThreadFacts& thread : facts.host.threads()) {
        count += thread.count[static_cast<std::size_t>(CallClass::Copy)];
        threads += timeOf(thread) > 0 ? 1 : 0;
        if (timeOf(thread) > 0 && (!most || timeOf(thread) > timeOf(*most)))
            most = &thread;
    }
    Judgement judgement;
    if (!most || count < kFewestCopies || facts.shareOfWindow(timeOf(*most)) < kWorthSaying)
        return judgement;
    Finding finding;
    finding.share = facts.shareOfWindow(timeOf(*most));
    finding.severity = *finding.share >= kProblem ? Severity::Problem : Severity::Advice;
    const EventId longest = longestCall(facts, *most, CallClass::Copy);
    finding.sentence = fmt::format("{} synchronous copies or memsets on {} return only when the copy is done, and wait for what is before "
                                   "them on the stream: they hold the "
                                   "busiest of the threads for {}, {} of the window; the longest is {}, {}.",
                                   formatCount(count), counted(threads, "thread"), formatDuration(timeOf(*most)), percent(*finding.share),
                                   facts.trace.nameOf(longest), formatDuration(facts.trace.timeOf(longest).duration()));
    finding.evidence.push_back({"the longest of them", facts.trace.timeOf(longest), longest, {}});
    finding.remedies = {
        {"Copy on the stream that computes, from page-locked memory, and wait once at the end.",
         "cudaMemcpyAsync(to, from, bytes, kind, stream);   // instead of cudaMemcpy(to, from, bytes, kind)\n"
         "cudaMemsetAsync(to, value, bytes, stream);        // instead of cudaMemset(to, value, bytes)"},
        {"PyTorch: .item(), .cpu(), .numpy() and print() of a GPU tensor copy synchronously; do it once for many values, or not in "
         "the loop.",
         "values = tensor.to('cpu', non_blocking=True)", RemedyFor::PyTorch}};
    judgement.findings.push_back(std::move(finding));
    return judgement;
}

Judgement judgeCopyBound(const Facts& facts)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    constexpr double kLeast = 0.05, kMuch = 0.20; // of the window
    Judgement judgement;
    for (const GpuFacts& gpu : facts.gpus) {
        DurationNs copying = 0, computing = 0;
        for (const StreamFacts& stream : gpu.streams) {
            copying += stream.copyTime;
            computing += stream.kernelTime;
        }
        if (copying <= computing || facts.shareOfWindow(copying) < kLeast)
            continue;
        Finding finding;
        finding.share = std::min(1.0, facts.shareOfWindow(copying));
        finding.severity = *finding.share >= kMuch ? Severity::Problem : Severity::Advice;
        finding.sentence =
            fmt::format("GPU {} copies for {} and computes for {}.", gpu.device, formatDuration(copying), formatDuration(computing));
        finding.evidence.push_back({"the time that the GPU worked in", gpu.active, {}, {}});
        finding.remedies = {
            {"Send less: inputs and outputs in the type the model computes in, only the outputs that the client asks for, and "
             "what stays the same between requests kept on the GPU.",
             "output { name: \"logits\" data_type: TYPE_FP16 dims: [ -1 ] }   # instead of TYPE_FP32", RemedyFor::Servers},
            {"On the same host, let clients pass tensors in CUDA shared memory, so that nothing is copied through the host.",
             "client.register_cuda_shared_memory(name, handle, device_id, bytes)"}};
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

Judgement judgePcie(const Facts& facts)
{
    if (!facts.hasGpuWork())
        return Judgement::cannot("no GPU work was recorded");
    constexpr std::uint64_t kLarge = 256 * 1024; // bytes; smaller copies are latency, not throughput
    constexpr double kLeast = 0.3;               // of the window
    constexpr double kLeastRate = 10e9;          // bytes/s: PCIe 3.0 x16 carries about 12, 4.0 about 25, 5.0 about 50
    Judgement judgement;
    for (const CopyKind direction : {CopyKind::HtoD, CopyKind::DtoH}) {
        CopySum sum;
        for (std::uint32_t row = 0; row < facts.trace.memcpys.size(); ++row)
            if (facts.trace.memcpys.copyKind(row) == direction && facts.trace.memcpys.bytes[row] >= kLarge)
                sum.add(EventId(EventKind::Memcpy, row), facts.trace.memcpys.time(row).clippedTo(facts.window).duration(),
                        facts.trace.memcpys.bytes[row]);
        const double share = facts.shareOfWindow(sum.gpuTime) / static_cast<double>(std::max<std::size_t>(1, facts.gpus.size()));
        const double rate = sum.gpuTime > 0 ? static_cast<double>(sum.bytes) * 1e9 / static_cast<double>(sum.gpuTime) : 0;
        if (share < kLeast || rate < kLeastRate)
            continue;
        Finding finding;
        finding.severity = Severity::Problem;
        finding.share = std::min(1.0, share);
        finding.sentence = fmt::format("{} large copies {} the GPU move {:.1f} GB at {:.1f} GB/s: the bus between host and GPU is busy "
                                       "with them for {} of the window.",
                                       formatCount(sum.count), direction == CopyKind::HtoD ? "to" : "from",
                                       static_cast<double>(sum.bytes) / 1e9, rate / 1e9, percent(share));
        finding.evidence.push_back(evidenceOf(facts.trace, sum));
        finding.remedies = {
            {"Send less, or send it once: smaller types, only what changed, CUDA shared memory for clients of the same host.",
             "client.register_cuda_shared_memory(name, handle, device_id, bytes)"},
            {"See that the GPU has the link it should have: a riser or a shared switch may have halved it.",
             "nvidia-smi --query-gpu=pcie.link.gen.current,pcie.link.gen.max,pcie.link.width.current,pcie.link.width.max --format=csv"}};
        judgement.findings.push_back(std::move(finding));
    }
    return judgement;
}

} // namespace gantry::findings
