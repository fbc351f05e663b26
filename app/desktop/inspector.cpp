#include "app/desktop/inspector.h"

#include "app/desktop/findings_tab.h"
#include "app/desktop/log_panel.h"
#include "app/desktop/report_page.h"
#include "app/desktop/text.h"
#include "trace_model/analysis/event_list.h"
#include "trace_model/analysis/gaps.h"
#include "widgets/details/details_panel.h"
#include "widgets/findings/findings_panel.h"
#include "widgets/tables/event_order.h"
#include "widgets/tables/event_table.h"
#include "widgets/tables/import_view.h"
#include "widgets/tables/statistics_table.h"
#include "widgets/tables/summary_tables.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAction>
#include <QClipboard>
#include <QDockWidget>
#include <QEvent>
#include <QGuiApplication>
#include <QMainWindow>
#include <QTabWidget>

#include <utility>

namespace gantry::desktop {

namespace {

constexpr double kListShare = 0.4;  // of the time that listing and sorting events take
constexpr int kSettleMs = 150;      // a view that still moves is not worth a table
constexpr int kNarrowestTabs = 260; // px: their widest sentence is no reason to keep the window from being small

TimeRange rangeOf(const ReportPage& page, widgets::StatisticsScope scope)
{
    switch (scope) {
    case widgets::StatisticsScope::Visible:
        return page.timeline() ? page.timeline()->visibleRange() : TimeRange{};
    case widgets::StatisticsScope::Whole:
        return page.trace()->time;
    case widgets::StatisticsScope::Selection:
        break;
    }
    return page.statisticsRange();
}

std::vector<trace::TrackId> chosenRows(const ReportPage& page)
{
    return page.timeline() ? page.timeline()->state().chosenRows : std::vector<trace::TrackId>();
}

/// What the events are of that are listed: "of Stream 7 in view".
QString placeOfEvents(const ReportPage& page)
{
    QString where = Inspector::tr("in view");
    if (page.timeline() && page.timeline()->measuredRange())
        where = Inspector::tr("in the measured range");
    else if (page.statisticsRange() == page.trace()->time)
        where = page.trace()->meta.isPreview ? Inspector::tr("in the sample") : Inspector::tr("in the whole report");
    const std::vector<trace::TrackId> rows = chosenRows(page);
    if (rows.size() == 1)
        return Inspector::tr("of %1 %2").arg(toQString(page.trace()->track(rows.front()).name), where);
    return rows.empty() ? where : Inspector::tr("of %1 rows %2").arg(rows.size()).arg(where);
}

} // namespace

Inspector::Inspector(QMainWindow& window, jobs::JobRunner& runner)
    : QObject(&window),
      m_window(window),
      m_tabs(new QTabWidget),
      m_details(new widgets::DetailsPanel),
      m_events(new widgets::EventTable),
      m_statistics(new widgets::StatisticsTable),
      m_findings(new FindingsTab(runner, this)),
      m_import(new widgets::ImportView),
      m_summaries(new widgets::SummaryTables),
      m_log(new LogPanel),
      m_eventsSlot(runner),
      m_copySlot(runner),
      m_statisticsSlot(runner)
{
    m_tabs->setDocumentMode(true);
    m_tabs->setMinimumWidth(kNarrowestTabs);
    m_tabs->addTab(m_statistics, tr("Statistics"));
    m_tabs->addTab(m_events, tr("Events"));
    m_tabs->addTab(&m_findings->panel(), tr("Findings"));
    m_tabs->addTab(m_import, tr("Import"));
    m_tabs->addTab(m_summaries, tr("Tables"));
    m_tabs->setTabVisible(m_tabs->indexOf(m_summaries), false);
    QDockWidget* details = addDock("detailsDock", tr("Details"), m_details, Qt::RightDockWidgetArea, false);
    QDockWidget* tables = addDock("tablesDock", tr("Statistics and events"), m_tabs, Qt::BottomDockWidgetArea, false);
    QDockWidget* log = addDock("logDock", tr("Log of the node"), m_log, Qt::BottomDockWidgetArea, true);
    window.tabifyDockWidget(tables, log);
    tables->raise();
    window.resizeDocks({details}, {340}, Qt::Horizontal);
    window.resizeDocks({tables}, {210}, Qt::Vertical);

    m_settle.setSingleShot(true);
    m_settle.setInterval(kSettleMs);
    connect(&m_settle, &QTimer::timeout, this, &Inspector::refreshTables);
    connect(m_tabs, &QTabWidget::currentChanged, this, &Inspector::refreshTables);
    connect(m_statistics, &widgets::StatisticsTable::groupByChanged, this, &Inspector::loadStatistics);
    connect(m_statistics, &widgets::StatisticsTable::questionChanged, this, &Inspector::loadStatistics);
    connect(m_statistics, &widgets::StatisticsTable::rowActivated, this, &Inspector::showEventsOf);
    // Another range would be another table, under the mouse.
    for (const auto& [signal, zoom] : {std::pair(&widgets::EventTable::eventActivated, widgets::TimelineWidget::Zoom::Never),
                                       std::pair(&widgets::EventTable::eventOpened, widgets::TimelineWidget::Zoom::WhenTooSmall)}) {
        connect(m_events, signal, this, [this, zoom = zoom](trace::EventId event) {
            if (m_page && m_page->timeline())
                m_page->timeline()->reveal(event, zoom);
        });
    }
    connect(m_findings, &FindingsTab::counted, this, [this](int count) {
        m_tabs->setTabText(m_tabs->indexOf(&m_findings->panel()), count > 0 ? tr("Findings (%1)").arg(count) : tr("Findings"));
    });
    connect(m_events, &widgets::EventTable::questionChanged, this, &Inspector::loadEvents);
    connect(m_events, &widgets::EventTable::copyRequested, this, &Inspector::copyEvents);
    connect(m_details, &widgets::DetailsPanel::eventRequested, this, [this](trace::EventId event) {
        if (m_page && m_page->timeline())
            m_page->timeline()->reveal(event);
    });
    connect(m_details, &widgets::DetailsPanel::requestRequested, this, [this](trace::RequestIndex request) {
        if (m_page && m_page->timeline())
            m_page->timeline()->selectRequest(request);
    });
}

Inspector::~Inspector() = default;

QDockWidget* Inspector::addDock(const char* name, const QString& title, QWidget* content, Qt::DockWidgetArea area, bool isOnLive)
{
    auto* dock = new QDockWidget(title, &m_window);
    dock->setObjectName(QLatin1String(name));
    dock->setWidget(content);
    m_window.addDockWidget(area, dock);
    dock->installEventFilter(this);
    const std::size_t index = m_docks.size();
    m_docks.push_back({dock, isOnLive});
    connect(dock->toggleViewAction(), &QAction::triggered, this, [this, index](bool isShown) { m_docks[index].isWanted = isShown; });
    return dock;
}

bool Inspector::eventFilter(QObject* watched, QEvent* event)
{
    // The dock's own close button: unlike refreshDocks() it sends a close event.
    if (event->type() == QEvent::Close) {
        for (Dock& dock : m_docks) {
            if (dock.widget == watched)
                dock.isWanted = false;
        }
    }
    return QObject::eventFilter(watched, event);
}

void Inspector::refreshDocks()
{
    for (const Dock& dock : m_docks) {
        const bool hasContent = m_front == FrontPage::Report || (m_front == FrontPage::Live && dock.isOnLive);
        dock.widget->setVisible(dock.isWanted && hasContent);
    }
}

void Inspector::showWanted()
{
    for (const Dock& dock : m_docks)
        dock.widget->setVisible(dock.isWanted);
}

void Inspector::adoptVisible()
{
    for (Dock& dock : m_docks)
        dock.isWanted = !dock.widget->isHidden();
    refreshDocks();
}

void Inspector::follow(FrontPage front, ReportPage* page)
{
    if (front != m_front) {
        m_front = front;
        refreshDocks();
        if (front == FrontPage::Report)
            m_docks[1].widget->raise(); // of the two tabs below, the tables are about this page
    }
    if (m_page)
        m_page->disconnect(this);
    m_page = page;
    if (m_page) {
        connect(m_page, &ReportPage::selectionChanged, this, &Inspector::refreshDetails);
        connect(m_page, &ReportPage::rangeChanged, &m_settle, qOverload<>(&QTimer::start));
        connect(m_page, &ReportPage::progressed, this, [this](double fraction) { showMissing(fraction); });
        connect(m_page, &ReportPage::importRequested, this, &Inspector::showImport);
        connect(m_page, &QObject::destroyed, this, [this, page] {
            if (m_page != page)
                return;
            m_page = nullptr;
            m_findings->follow(nullptr);
        });
    }
    refreshFiles();
    refreshDetails();
    refreshTables();
}

void Inspector::showImport()
{
    bringToFront(m_import);
}

void Inspector::showFindings()
{
    bringToFront(&m_findings->panel());
}

widgets::FindingsPanel& Inspector::findings()
{
    return m_findings->panel();
}

void Inspector::filterEvents()
{
    bringToFront(m_events);
    m_events->focusFilter();
}

void Inspector::bringToFront(QWidget* tab)
{
    m_docks[1].isWanted = true;
    m_docks[1].widget->show();
    m_docks[1].widget->raise();
    m_tabs->setCurrentWidget(tab);
}

void Inspector::refreshFiles()
{
    const auto trace = m_page ? m_page->trace() : nullptr;
    if (trace == m_filesOf)
        return;
    m_filesOf = trace;
    // Where there is no timeline the page itself shows the tables.
    const bool hasTables = trace && !trace->summaries.empty() && m_page->hasTimeline();
    m_tabs->setTabVisible(m_tabs->indexOf(m_summaries), hasTables);
    m_summaries->setTables(hasTables ? trace->summaries : std::vector<importing::SummaryTable>());
    if (!trace)
        return showMissing();
    m_import->setTrace(*trace);
    // Of a file without times nothing else below has anything to say.
    if (!m_page->hasTimeline() && !m_tabBefore)
        m_tabBefore = m_tabs->currentWidget();
    if (!m_page->hasTimeline())
        m_tabs->setCurrentWidget(m_import);
    else if (m_tabBefore)
        m_tabs->setCurrentWidget(std::exchange(m_tabBefore, nullptr));
}

void Inspector::showEventsOf(const analysis::ActivityRow& row)
{
    if (!m_page || !m_page->timeline())
        return;
    // Streams and phases have no name to search for: their longest event is what to look at.
    const analysis::GroupBy by = m_statistics->groupBy();
    if (by == analysis::GroupBy::Stream || by == analysis::GroupBy::Phase)
        m_page->timeline()->reveal(row.longest);
    else
        m_page->find(toQString(m_page->trace()->nameOf(row.longest)));
}

void Inspector::refreshDetails()
{
    if (!m_page || !m_page->trace())
        return m_details->clear();
    m_details->show(m_page->trace(), m_page->selectedEvent(), m_page->selectedRequest());
    m_events->select(m_page->selectedEvent());
}

void Inspector::refreshTables()
{
    m_findings->follow(m_page);
    if (!m_page || !m_page->trace()) {
        m_eventsSlot.cancel();
        m_statisticsSlot.cancel();
        return showMissing();
    }
    if (m_tabs->currentWidget() == m_events)
        loadEvents();
    else if (m_tabs->currentWidget() == m_statistics)
        loadStatistics();
    else
        emit settled(); // what it shows is about the files, whatever the range
}

void Inspector::showMissing(std::optional<double> done)
{
    QString why;
    if (m_page && m_page->state() == ReportPage::State::Failed)
        why = tr("%1 was not opened.").arg(m_page->title());
    else if (m_page && done && *done > 0)
        why = tr("Reading %1… %2 %").arg(m_page->title()).arg(static_cast<int>(*done * 100));
    else if (m_page)
        why = tr("Reading %1…").arg(m_page->title());
    m_events->clear(why);
    m_statistics->clear(why);
    m_import->clear(why);
    m_findings->showMissing(why);
}

void Inspector::loadEvents()
{
    if (!m_page || !m_page->trace())
        return;
    const auto trace = m_page->trace();
    m_events->setTrace(trace);
    using Events = std::vector<trace::EventId>;
    m_eventsSlot.run(
        [trace, scope = analysis::EventScope{m_page->statisticsRange(), chosenRows(*m_page), m_events->filter()},
         column = m_events->sortColumn(), order = m_events->sortOrder()](const jobs::JobContext& context) -> Result<Events> {
            const auto list = [&context](double fraction) { context.progress(fraction * kListShare, tr("Listing events").toStdString()); };
            const auto sort = [&context](double fraction) {
                context.progress(kListShare + fraction * (1 - kListShare), tr("Sorting events").toStdString());
            };
            GANTRY_TRY(Events events, analysis::listEvents(*trace, scope, list, context.stop()));
            widgets::sortEvents(*trace, events, column, order, sort, context.stop());
            return events;
        },
        [this, trace, where = placeOfEvents(*m_page)](Result<Events> events) {
            if (events) {
                m_events->setEvents(trace, std::move(*events), where);
                if (m_page)
                    m_events->select(m_page->selectedEvent());
            } else {
                m_events->showNote(describe(events.error()).sentence);
            }
            if (!m_settle.isActive())
                emit settled();
        },
        [this](double fraction, const std::string& stage) { m_events->setProgress(fraction, toQString(stage)); });
}

void Inspector::copyEvents(const std::vector<trace::EventId>& events, const std::vector<widgets::EventColumn>& columns,
                           widgets::CopyFormat format, const QString& done)
{
    m_copySlot.run(
        [trace = m_events->model().trace(), events, columns, format](const jobs::JobContext& context) -> Result<QString> {
            return widgets::eventsText(*trace, events, columns, format, context.stop());
        },
        [this, done](const Result<QString>& text) {
            if (text)
                QGuiApplication::clipboard()->setText(*text);
            m_events->showNote(text ? done : describe(text.error()).sentence);
        });
}

void Inspector::loadStatistics()
{
    if (!m_page || !m_page->trace())
        return;
    const TimeRange whole = m_page->trace()->time;
    const TimeRange range = rangeOf(*m_page, m_statistics->scope());
    m_statistics->offerGroupsOf(*m_page->trace());
    m_statistics->setTrace(m_page->trace());
    const QString all = m_page->trace()->meta.isPreview ? tr("the sample") : tr("the whole report");
    const QString scope = whole.isEmpty()  ? all
                          : range == whole ? QStringLiteral("%1 (%2)").arg(all, formatDuration(whole.duration()))
                                           : tr("%1 of %2").arg(formatDuration(range.duration()), formatDuration(whole.duration()));
    using Rows = std::vector<analysis::ActivityRow>;
    m_statisticsSlot.run(
        [trace = m_page->trace(), range, by = m_statistics->groupBy(), names = m_statistics->names(),
         filter = m_statistics->filter()](const jobs::JobContext& context) -> Result<Rows> {
            if (filter.terms.empty())
                return analysis::activityTable(*trace, by, range, names);
            GANTRY_TRY(const analysis::RowsByKind only, analysis::filteredRows(*trace, filter, range, context.stop()));
            return analysis::activityTable(*trace, by, range, names, &only);
        },
        [this, scope, gaps = toQString(analysis::gapsOf(*m_page->trace()))](Result<Rows> rows) {
            if (rows)
                m_statistics->setRows(std::move(*rows), scope, gaps);
            if (!m_settle.isActive())
                emit settled();
        });
}

void Inspector::appendLog(const std::vector<proto::LogLine>& lines, std::size_t dropped)
{
    m_log->append(lines, dropped);
}

void Inspector::clearLog()
{
    m_log->clear();
}

} // namespace gantry::desktop
