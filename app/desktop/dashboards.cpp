#include "app/desktop/dashboards.h"

#include "app/desktop/text.h"

#include <QCoreApplication>
#include <QDir>
#include <QFile>
#include <QStandardPaths>

#include <map>
#include <utility>

namespace gantry::desktop {
namespace {

constexpr qint64 kMostBytes = 1 << 20;

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
    std::map<QString, metrics::Dashboard> byKey;
    for (const QString& folder : folders)
        for (const QFileInfo& entry : QDir(folder).entryInfoList({QStringLiteral("*.json")}, QDir::Files, QDir::Name)) {
            QFile file(entry.filePath());
            if (!file.open(QIODevice::ReadOnly)) {
                problems << QStringLiteral("%1: %2").arg(entry.filePath(), file.errorString());
                continue;
            }
            auto dashboard = metrics::Dashboard::parse(file.read(kMostBytes + 1).toStdString());
            if (dashboard)
                byKey.insert_or_assign(entry.completeBaseName(), std::move(*dashboard));
            else
                problems << QStringLiteral("%1: %2").arg(entry.filePath(), toQString(dashboard.error().message));
        }
    std::vector<KnownDashboard> known;
    for (auto& [key, dashboard] : byKey)
        known.push_back({key, std::move(dashboard)});
    return known;
}

} // namespace gantry::desktop
