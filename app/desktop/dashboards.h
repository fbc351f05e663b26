#pragma once

#include "trace_model/base/result.h"
#include "trace_model/metrics/dashboard.h"

#include <QString>
#include <QStringList>

#include <vector>

namespace gantry::desktop {

/// A dashboard that can be chosen.
struct KnownDashboard
{
    QString key; ///< the name of its file without the ending
    metrics::Dashboard dashboard;
    bool isOwn = false; ///< of the user; one that comes with Gantry is there again without it
};

/// The dashboards that come with Gantry, and those of the user, which take the place of the former by their names.
class Dashboards
{
public:
    /// Reads both folders; `problems` gets a sentence for each file that is none.
    [[nodiscard]] static std::vector<KnownDashboard> read(QStringList& problems);
    [[nodiscard]] static std::vector<KnownDashboard> read(const QStringList& folders, QStringList& problems);

    /// Writes one of the user's own. Errors: CannotWrite.
    [[nodiscard]] static Result<void> save(const QString& folder, const QString& key, const metrics::Dashboard& dashboard);
    /// Errors: CannotWrite.
    [[nodiscard]] static Result<void> remove(const QString& folder, const QString& key);
    /// A name of a file for a title, that none of these has: "gpu-node", "gpu-node-2".
    [[nodiscard]] static QString newKey(const QString& title, const std::vector<KnownDashboard>& known);

    /// Where those are that come with Gantry.
    [[nodiscard]] static QString sharedFolder();
    /// Where the user puts others.
    [[nodiscard]] static QString userFolder();
};

} // namespace gantry::desktop
