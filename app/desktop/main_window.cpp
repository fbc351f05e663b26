#include "app/desktop/main_window.h"

#include "app/desktop/alert_desk.h"
#include "app/desktop/capture_bar.h"
#include "app/desktop/capture_return.h"
#include "app/desktop/capture_strip.h"
#include "app/desktop/clock_offsets_dialog.h"
#include "app/desktop/command_palette.h"
#include "app/desktop/compare_page.h"
#include "app/desktop/export_dialog.h"
#include "app/desktop/fleet_desk.h"
#include "app/desktop/fleet_page.h"
#include "app/desktop/icons.h"
#include "app/desktop/inspector.h"
#include "app/desktop/launch_desk.h"
#include "app/desktop/live_desk.h"
#include "app/desktop/live_page.h"
#include "app/desktop/mark_memory.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_desk.h"
#include "app/desktop/node_page.h"
#include "app/desktop/node_requests.h"
#include "app/desktop/nodes_panel.h"
#include "app/desktop/nsys_offers.h"
#include "app/desktop/page_area.h"
#include "app/desktop/recorder_control.h"
#include "app/desktop/report_page.h"
#include "app/desktop/row_memory.h"
#include "app/desktop/search_box.h"
#include "app/desktop/sweep_desk.h"
#include "app/desktop/sweep_page.h"
#include "app/desktop/text.h"
#include "app/desktop/theme.h"
#include "app/desktop/time_jumps.h"
#include "app/desktop/timeline_actions.h"
#include "app/desktop/window_actions.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QCloseEvent>
#include <QDateTime>
#include <QDialogButtonBox>
#include <QDockWidget>
#include <QFileDialog>
#include <QFileInfo>
#include <QLabel>
#include <QMenu>
#include <QMenuBar>
#include <QMessageBox>
#include <QMimeData>
#include <QRegularExpression>
#include <QResizeEvent>
#include <QTextBrowser>
#include <QToolBar>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr double kLargestPanelWidth = 0.22, kLargestPanelHeight = 0.3; // of the window, when that is made smaller
constexpr int kNarrow = 1000; // px of a window whose toolbar shows icons alone
constexpr int kNoteMs = 5000;
constexpr char kNoteTopic[] = "note";
constexpr int kStateVersion = 1; // of the dock layout: raised when docks change, so that an old one is not half restored

const char kCaptureTopic[] = "capture";
constexpr qsizetype kMostOpenedWindows = 12; ///< of one capture, in tabs

QString reportFilter()
{
    // Names only help to find files: what a file is, its content says.
    return MainWindow::tr(
        "All that Gantry opens (*.gantry *.zst *.sqlite *.nsys-rep *.qdrep *.qdstrm *.json *.gz *.jsonl *.csv *.log *.txt);;"
        "Gantry reports and Nsight Systems exports (*.gantry *.zst *.sqlite);;"
        "Nsight Systems reports (*.nsys-rep *.qdrep *.qdstrm);;"
        "Chrome, PyTorch and Triton traces (*.json *.json.gz);;"
        "perf_analyzer and Model Analyzer results (*.csv *.json *.txt);;"
        "Iteration logs of TensorRT-LLM, vLLM, SGLang (*.log *.jsonl *.txt *.json);;"
        "All files (*)");
}

/// What a user does next about a failure, as a button; empty when only reading helps.
QString retryText(ErrorCode code)
{
    switch (code) {
    case ErrorCode::Busy:
    case ErrorCode::TargetGone:
    case ErrorCode::Unreachable:
        return MainWindow::tr("Refresh node");
    default:
        return {};
    }
}

} // namespace

MainWindow::MainWindow(jobs::JobRunner& runner, Settings& settings, TraceSource source, QWidget* parent)
    : QMainWindow(parent),
      m_runner(runner),
      m_settings(settings),
      m_source(std::move(source)),
      m_nodes(std::make_unique<NodeList>()),
      m_desk(std::make_unique<NodeDesk>(*m_nodes, settings, runner, *this)),
      m_capture(std::make_unique<CaptureController>(runner)),
      m_actions(std::make_unique<WindowActions>(*this))
{
    setWindowTitle(tr("Gantry"));
    m_noteTimer.setSingleShot(true);
    m_noteTimer.setInterval(kNoteMs);
    connect(&m_noteTimer, &QTimer::timeout, this, [this] { m_messages->clearTopic(QString::fromLatin1(kNoteTopic)); });
    setWindowIcon(icons::application());
    setAcceptDrops(true);
    setDockOptions(AnimatedDocks | AllowTabbedDocks | AllowNestedDocks);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);

    buildToolbar();
    buildCentre();
    m_actions->buildMenus(*menuBar(), {m_captureBar->startAction(), m_captureBar->optionsAction(), m_captureBar->stopAction()},
                          {m_recorder->startAction(), m_recorder->saveAction(), m_recorder->stopAction()});
    for (QDockWidget* dock : findChildren<QDockWidget*>(Qt::FindDirectChildrenOnly))
        m_actions->docksMenu->addAction(dock->toggleViewAction());
    connectFileActions();
    connectViewActions();
    connectNodeActions();
    connectFleet();
    connectLaunching();
    connectCapture();
    connectLive();
    setColorScheme(settings.colorScheme());
    refreshIcons(); // the palette may have been this one before
    restore();
    refreshActions();
}

MainWindow::~MainWindow()
{
    m_liveDesk.reset();
    // Pages and panels go before the controllers they look at.
    delete takeCentralWidget();
    for (QDockWidget* dock : findChildren<QDockWidget*>(Qt::FindDirectChildrenOnly))
        delete dock;
}

void MainWindow::buildToolbar()
{
    auto* bar = addToolBar(tr("Capture"));
    bar->setObjectName(QStringLiteral("toolbar"));
    bar->setMovable(false);
    bar->setContextMenuPolicy(Qt::PreventContextMenu);
    bar->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_captureBar = new CaptureBar(*m_nodes, *m_capture, m_settings, bar, this);
    m_recorder = new RecorderControl(*m_nodes, *m_captureBar, *m_capture, m_settings, m_runner, *bar);
    bar->addSeparator();
    m_actions->compare->setIconText(tr("Compare"));
    bar->addAction(m_actions->compare);

    auto* spring = new QWidget(bar);
    spring->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    bar->addWidget(spring);
    m_matchLabel = new QLabel(bar);
    m_matchLabel->setObjectName(QStringLiteral("matchLabel"));
    m_matchLabel->setContentsMargins(0, 0, 8, 0);
    bar->addWidget(m_matchLabel);
    m_searchBox = new SearchBox(bar);
    m_searchBox->setMaximumWidth(380);
    m_searchBox->setMinimumWidth(120); // a toolbar that has no room hides its last widgets
    bar->addWidget(m_searchBox);
    m_searchHint = new QLabel(this);
    m_searchHint->setObjectName(QStringLiteral("searchHint"));
    m_searchHint->setTextFormat(Qt::PlainText);
    m_searchHint->setFrameShape(QFrame::StyledPanel);
    m_searchHint->setAutoFillBackground(true);
    m_searchHint->setBackgroundRole(QPalette::ToolTipBase);
    m_searchHint->setMargin(5);
    m_searchHint->hide();
}

void MainWindow::buildCentre()
{
    m_live = new LivePage(*m_nodes);
    m_pages = new PageArea(m_live, m_runner, m_source);
    m_messages = new MessageBar;
    new NsysOffers(*m_nodes, *m_pages, m_pages);

    auto* centre = new QWidget(this);
    auto* column = new QVBoxLayout(centre);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(new CaptureStrip(*m_capture, centre));
    column->addWidget(m_messages);
    column->addWidget(m_pages, 1);
    setCentralWidget(centre);

    auto* nodesDock = new QDockWidget(tr("Nodes"), this);
    nodesDock->setObjectName(QStringLiteral("nodesDock"));
    m_nodesPanel = new NodesPanel(*m_nodes, nodesDock);
    nodesDock->setWidget(m_nodesPanel);
    addDockWidget(Qt::LeftDockWidgetArea, nodesDock);
    m_inspector = new Inspector(*this, m_runner);
    resizeDocks({nodesDock}, {290}, Qt::Horizontal);
}

void MainWindow::connectFileActions()
{
    connect(m_actions->open, &QAction::triggered, this, &MainWindow::chooseReports);
    connect(m_actions->openTogether, &QAction::triggered, this, &MainWindow::chooseTogether);
    connect(m_actions->clockOffsets, &QAction::triggered, this, &MainWindow::askForOffsets);
    connect(m_actions->saveView, &QAction::triggered, this, [this] {
        if (ReportPage* page = m_pages->currentReport())
            page->saveView();
    });
    connect(m_actions->exportTrace, &QAction::triggered, this, &MainWindow::askForExport);
    connect(m_actions->closeTab, &QAction::triggered, this, [this] { m_pages->closePage(m_pages->currentIndex()); });
    connect(m_actions->exportScreenshot, &QAction::triggered, this, &MainWindow::exportScreenshot);
    connect(m_actions->clearRecent, &QAction::triggered, this, [this] { m_settings.clearRecentReports(); });
    connect(m_actions->quit, &QAction::triggered, this, &QWidget::close);
    connect(m_actions->recentMenu, &QMenu::aboutToShow, this, &MainWindow::fillRecentMenu);
    connect(m_actions->compare, &QAction::triggered, this, [this] {
        ComparePage& page = m_pages->openCompare();
        const auto reports = m_pages->reports();
        // The two newest, unless the user chose before.
        if (page.file(0).empty() && page.file(1).empty() && reports.size() >= 2)
            page.setFiles(reports[reports.size() - 2]->path(), reports.back()->path());
        else if (page.file(0).empty() && reports.size() == 1)
            page.setSide(0, reports.front()->path());
    });
    connect(m_actions->openBeside, &QAction::triggered, this, [this] { chooseBeside(1); });
    new SweepDesk(*m_actions->sweep, *m_pages, *this);
    connect(m_pages, &PageArea::compareOpened, this, [this](ComparePage* page) {
        connect(page, &ComparePage::fileRequested, this, &MainWindow::chooseBeside);
        connect(page, &ComparePage::nodeRequested, m_desk.get(), &NodeDesk::askForNode);
        connect(page, &ComparePage::logged, this, &MainWindow::appendToLog);
    });
    connect(m_pages, &PageArea::reportOpened, this, [this](ReportPage* page) {
        connect(page, &ReportPage::loaded, this, [this, page] {
            if (!m_isUnattended)
                page->restoreView();
            if (page->files().size() == 1)
                m_settings.addRecentReport(pathText(page->path()));
            refreshSearch(); // completes with what is in it
        });
        rememberRows(*page, m_settings);
        rememberMarks(*page, m_settings);
        connect(page, &ReportPage::previewed, this, &MainWindow::refreshSearch);
        connect(page, &ReportPage::nodeRequested, m_desk.get(), &NodeDesk::askForNode);
        connect(page, &ReportPage::logged, this, &MainWindow::appendToLog);
        connect(page, &ReportPage::viewSaved, this, [this](const QString& sentence, bool isSaved) {
            if (isSaved)
                return note(sentence);
            m_messages->showMessage({MessageBar::Kind::Error, sentence, {}, {}, {}, {}});
        });
        connect(page, &ReportPage::searchChanged, this, &MainWindow::refreshSearch);
    });
}

void MainWindow::connectViewActions()
{
    connect(m_actions->marksMenu, &QMenu::aboutToShow, this, [this] { fillMarksMenu(*m_actions, *m_pages); });
    connect(m_actions->copyLink, &QAction::triggered, this, &MainWindow::copyLink);
    connectTimelineActions(*m_actions, *m_pages);
    auto* jumps = new TimeJumps(*m_actions, *m_pages, m_settings, m_runner, *this);
    connect(jumps, &TimeJumps::said, this, [this](const QString& sentence) {
        if (sentence.isEmpty())
            return m_messages->clearTopic(QStringLiteral("jump"));
        m_messages->showMessage({MessageBar::Kind::Information, sentence, {}, {}, {}, QStringLiteral("jump")});
    });
    connect(m_actions->darkTheme, &QAction::triggered, this, [this](bool dark) {
        setColorScheme(dark ? ColorScheme::Dark : ColorScheme::Light);
        m_settings.setColorScheme(dark ? ColorScheme::Dark : ColorScheme::Light);
    });
    connect(m_actions->showLive, &QAction::triggered, m_pages, &PageArea::showLive);
    connect(m_actions->nextTab, &QAction::triggered, m_pages, [this] { m_pages->stepPage(1); });
    connect(m_actions->previousTab, &QAction::triggered, m_pages, [this] { m_pages->stepPage(-1); });
    connect(m_actions->commands, &QAction::triggered, this, [this] {
        fillMarksMenu(*m_actions, *m_pages);
        auto* palette = new CommandPalette(*menuBar(), this);
        palette->setAttribute(Qt::WA_DeleteOnClose);
        palette->open();
    });
    connect(m_actions->shortcuts, &QAction::triggered, this, &MainWindow::showShortcuts);
    connect(m_actions->about, &QAction::triggered, this, &MainWindow::showAbout);
    connect(m_pages, &PageArea::pageChanged, this, [this] {
        ReportPage* report = m_pages->currentReport();
        const bool isFleet = m_fleet && m_fleet->page() && m_pages->currentWidget() == m_fleet->page();
        const bool isOfNodes = isFleet || qobject_cast<NodePage*>(m_pages->currentWidget());
        const bool isSweep = qobject_cast<SweepPage*>(m_pages->currentWidget()) != nullptr;
        m_inspector->follow(report                                 ? FrontPage::Report
                            : m_pages->currentCompare() || isSweep ? FrontPage::Compare
                            : isOfNodes                            ? FrontPage::Nodes
                                                                   : FrontPage::Live,
                            report);
        refreshActions();
        refreshSearch();
        refreshTitle();
    });

    connect(m_actions->filterEvents, &QAction::triggered, m_inspector, &Inspector::filterEvents);
    connect(m_actions->showFindings, &QAction::triggered, m_inspector, &Inspector::showFindings);
    connect(m_actions->find, &QAction::triggered, this, [this] {
        m_searchBox->setFocus(Qt::ShortcutFocusReason);
        m_searchBox->selectAll();
    });
    connect(m_searchBox, &SearchBox::textSettled, this, [this](const QString& text) {
        if (ReportPage* page = m_pages->currentReport())
            page->find(text);
    });
    connect(m_searchBox, &SearchBox::stepRequested, this, [this] {
        if (ReportPage* page = m_pages->currentReport()) {
            page->stepMatch(1);
            page->setFocus(); // so that [ and ] step and do not type
        }
    });
    const auto step = [this](int direction) {
        if (ReportPage* page = m_pages->currentReport())
            page->stepMatch(direction);
    };
    connect(m_actions->nextMatch, &QAction::triggered, this, [step] { step(1); });
    connect(m_actions->previousMatch, &QAction::triggered, this, [step] { step(-1); });
    const auto stepSlowest = [this](int direction) {
        if (ReportPage* page = m_pages->currentReport())
            page->stepSlowest(direction);
    };
    connect(m_actions->slowestRequest, &QAction::triggered, this, [stepSlowest] { stepSlowest(1); });
    connect(m_actions->slowerRequest, &QAction::triggered, this, [stepSlowest] { stepSlowest(-1); });
}

void MainWindow::connectNodeActions()
{
    connect(m_actions->connectNode, &QAction::triggered, m_desk.get(), &NodeDesk::askForNode);
    connect(m_captureBar, &CaptureBar::connectRequested, m_desk.get(), &NodeDesk::askForNode);
    connect(m_live, &LivePage::connectRequested, m_desk.get(), &NodeDesk::askForNode);
    connect(m_live, &LivePage::openRequested, this, &MainWindow::chooseReports);
    connect(m_desk.get(), &NodeDesk::told, m_messages, &MessageBar::showAside);
    connect(m_desk.get(), &NodeDesk::clearRequested, m_messages, &MessageBar::clearTopic);
    connect(m_desk.get(), &NodeDesk::logged, this, &MainWindow::appendToLog);
    connect(m_desk.get(), &NodeDesk::nodeOpened, this, [this] {
        // Who connects for the sake of a report that waits for a node stays with it.
        const ReportPage* report = m_pages->currentReport();
        const ComparePage* compare = m_pages->currentCompare();
        if (!(report && report->state() == ReportPage::State::Failed) && !(compare && compare->error()))
            m_pages->showLive();
    });
    connect(m_actions->disconnectNode, &QAction::triggered, this, [this] {
        if (NodeController* node = m_nodes->current())
            node->close();
    });
    connect(m_actions->refreshNode, &QAction::triggered, this, [this] {
        if (NodeController* node = m_nodes->current())
            node->state() == NodeController::State::Connected ? node->refresh() : node->open();
    });
    connect(m_pages, &PageArea::nodeOpened, this, [this](NodePage* page) {
        connect(page, &NodePage::reportRequested, this, &MainWindow::fetchReport);
        connect(page, &NodePage::liveRequested, this, [this](NodeController* node) {
            m_nodes->setCurrent(node);
            m_pages->showLive();
        });
    });
    connectNodesPanel();
    connectNodes();
}

void MainWindow::connectNodesPanel()
{
    connect(m_nodesPanel, &NodesPanel::connectRequested, m_desk.get(), &NodeDesk::askForNode);
    connect(m_nodesPanel, &NodesPanel::labelRequested, m_desk.get(), [this](NodeController* node) { m_desk->askForLabel(*node); });
    connect(m_nodesPanel, &NodesPanel::reportRequested, this, &MainWindow::fetchReport);
    connect(m_nodesPanel, &NodesPanel::modelsRequested, this,
            [this](NodeController* node, const QString& target, const QString& model) { m_pages->openModels(*node, target, model); });
    connect(m_nodesPanel, &NodesPanel::nodePageRequested, this, [this](NodeController* node) { m_pages->openNode(*node); });
    connect(m_nodesPanel, &NodesPanel::deleteReportRequested, this,
            [this](NodeController* node, const QString& report) { askToDeleteReport(*node, report, *this); });
    connect(m_nodesPanel, &NodesPanel::stopTargetRequested, this,
            [this](NodeController* node, const QString& target) { askToStopTarget(*node, target, *this); });
    connect(m_nodesPanel, &NodesPanel::restartTargetRequested, this,
            [this](NodeController* node, const QString& target) { askToRestartTarget(*node, target, *this); });
}

void MainWindow::connectNodes()
{
    connect(m_nodes.get(), &NodeList::nodesChanged, this, [this] {
        for (const auto& owned : m_nodes->nodes()) {
            NodeController* node = owned.get();
            // Once per node: the list tells about all of them each time.
            if (node->property("windowConnected").toBool())
                continue;
            node->setProperty("windowConnected", true);
            connect(node, &NodeController::stateChanged, this, &MainWindow::refreshActions);
            connect(node, &NodeController::actionFailed, this,
                    [this](const QString& doing, const Error& error) { showError(doing, error, QStringLiteral("node")); });
            connect(node, &NodeController::logArrived, m_inspector,
                    [this, node](const std::vector<proto::LogLine>& lines, std::size_t dropped) {
                        if (node == m_nodes->current())
                            m_inspector->appendLog(lines, dropped);
                    });
        }
    });
    connect(m_nodes.get(), &NodeList::currentChanged, this, [this] {
        m_inspector->clearLog();
        refreshActions();
    });
}

void MainWindow::fetchReport(NodeController* node, const proto::ReportInfo& report)
{
    if (!node->client())
        return showError(tr("Fetching %1").arg(toQString(report.name)),
                         Error{ErrorCode::Unreachable, "the node is not connected; connect to it first", {}}, QStringLiteral("node"));
    if (m_capture->isBusy())
        return showError(tr("Fetching %1").arg(toQString(report.name)),
                         Error{ErrorCode::Busy, "a capture or a fetch is under way; wait for its end or cancel it", {}},
                         QStringLiteral("node"));
    m_capture->fetch(node->client(), report, m_settings.reportFolder(node->title()));
}

void MainWindow::connectFleet()
{
    new AlertDesk(*m_nodes, *m_pages, *m_messages, m_settings, m_pages); // with the pages that show what it does
    m_fleet = std::make_unique<FleetDesk>(*m_nodes, *m_desk, *m_pages, m_settings, m_runner);
    connect(m_actions->showFleet, &QAction::triggered, m_fleet.get(), &FleetDesk::show);
    connect(&m_fleet->capture(), &FleetCapture::told, m_messages, &MessageBar::showMessage);
    connect(&m_fleet->capture(), &FleetCapture::openRequested, this, [this](const std::vector<std::filesystem::path>& reports) {
        reports.size() == 1 ? openReport(reports.front()) : openTogether(reports);
    });
}

void MainWindow::connectLaunching()
{
    m_launch = std::make_unique<LaunchDesk>(m_fleet->work(), m_settings, *this);
    const auto askOne = [this](NodeController* node) { m_launch->ask({node}); };
    connect(m_fleet.get(), &FleetDesk::launchRequested, m_launch.get(), &LaunchDesk::ask);
    connect(m_nodesPanel, &NodesPanel::launchRequested, m_launch.get(), askOne);
    connect(m_pages, &PageArea::nodeOpened, m_launch.get(),
            [this, askOne](NodePage* page) { connect(page, &NodePage::launchRequested, m_launch.get(), askOne); });
    connect(m_launch.get(), &LaunchDesk::failed, this,
            [this](const QString& doing, const Error& error) { showError(doing, error, QStringLiteral("node")); });
    connect(m_launch.get(), &LaunchDesk::launched, this,
            [this](NodeController* node) { note(tr("It was started on %1, and is under Nodes.").arg(node->title())); });
    connect(m_actions->launch, &QAction::triggered, this, [this] {
        if (NodeController* node = m_nodes->current())
            m_launch->ask({node});
    });
    connect(m_actions->showNode, &QAction::triggered, this, [this] {
        if (NodeController* node = m_nodes->current())
            m_pages->openNode(*node);
    });
}

void MainWindow::connectCapture()
{
    new CaptureReturn(*m_capture, *m_nodes, m_capture.get());
    connect(m_actions->cancelCapture, &QAction::triggered, m_capture.get(), &CaptureController::cancel);
    connect(m_capture.get(), &CaptureController::changed, this, [this] {
        m_actions->cancelCapture->setEnabled(m_capture->isBusy());
        if (m_capture->isBusy())
            m_messages->clearTopic(QString::fromLatin1(kCaptureTopic));
    });
    connect(m_capture.get(), &CaptureController::reportsReady, this, &MainWindow::openCaptured);
    connect(m_capture.get(), &CaptureController::costMeasured, this,
            [this](const std::filesystem::path& path, const report::WindowCost& cost) {
                for (ReportPage* page : m_pages->reports())
                    if (page->files().size() == 1 && page->path() == path)
                        page->setCost(cost);
            });
    connect(m_recorder, &RecorderControl::failed, this,
            [this](const QString& doing, const Error& error) { showError(doing, error, QString::fromLatin1(kCaptureTopic)); });
    connect(m_capture.get(), &CaptureController::failed, this,
            [this](const QString& doing, const Error& error) { showError(doing, error, QString::fromLatin1(kCaptureTopic)); });
    connect(m_capture.get(), &CaptureController::cancelled, this, [this] {
        m_messages->showMessage({MessageBar::Kind::Information,
                                 tr("Cancelled. A report that the node has finished stays there, see Nodes."),
                                 {},
                                 {},
                                 {},
                                 QString::fromLatin1(kCaptureTopic)});
    });
}

/// After connectCapture(): a report that was fetched for an instant of it is opened before it is gone to.
void MainWindow::connectLive()
{
    m_liveDesk = std::make_unique<LiveDesk>(
        LiveDesk::Parts{*m_nodes, *m_live, *m_pages, *m_capture, *m_captureBar, *m_recorder, m_settings, m_runner});
    connect(m_liveDesk.get(), &LiveDesk::fetchRequested, this, &MainWindow::fetchReport);
    connect(m_liveDesk.get(), &LiveDesk::refused, this, &MainWindow::note);
    connect(m_actions->showInLive, &QAction::triggered, this, [this] {
        if (const ReportPage* page = m_pages->currentReport())
            m_liveDesk->showLive(*page);
    });
}

void MainWindow::openCaptured(const std::vector<std::filesystem::path>& paths)
{
    openReport(paths.back());
    if (NodeController* node = m_nodes->current())
        node->refresh();
    const proto::CaptureStatus& status = m_capture->status();
    const QString topic = QString::fromLatin1(kCaptureTopic);
    if (status.targetExited)
        return m_messages->showMessage({MessageBar::Kind::Warning,
                                        tr("The server ended inside the window; the report holds what was recorded until then."),
                                        toQString(status.message),
                                        {},
                                        {},
                                        topic});
    // What the node has to say besides: windows that are missing, counters that nobody sampled.
    const QString note = status.message.empty() ? QString() : describe(Error{ErrorCode::Internal, status.message, {}}).sentence;
    const auto kind = note.isEmpty() ? MessageBar::Kind::Information : MessageBar::Kind::Warning;
    if (paths.size() < 2) {
        if (!note.isEmpty())
            m_messages->showMessage({kind, note, {}, {}, {}, topic});
        return;
    }
    QStringList files;
    for (auto path = paths.rbegin(); path != paths.rend(); ++path)
        files << pathText(*path);
    for (const QString& file : files) // the first window comes first
        m_settings.addRecentReport(file);
    const QString sentence =
        tr("%1 windows were captured, and the last one is open. All of them are under Nodes, Reports.").arg(files.size());
    m_messages->showMessage({kind, note.isEmpty() ? sentence : sentence + QLatin1Char(' ') + note, files.join(QLatin1Char('\n')),
                             files.size() <= kMostOpenedWindows ? tr("Open all") : QString(),
                             [this, paths] {
                                 for (const std::filesystem::path& path : paths)
                                     openReport(path);
                             },
                             topic});
}

void MainWindow::restore()
{
    if (!m_settings.windowGeometry().isEmpty())
        restoreGeometry(m_settings.windowGeometry());
    else
        resize(1600, 1000);
    if (!m_settings.windowState().isEmpty())
        restoreState(m_settings.windowState(), kStateVersion);
    m_inspector->adoptVisible();
}

ReportPage& MainWindow::openReport(const std::filesystem::path& path)
{
    return m_pages->openReport(path);
}

ReportPage& MainWindow::openTogether(const std::vector<std::filesystem::path>& paths, const std::vector<std::optional<DurationNs>>& offsets)
{
    return m_pages->openTogether(paths, offsets);
}

void MainWindow::openReportAt(const std::filesystem::path& path, const QString& request)
{
    ReportPage& page = openReport(path);
    connect(&page, &ReportPage::loaded, this, [this, &page, request] {
        if (const auto shown = page.showRequestNamed(request); !shown)
            showError(tr("Showing request %1").arg(request), shown.error(), {});
    });
}

void MainWindow::showPlace(ReportPage& page, const ViewPlace& place)
{
    connect(&page, &ReportPage::placeMoved, this, [this](const QString& sentence) {
        m_messages->showMessage({MessageBar::Kind::Information, sentence, {}, {}, {}, QStringLiteral("place")});
    });
    const auto show = [this, &page, place] {
        if (const auto shown = page.showPlace(place); !shown)
            showError(tr("Showing the place of the link"), shown.error(), {});
    };
    if (page.state() == ReportPage::State::Loaded)
        return show();
    connect(&page, &ReportPage::loaded, this, show, Qt::SingleShotConnection);
}

void MainWindow::copyLink()
{
    if (const ReportPage* page = m_pages->currentReport(); page && page->hasTimeline())
        QApplication::clipboard()->setText(viewCommand(page->place(), page->files()));
    else
        return;
    note(tr("The link is in the clipboard: a command that opens this view."));
}

/// Says that something was done which is not seen otherwise, for a while; never in the place of what is wrong.
void MainWindow::note(const QString& sentence)
{
    if (!m_messages->sentence().isEmpty() && !m_noteTimer.isActive())
        return;
    m_messages->showMessage({MessageBar::Kind::Information, sentence, {}, {}, {}, QString::fromLatin1(kNoteTopic)});
    m_noteTimer.start();
}

void MainWindow::setColorScheme(ColorScheme scheme)
{
    applyTheme(scheme);
    m_actions->darkTheme->setChecked(scheme == ColorScheme::Dark);
}

void MainWindow::setUnattended()
{
    setAnimated(false);
    m_isUnattended = true; // a picture is of the file, not of how somebody looked at it
}

void MainWindow::hideNodes()
{
    for (QDockWidget* dock : findChildren<QDockWidget*>(Qt::FindDirectChildrenOnly)) {
        if (dock->objectName() == QLatin1String("nodesDock"))
            dock->hide();
    }
}

void MainWindow::closeEvent(QCloseEvent* event)
{
    m_inspector->showWanted();
    m_settings.setWindow(saveGeometry(), saveState(kStateVersion));
    m_settings.sync();
    event->accept();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event)
{
    if (event->mimeData()->hasUrls())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event)
{
    for (const QUrl& url : event->mimeData()->urls()) {
        if (url.isLocalFile())
            openReport(toPath(url.toLocalFile()));
    }
    event->acceptProposedAction();
}

void MainWindow::changeEvent(QEvent* event)
{
    QMainWindow::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_captureBar)
        refreshIcons();
}

void MainWindow::refreshIcons()
{
    m_captureBar->startAction()->setIcon(icons::record());
    m_captureBar->stopAction()->setIcon(icons::stop(palette()));
    m_actions->compare->setIcon(icons::compare(palette()));
}

void MainWindow::chooseReports()
{
    auto* dialog = new QFileDialog(this, tr("Open reports"), {}, reportFilter());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFiles);
    connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& files) {
        for (const QString& file : files)
            openReport(toPath(file));
    });
    dialog->open();
}

void MainWindow::chooseTogether()
{
    auto* dialog = new QFileDialog(this, tr("Open files as one report on one clock"), {}, reportFilter());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFiles);
    connect(dialog, &QFileDialog::filesSelected, this, [this](const QStringList& files) { openTogether(toPaths(files)); });
    dialog->open();
}

void MainWindow::askForOffsets()
{
    ReportPage* page = m_pages->currentReport();
    if (!page || !page->trace())
        return;
    auto* dialog = new ClockOffsetsDialog(page->files(), page->trace()->imports, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, page, [page, dialog] { page->setOffsets(dialog->offsets()); });
    dialog->open();
}

void MainWindow::askForExport()
{
    ReportPage* page = m_pages->currentReport();
    if (!page || page->state() != ReportPage::State::Loaded)
        return;
    std::vector<std::filesystem::path> sources;
    for (const trace::LoadFile& file : page->files())
        sources.push_back(file.path);
    auto* dialog = new ExportDialog(page->trace(), page->hasTimeline() ? page->timeline() : nullptr, std::move(sources), m_runner, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &ExportDialog::exported, this, [this](const QString& path) {
        m_messages->showMessage({MessageBar::Kind::Information, tr("Exported to %1.").arg(path), {}, {}, {}, QStringLiteral("export")});
    });
    dialog->open();
}

void MainWindow::chooseBeside(int side)
{
    auto* dialog = new QFileDialog(this, side == 0 ? tr("Open report A") : tr("Open report B"), {}, reportFilter());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    connect(dialog, &QFileDialog::fileSelected, this, [this, side](const QString& file) {
        const ReportPage* front = m_pages->currentReport();
        ComparePage& page = m_pages->openCompare();
        if (front && side == 1)
            page.setSide(0, front->path());
        page.setSide(side, toPath(file));
    });
    dialog->open();
}

void MainWindow::exportScreenshot()
{
    const QPixmap picture = m_pages->currentWidget()->grab();
    QString name = m_pages->tabText(m_pages->currentIndex());
    name.replace(QRegularExpression(QStringLiteral("[/:\\s]+")), QStringLiteral("-"));
    auto* dialog = new QFileDialog(this, tr("Export screenshot"), name + QStringLiteral(".png"), tr("PNG (*.png)"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(QStringLiteral("png"));
    connect(dialog, &QFileDialog::fileSelected, this, [this, picture](QString file) {
        if (!file.endsWith(QLatin1String(".png"), Qt::CaseInsensitive)) // "view.svg" would be no SVG
            file += QStringLiteral(".png");
        if (picture.save(file, "PNG"))
            return note(tr("The picture is saved in %1.").arg(file));
        showError(tr("The picture was not saved"),
                  Error{ErrorCode::CannotWrite, "cannot write " + file.toStdString() + "; choose another folder", {}}, {});
    });
    dialog->open();
}

void MainWindow::fillRecentMenu()
{
    QMenu* menu = m_actions->recentMenu;
    menu->clear();
    for (const QString& path : m_settings.recentReports())
        menu->addAction(QFileInfo(path).fileName(), this, [this, path] { openReport(toPath(path)); })->setToolTip(path);
    menu->setToolTipsVisible(true);
    if (menu->isEmpty())
        menu->addAction(tr("Nothing opened yet"))->setEnabled(false);
    menu->addSeparator();
    menu->addAction(m_actions->clearRecent);
}

void MainWindow::showShortcuts()
{
    auto* dialog = new QDialog(this);
    dialog->setObjectName(QStringLiteral("shortcutsDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Shortcuts"));
    auto* table = new QTextBrowser(dialog); // more lines than a screen has
    table->setHtml(m_actions->shortcutTable(*menuBar()));
    table->setFrameShape(QFrame::NoFrame);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
    connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    auto* column = new QVBoxLayout(dialog);
    column->addWidget(table, 1);
    column->addWidget(buttons);
    dialog->resize(600, std::min(720, height() * 9 / 10));
    dialog->open();
}

void MainWindow::showAbout()
{
    auto* box =
        new QMessageBox(QMessageBox::NoIcon, tr("About Gantry"),
                        tr("<h3>Gantry %1</h3><p>Why is this request slow, and what on the GPU made it so?</p>"
                           "<p>The source is Apache-2.0. This program links QCustomPlot and is distributed under the GPL, version 3.</p>")
                            .arg(QLatin1String(GANTRY_VERSION)),
                        QMessageBox::Close, this);
    box->setIconPixmap(icons::application().pixmap(64, 64));
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->open();
}

void MainWindow::refreshActions()
{
    const ReportPage* report = m_pages->currentReport();
    const bool hasTimeline = (report && report->hasTimeline()) || (m_pages->currentCompare() && m_pages->currentCompare()->isReady());
    for (QAction* action : {m_actions->zoomIn,       m_actions->zoomOut,         m_actions->fit,
                            m_actions->back,         m_actions->forward,         m_actions->hideRow,
                            m_actions->addMark,      m_actions->nextMark,        m_actions->previousMark,
                            m_actions->removeMark,   m_actions->showHiddenRows,  m_actions->pinRow,
                            m_actions->moveRowUp,    m_actions->moveRowDown,     m_actions->filterRows,
                            m_actions->chooseRow,    m_actions->packRequests,    m_actions->requestsByInstance,
                            m_actions->slowestFirst, m_actions->requestsByModel, m_actions->requestsTogether})
        action->setEnabled(hasTimeline);
    for (QAction* action :
         {m_actions->copyLink, m_actions->showInLive, m_actions->zoomToSelection, m_actions->find, m_actions->nextMatch,
          m_actions->previousMatch, m_actions->jumpToTime, m_actions->nextGap, m_actions->gapLongerThan, m_actions->filterEvents,
          m_actions->showFindings})
        action->setEnabled(report && report->hasTimeline());
    m_actions->clockOffsets->setEnabled(report && report->trace() && report->files().size() > 1);
    m_actions->saveView->setEnabled(report && report->hasTimeline() && report->files().size() == 1);
    m_actions->exportTrace->setEnabled(report && report->state() == ReportPage::State::Loaded);
    for (QAction* action : {m_actions->slowestRequest, m_actions->slowerRequest})
        action->setEnabled(report && report->trace() && !report->trace()->requests.empty());
    m_searchBox->setEnabled(report && report->hasTimeline());
    m_actions->closeTab->setEnabled(m_pages->currentIndex() > 0);
    const NodeController* node = m_nodes->current();
    m_actions->disconnectNode->setEnabled(node && node->state() != NodeController::State::Disconnected);
    m_actions->refreshNode->setEnabled(node != nullptr);
    m_actions->showNode->setEnabled(node != nullptr);
    m_actions->launch->setEnabled(node && node->state() == NodeController::State::Connected);
    m_actions->cancelCapture->setEnabled(m_capture->isBusy());
}

void MainWindow::resizeEvent(QResizeEvent* event)
{
    QMainWindow::resizeEvent(event);
    // What has no room in a toolbar is hidden, and the search box is its last.
    if (auto* bar = findChild<QToolBar*>(QString(), Qt::FindDirectChildrenOnly))
        bar->setToolButtonStyle(width() < kNarrow ? Qt::ToolButtonIconOnly : Qt::ToolButtonTextBesideIcon);
    const QSize now = event->size(), before = event->oldSize();
    if (!before.isValid() || now.width() < before.width() || now.height() < before.height())
        QMetaObject::invokeMethod(this, &MainWindow::fitPanels, Qt::QueuedConnection); // once they have their new sizes
}

void MainWindow::fitPanels()
{
    for (auto* dock : findChildren<QDockWidget*>(Qt::FindDirectChildrenOnly)) {
        if (!dock->isVisible() || dock->isFloating())
            continue;
        const bool isBelow = dockWidgetArea(dock) == Qt::BottomDockWidgetArea || dockWidgetArea(dock) == Qt::TopDockWidgetArea;
        const int most = static_cast<int>(isBelow ? height() * kLargestPanelHeight : width() * kLargestPanelWidth);
        if ((isBelow ? dock->height() : dock->width()) > most)
            resizeDocks({dock}, {most}, isBelow ? Qt::Vertical : Qt::Horizontal);
    }
}

/// Two windows are told apart by what is in front of them.
void MainWindow::refreshTitle()
{
    const QString page = m_pages->currentIndex() > 0 ? m_pages->tabText(m_pages->currentIndex()) : QString();
    setWindowTitle(page.isEmpty() ? tr("Gantry") : tr("%1 – Gantry").arg(page));
}

void MainWindow::refreshSearch()
{
    const ReportPage* page = m_pages->currentReport();
    m_searchBox->setTrace(page ? page->trace() : nullptr);
    m_matchLabel->setText(page ? page->matchText() : QString());
    if (!m_searchBox->hasFocus())
        m_searchBox->setText(page ? page->searchText() : QString());
    constexpr int kLongestHint = 80; // letters on one line
    const QString wrong = !page ? QString() : page->searchError().isEmpty() ? page->searchNote() : page->searchError();
    m_searchHint->setVisible(!wrong.isEmpty());
    if (wrong.isEmpty())
        return;
    m_searchHint->setText(wrong);
    m_searchHint->setForegroundRole(page->searchError().isEmpty() ? QPalette::ToolTipText : QPalette::BrightText);
    m_searchHint->setWordWrap(wrong.size() > kLongestHint);
    m_searchHint->adjustSize();
    const QPoint below = m_searchBox->mapTo(this, QPoint(m_searchBox->width(), m_searchBox->height() + 2));
    m_searchHint->move(std::max(0, below.x() - m_searchHint->width()), below.y());
    m_searchHint->raise();
}

void MainWindow::appendToLog(const QString& line)
{
    proto::LogLine entry;
    entry.utcNs = QDateTime::currentMSecsSinceEpoch() * 1'000'000;
    entry.text = line.toStdString();
    m_inspector->appendLog({entry}, 0);
}

void MainWindow::showError(const QString& doing, const Error& error, const QString& topic)
{
    const UserMessage message = describe(error);
    MessageBar::Message shown{
        MessageBar::Kind::Error, tr("%1: %2").arg(doing, message.sentence), message.details, retryText(error.code), {}, topic};
    shown.action = [this] { m_actions->refreshNode->trigger(); };
    m_messages->showMessage(std::move(shown));
}

} // namespace gantry::desktop
