#pragma once

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
};

/// The dashboards that come with Gantry, and those of the user, which take the place of the former by their names.
class Dashboards
{
public:
    /// Reads both folders; `problems` gets a sentence for each file that is none.
    [[nodiscard]] static std::vector<KnownDashboard> read(QStringList& problems);
    [[nodiscard]] static std::vector<KnownDashboard> read(const QStringList& folders, QStringList& problems);

    /// Where those are that come with Gantry.
    [[nodiscard]] static QString sharedFolder();
    /// Where the user puts others.
    [[nodiscard]] static QString userFolder();
};

} // namespace gantry::desktop
