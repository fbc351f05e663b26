#pragma once

#include "app/jobs/job_slot.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/analysis/kernel_stats.h"
#include "widgets/tables/event_cells.h"

#include <QObject>
#include <QTimer>

#include <optional>
#include <vector>

class QDockWidget;
class QMainWindow;
class QTabWidget;

namespace gantry::widgets {
class DetailsPanel;
class EventTable;
class FindingsPanel;
class ImportView;
class StatisticsTable;
class SummaryTables;
} // namespace gantry::widgets

namespace gantry::desktop {

class FindingsTab;
class LogPanel;
class ReportPage;

/// What the page in front is about: decides which docks there is anything to show in.
enum class FrontPage
{
    Live,
    Report,
    Compare, ///< or the sweep
    Nodes    ///< the fleet, or one node and how it is managed
};

/// The docks that look into the page in front: Details on the right; statistics, events, findings, what was read of the files, and their
/// tables without times below; all of a report. And the node's log, of a report and of the live page. A dock that the user closed stays
/// closed. Tables are computed by jobs, for the visible or measured range and the chosen rows. UI thread.
class Inspector : public QObject
{
    Q_OBJECT

public:
    Inspector(QMainWindow& window, jobs::JobRunner& runner);
    ~Inspector() override;

    /// The docks follow this page from here on; `report` is null unless it is a report.
    void follow(FrontPage front, ReportPage* report);
    /// Shows every dock that the user has not closed, whatever page is in front: the state to save.
    void showWanted();
    /// Takes what is visible now as what the user wants: after a saved state was restored.
    void adoptVisible();
    /// Fills the tab in front now; the others when they come to the front.
    void refreshTables();
    void appendLog(const std::vector<proto::LogLine>& lines, std::size_t dropped);
    void clearLog();
    /// Brings what was read of the files to the front.
    void showImport();
    /// Brings what is wrong with the report to the front.
    void showFindings();
    /// Brings the events to the front, ready to type what they are to meet.
    void filterEvents();

    [[nodiscard]] widgets::DetailsPanel& details() { return *m_details; }
    [[nodiscard]] widgets::EventTable& events() { return *m_events; }
    [[nodiscard]] widgets::StatisticsTable& statistics() { return *m_statistics; }
    [[nodiscard]] widgets::FindingsPanel& findings();
    [[nodiscard]] widgets::ImportView& import() { return *m_import; }
    [[nodiscard]] widgets::SummaryTables& tables() { return *m_summaries; }

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

signals:
    /// The table in front shows the range of the report in front.
    void settled();

private:
    struct Dock
    {
        QDockWidget* widget;
        bool isOnLive; ///< has something to show without a report
        bool isWanted = true;
    };

    QDockWidget* addDock(const char* name, const QString& title, QWidget* content, Qt::DockWidgetArea area, bool isOnLive);
    void refreshDocks();
    /// Says in tables without a trace why they are empty. `done`: how much of the report is read, 0..1, where that is known.
    void showMissing(std::optional<double> done = {});
    void refreshDetails();
    void refreshFiles();
    void showEventsOf(const analysis::ActivityRow& row);
    void loadEvents();
    void copyEvents(const std::vector<trace::EventId>& events, const std::vector<widgets::EventColumn>& columns, widgets::CopyFormat format,
                    const QString& done);
    void bringToFront(QWidget* tab);
    void loadStatistics();

    ReportPage* m_page = nullptr;
    QMainWindow& m_window;
    FrontPage m_front = FrontPage::Live;
    std::vector<Dock> m_docks;
    QTabWidget* m_tabs;
    widgets::DetailsPanel* m_details;
    widgets::EventTable* m_events;
    widgets::StatisticsTable* m_statistics;
    FindingsTab* m_findings;
    widgets::ImportView* m_import;
    widgets::SummaryTables* m_summaries;
    QWidget* m_tabBefore = nullptr;                ///< the user's choice, while a page has nothing but its import to show
    std::shared_ptr<const trace::Trace> m_filesOf; ///< what the import and its tables are about
    LogPanel* m_log;
    QTimer m_settle;
    jobs::JobSlot m_eventsSlot;
    jobs::JobSlot m_copySlot;
    jobs::JobSlot m_statisticsSlot;
};

} // namespace gantry::desktop
