#pragma once

#include "app/jobs/job_slot.h"
#include "trace_model/base/time.h"

#include <QObject>
#include <QString>

#include <optional>

class QWidget;

namespace gantry::desktop {

class PageArea;
class ReportPage;
class Settings;
struct WindowActions;

/// A point in time as people type it: "1.25s" and "338 ms" are since the report's start, "+5ms" and "-5ms" from `middle`. Nothing for
/// anything else.
[[nodiscard]] std::optional<TimestampNs> timeFromText(const QString& text, TimestampNs reportStart, TimestampNs middle);

/// Moves the timeline in front to a time that the user types, and from one idle gap of a row to the next. Gaps are looked for in the row
/// of what is selected, else in the first row of a GPU; by a job, the latest request wins. UI thread.
class TimeJumps : public QObject
{
    Q_OBJECT

public:
    TimeJumps(const WindowActions& actions, PageArea& pages, Settings& settings, jobs::JobRunner& runner, QWidget& window);

signals:
    /// Why it went nowhere; empty: it did go somewhere.
    void said(const QString& sentence);

private:
    void askForTime();
    void askForGap();
    void goToNextGap();
    void showGap(ReportPage& page, std::optional<TimeRange> gap, const QString& row);

    PageArea& m_pages;
    Settings& m_settings;
    QWidget& m_window;
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
