#include "app/desktop/capture_bands.h"

#include "app/desktop/node_list.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"
#include "trace_model/report/window_times.h"
#include "widgets/theme/format.h"

#include <QDateTime>
#include <QRegularExpression>

#include <algorithm>
#include <system_error>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMostFiles = 500; // the newest of a folder: windows of an hour are looked for

/// When a report was written, as its name says: "20261121-140320-bert-3.gantry"; nothing: it does not.
std::optional<std::int64_t> writtenUtc(const std::string& name)
{
    const QDateTime stamp = QDateTime::fromString(toQString(name.substr(0, 15)), QStringLiteral("yyyyMMdd-HHmmss"));
    if (!stamp.isValid())
        return std::nullopt;
    return QDateTime(stamp.date(), stamp.time(), Qt::UTC).toMSecsSinceEpoch() * 1'000'000;
}

CaptureBand bandOfFile(const std::filesystem::path& file, const report::WindowTimes& times)
{
    return {file.filename().string(),
            toQString(times.label.empty() ? times.targetName : times.label),
            times.beginUtcNs,
            times.beginUtcNs + times.durationNs,
            true,
            false,
            file};
}

using FoundFile = std::pair<std::filesystem::file_time_type, std::filesystem::path>;

/// Reports in a folder, the newest files first.
std::vector<FoundFile> newestReports(const std::filesystem::path& folder)
{
    std::vector<FoundFile> found;
    std::error_code failure;
    for (std::filesystem::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
        if (entry->path().extension() == ".gantry") {
            std::error_code gone;
            const auto changed = entry->last_write_time(gone);
            if (!gone)
                found.emplace_back(changed, entry->path());
        }
    std::sort(found.begin(), found.end(), std::greater<>());
    if (found.size() > kMostFiles)
        found.resize(kMostFiles);
    return found;
}

} // namespace

CaptureBand bandOf(const proto::ReportInfo& report)
{
    CaptureBand band;
    band.report = report.name;
    band.label = toQString(report.label.empty() ? report.targetName : report.label);
    if (report.beginUtcNs != 0 && report.durationNs > 0) {
        band.beginUtcNs = report.beginUtcNs;
        band.endUtcNs = report.beginUtcNs + report.durationNs;
        band.isExact = true;
        return band;
    }
    // The stamp is cut to whole seconds: half of one later is right to that half.
    const auto stamp = writtenUtc(report.name);
    band.endUtcNs = stamp ? *stamp + kSecond / 2 : report.createdUtcNs;
    band.beginUtcNs = band.endUtcNs - report.durationNs;
    return band;
}

std::optional<CaptureBand> bandOf(const proto::CaptureStatus& capture)
{
    using State = proto::CaptureState;
    const bool isWindow = capture.state == State::Capturing || capture.state == State::Closing || capture.state == State::Assembling;
    if (!isWindow || capture.ringNs > 0 || capture.windowBeginUtcNs == 0)
        return std::nullopt;
    CaptureBand band;
    band.report = capture.captureId;
    band.label = toQString(capture.label);
    band.beginUtcNs = capture.windowBeginUtcNs;
    band.endUtcNs = capture.state == State::Capturing ? 0 : capture.windowBeginUtcNs + capture.elapsedNs;
    band.isExact = true;
    band.isOpen = true;
    return band;
}

QString bandText(const CaptureBand& band)
{
    if (band.isOpen) {
        const QString since = QDateTime::fromMSecsSinceEpoch(band.beginUtcNs / 1'000'000).toString(QStringLiteral("HH:mm:ss.zzz"));
        return band.endUtcNs == 0 ? CaptureBands::tr("A capture window, open since %1\nIts report follows when it has closed").arg(since)
                                  : CaptureBands::tr("A capture window from %1 on, %2\nIts report is being written")
                                        .arg(since, widgets::formatDuration(band.endUtcNs - band.beginUtcNs));
    }
    const QDateTime begin = QDateTime::fromMSecsSinceEpoch(band.beginUtcNs / 1'000'000);
    const QString length = widgets::formatDuration(band.endUtcNs - band.beginUtcNs);
    const QString when = band.isExact ? CaptureBands::tr("from %1 on, %2").arg(begin.toString(QStringLiteral("HH:mm:ss.zzz")), length)
                                      : CaptureBands::tr("about from %1 on, %2").arg(begin.toString(QStringLiteral("HH:mm:ss")), length);
    const QString click = band.file.empty() ? CaptureBands::tr("Click twice to fetch the report and open it at this instant")
                                            : CaptureBands::tr("Click twice to open the report at this instant");
    return QStringLiteral("%1\n%2\n%3").arg(toQString(band.report), when, click);
}

CaptureBands::CaptureBands(NodeList& nodes, const Settings& settings, jobs::JobRunner& runner, QObject* parent)
    : QObject(parent), m_nodes(nodes), m_settings(settings), m_slot(runner)
{
    connect(&m_nodes, &NodeList::nodesChanged, this, &CaptureBands::watchNodes);
    connect(&m_nodes, &NodeList::currentChanged, this, &CaptureBands::refresh);
    watchNodes();
    refresh();
}

void CaptureBands::watchNodes()
{
    for (const auto& node : m_nodes.nodes()) {
        if (node->property("bandsWatched").toBool())
            continue; // the list tells about all of them each time
        node->setProperty("bandsWatched", true);
        for (const auto signal : {&NodeController::contentChanged, &NodeController::titleChanged})
            connect(node.get(), signal, this, [this, node = node.get()] {
                if (node == m_nodes.current())
                    refresh();
            });
        connect(node.get(), &NodeController::capturesChanged, this, [this, node = node.get()] {
            if (node == m_node)
                merge();
        });
    }
}

const CaptureBand* CaptureBands::find(const std::string& report) const
{
    const auto found = std::find_if(m_bands.begin(), m_bands.end(), [&](const CaptureBand& band) { return band.report == report; });
    return found == m_bands.end() ? nullptr : &*found;
}

void CaptureBands::refresh()
{
    NodeController* node = m_nodes.current();
    if (m_node != node) {
        m_node = node;
        m_fetched = {};
    }
    merge();
    if (!node)
        return m_slot.cancel();
    m_slot.run(
        [folder = m_settings.reportFolder(node->title()), known = m_fetched](const jobs::JobContext& context) -> Result<Fetched> {
            Fetched fetched;
            for (const auto& [changed, path] : newestReports(folder)) {
                if (context.stop().stop_requested())
                    return Error{ErrorCode::Cancelled, "given up", {}};
                look(path, changed, known, fetched);
            }
            return fetched;
        },
        [this](Result<Fetched> fetched) {
            if (!fetched)
                return;
            m_fetched = std::move(*fetched);
            merge();
        });
}

/// Opens a file once, for as long as it is as it was.
void CaptureBands::look(const std::filesystem::path& path, std::filesystem::file_time_type changed, const Fetched& known, Fetched& fetched)
{
    const std::string name = path.filename().string();
    if (const auto before = known.bands.find(name); before != known.bands.end() && before->second.file == path)
        fetched.bands.insert(*before);
    else if (const auto other = known.others.find(name); other != known.others.end() && other->second == changed)
        fetched.others.insert(*other);
    else if (const auto times = report::readWindowTimes(path); times && times->areKnown())
        fetched.bands.emplace(name, bandOfFile(path, *times));
    else
        fetched.others.emplace(name, changed);
}

void CaptureBands::merge()
{
    std::vector<CaptureBand> bands;
    // What a recording plays was measured at another time than it is shown at: its reports lie where their windows were asked for.
    const bool isPlayed = m_node && isRecording(*m_node);
    for (const auto& [name, band] : m_fetched.bands)
        if (!isPlayed)
            bands.push_back(band);
    if (m_node) {
        for (proto::ReportInfo report : m_node->reports()) {
            const auto fetched = m_fetched.bands.find(report.name);
            if (report.durationNs <= 0 || (fetched != m_fetched.bands.end() && !isPlayed))
                continue;
            if (isPlayed)
                report.beginUtcNs = 0;
            bands.push_back(bandOf(report));
            if (fetched != m_fetched.bands.end())
                bands.back().file = fetched->second.file;
        }
        for (const proto::CaptureStatus& capture : m_node->captures())
            if (auto band = bandOf(capture))
                bands.push_back(std::move(*band));
    }
    std::sort(bands.begin(), bands.end(), [](const CaptureBand& a, const CaptureBand& b) {
        return std::pair(a.beginUtcNs, a.report) < std::pair(b.beginUtcNs, b.report);
    });
    if (bands == m_bands)
        return;
    m_bands = std::move(bands);
    emit changed();
}

} // namespace gantry::desktop
