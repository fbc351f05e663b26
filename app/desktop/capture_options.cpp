#include "app/desktop/capture_options.h"

#include "app/desktop/text.h"

#include <QCoreApplication>

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

using Opening = CaptureOptions::Opening;
using Begin = CaptureOptions::Begin;
using End = CaptureOptions::End;

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
    return tr("%1 windows, each %2, %3").arg(formatCount(options.windows), length, spacing);
}

} // namespace

QJsonObject toJson(const CaptureOptions& options)
{
    QJsonObject content;
    for (const Switch& one : kSwitches)
        content.insert(QLatin1String(one.key), options.content.*one.value);
    return {{QStringLiteral("opening"), static_cast<int>(options.opening)},
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
            {QStringLiteral("range"), options.range},
            {QStringLiteral("ranges"), static_cast<qint64>(options.ranges)},
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
    read(json, "opening", options.opening, 0, static_cast<int>(Opening::NvtxRange));
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
    options.range = json.value(QStringLiteral("range")).toString();
    read(json, "ranges", options.ranges, 0, kMostWindows);
    read(json, "range_every", options.rangeEvery, 1, 1'000'000);
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

proto::CaptureRequest captureRequest(const CaptureOptions& options, const QDateTime& now)
{
    proto::CaptureRequest request;
    request.content = options.content;
    request.label = options.label.trimmed().toStdString();
    request.mayQueue = options.mayQueue;
    if (options.opening != Opening::Clock) {
        request.trigger = options.opening == Opening::NvtxRange ? proto::CaptureTrigger::NvtxRange : proto::CaptureTrigger::CudaProfiler;
        if (options.opening == Opening::NvtxRange)
            request.triggerRange = options.range.trimmed().toStdString();
        request.windowCount = options.ranges == 0 ? kMostWindows : options.ranges;
        request.triggerEvery = options.rangeEvery;
        request.stopTarget = options.endsServer;
        return request;
    }
    if (options.begin == Begin::After)
        request.delayNs = options.delayNs;
    else if (options.begin == Begin::At)
        request.startUtcNs = nextTime(options.at, now).toMSecsSinceEpoch() * 1'000'000;
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
    return request;
}

std::optional<CaptureProblem> problemOf(const CaptureOptions& options, const QString& noGpuReason)
{
    const auto& content = options.content;
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
    if (options.opening == Opening::Clock) {
        const bool countsRanges = options.end == End::Requests || options.end == End::Iterations;
        if (countsRanges && !content.nvtx)
            return CaptureProblem{CaptureField::End, tr("These are counted by their NVTX ranges: tick NVTX ranges under Record.")};
        if (options.windows > 1 && options.end == End::Stop)
            return CaptureProblem{CaptureField::Windows, tr("Several windows need an end each: choose another end than when stopped.")};
        if (options.windows > 1 && options.end == End::Time && options.periodNs > 0 && options.periodNs < options.lengthNs)
            return CaptureProblem{CaptureField::Windows, tr("Windows of %1 do not fit into %2: make them shorter or rarer.")
                                                             .arg(secondsText(options.lengthNs), secondsText(options.periodNs))};
    }
    if (std::none_of(std::begin(kSwitches), std::end(kSwitches), [&](const Switch& one) { return content.*one.value && !one.isPart; }) &&
        content.gpuMetricsHz == 0)
        return CaptureProblem{CaptureField::Content, tr("Nothing would be recorded: tick something.")};
    if (content.gpuMetricsHz > 0 && !noGpuReason.isEmpty())
        return CaptureProblem{CaptureField::GpuMetrics, tr("This node has no GPU to sample: choose off.")};
    return std::nullopt;
}

QString summaryOf(const CaptureOptions& options, const QDateTime& now)
{
    const QString wait = options.mayQueue ? tr(" Waits for the end of another client's capture.") : QString();
    if (options.opening != Opening::Clock) {
        const QString range = options.opening == Opening::CudaProfiler ? tr("from cudaProfilerStart to cudaProfilerStop")
                                                                       : tr("as long as the range %1").arg(options.range.trimmed());
        const QString count = options.ranges == 0   ? tr("Windows until stopped")
                              : options.ranges == 1 ? tr("One window")
                                                    : tr("%1 windows").arg(formatCount(options.ranges));
        const QString every = options.rangeEvery > 1 ? tr(", for one of every %1 ranges").arg(formatCount(options.rangeEvery)) : QString();
        const QString then = options.endsServer ? tr(" Then the server is ended.") : QString();
        return tr("%1, %2%3.").arg(count, range, every) + then + wait;
    }
    const QString windows = windowsText(options);
    switch (options.begin) {
    case Begin::Now:
        return tr("Now: %1.").arg(windows) + wait;
    case Begin::After:
        return tr("In %1: %2.").arg(secondsText(options.delayNs), windows) + wait;
    case Begin::At:
        break;
    }
    const QDateTime start = nextTime(options.at, now);
    return (start.date() == now.date() ? tr("Today at %1: %2.") : tr("Tomorrow at %1: %2."))
               .arg(start.time().toString(QStringLiteral("HH:mm:ss")), windows) +
           wait;
}

} // namespace gantry::desktop
