#include "app/desktop/capture_options.h"

#include "app/desktop/text.h"

#include <QCoreApplication>

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

using proto::EngineKind;
using Opening = CaptureOptions::Opening;
using Begin = CaptureOptions::Begin;
using End = CaptureOptions::End;

constexpr std::uint32_t kMostSkipped = 1'000'000;      // node.proto, StartCaptureRequest.kept_of
constexpr DurationNs kLongestWindow = 600'000'000'000; // node.proto, StartCaptureRequest.duration_ns
constexpr DurationNs kLongestWait = 7 * 86'400'000'000'000;
constexpr qsizetype kLongestMessage = 127, kLongestDomain = 63; // bytes; gantryd's capture plan

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::desktop::CaptureDialog", text);
}

struct Switch
{
    const char* key;
    bool proto::CaptureContent::*value;
    bool isPart = false; ///< says more of another, and records nothing without it
};

constexpr Switch kSwitches[] = {
    {"nvtx", &proto::CaptureContent::nvtx},
    {"kernels", &proto::CaptureContent::kernels},
    {"memcpy", &proto::CaptureContent::memcpy},
    {"runtime_api", &proto::CaptureContent::runtimeApi},
    {"driver_api", &proto::CaptureContent::driverApi},
    {"synchronization", &proto::CaptureContent::synchronization},
    {"overhead", &proto::CaptureContent::overhead},
    {"metrics", &proto::CaptureContent::metrics},
    {"api_queries", &proto::CaptureContent::apiQueries, true},
    {"memory_allocations", &proto::CaptureContent::memoryAllocations},
    {"modules", &proto::CaptureContent::modules},
    {"whole_graphs", &proto::CaptureContent::wholeGraphs},
    {"context_switches", &proto::CaptureContent::contextSwitches},
};

/// A number of the file, where it is one and within the bounds.
template <typename Number>
void read(const QJsonObject& json, const char* key, Number& value, std::int64_t least, std::int64_t most)
{
    const std::int64_t number = json.value(QLatin1String(key)).toInteger(least - 1);
    if (number >= least && number <= most)
        value = static_cast<Number>(number);
}

/// As it was typed: "2 s", "0.25 s".
QString secondsText(DurationNs duration)
{
    return tr("%1 s").arg(QString::number(static_cast<double>(duration) / 1e9, 'g', 8));
}

/// Whether only some of the periods have a window.
bool hasShare(const CaptureOptions& options)
{
    return options.windows > 1 && options.periodNs > 0 && options.keptOf > 1;
}

QString windowsText(const CaptureOptions& options)
{
    const QString length = [&] {
        switch (options.end) {
        case End::Time:
            return tr("%1 long").arg(secondsText(options.lengthNs));
        case End::Requests:
            return options.requests == 1 ? tr("of one request") : tr("of %1 requests").arg(formatCount(options.requests));
        case End::Iterations:
            return options.iterations == 1 ? tr("of one iteration") : tr("of %1 iterations").arg(formatCount(options.iterations));
        case End::Bytes:
            return tr("of %1").arg(formatBytes(options.bytes));
        case End::Stop:
            return tr("that ends when you stop it, or after 10 minutes");
        }
        return QString();
    }();
    if (options.windows == 1)
        return tr("one window %1").arg(length);
    const QString spacing = options.periodNs > 0 ? tr("one every %1").arg(secondsText(options.periodNs)) : tr("one after the other");
    const QString some = !hasShare(options) ? QString()
                         : options.kept == 1
                             ? tr(", in one of every %1").arg(formatCount(options.keptOf))
                             : tr(", in the first %1 of every %2").arg(formatCount(options.kept), formatCount(options.keptOf));
    return tr("%1 windows, each %2, %3").arg(formatCount(options.windows), length, spacing) + some;
}

/// When the first window opens, before what it is: "Now: one window".
QString whenText(const CaptureOptions& options, const QDateTime& now, const QString& what)
{
    switch (options.begin) {
    case Begin::Now:
        return tr("Now: %1.").arg(what);
    case Begin::After:
        return tr("In %1: %2.").arg(secondsText(options.delayNs), what);
    case Begin::At:
        break;
    }
    const QDateTime start = nextTime(options.at, now);
    return (start.date() == now.date() ? tr("Today at %1: %2.") : tr("Tomorrow at %1: %2."))
        .arg(start.time().toString(QStringLiteral("HH:mm:ss")), what);
}

QString rangesText(const CaptureOptions& options)
{
    const QString range = options.opening == Opening::CudaProfiler ? tr("from cudaProfilerStart to cudaProfilerStop")
                                                                   : tr("as long as the range %1").arg(options.range.trimmed());
    const QString count = options.ranges == 0   ? tr("Windows until stopped")
                          : options.ranges == 1 ? tr("One window")
                                                : tr("%1 windows").arg(formatCount(options.ranges));
    const QString every =
        options.rangeEvery <= 1 ? QString()
        : options.rangesKept == 1
            ? tr(", for one of every %1 ranges").arg(formatCount(options.rangeEvery))
            : tr(", for the first %1 of every %2 ranges").arg(formatCount(options.rangesKept), formatCount(options.rangeEvery));
    const QString then = options.endsServer ? tr(" Then the server is ended.") : QString();
    return tr("%1, %2%3.").arg(count, range, every) + then;
}

/// What an engine beside Gantry's own records has names of its own; the rest was said when its server was launched.
proto::NsysWindowOptions nsysOptions(const CaptureOptions& options)
{
    proto::NsysWindowOptions nsys;
    if (options.content.contextSwitches)
        nsys.contextSwitches = "process-tree";
    if (options.content.gpuMetricsHz > 0) {
        nsys.gpuMetricsDevices = "all";
        nsys.gpuMetricsHz = options.content.gpuMetricsHz;
    }
    return nsys;
}

/// When the windows of a request begin.
void applyBegin(const CaptureOptions& options, const QDateTime& now, proto::CaptureRequest& request)
{
    if (options.begin == Begin::After)
        request.delayNs = options.delayNs;
    else if (options.begin == Begin::At)
        request.startUtcNs = nextTime(options.at, now).toMSecsSinceEpoch() * 1'000'000;
}

std::optional<CaptureProblem> problemOfRanges(const CaptureOptions& options)
{
    if (options.opening == Opening::NvtxRange) {
        const QString range = options.range.trimmed();
        const qsizetype at = range.lastIndexOf(QLatin1Char('@'));
        const QString message = at < 0 ? range : range.left(at);
        if (message.isEmpty())
            return CaptureProblem{CaptureField::Range,
                                  tr("Write the name of the range: MESSAGE, MESSAGE@DOMAIN or MESSAGE@* for any domain.")};
        if (message.toUtf8().size() > kLongestMessage || (at >= 0 && range.mid(at + 1).toUtf8().size() > kLongestDomain))
            return CaptureProblem{CaptureField::Range, tr("A message is at most 127 bytes long, a domain 63: shorten it.")};
    }
    if (options.rangesKept > options.rangeEvery)
        return CaptureProblem{CaptureField::Ranges,
                              tr("Of every %1 ranges at most %1 can be captured.").arg(formatCount(options.rangeEvery))};
    return std::nullopt;
}

std::optional<CaptureProblem> problemOfWindows(const CaptureOptions& options)
{
    const bool countsRanges = options.end == End::Requests || options.end == End::Iterations;
    if (countsRanges && !options.content.nvtx)
        return CaptureProblem{CaptureField::End, tr("These are counted by their NVTX ranges: tick NVTX ranges under Record.")};
    if (options.windows > 1 && options.end == End::Stop)
        return CaptureProblem{CaptureField::Windows, tr("Several windows need an end each: choose another end than when stopped.")};
    if (options.windows > 1 && options.end == End::Time && options.periodNs > 0 && options.periodNs < options.lengthNs)
        return CaptureProblem{CaptureField::Windows, tr("Windows of %1 do not fit into %2: make them shorter or rarer.")
                                                         .arg(secondsText(options.lengthNs), secondsText(options.periodNs))};
    if (hasShare(options) && options.kept > options.keptOf)
        return CaptureProblem{CaptureField::Windows,
                              tr("Of every %1 periods at most %1 can have a window.").arg(formatCount(options.keptOf))};
    return std::nullopt;
}

/// What the engine or the server cannot do.
std::optional<CaptureProblem> problemOfEngine(const CaptureOptions& options, const CaptureLimits& limits)
{
    if (const Hindrance& hindrance = limits.of(options.engine); !hindrance.isNone())
        return CaptureProblem{CaptureField::Engine, hindrance.sentence};
    if (!canOpen(options.engine, options.opening))
        return CaptureProblem{CaptureField::Opening,
                              tr("Windows of %1 are opened by the clock alone: choose the clock.").arg(engineTitle(options.engine))};
    if (options.opening == Opening::OwnProfiler && !limits.profiler.isNone())
        return CaptureProblem{CaptureField::Opening, limits.profiler.sentence};
    if (!canEnd(options.engine, options.end))
        return CaptureProblem{CaptureField::End,
                              options.engine == EngineKind::Kineto
                                  ? tr("PyTorch's profiler is told how long its window is: choose a time.")
                                  : tr("Windows of %1 end after a time or when stopped.").arg(engineTitle(options.engine))};
    return std::nullopt;
}

} // namespace

QJsonObject toJson(const CaptureOptions& options)
{
    QJsonObject content;
    for (const Switch& one : kSwitches)
        content.insert(QLatin1String(one.key), options.content.*one.value);
    return {{QStringLiteral("engine"), QLatin1String(proto::name(options.engine))},
            {QStringLiteral("opening"), static_cast<int>(options.opening)},
            {QStringLiteral("begin"), static_cast<int>(options.begin)},
            {QStringLiteral("delay_ns"), static_cast<qint64>(options.delayNs)},
            {QStringLiteral("at"), options.at.toString(Qt::ISODate)},
            {QStringLiteral("end"), static_cast<int>(options.end)},
            {QStringLiteral("length_ns"), static_cast<qint64>(options.lengthNs)},
            {QStringLiteral("requests"), static_cast<qint64>(options.requests)},
            {QStringLiteral("iterations"), static_cast<qint64>(options.iterations)},
            {QStringLiteral("bytes"), static_cast<qint64>(options.bytes)},
            {QStringLiteral("iteration_range"), options.iterationRange},
            {QStringLiteral("windows"), static_cast<qint64>(options.windows)},
            {QStringLiteral("period_ns"), static_cast<qint64>(options.periodNs)},
            {QStringLiteral("kept"), static_cast<qint64>(options.kept)},
            {QStringLiteral("kept_of"), static_cast<qint64>(options.keptOf)},
            {QStringLiteral("range"), options.range},
            {QStringLiteral("ranges"), static_cast<qint64>(options.ranges)},
            {QStringLiteral("ranges_kept"), static_cast<qint64>(options.rangesKept)},
            {QStringLiteral("range_every"), static_cast<qint64>(options.rangeEvery)},
            {QStringLiteral("ends_server"), options.endsServer},
            {QStringLiteral("content"), content},
            {QStringLiteral("gpu_metrics_hz"), static_cast<qint64>(options.content.gpuMetricsHz)},
            {QStringLiteral("label"), options.label},
            {QStringLiteral("may_queue"), options.mayQueue}};
}

CaptureOptions captureOptions(const QJsonObject& json)
{
    CaptureOptions options;
    options.engine = proto::engineFromName(json.value(QStringLiteral("engine")).toString().toStdString()).value_or(options.engine);
    read(json, "opening", options.opening, 0, static_cast<int>(Opening::OwnProfiler));
    read(json, "begin", options.begin, 0, static_cast<int>(Begin::At));
    read(json, "delay_ns", options.delayNs, 1, kLongestWait);
    if (const QTime at = QTime::fromString(json.value(QStringLiteral("at")).toString(), Qt::ISODate); at.isValid())
        options.at = at;
    read(json, "end", options.end, 0, static_cast<int>(End::Stop));
    read(json, "length_ns", options.lengthNs, 1, kLongestWindow);
    read(json, "requests", options.requests, 1, 1'000'000'000);
    read(json, "iterations", options.iterations, 1, 1'000'000'000);
    read(json, "bytes", options.bytes, 1, std::int64_t{1} << 40);
    options.iterationRange = json.value(QStringLiteral("iteration_range")).toString();
    read(json, "windows", options.windows, 1, kMostWindows);
    read(json, "period_ns", options.periodNs, 0, kLongestWait);
    read(json, "kept", options.kept, 1, kMostSkipped);
    read(json, "kept_of", options.keptOf, 1, kMostSkipped);
    options.range = json.value(QStringLiteral("range")).toString();
    read(json, "ranges", options.ranges, 0, kMostWindows);
    read(json, "ranges_kept", options.rangesKept, 1, kMostSkipped);
    read(json, "range_every", options.rangeEvery, 1, kMostSkipped);
    options.endsServer = json.value(QStringLiteral("ends_server")).toBool();
    const QJsonObject content = json.value(QStringLiteral("content")).toObject();
    for (const Switch& one : kSwitches)
        options.content.*one.value = content.value(QLatin1String(one.key)).toBool(options.content.*one.value);
    read(json, "gpu_metrics_hz", options.content.gpuMetricsHz, 0, 200'000);
    options.label = json.value(QStringLiteral("label")).toString();
    options.mayQueue = json.value(QStringLiteral("may_queue")).toBool();
    return options;
}

QDateTime nextTime(const QTime& at, const QDateTime& now)
{
    const QDateTime today(now.date(), at);
    return today > now ? today : QDateTime(now.date().addDays(1), at);
}

bool canOpen(EngineKind engine, Opening opening)
{
    return engine == EngineKind::Native || opening == Opening::Clock;
}

bool canEnd(EngineKind engine, End end)
{
    return engine == EngineKind::Native || end == End::Time || (end == End::Stop && engine != EngineKind::Kineto);
}

proto::CaptureRequest captureRequest(const CaptureOptions& options, const QDateTime& now)
{
    proto::CaptureRequest request;
    request.engine = options.engine;
    request.label = options.label.trimmed().toStdString();
    if (options.engine == EngineKind::Native) {
        request.content = options.content;
        request.mayQueue = options.mayQueue;
    } else if (options.engine == EngineKind::Nsys) {
        request.nsys = nsysOptions(options);
    }
    if (options.opening == Opening::OwnProfiler) {
        applyBegin(options, now, request);
        request.trigger = proto::CaptureTrigger::CudaProfiler;
        request.drivesProfiler = true;
        request.durationNs = options.lengthNs;
        return request;
    }
    if (options.opening != Opening::Clock) {
        request.trigger = options.opening == Opening::NvtxRange ? proto::CaptureTrigger::NvtxRange : proto::CaptureTrigger::CudaProfiler;
        if (options.opening == Opening::NvtxRange)
            request.triggerRange = options.range.trimmed().toStdString();
        request.windowCount = options.ranges == 0 ? kMostWindows : options.ranges;
        request.kept = options.rangesKept;
        request.triggerEvery = options.rangeEvery;
        request.stopTarget = options.endsServer;
        return request;
    }
    applyBegin(options, now, request);
    switch (options.end) {
    case End::Time:
        request.durationNs = options.lengthNs;
        break;
    case End::Requests:
        request.maxRequests = options.requests;
        break;
    case End::Iterations:
        request.maxIterations = options.iterations;
        request.iterationRange = options.iterationRange.trimmed().toStdString();
        break;
    case End::Bytes:
        request.maxBytes = options.bytes;
        break;
    case End::Stop:
        break;
    }
    request.windowCount = options.windows;
    request.periodNs = options.windows > 1 ? options.periodNs : 0;
    if (hasShare(options)) {
        request.kept = options.kept;
        request.keptOf = options.keptOf;
    }
    return request;
}

std::optional<CaptureProblem> problemOf(const CaptureOptions& options, const CaptureLimits& limits)
{
    if (auto problem = problemOfEngine(options, limits))
        return problem;
    const bool isOfRanges = options.opening == Opening::NvtxRange || options.opening == Opening::CudaProfiler;
    if (auto problem = isOfRanges ? problemOfRanges(options) : options.opening == Opening::Clock ? problemOfWindows(options) : std::nullopt)
        return problem;
    const bool hasContent =
        options.content.gpuMetricsHz > 0 || std::any_of(std::begin(kSwitches), std::end(kSwitches),
                                                        [&](const Switch& one) { return options.content.*one.value && !one.isPart; });
    if (options.engine == EngineKind::Native && !hasContent)
        return CaptureProblem{CaptureField::Content, tr("Nothing would be recorded: tick something.")};
    const bool hasCounters = options.engine == EngineKind::Native || options.engine == EngineKind::Nsys;
    if (hasCounters && options.content.gpuMetricsHz > 0 && !limits.gpuCounters.isNone())
        return CaptureProblem{CaptureField::GpuMetrics, limits.gpuCounters.sentence};
    return std::nullopt;
}

QString summaryOf(const CaptureOptions& options, const QDateTime& now)
{
    const bool isNative = options.engine == EngineKind::Native;
    const QString what =
        options.opening == Opening::Clock ? whenText(options, now, windowsText(options))
        : options.opening == Opening::OwnProfiler
            ? whenText(options, now,
                       tr("the server's own profiler opens a window %1 long in all of its workers").arg(secondsText(options.lengthNs)))
            : rangesText(options);
    const QString wait = isNative && options.mayQueue ? tr(" Waits for the end of another client's capture.") : QString();
    return what + (isNative ? QString() : tr(" %1 records it.").arg(engineTitle(options.engine))) + wait;
}

} // namespace gantry::desktop
