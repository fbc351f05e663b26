#include "app/desktop/dashboards.h"

#include "app/desktop/text.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QRegularExpression>
#include <QSaveFile>
#include <QStandardPaths>

#include <algorithm>
#include <map>
#include <utility>

namespace gantry::desktop {
namespace {

constexpr qint64 kMostBytes = 1 << 20;

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::desktop::Dashboards", text);
}

} // namespace

QString Dashboards::sharedFolder()
{
    return QDir::cleanPath(QCoreApplication::applicationDirPath() + QStringLiteral("/../share/gantry/dashboards"));
}

QString Dashboards::userFolder()
{
    return QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation) + QStringLiteral("/gantry/dashboards");
}

std::vector<KnownDashboard> Dashboards::read(QStringList& problems)
{
    return read({sharedFolder(), userFolder()}, problems);
}

std::vector<KnownDashboard> Dashboards::read(const QStringList& folders, QStringList& problems)
{
    std::map<QString, KnownDashboard> byKey;
    for (const QString& folder : folders)
        for (const QFileInfo& entry : QDir(folder).entryInfoList({QStringLiteral("*.json")}, QDir::Files, QDir::Name)) {
            QFile file(entry.filePath());
            if (!file.open(QIODevice::ReadOnly)) {
                problems << QStringLiteral("%1: %2").arg(entry.filePath(), file.errorString());
                continue;
            }
            auto dashboard = metrics::Dashboard::parse(file.read(kMostBytes + 1).toStdString());
            if (dashboard)
                byKey.insert_or_assign(entry.completeBaseName(),
                                       KnownDashboard{entry.completeBaseName(), std::move(*dashboard), folder == folders.constLast()});
            else
                problems << QStringLiteral("%1: %2").arg(entry.filePath(), toQString(dashboard.error().message));
        }
    std::vector<KnownDashboard> known;
    for (auto& [key, dashboard] : byKey)
        known.push_back(std::move(dashboard));
    return known;
}

Result<void> Dashboards::save(const QString& folder, const QString& key, const metrics::Dashboard& dashboard)
{
    const QString path = QDir(folder).filePath(key + QStringLiteral(".json"));
    const auto failure = [&](const QString& why) {
        return Error{ErrorCode::CannotWrite, tr("cannot write %1: %2").arg(path, why).toStdString(), {}};
    };
    if (!QDir().mkpath(folder))
        return failure(tr("there is no such folder, and it cannot be made"));
    QSaveFile file(path);
    const QByteArray json = QByteArray::fromStdString(dashboard.toJson());
    if (!file.open(QIODevice::WriteOnly) || file.write(json) != json.size() || !file.commit())
        return failure(file.errorString());
    return {};
}

Result<void> Dashboards::remove(const QString& folder, const QString& key)
{
    QFile file(QDir(folder).filePath(key + QStringLiteral(".json")));
    if (!file.remove())
        return Error{ErrorCode::CannotWrite, tr("cannot remove %1: %2").arg(file.fileName(), file.errorString()).toStdString(), {}};
    return {};
}

QString Dashboards::newKey(const QString& title, const std::vector<KnownDashboard>& known)
{
    QString base;
    for (const QChar c : title.toLower())
        base += c.isLetterOrNumber() && c.unicode() < 128 ? c : QLatin1Char('-');
    static const QRegularExpression kDashes(QStringLiteral("-+"));
    base = base.replace(kDashes, QStringLiteral("-")).left(60);
    while (base.startsWith(QLatin1Char('-')))
        base.remove(0, 1);
    while (base.endsWith(QLatin1Char('-')))
        base.chop(1);
    if (base.isEmpty())
        base = QStringLiteral("dashboard");
    QString key = base;
    const auto isTaken = [&] {
        return std::any_of(known.begin(), known.end(), [&](const KnownDashboard& one) { return one.key == key; }) ||
               QFile::exists(userFolder() + QLatin1Char('/') + key + QStringLiteral(".json")); // also one that cannot be read
    };
    for (int number = 2; isTaken(); ++number)
        key = QStringLiteral("%1-%2").arg(base).arg(number);
    return key;
}

} // namespace gantry::desktop
