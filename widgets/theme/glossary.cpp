#include "widgets/theme/glossary.h"

#include <QCoreApplication>
#include <QRegularExpression>
#include <QStringList>

#include <algorithm>

namespace gantry::widgets {

namespace {

#define GANTRY_TERM(text) QT_TRANSLATE_NOOP("gantry::widgets::Glossary", text)

constexpr const char* kTime = GANTRY_TERM("Time: ns, µs, ms or s.");
constexpr const char* kPercent = GANTRY_TERM("Percent.");
constexpr const char* kCount = GANTRY_TERM("A count.");
constexpr const char* kSize = GANTRY_TERM("Bytes, in powers of 1024.");
constexpr const char* kNone = "";

constexpr GlossaryTerm kTerms[] = {
    // Requests
    {"Request", GANTRY_TERM("One inference that a client asked for, from its arrival in the server to its answer."), kTime},
    {"Request phase", GANTRY_TERM("What the server did with a request for a part of its time."), kTime},
    {"Queue", GANTRY_TERM("The request waited for an instance that is free, and for others to fill its batch."), kTime},
    {"Cache", GANTRY_TERM("The answer was looked up in the response cache; a hit is answered without the model."), kTime},
    {"Compute input", GANTRY_TERM("Inputs of the batch were gathered and copied to where the model reads them. Shared by the whole batch."),
     kTime},
    {"Compute infer", GANTRY_TERM("The model ran: its kernels and what launches them. Shared by the whole batch."), kTime},
    {"Compute output", GANTRY_TERM("Outputs were copied back and taken apart for each request. Shared by the whole batch."), kTime},
    {"Outside the phases", GANTRY_TERM("Time of the request that the server tells nothing about: before, between and after its phases."),
     kTime},
    {"Latency", GANTRY_TERM("From a request's arrival in the server to its answer, without the network."), kTime},
    {"Latency in the server", GANTRY_TERM("From the request's arrival in the server to its answer, without the network."), kTime},
    {"Execution", GANTRY_TERM("One run of a model's instance, for the batch of requests that it served together."), kTime},
    {"Batch", GANTRY_TERM("Requests that were executed together; their compute phases are one and the same time."), kNone},
    {"Batch peers", GANTRY_TERM("The other requests that were executed together with this one."), kNone},
    {"Batch size", GANTRY_TERM("How many requests each execution served together."), GANTRY_TERM("Requests.")},
    {"Instance", GANTRY_TERM("A copy of the model that executes one batch at a time."), kNone},
    {"In flight", GANTRY_TERM("Requests that had arrived and were not answered yet."), GANTRY_TERM("Requests.")},
    {"Queue depth", GANTRY_TERM("Requests that waited in the queue at a time."), GANTRY_TERM("Requests.")},
    {"Instances busy", GANTRY_TERM("Instances that executed something at a time."), GANTRY_TERM("Instances.")},
    {"By instance", GANTRY_TERM("The same requests by the instance that executed them."), kNone},
    {"Slowest first", GANTRY_TERM("The longest complete requests of those in view, one in a lane, the longest on top: chosen anew when the view comes to rest."), kTime},
    {"Where the time went (rank among peers)",
     GANTRY_TERM(
         "Each phase, its share of the request, and which percentile of the model's requests that is: p99 is slower than 99 of 100."),
     kTime},
    {"Different from the median", GANTRY_TERM("What of this request is far from the middle one of the same model."), kNone},
    // The GPU
    {"Kernel", GANTRY_TERM("A function that ran on the GPU."), kTime},
    {"Memcpy", GANTRY_TERM("A copy between memories, done by the GPU."), kTime},
    {"Memset", GANTRY_TERM("The GPU filled memory with a value."), kTime},
    {"Synchronization", GANTRY_TERM("A stream or thread waited for other work to end."), kTime},
    {"HtoD", GANTRY_TERM("From the host's memory to the device."), kNone},
    {"DtoH", GANTRY_TERM("From the device to the host's memory."), kNone},
    {"DtoD", GANTRY_TERM("From one place of a device's memory to another."), kNone},
    {"PtoP", GANTRY_TERM("From one device to another."), kNone},
    {"Pageable",
     GANTRY_TERM("Ordinary host memory: the driver copies through a buffer of its own, so the copy is slower and not asynchronous. Pinned "
                 "memory avoids it."),
     kNone},
    {"Pinned", GANTRY_TERM("Host memory that stays in place, so that the GPU copies from it directly and asynchronously."), kNone},
    {"CUDA graph", GANTRY_TERM("Work that was recorded once and is launched as a whole."), kTime},
    {"Range on the GPU",
     GANTRY_TERM(
         "An NVTX range projected onto the GPU: from the start of the first to the end of the last work that was launched inside it."),
     kTime},
    {"Projected",
     GANTRY_TERM(
         "A range of the CPU as it is on the GPU: from the start of the first to the end of the last work that was launched inside it."),
     kTime},
    {"Percent of context time",
     GANTRY_TERM(
         "The stream's busy time over that of all streams of its context, as Nsight Systems prints it; behind it the kernels' part."),
     kPercent},
    {"Busy share", GANTRY_TERM("Time in which at least one thing ran, over the report's time."), kPercent},
    {"Grid", GANTRY_TERM("Blocks of threads that the kernel was launched with."), GANTRY_TERM("Blocks, x × y × z.")},
    {"Block", GANTRY_TERM("Threads in each block of the kernel."), GANTRY_TERM("Threads, x × y × z.")},
    {"Registers per thread", GANTRY_TERM("Registers of 32 bits that each thread has; many leave room for few threads."), kCount},
    {"Shared memory", GANTRY_TERM("Memory that the threads of a block share: what the kernel declares, and what its launch adds."), kSize},
    {"Throughput", GANTRY_TERM("Bytes copied over the time that the copy took."), GANTRY_TERM("GB/s: 10⁹ bytes in a second.")},
    {"Size", GANTRY_TERM("How much was copied or filled."), kSize},
    {"Stream", GANTRY_TERM("A queue of the GPU: what is in it runs in order, beside other streams."), kNone},
    {"Context", GANTRY_TERM("A process's state on a GPU; streams and memory belong to one."), kNone},
    // Launches
    {"CUDA API", GANTRY_TERM("Calls of the CUDA runtime or driver by a thread."), kTime},
    {"CUDA API call", GANTRY_TERM("A call of the CUDA runtime or driver by a thread."), kTime},
    {"Launched by", GANTRY_TERM("The API call that put this work into its stream."), kNone},
    {"Launch delay", GANTRY_TERM("From the start of the API call to the start of the work on the GPU."), kTime},
    {"Queue time", GANTRY_TERM("From the end of the API call to the start of the work: it waited in its stream."), kTime},
    {"Correlation id", GANTRY_TERM("The number that joins an API call and the work that it launched."), kNone},
    {"Profiler overhead", GANTRY_TERM("Time that the recording itself took in a thread."), kTime},
    // Threads
    {"NVTX range", GANTRY_TERM("A span of time that the program named through NVTX."), kTime},
    {"NVTX mark", GANTRY_TERM("A moment that the program named through NVTX."), kNone},
    {"Library call", GANTRY_TERM("A call of cuBLAS, cuDNN or another library."), kTime},
    {"OS call", GANTRY_TERM("A call of the operating system or its C library that may wait."), kTime},
    {"Domain", GANTRY_TERM("The NVTX domain: whose range it is."), kNone},
    {"Payload", GANTRY_TERM("A number that the program gave with the range."), kNone},
    // Columns
    {"Start", GANTRY_TERM("When it began, from the start of the report."), kTime},
    {"Duration", GANTRY_TERM("From its start to its end; empty for what has none."), kTime},
    {"Kind", GANTRY_TERM("What it is: kernel, memcpy, API call, range, phase…"), kNone},
    {"Name", GANTRY_TERM("What it is called: kernels by their functions, calls by theirs, ranges as the program named them."), kNone},
    {"Stream, thread or model", GANTRY_TERM("Where it happened: work on a stream, calls and ranges on a thread, phases for a model."),
     kNone},
    {"Count", GANTRY_TERM("How many there were."), kCount},
    {"Total", GANTRY_TERM("The sum of their durations; what ran at the same time counts each time."), kTime},
    {"Share", GANTRY_TERM("The total over that of all rows of this table."), kPercent},
    {"Mean", GANTRY_TERM("The total over the count."), kTime},
    {"Min", GANTRY_TERM("The shortest."), kTime},
    {"Max", GANTRY_TERM("The longest."), kTime},
    {"p50", GANTRY_TERM("The median: half of them were shorter."), kTime},
    {"p95", GANTRY_TERM("95 of 100 were shorter."), kTime},
    {"p99", GANTRY_TERM("99 of 100 were shorter."), kTime},
    {"Distribution", GANTRY_TERM("How many lasted how long, from the shortest to the longest, in equal steps of the logarithm."), kNone},
    {"Bytes", GANTRY_TERM("How much was copied or filled, in all."), kSize},
};

#undef GANTRY_TERM

QString translated(const char* text)
{
    return *text == '\0' ? QString() : QCoreApplication::translate("gantry::widgets::Glossary", text);
}

const GlossaryTerm* find(const QString& term)
{
    const auto* const found = std::find_if(std::begin(kTerms), std::end(kTerms), [&](const GlossaryTerm& each) {
        return term.compare(QLatin1String(each.term), Qt::CaseInsensitive) == 0;
    });
    return found == std::end(kTerms) ? nullptr : found;
}

QString explained(const GlossaryTerm& term)
{
    const QString text = QStringLiteral("<b>%1</b><br>%2").arg(QLatin1String(term.term), translated(term.help).toHtmlEscaped());
    const QString unit = translated(term.unit);
    return unit.isEmpty() ? text : text + QStringLiteral("<br><i>%1</i>").arg(unit.toHtmlEscaped());
}

} // namespace

std::span<const GlossaryTerm> glossary()
{
    return kTerms;
}

QString termToolTip(const QString& term)
{
    if (const GlossaryTerm* whole = find(term.trimmed()))
        return explained(*whole);
    static const QRegularExpression kBetween(QStringLiteral("[\\s()→,]+"));
    QStringList parts;
    for (const QString& word : term.split(kBetween, Qt::SkipEmptyParts)) {
        const GlossaryTerm* part = find(word);
        if (!part)
            return {};
        parts << explained(*part);
    }
    return parts.join(QStringLiteral("<br>"));
}

} // namespace gantry::widgets
