#include "app/desktop/settings.h"

#include "app/desktop/text.h"

#include <QCryptographicHash>
#include <QDir>
#include <QJsonDocument>
#include <QStandardPaths>

#include <algorithm>

namespace gantry::desktop {

namespace {

constexpr int kListLength = 10;
constexpr int kLongestFolder = 60; // letters of up to 3 bytes
constexpr int kMostMarkedReports = 100;
constexpr DurationNs kDefaultCapture = 2'000'000'000;
constexpr DurationNs kDefaultRecorder = 30'000'000'000;
constexpr std::uint64_t kDefaultRecorderBytes = 256ull << 20;

QString settingsFile(const QString& dataFolder)
{
    if (!dataFolder.isEmpty())
        return QDir(dataFolder).filePath(QStringLiteral("gantry.ini"));
    return QDir(QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation)).filePath(QStringLiteral("gantry/gantry.ini"));
}

QString reportRoot(const QString& dataFolder)
{
    if (!dataFolder.isEmpty())
        return dataFolder;
    return QDir(QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation)).filePath(QStringLiteral("gantry"));
}

} // namespace

Settings::Settings(const QString& dataFolder, const QString& file)
    : m_dataFolder(dataFolder), m_store(file.isEmpty() ? settingsFile(dataFolder) : file, QSettings::IniFormat)
{
}

std::filesystem::path Settings::reportFolder(const QString& nodeTitle) const
{
    QString folder;
    for (const QChar c : nodeTitle)
        folder += c.isLetterOrNumber() || c == QLatin1Char('-') || c == QLatin1Char('.') ? c : QLatin1Char('_');
    if (folder.isEmpty() || folder.startsWith(QLatin1Char('.')))
        folder.prepend(QLatin1String("node_"));
    if (folder.size() > kLongestFolder) // a file system takes 255 bytes, and an address may be a long command
        folder = folder.left(kLongestFolder) + QLatin1Char('_') +
                 QString::fromLatin1(QCryptographicHash::hash(nodeTitle.toUtf8(), QCryptographicHash::Sha1).toHex().left(8));
    return toPath(reportRoot(m_dataFolder)) / "reports" / toPath(folder);
}

ColorScheme Settings::colorScheme() const
{
    return m_store.value(QStringLiteral("view/theme")).toString() == QLatin1String("dark") ? ColorScheme::Dark : ColorScheme::Light;
}

void Settings::setColorScheme(ColorScheme scheme)
{
    m_store.setValue(QStringLiteral("view/theme"), scheme == ColorScheme::Dark ? QStringLiteral("dark") : QStringLiteral("light"));
}

QByteArray Settings::windowGeometry() const
{
    return m_store.value(QStringLiteral("window/geometry")).toByteArray();
}

QByteArray Settings::windowState() const
{
    return m_store.value(QStringLiteral("window/state")).toByteArray();
}

void Settings::setWindow(const QByteArray& geometry, const QByteArray& state)
{
    m_store.setValue(QStringLiteral("window/geometry"), geometry);
    m_store.setValue(QStringLiteral("window/state"), state);
}

QStringList Settings::recentReports() const
{
    return m_store.value(QStringLiteral("recent/reports")).toStringList();
}

void Settings::addRecentReport(const QString& path)
{
    addToList(QStringLiteral("recent/reports"), path);
}

void Settings::clearRecentReports()
{
    m_store.remove(QStringLiteral("recent/reports"));
}

QStringList Settings::recentNodes() const
{
    return m_store.value(QStringLiteral("recent/nodes")).toStringList();
}

void Settings::addRecentNode(const QString& address)
{
    addToList(QStringLiteral("recent/nodes"), address);
}

std::vector<NodeEntry> Settings::nodeEntries() const
{
    std::vector<NodeEntry> entries;
    const QJsonArray saved = QJsonDocument::fromJson(m_store.value(QStringLiteral("nodes/entries")).toByteArray()).array();
    for (const QJsonValue& value : saved) {
        const QJsonObject object = value.toObject();
        entries.push_back({object[QLatin1String("address")].toString(), object[QLatin1String("name")].toString(),
                           object[QLatin1String("group")].toString(), object[QLatin1String("tags")].toVariant().toStringList()});
    }
    return entries;
}

NodeEntry Settings::nodeEntry(const QString& address) const
{
    for (NodeEntry& entry : nodeEntries())
        if (entry.address == address)
            return entry;
    return {address, {}, {}, {}};
}

void Settings::setNodeEntry(const NodeEntry& entry)
{
    std::vector<NodeEntry> entries = nodeEntries();
    std::erase_if(entries, [&](const NodeEntry& known) { return known.address == entry.address; });
    if (entry != NodeEntry{entry.address, {}, {}, {}})
        entries.push_back(entry);
    std::stable_sort(entries.begin(), entries.end(), [](const NodeEntry& a, const NodeEntry& b) { return a.name < b.name; });
    QJsonArray saved;
    for (const NodeEntry& known : entries)
        saved.append(QJsonObject{{QStringLiteral("address"), known.address},
                                 {QStringLiteral("name"), known.name},
                                 {QStringLiteral("group"), known.group},
                                 {QStringLiteral("tags"), QJsonArray::fromStringList(known.tags)}});
    m_store.setValue(QStringLiteral("nodes/entries"), QJsonDocument(saved).toJson(QJsonDocument::Compact));
}

void Settings::forgetNode(const QString& address)
{
    setNodeEntry({address, {}, {}, {}});
    QStringList recent = recentNodes();
    recent.removeAll(address);
    m_store.setValue(QStringLiteral("recent/nodes"), recent);
}

DurationNs Settings::captureDuration() const
{
    bool isNumber = false;
    const DurationNs duration = m_store.value(QStringLiteral("capture/duration_ns")).toLongLong(&isNumber);
    return isNumber && duration >= 0 ? duration : kDefaultCapture;
}

void Settings::setCaptureDuration(DurationNs duration)
{
    m_store.setValue(QStringLiteral("capture/duration_ns"), static_cast<qlonglong>(duration));
}

QJsonObject Settings::captureOptions() const
{
    return QJsonDocument::fromJson(m_store.value(QStringLiteral("capture/options")).toByteArray()).object();
}

void Settings::setCaptureOptions(const QJsonObject& options)
{
    m_store.setValue(QStringLiteral("capture/options"), QJsonDocument(options).toJson(QJsonDocument::Compact));
}

std::vector<LaunchProfile> Settings::launchProfiles() const
{
    std::vector<LaunchProfile> profiles;
    for (const QJsonValue& value : QJsonDocument::fromJson(m_store.value(QStringLiteral("launch/profiles")).toByteArray()).array())
        profiles.push_back(launchProfile(value.toObject()));
    return profiles;
}

void Settings::setLaunchProfiles(const std::vector<LaunchProfile>& profiles)
{
    QJsonArray saved;
    for (const LaunchProfile& profile : profiles)
        saved.append(toJson(profile));
    m_store.setValue(QStringLiteral("launch/profiles"), QJsonDocument(saved).toJson(QJsonDocument::Compact));
}

void Settings::setLaunchProfile(const LaunchProfile& profile)
{
    std::vector<LaunchProfile> profiles = launchProfiles();
    std::erase_if(profiles, [&](const LaunchProfile& known) { return known.name == profile.name; });
    profiles.push_back(profile);
    std::sort(profiles.begin(), profiles.end(), [](const LaunchProfile& a, const LaunchProfile& b) { return a.name < b.name; });
    setLaunchProfiles(profiles);
}

void Settings::removeLaunchProfile(const QString& name)
{
    std::vector<LaunchProfile> profiles = launchProfiles();
    std::erase_if(profiles, [&](const LaunchProfile& known) { return known.name == name; });
    setLaunchProfiles(profiles);
}

QJsonArray Settings::alertCommands() const
{
    return QJsonDocument::fromJson(m_store.value(QStringLiteral("alerts/commands")).toByteArray()).array();
}

void Settings::setAlertCommands(const QJsonArray& commands)
{
    m_store.setValue(QStringLiteral("alerts/commands"), QJsonDocument(commands).toJson(QJsonDocument::Compact));
}

DurationNs Settings::recorderKeeps() const
{
    const DurationNs keeps = m_store.value(QStringLiteral("recorder/keeps_ns")).toLongLong();
    return keeps > 0 ? keeps : kDefaultRecorder;
}

std::uint64_t Settings::recorderBytes() const
{
    const std::uint64_t bytes = m_store.value(QStringLiteral("recorder/bytes")).toULongLong();
    return bytes > 0 ? bytes : kDefaultRecorderBytes;
}

void Settings::setRecorder(DurationNs keeps, std::uint64_t bytes)
{
    m_store.setValue(QStringLiteral("recorder/keeps_ns"), static_cast<qlonglong>(keeps));
    m_store.setValue(QStringLiteral("recorder/bytes"), static_cast<qulonglong>(bytes));
}

QJsonObject Settings::rows(const QString& kind) const
{
    return QJsonDocument::fromJson(m_store.value(QStringLiteral("rows/%1").arg(kind)).toByteArray()).object();
}

void Settings::setRows(const QString& kind, const QJsonObject& rows)
{
    const QString key = QStringLiteral("rows/%1").arg(kind);
    if (rows.isEmpty())
        m_store.remove(key);
    else
        m_store.setValue(key, QJsonDocument(rows).toJson(QJsonDocument::Compact));
}

QJsonArray Settings::marks(const QString& report) const
{
    return QJsonDocument::fromJson(m_store.value(QStringLiteral("marks/%1").arg(report)).toByteArray()).array();
}

void Settings::setMarks(const QString& report, const QJsonArray& marks)
{
    const QString known = QStringLiteral("recent/marks");
    QStringList reports = m_store.value(known).toStringList();
    reports.removeAll(report);
    if (marks.isEmpty()) {
        m_store.remove(QStringLiteral("marks/%1").arg(report));
    } else {
        reports.prepend(report);
        m_store.setValue(QStringLiteral("marks/%1").arg(report), QJsonDocument(marks).toJson(QJsonDocument::Compact));
    }
    while (reports.size() > kMostMarkedReports)
        m_store.remove(QStringLiteral("marks/%1").arg(reports.takeLast()));
    m_store.setValue(known, reports);
}

QString Settings::gapLength() const
{
    return m_store.value(QStringLiteral("timeline/gapLength"), QStringLiteral("10us")).toString();
}

void Settings::setGapLength(const QString& length)
{
    m_store.setValue(QStringLiteral("timeline/gapLength"), length);
}

void Settings::addToList(const QString& key, const QString& value)
{
    QStringList list = m_store.value(key).toStringList();
    list.removeAll(value);
    list.prepend(value);
    m_store.setValue(key, QStringList(list.mid(0, kListLength)));
}

} // namespace gantry::desktop
