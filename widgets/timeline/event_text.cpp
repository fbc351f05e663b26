#include "widgets/timeline/event_text.h"

#include "trace_model/trace/trace_words.h"
#include "widgets/theme/format.h"
#include "widgets/theme/glossary.h"

#include <QCoreApplication>
#include <QStringList>

#include <array>
#include <optional>

namespace gantry::widgets {

namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::widgets::EventText", text);
}

QString dimensions(const std::array<std::uint32_t, 3>& size)
{
    return QStringLiteral("%1 × %2 × %3").arg(size[0]).arg(size[1]).arg(size[2]);
}

/// So much of a payload as a tip has room for.
QString shortened(const QString& text)
{
    constexpr qsizetype kMost = 120;
    return text.size() <= kMost ? text : text.left(kMost - 1) + QChar(0x2026);
}

QString throughput(std::uint64_t bytes, DurationNs duration)
{
    if (duration <= 0)
        return {};
    return QStringLiteral("%1 GB/s").arg(formatNumber(static_cast<double>(bytes) / static_cast<double>(duration)));
}

QString threadText(const Trace& trace, std::uint64_t globalTid)
{
    const auto name = trace.threadNames.find(globalTid);
    const QString number = QString::number(Trace::tidOf(globalTid));
    return name == trace.threadNames.end() ? tr("Thread %1").arg(number) : QStringLiteral("%1 (%2)").arg(toQString(name->second), number);
}

QString streamText(std::uint32_t stream)
{
    return stream == 0xFFFFFFFFu ? QString() : tr("Stream %1").arg(stream);
}

/// Of the phases, or the whole of a request without any.
bool isFirstPhase(const Trace& trace, std::uint32_t row)
{
    const std::optional<TimeRange>* first = nullptr;
    const auto& phases = trace.requests[trace.phases.request[row].value].phases;
    for (const auto& phase : phases) {
        if (phase && (!first || phase->start < (*first)->start))
            first = &phase;
    }
    if (trace.phases.phase[row] == records::RequestPhase::Outside)
        return !first;
    return first == &phases[static_cast<std::size_t>(trace.phases.phase[row])];
}

/// What the kind of an event adds to name and time.
QStringList particulars(const Trace& trace, EventId event)
{
    const std::uint32_t row = event.row();
    const DurationNs duration = trace.timeOf(event).duration();
    switch (event.kind()) {
    case EventKind::Kernel:
        return {tr("grid %1, block %2").arg(dimensions(trace.kernels.shape(row).grid), dimensions(trace.kernels.shape(row).block))};
    case EventKind::Memcpy: {
        QStringList lines{formatBytes(trace.memcpys.bytes[row])};
        if (const QString rate = throughput(trace.memcpys.bytes[row], duration); !rate.isEmpty())
            lines[0] += QStringLiteral(" · ") + rate;
        lines << QStringLiteral("%1 → %2").arg(toQString(trace::name(trace.memcpys.route[row].source)),
                                               toQString(trace::name(trace.memcpys.route[row].destination)));
        return lines;
    }
    case EventKind::Memset:
        return {formatBytes(trace.memsets.bytes[row])};
    case EventKind::ApiCall: {
        const std::int32_t result = trace.apiCalls.callee(row).returnValue;
        return result == 0 ? QStringList() : QStringList{tr("returned error %1").arg(result)};
    }
    case EventKind::NvtxRange: {
        QStringList lines;
        if (const auto domain = trace.strings[trace.nvtxRanges.domain(row)]; !domain.empty())
            lines << tr("domain %1").arg(toQString(domain));
        if (trace.nvtxRanges.payload(row))
            lines << tr("payload %1").arg(*trace.nvtxRanges.payload(row));
        if (const auto json = trace.nvtxRanges.payloadText(row))
            lines << tr("payload %1").arg(shortened(toQString(trace.strings[*json])));
        if (trace.nvtxRanges.isOpen(row))
            lines << tr("still open at the end of the window");
        return lines;
    }
    case EventKind::Phase: {
        const trace::Request& request = trace.requests[trace.phases.request[row].value];
        return {tr("of request %1 · %2 in all")
                    .arg(requestName(trace, trace.phases.request[row]), formatDurationExactly(request.time.duration()))};
    }
    case EventKind::Synchronization:
    case EventKind::NvtxMark:
    case EventKind::Overhead:
    case EventKind::GpuRange:
    case EventKind::LibraryCall:
    case EventKind::OsCall:
        break;
    case EventKind::GraphLaunch:
        return {tr("recorded as a whole: its kernels are not known")};
    }
    return {};
}

/// What a tooltip explains besides: a phase, and how a copy reaches the host's memory. Empty: who looks at many knows the others.
QString explainedTerm(const Trace& trace, EventId event)
{
    if (event.kind() == EventKind::Phase)
        return phaseTitle(trace.phases.phase[event.row()]);
    if (event.kind() == EventKind::Memcpy && trace.memcpys.route[event.row()].hostMemory() == trace::MemoryKind::Pageable)
        return toQString(trace::name(trace::MemoryKind::Pageable));
    return {};
}

} // namespace

QString eventLabel(const Trace& trace, EventId event)
{
    const QString name = toQString(trace.nameOf(event));
    if (event.kind() == EventKind::Phase && isFirstPhase(trace, event.row()))
        return QStringLiteral("#%1 %2").arg(trace.requests[trace.phases.request[event.row()].value].id).arg(name);
    return name;
}

std::uint64_t labelKey(const Trace& trace, EventId event)
{
    const std::uint32_t row = event.row();
    const auto key = [](std::uint64_t group, std::uint32_t number) { return group << 32 | number; };
    const auto ofKind = [&](std::uint32_t number) { return key(static_cast<std::uint64_t>(event.kind()), number); };
    switch (event.kind()) {
    case EventKind::Kernel:
        return ofKind(trace.kernels.nameNumber[row]);
    case EventKind::Memcpy: {
        const trace::CopyRoute route = trace.memcpys.route[row];
        return ofKind(static_cast<std::uint32_t>(route.kind) << 16 | static_cast<std::uint32_t>(route.source) << 8 |
                      static_cast<std::uint32_t>(route.destination));
    }
    case EventKind::Memset:
        return ofKind(static_cast<std::uint32_t>(trace.memsets.memoryKind[row]));
    case EventKind::Synchronization:
        return ofKind(static_cast<std::uint32_t>(trace.synchronizations.type[row]));
    case EventKind::ApiCall:
        return ofKind(trace.apiCalls.calleeNumber[row]);
    case EventKind::LibraryCall:
        return ofKind(trace.libraryCalls.calleeNumber[row]);
    case EventKind::OsCall:
        return ofKind(trace.osCalls.calleeNumber[row]);
    case EventKind::NvtxRange:
        return ofKind(trace.nvtxRanges.labelNumber[row]);
    case EventKind::NvtxMark:
        return ofKind(trace.nvtxMarks.labelNumber[row]);
    case EventKind::Overhead:
        return ofKind(trace.overheads.name[row].value);
    case EventKind::GraphLaunch:
        return ofKind(trace.graphLaunches.graph[row]);
    case EventKind::GpuRange:
        return ofKind(trace.gpuRanges.text[row].value);
    case EventKind::Phase:
        // The first of a request has its number.
        return isFirstPhase(trace, row) ? key(trace::kEventKindCount, row) : ofKind(static_cast<std::uint32_t>(trace.phases.phase[row]));
    }
    return 0;
}

QString eventToolTip(const Trace& trace, EventId event)
{
    const TimeRange time = trace.timeOf(event);
    QStringList lines{QStringLiteral("<b>%1</b>").arg(toQString(trace.nameOf(event)).toHtmlEscaped())};
    QString when = tr("%1 · at %2").arg(formatDurationExactly(time.duration()), formatTime(time.start - trace.time.start, 1000));
    if (time.duration() == 0)
        when = tr("at %1").arg(formatTime(time.start - trace.time.start, 1000));
    lines << when;
    if (const QString place = placeText(trace, event); !place.isEmpty())
        lines << place.toHtmlEscaped();
    for (const QString& line : particulars(trace, event))
        lines << line.toHtmlEscaped();
    if (const QString term = explainedTerm(trace, event); !term.isEmpty())
        lines << QStringLiteral("<hr>") + termToolTip(term);
    return lines.join(QStringLiteral("<br>"));
}

QString kindTitle(EventKind kind)
{
    switch (kind) {
    case EventKind::Kernel:
        return tr("Kernel");
    case EventKind::Memcpy:
        return tr("Memcpy");
    case EventKind::Memset:
        return tr("Memset");
    case EventKind::Synchronization:
        return tr("Synchronization");
    case EventKind::ApiCall:
        return tr("CUDA API call");
    case EventKind::NvtxRange:
        return tr("NVTX range");
    case EventKind::NvtxMark:
        return tr("NVTX mark");
    case EventKind::Overhead:
        return tr("Profiler overhead");
    case EventKind::Phase:
        return tr("Request phase");
    case EventKind::GraphLaunch:
        return tr("CUDA graph");
    case EventKind::GpuRange:
        return tr("Range on the GPU");
    case EventKind::LibraryCall:
        return tr("Library call");
    case EventKind::OsCall:
        return tr("OS call");
    }
    return {};
}

QString eventTitle(const Trace& trace, EventId event)
{
    const EventKind kind = event.kind();
    if (kind == EventKind::ApiCall)
        return tr("%1 call").arg(toQString(trace::apiName(trace)));
    if (kind != EventKind::NvtxRange && kind != EventKind::NvtxMark)
        return kindTitle(kind);
    const trace::NvtxColumns& columns = kind == EventKind::NvtxRange ? trace.nvtxRanges : trace.nvtxMarks;
    const trace::RangeOrigin origin = trace::originOf(trace, columns.globalTid(event.row()), columns.label(event.row()).domain);
    if (origin == trace::RangeOrigin::Nvtx)
        return kindTitle(kind);
    if (kind == EventKind::NvtxMark)
        return tr("Mark");
    switch (origin) {
    case trace::RangeOrigin::Operator:
        return tr("Operator");
    case trace::RangeOrigin::Annotation:
        return tr("Annotation");
    case trace::RangeOrigin::PythonFunction:
        return tr("Python function");
    case trace::RangeOrigin::Iteration:
        return tr("Iteration");
    default:
        return tr("Span");
    }
}

QString phaseTitle(records::RequestPhase phase)
{
    switch (phase) {
    case records::RequestPhase::Queue:
        return tr("Queue");
    case records::RequestPhase::Cache:
        return tr("Cache");
    case records::RequestPhase::ComputeInput:
        return tr("Compute input");
    case records::RequestPhase::ComputeInfer:
        return tr("Compute infer");
    case records::RequestPhase::ComputeOutput:
        return tr("Compute output");
    case records::RequestPhase::Outside:
        return tr("Outside the phases");
    }
    return {};
}

QString placeText(const Trace& trace, EventId event)
{
    const std::uint32_t row = event.row();
    switch (event.kind()) {
    case EventKind::Kernel:
        return streamText(trace.kernels.stream(row));
    case EventKind::Memcpy:
        return trace.memcpys.context(row) == 0 && trace::isUnifiedMemory(trace.memcpys.route[row].kind)
                   ? tr("unified memory")
                   : streamText(trace.memcpys.stream(row));
    case EventKind::Memset:
        return streamText(trace.memsets.stream(row));
    case EventKind::Synchronization:
        return streamText(trace.synchronizations.stream(row));
    case EventKind::GraphLaunch:
        return streamText(trace.graphLaunches.stream(row));
    case EventKind::GpuRange:
        return streamText(trace.gpuRanges.stream(row));
    case EventKind::LibraryCall:
        return threadText(trace, trace.libraryCalls.globalTid(row));
    case EventKind::OsCall:
        return threadText(trace, trace.osCalls.globalTid(row));
    case EventKind::ApiCall:
        return threadText(trace, trace.apiCalls.globalTid(row));
    case EventKind::NvtxRange:
        return threadText(trace, trace.nvtxRanges.globalTid(row));
    case EventKind::NvtxMark:
        return threadText(trace, trace.nvtxMarks.globalTid(row));
    case EventKind::Overhead:
        return threadText(trace, trace.overheads.globalTid(row));
    case EventKind::Phase: {
        const trace::Request& request = trace.requests[trace.phases.request[row].value];
        const auto model = trace.strings[request.model];
        const auto version = trace.strings[request.version];
        return toQString(model) + (version.empty() ? QString() : QLatin1Char(':') + toQString(version));
    }
    }
    return {};
}

QString requestName(const Trace& trace, trace::RequestIndex request)
{
    const trace::Request& r = trace.requests[request.value];
    const auto client = trace.strings[r.clientId];
    return client.empty() ? QString::number(r.id) : tr("%1 (client id %2)").arg(QString::number(r.id), toQString(client));
}

} // namespace gantry::widgets
