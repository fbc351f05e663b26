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
            file};
}

/// Reports in a folder, the newest files first.
std::vector<std::filesystem::path> newestReports(const std::filesystem::path& folder)
{
    std::vector<std::pair<std::filesystem::file_time_type, std::filesystem::path>> found;
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
    std::vector<std::filesystem::path> paths;
    for (auto& [changed, path] : found)
        paths.push_back(std::move(path));
    return paths;
}

} // namespace

CaptureBand bandOf(const proto::ReportInfo& report)
{
    CaptureBand band;
    band.report = report.name;
    band.label = toQString(report.label.empty() ? report.targetName : report.label);
    // The stamp is cut to whole seconds: half of one later is right to that half.
    const auto stamp = writtenUtc(report.name);
    band.endUtcNs = stamp ? *stamp + kSecond / 2 : report.createdUtcNs;
    band.beginUtcNs = band.endUtcNs - report.durationNs;
    return band;
}

QString bandText(const CaptureBand& band)
{
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
        m_fetched.clear();
    }
    merge();
    if (!node)
        return m_slot.cancel();
    m_slot.run(
        [folder = m_settings.reportFolder(node->title()), known = m_fetched](const jobs::JobContext& context) -> Result<Fetched> {
            Fetched fetched;
            for (const std::filesystem::path& path : newestReports(folder)) {
                if (context.stop().stop_requested())
                    return Error{ErrorCode::Cancelled, "given up", {}};
                const std::string name = path.filename().string();
                if (const auto before = known.find(name); before != known.end() && before->second.file == path)
                    fetched.insert(*before);
                else if (const auto times = report::readWindowTimes(path)) // another file is no window
                    fetched.emplace(name, bandOfFile(path, *times));
            }
            return fetched;
        },
        [this](Result<Fetched> fetched) {
            if (!fetched || *fetched == m_fetched)
                return;
            m_fetched = std::move(*fetched);
            merge();
        });
}

void CaptureBands::merge()
{
    std::vector<CaptureBand> bands;
    for (const auto& [name, band] : m_fetched)
        bands.push_back(band);
    if (m_node)
        for (const proto::ReportInfo& report : m_node->reports())
            if (report.durationNs > 0 && !m_fetched.contains(report.name))
                bands.push_back(bandOf(report));
    std::sort(bands.begin(), bands.end(), [](const CaptureBand& a, const CaptureBand& b) {
        return std::pair(a.beginUtcNs, a.report) < std::pair(b.beginUtcNs, b.report);
    });
    if (bands == m_bands)
        return;
    m_bands = std::move(bands);
    emit changed();
}

} // namespace gantry::desktop
