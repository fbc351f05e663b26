#pragma once

#include "app/desktop/command_line.h"
#include "app/desktop/unattended_run.h"
#include "trace_model/base/time.h"

#include <QStringList>

#include <functional>

namespace gantry::desktop {

class ReportPage;

/// `gantry --tour`: plays the main job through the controllers that the buttons use: connect, live metrics, capture, fetch,
/// open, look at the slowest request, compare. Saves a picture of each step, prints their paths and a summary.
class Tour : public UnattendedRun
{
    Q_OBJECT

public:
    Tour(MainWindow& window, CommandLine line);
    void start() override;

private:
    void watchLive();
    void captureWindow();
    void showTimeline(ReportPage& page);
    void showSlowestRequest(ReportPage& page);
    void showComparison(ReportPage& page);
    void showDark(ReportPage& page);
    void printSummary(const ReportPage& page);
    /// Runs `next` once the tables below show what the timeline shows.
    void whenSettled(std::function<void()> next);
    /// Saves the window as DIR/name and remembers the path for the summary. False: the tour has ended with an error.
    bool picture(const QString& name);

    CommandLine m_line;
    QStringList m_pictures;
    bool m_liveSeen = false;
};

/// The demo reports that ship with the program, A and B, or an empty list where they are not installed.
[[nodiscard]] QStringList demoReports();

} // namespace gantry::desktop
