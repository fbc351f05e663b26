#include "widgets/details/event_details.h"

#include "trace_model/analysis/gaps.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/analysis/request_differences.h"
#include "trace_model/analysis/request_join.h"
#include "trace_model/analysis/window_cost_text.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_words.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/event_text.h"

#include <QCoreApplication>
#include <QDateTime>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QStringList>

#include <algorithm>
#include <array>
#include <utility>

namespace gantry::widgets {

namespace {

using trace::EventId;
using trace::EventKind;
using trace::RequestIndex;
using trace::Trace;

constexpr std::size_t kLinesShown = 32;

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::widgets::EventDetails", text);
}

QString triple(const std::array<std::uint32_t, 3>& size)
{
    return QStringLiteral("%1 × %2 × %3").arg(size[0]).arg(size[1]).arg(size[2]);
}

QString relative(const Trace& trace, TimestampNs time)
{
    return formatTime(time - trace.time.start, 10);
}

class Section
{
public:
    explicit Section(QString title) { m_section.title = std::move(title); }

    Section& line(QString name, QString value, DetailLink link = {})
    {
        if (!value.isEmpty())
            m_section.lines.push_back({std::move(name), std::move(value), link});
        return *this;
    }
    void into(std::vector<DetailSection>& sections)
    {
        if (!m_section.lines.empty())
            sections.push_back(std::move(m_section));
    }

private:
    DetailSection m_section;
};

QString jsonText(const QJsonValue& value)
{
    if (value.isString())
        return value.toString();
    const QJsonDocument document = value.isObject() ? QJsonDocument(value.toObject()) : QJsonDocument(value.toArray());
    return document.isNull() || !(value.isObject() || value.isArray()) ? value.toVariant().toString()
                                                                       : QString::fromUtf8(document.toJson(QJsonDocument::Compact));
}

/// A number, or the members of a JSON object.
void addPayload(Section& section, const Trace& trace, const trace::NvtxColumns& columns, std::size_t row)
{
    if (const auto number = columns.payload(row))
        section.line(tr("Payload"), QString::number(*number));
    const auto json = columns.payloadText(row);
    if (!json)
        return;
    const QString text = toQString(trace.strings[*json]);
    const QJsonDocument document = QJsonDocument::fromJson(text.toUtf8());
    if (!document.isObject() || document.object().size() > static_cast<qsizetype>(kLinesShown)) {
        section.line(tr("Payload"), text);
        return;
    }
    const QJsonObject members = document.object();
    for (auto member = members.begin(); member != members.end(); ++member)
        section.line(tr("Payload: %1").arg(member.key()), jsonText(member.value()));
}

void addGpuColumns(Section& section, std::uint32_t device, std::uint32_t context, std::uint32_t stream, std::uint32_t correlation)
{
    section.line(tr("GPU"), QString::number(device)).line(tr("Context"), QString::number(context));
    if (stream != 0xFFFFFFFFu)
        section.line(tr("Stream"), QString::number(stream));
    if (correlation != 0)
        section.line(tr("Correlation id"), QString::number(correlation));
}

/// "layers (3)", or the number where it has no name.
QString categoryText(const Trace& trace, std::uint64_t globalTid, const trace::NvtxLabel& label)
{
    const QString number = QString::number(label.category);
    const std::string* name = trace.categoryName(globalTid, label);
    return name ? QStringLiteral("%1 (%2)").arg(toQString(*name), number) : number;
}

void addColumns(Section& s, const Trace& trace, EventId event)
{
    const std::uint32_t row = event.row();
    const DurationNs duration = trace.timeOf(event).duration();
    const auto bytesLines = [&](std::uint64_t bytes) {
        s.line(tr("Size"), formatBytes(bytes));
        if (duration > 0)
            s.line(tr("Throughput"),
                   QStringLiteral("%1 GB/s").arg(formatNumber(static_cast<double>(bytes) / static_cast<double>(duration))));
    };
    switch (event.kind()) {
    case EventKind::Kernel: {
        const auto& k = trace.kernels;
        s.line(tr("Grid"), triple(k.shape(row).grid)).line(tr("Block"), triple(k.shape(row).block));
        s.line(tr("Registers per thread"), QString::number(k.shape(row).registersPerThread));
        s.line(
            tr("Shared memory"),
            tr("%1 static, %2 dynamic").arg(formatBytes(k.shape(row).staticSharedMemory), formatBytes(k.shape(row).dynamicSharedMemory)));
        addGpuColumns(s, k.device(row), k.context(row), k.stream(row), k.correlation[row]);
        if (k.graphNode[row] != 0)
            s.line(tr("Graph node"), QString::number(k.graphNode[row]));
        if (k.demangledName(row) != k.shortName(row))
            s.line(tr("Full name"), toQString(trace.strings[k.demangledName(row)]));
        break;
    }
    case EventKind::Memcpy: {
        const auto& m = trace.memcpys;
        s.line(tr("Direction"), toQString(trace::name(m.copyKind(row))));
        s.line(tr("Memory"), QStringLiteral("%1 → %2").arg(toQString(trace::name(m.route[row].source)),
                                                           toQString(trace::name(m.route[row].destination))));
        bytesLines(m.bytes[row]);
        addGpuColumns(s, m.device(row), m.context(row), m.stream(row), m.correlation[row]);
        break;
    }
    case EventKind::Memset: {
        const auto& m = trace.memsets;
        bytesLines(m.bytes[row]);
        s.line(tr("Value"), QString::number(m.value[row])).line(tr("Memory"), toQString(trace::name(m.memoryKind[row])));
        addGpuColumns(s, m.device(row), m.context(row), m.stream(row), m.correlation[row]);
        break;
    }
    case EventKind::Synchronization: {
        const auto& y = trace.synchronizations;
        addGpuColumns(s, y.device(row), y.context(row), y.stream(row), y.correlation[row]);
        break;
    }
    case EventKind::ApiCall: {
        const auto& a = trace.apiCalls;
        s.line(tr("API"), a.isDriver(row) ? tr("driver") : tr("runtime"));
        s.line(tr("Result"), a.callee(row).returnValue == 0 ? tr("success") : tr("CUDA error %1").arg(a.callee(row).returnValue));
        s.line(tr("Thread"), placeText(trace, event)).line(tr("Process"), QString::number(Trace::pidOf(a.globalTid(row))));
        if (a.correlation[row] != 0)
            s.line(tr("Correlation id"), QString::number(a.correlation[row]));
        break;
    }
    case EventKind::NvtxRange: {
        const auto& n = trace.nvtxRanges;
        s.line(tr("Domain"), toQString(trace.strings[n.domain(row)]));
        addPayload(s, trace, n, row);
        if (n.label(row).category != 0)
            s.line(tr("Category"), categoryText(trace, n.globalTid(row), n.label(row)));
        s.line(tr("Kind"), n.isStartEnd(row) ? tr("start/end") : tr("push/pop"));
        if (n.isOpen(row))
            s.line(tr("End"), tr("not before the window closed"));
        s.line(tr("Thread"), placeText(trace, event)).line(tr("Process"), QString::number(Trace::pidOf(n.globalTid(row))));
        break;
    }
    case EventKind::NvtxMark: {
        const auto& n = trace.nvtxMarks;
        s.line(tr("Domain"), toQString(trace.strings[n.domain(row)]));
        addPayload(s, trace, n, row);
        s.line(tr("Thread"), placeText(trace, event));
        break;
    }
    case EventKind::GraphLaunch: {
        const auto& g = trace.graphLaunches;
        s.line(tr("Graph"), QString::number(g.graph[row]));
        addGpuColumns(s, g.device(row), g.context(row), g.stream(row), g.correlation[row]);
        break;
    }
    case EventKind::GpuRange: {
        const auto& r = trace.gpuRanges;
        addGpuColumns(s, r.device(row), r.context(row), r.stream(row), 0);
        break;
    }
    case EventKind::LibraryCall:
    case EventKind::OsCall: {
        const trace::CallColumns& calls = event.kind() == EventKind::OsCall ? trace.osCalls : trace.libraryCalls;
        s.line(tr("Result"), QString::number(calls.callee(row).returnValue));
        s.line(tr("Thread"), placeText(trace, event)).line(tr("Process"), QString::number(Trace::pidOf(calls.globalTid(row))));
        break;
    }
    case EventKind::Overhead:
        s.line(tr("Thread"), placeText(trace, event));
        break;
    case EventKind::Phase:
        s.line(tr("Model"), placeText(trace, event));
        break;
    }
}

void addOrigin(std::vector<DetailSection>& sections, const Trace& trace, EventId event)
{
    const EventId launch = analysis::launchOf(trace, event);
    if (launch.isNone())
        return;
    const TimeRange call = trace.timeOf(launch);
    Section section(tr("Launched by"));
    section.line(toQString(trace.nameOf(launch)), formatDurationExactly(call.duration()), launch);
    const TimestampNs start = trace.timeOf(event).start;
    section.line(tr("Launch delay"), tr("%1 from the call's start").arg(formatDurationExactly(start - call.start)));
    section.line(tr("Queue time"), start < call.end ? tr("none: began inside the call")
                                                    : tr("%1 from the call's end").arg(formatDurationExactly(start - call.end)));
    section.into(sections);
}

/// The operators or ranges that it was done for.
void addSurroundings(std::vector<DetailSection>& sections, const Trace& trace, EventId event)
{
    const bool isLaunched = !analysis::launchOf(trace, event).isNone();
    Section section(isLaunched ? tr("Launched in, outermost first") : tr("Inside of, outermost first"));
    const auto ranges = analysis::rangesAround(trace, event);
    // Of a deep stack of Python functions the inner ones tell more.
    const std::size_t first = ranges.size() > kLinesShown ? ranges.size() - kLinesShown : 0;
    for (std::size_t i = first; i < ranges.size(); ++i)
        section.line(toQString(trace.nameOf(ranges[i])), formatDurationExactly(trace.timeOf(ranges[i]).duration()), ranges[i]);
    section.into(sections);
}

void addLaunched(std::vector<DetailSection>& sections, const Trace& trace, EventId event)
{
    Section section(tr("Launched"));
    const auto launched = analysis::launchedBy(trace, event); // a graph launch: thousands
    for (std::size_t i = 0; i < launched.size() && i < kLinesShown; ++i)
        section.line(toQString(trace.nameOf(launched[i])), formatDurationExactly(trace.timeOf(launched[i]).duration()), launched[i]);
    if (launched.size() > kLinesShown)
        section.line(tr("and more"), formatCount(launched.size() - kLinesShown));
    section.into(sections);
}

void addRequests(std::vector<DetailSection>& sections, const Trace& trace, const QString& title, const std::vector<RequestIndex>& requests)
{
    Section section(title);
    for (std::size_t i = 0; i < requests.size() && i < kLinesShown; ++i) {
        const trace::Request& request = trace.requests[requests[i].value];
        const std::string_view client = trace.strings[request.clientId];
        section.line(tr("Request %1").arg(request.id),
                     formatDurationExactly(request.time.duration()) +
                         (client.empty() ? QString() : QStringLiteral(" · ") + toQString(client)),
                     requests[i]);
    }
    if (requests.size() > kLinesShown)
        section.line(tr("and more"), formatCount(requests.size() - kLinesShown));
    section.into(sections);
}

/// Work of one kind for a request: how often and how long in sum.
void addWork(Section& section, const Trace& trace, const QString& name, const std::vector<EventId>& events, EventKind kind)
{
    std::size_t count = 0;
    DurationNs total = 0;
    EventId longest;
    for (const EventId event : events) {
        if (event.kind() != kind)
            continue;
        ++count;
        const DurationNs duration = trace.timeOf(event).duration();
        total += duration;
        if (longest.isNone() || duration > trace.timeOf(longest).duration())
            longest = event;
    }
    if (count > 0)
        section.line(name,
                     tr("%1 in %2, longest %3")
                         .arg(formatDurationExactly(total), formatCount(count), formatDurationExactly(trace.timeOf(longest).duration())),
                     longest);
}

QString durationAndShare(DurationNs part, DurationNs whole)
{
    const QString duration = formatDurationExactly(part);
    return whole > 0 ? QStringLiteral("%1 · %2").arg(duration, formatPercent(static_cast<double>(part) / static_cast<double>(whole)))
                     : duration;
}

/// "GANTRY_CUDA_DRIVER_VERSION" as people write it: "CUDA driver version". Names of other tools stay as they are.
QString settingTitle(const std::string& name)
{
    constexpr std::string_view kPrefix = "GANTRY_";
    if (!name.starts_with(kPrefix))
        return toQString(name);
    QStringList words = toQString(std::string_view(name).substr(kPrefix.size())).split(QLatin1Char('_'), Qt::SkipEmptyParts);
    for (QString& word : words) {
        if (!QStringList{QStringLiteral("CPU"), QStringLiteral("GPU"), QStringLiteral("CUDA"), QStringLiteral("OS"), QStringLiteral("ID")}
                 .contains(word))
            word = word.toLower();
    }
    QString title = words.join(QLatin1Char(' '));
    if (!title.isEmpty())
        title[0] = title[0].toUpper();
    return title;
}

/// Each text once, in the order of their first, with how often it is there: a tool that saw eight processes says it eight times.
std::vector<std::pair<std::string, int>> toldOnce(const std::vector<std::string>& texts)
{
    std::vector<std::pair<std::string, int>> told;
    for (const std::string& text : texts) {
        const auto known = std::find_if(told.begin(), told.end(), [&](const auto& entry) { return entry.first == text; });
        if (known == told.end())
            told.emplace_back(text, 1);
        else
            ++known->second;
    }
    return told;
}

QString utcText(std::int64_t utcNs)
{
    return utcNs == 0
               ? QString()
               : QDateTime::fromMSecsSinceEpoch(utcNs / 1'000'000, Qt::UTC).toString(QStringLiteral("yyyy-MM-dd HH:mm:ss.zzz 'UTC'"));
}

} // namespace

std::vector<DetailSection> eventDetails(const Trace& trace, EventId event)
{
    std::vector<DetailSection> sections;
    if (event.isNone())
        return sections;
    const TimeRange time = trace.timeOf(event);
    Section head(eventTitle(trace, event));
    head.line(tr("Name"), toQString(trace.nameOf(event)), event);
    head.line(tr("Start"), relative(trace, time.start));
    if (time.duration() > 0)
        head.line(tr("Duration"), formatDurationExactly(time.duration()));
    addColumns(head, trace, event);
    head.into(sections);
    addOrigin(sections, trace, event);
    addSurroundings(sections, trace, event);
    addLaunched(sections, trace, event);
    if (event.kind() != EventKind::Phase) {
        const auto requests = analysis::requestsOf(trace, event);
        addRequests(sections, trace,
                    requests.size() > 1 ? tr("Shared by the batch of %1 requests").arg(requests.size()) : tr("For request"), requests);
    }
    return sections;
}

std::vector<DetailSection> requestDetails(const Trace& trace, RequestIndex index)
{
    std::vector<DetailSection> sections;
    if (index.value >= trace.requests.size())
        return sections;
    const trace::Request& request = trace.requests[index.value];
    const auto activity = analysis::requestActivity(trace, index);

    Section head(tr("Request %1").arg(request.id));
    head.line(tr("Client id"), toQString(trace.strings[request.clientId]));
    const auto version = trace.strings[request.version];
    head.line(tr("Model"),
              toQString(trace.strings[request.model]) + (version.empty() ? QString() : tr(", version %1").arg(toQString(version))));
    head.line(tr("Start"), relative(trace, request.time.start));
    head.line(tr("Latency in the server"), formatDurationExactly(request.time.duration()));
    head.line(tr("Outcome"), request.failed ? tr("failed") : request.cutByWindow ? tr("cut by the window") : tr("complete"));
    head.into(sections);

    Section phases(tr("Where the time went (rank among peers)"));
    for (int i = 0; i < records::kRequestPhaseCount; ++i) {
        const auto& phase = request.phases[static_cast<std::size_t>(i)];
        if (!phase)
            continue;
        const auto kind = static_cast<records::RequestPhase>(i);
        QString value = durationAndShare(phase->duration(), request.time.duration());
        if (const auto rank = analysis::phasePercentile(trace, index, kind))
            value += tr(" · p%1").arg(static_cast<int>(*rank * 100 + 0.5));
        phases.line(phaseTitle(kind), value);
    }
    if (const DurationNs outside = analysis::outsidePhases(request); outside > 0 && !request.cutByWindow)
        phases.line(phaseTitle(records::RequestPhase::Outside), durationAndShare(outside, request.time.duration()));
    phases.into(sections);

    Section different(tr("Different from the median"));
    const auto differences = analysis::differencesFromMedian(trace, index);
    for (const analysis::RequestDifference& difference : differences) {
        using Of = analysis::RequestDifference::Of;
        if (difference.of == Of::Batch) {
            different.line(tr("Batch"), tr("of %1, median %2").arg(difference.value).arg(difference.median));
            continue;
        }
        const QString name = difference.of == Of::Latency ? tr("Latency") : phaseTitle(difference.phase);
        different.line(name, difference.median > 0
                                 ? tr("%1× (median %2)").arg(formatNumber(difference.ratio(), 2), formatDurationExactly(difference.median))
                                 : tr("%1, where most have none").arg(formatDurationExactly(difference.value)));
    }
    different.into(sections);

    if (!activity.executions.empty()) {
        const trace::Execution& execution = trace.executions[activity.executions.back().value];
        const auto iterations = static_cast<qsizetype>(activity.executions.size());
        Section batch(iterations > 1 ? tr("Executed in %1 iterations").arg(iterations)
                                     : tr("Executed in a batch of %1").arg(execution.memberCount));
        batch.line(tr("Instance"), toQString(trace.strings[execution.instance]));
        batch.line(iterations > 1 ? tr("Last batch") : tr("Batch"), QString::number(execution.batchId));
        batch.line(iterations > 1 ? tr("Last execution") : tr("Execution"), formatDurationExactly(execution.time.duration()));
        addWork(batch, trace, tr("%1 calls").arg(toQString(trace::apiName(trace))), activity.apiCalls, EventKind::ApiCall);
        addWork(batch, trace, tr("Kernels"), activity.gpuWork, EventKind::Kernel);
        addWork(batch, trace, tr("Memcpys"), activity.gpuWork, EventKind::Memcpy);
        addWork(batch, trace, tr("Memsets"), activity.gpuWork, EventKind::Memset);
        batch.into(sections);
        addRequests(sections, trace, tr("Batch peers"), activity.peers);
    }
    return sections;
}

std::vector<DetailSection> reportDetails(const Trace& trace)
{
    std::vector<DetailSection> sections;
    Section head(tr("Report"));
    head.line(tr("Title"), toQString(trace.meta.title))
        .line(tr("Producer"), toQString(trace.meta.producer))
        .line(tr("Host"), toQString(trace.meta.hostName));
    head.line(tr("Server"), toQString(trace.meta.targetName))
        .line(tr("Recorded"), utcText(trace.meta.sessionUtcNs))
        .line(tr("Length"), trace.time.isEmpty() ? QString() : formatDurationExactly(trace.time.duration()));
    for (const trace::GpuInfo& gpu : trace.meta.gpus)
        head.line(tr("GPU %1").arg(gpu.device), toQString(gpu.name));
    const auto took = [&](const QString& name, const std::optional<DurationNs>& duration) {
        if (duration)
            head.line(name, formatDurationExactly(*duration));
    };
    took(tr("Window opened in"), trace.meta.openCost);
    took(tr("Window closed in"), trace.meta.closeCost);
    head.into(sections);

    Section counts(tr("Events"));
    const bool hasGaps = !analysis::gapsOf(trace).empty(); // the trust strip says which
    const auto count = [&](const QString& name, std::size_t n) {
        if (n > 0)
            counts.line(name, hasGaps ? QStringLiteral("≥ %1").arg(formatCount(n)) : formatCount(n));
    };
    count(tr("Requests"), trace.requests.size());
    count(tr("Executions"), trace.executions.size());
    count(tr("Kernels"), trace.kernels.size());
    count(tr("Memcpys"), trace.memcpys.size());
    count(tr("Memsets"), trace.memsets.size());
    count(tr("Synchronizations"), trace.synchronizations.size());
    count(tr("CUDA graphs"), trace.graphLaunches.size());
    std::size_t ranges = 0;
    for (std::size_t row = 0; row < trace.gpuRanges.size(); ++row)
        ranges += trace.gpuRanges.isProjected(row) ? 0 : 1;
    count(tr("Ranges on the GPU"), ranges);
    count(tr("%1 calls").arg(toQString(trace::apiName(trace))), trace.apiCalls.size());
    count(tr("Library calls"), trace.libraryCalls.size());
    count(tr("OS calls"), trace.osCalls.size());
    count(toQString(trace::rangesName(trace)), trace.nvtxRanges.size());
    count(toQString(trace::marksName(trace)), trace.nvtxMarks.size());
    counts.into(sections);

    Section losses(tr("Losses"));
    for (const Loss& loss : trace.losses) {
        if (loss.count > 0)
            losses.line(toQString(loss.name).replace(QLatin1Char('_'), QLatin1Char(' ')),
                        tr("%1 · %2").arg(formatCount(loss.count), toQString(loss.help)));
    }
    losses.into(sections);

    Section warnings(tr("Warnings"));
    for (const auto& [text, times] : toldOnce(trace.meta.isPreview ? std::vector<std::string>() : trace.meta.warnings)) // "it ends here"
        warnings.line(times == 1 ? tr("Reader") : tr("Reader, %1 times").arg(times), toQString(text));
    warnings.into(sections);

    if (trace.meta.format == "gantry" && !trace.meta.isPreview) {
        Section cost(tr("Window cost"));
        for (const analysis::CostLine& line : analysis::costLines(analysis::windowCostOf(trace.meta)))
            cost.line(toQString(line.name).replace(0, 1, toQString(line.name).at(0).toUpper()), toQString(line.value));
        cost.into(sections);
    }

    Section settings(tr("Settings"));
    for (const auto& [name, value] : trace.meta.settings)
        if (!name.starts_with(report::meta::kCostPrefix)) // said above
            settings.line(settingTitle(name), toQString(value));
    settings.into(sections);
    return sections;
}

} // namespace gantry::widgets
