#include "scenes.h"

#include "app/desktop/capture_bar.h"
#include "app/desktop/capture_dialog.h"
#include "app/desktop/command_palette.h"
#include "app/desktop/compare_page.h"
#include "app/desktop/inspector.h"
#include "app/desktop/live_desk.h"
#include "app/desktop/live_page.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/model_config_editor.h"
#include "app/desktop/model_load_panel.h"
#include "app/desktop/models_page.h"
#include "app/desktop/page_area.h"
#include "app/desktop/recorder_control.h"
#include "app/desktop/recorder_dialog.h"
#include "app/desktop/report_page.h"
#include "app/desktop/search_box.h"
#include "app/desktop/sweep_page.h"
#include "app/desktop/window_actions.h"
#include "app/remote/load_address.h"
#include "tests/app/desktop/report_fixture.h"
#include "tests/support/fake_nsys.h"
#include "tests/widgets/trace_fixture.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/analysis/sweep/sweep_files.h"
#include "widgets/compare/compare_view.h"
#include "widgets/findings/findings_panel.h"
#include "widgets/sweep/sweep_view.h"
#include "widgets/tables/event_table.h"
#include "widgets/tables/filter_edit.h"
#include "widgets/tables/statistics_table.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAbstractItemView>
#include <QAction>
#include <QComboBox>
#include <QCompleter>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QMenuBar>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QScrollBar>
#include <QSpinBox>
#include <QTabBar>
#include <QTabWidget>
#include <QTableView>
#include <QTest>
#include <QTreeWidget>

#include <algorithm>
#include <fstream>
#include <optional>
#include <stdexcept>

namespace gantry::desktop_test {

namespace {

using desktop::ReportPage;
using widgets::TimelineWidget;
using widgets_test::trackNamed;
using RowChange = TimelineWidget::RowChange;

constexpr DurationNs kMicrosecond = 1'000, kMillisecond = 1'000'000;
constexpr DurationNs kLiveSpan = 3'000'000'000;

/// The script of one long kernel after the other.
std::string nothingToFind()
{
    std::string script = "window 0..400000000\n";
    for (int i = 0; i < 200; ++i)
        script += "kernel gpu0/stream7 gemm " + std::to_string(i * 2'000'000) + ".." + std::to_string((i + 1) * 2'000'000) + "\n";
    return script;
}

ReportPage& openPageable(Stage& stage)
{
    return stage.open(Stage::demo("bert-pageable"));
}

void showFindings(Stage& stage)
{
    stage.window().actions().showFindings->trigger();
    widgets::FindingsPanel& panel = stage.find<widgets::FindingsPanel>();
    stage.waitUntil("the report is judged", [&panel] { return !panel.scopeText().isEmpty(); });
    stage.settle();
}

ReportPage& openDemo(Stage& stage)
{
    return stage.open(Stage::demo("bert-pinned"));
}

/// The demo at some requests, in full height.
ReportPage& openDemoClosely(Stage& stage, DurationNs length = 12 * kMillisecond)
{
    ReportPage& page = openDemo(stage);
    const TimestampNs middle = page.trace()->time.start + page.trace()->time.duration() / 2;
    page.timeline()->setVisibleRange({middle, middle + length});
    stage.settle();
    return page;
}

trace::TrackId firstOf(const trace::Trace& trace, trace::TrackKind kind)
{
    const auto found =
        std::find_if(trace.tracks.begin(), trace.tracks.end(), [kind](const trace::Track& track) { return track.kind == kind; });
    if (found == trace.tracks.end())
        throw std::runtime_error("the report has no such row");
    return trace::TrackId(static_cast<std::uint32_t>(found - trace.tracks.begin()));
}

/// A kernel that a recorded call launched, in the middle of the view.
trace::EventId launchedKernel(const ReportPage& page)
{
    const auto& kernels = page.trace()->kernels;
    const TimeRange view = page.timeline()->visibleRange();
    const auto next = std::lower_bound(kernels.start.begin(), kernels.start.end(), view.start + view.duration() / 2);
    if (next == kernels.start.end())
        throw std::runtime_error("there is no kernel in view");
    return trace::EventId(trace::EventKind::Kernel, static_cast<std::uint32_t>(next - kernels.start.begin()));
}

void writeText(const std::filesystem::path& path, const char* text)
{
    std::ofstream(path, std::ios::binary) << text;
}

/// Opens what cannot be read and waits for the sentence that says so.
void openInVain(Stage& stage, const std::filesystem::path& path)
{
    stage.window().hideNodes();
    const ReportPage& page = stage.window().openReport(path);
    stage.waitUntil("the file was not opened", [&page] { return page.state() == ReportPage::State::Failed; });
}

void openHeld(Stage& stage, ReportPage::State state)
{
    stage.window().hideNodes();
    const ReportPage& page = stage.window().openReport(Stage::demo("bert-pinned"));
    stage.waitUntil("reading has begun", [&page, state] { return page.state() == state; });
    stage.waitUntil("it says how far it is", [&page] {
        const auto labels = page.findChildren<QLabel*>();
        return std::any_of(labels.begin(), labels.end(),
                           [](const QLabel* label) { return label->text().contains(QLatin1String("kernels")); });
    });
}

void search(Stage& stage, ReportPage& page, const char* text)
{
    page.find(QString::fromUtf8(text));
    stage.waitUntil("the search has ended", [&page] { return page.matchText() != QStringLiteral("searching…"); });
}

void compare(Stage& stage, const std::filesystem::path& a, const std::filesystem::path& b)
{
    stage.window().hideNodes();
    const desktop::ComparePage& page = stage.window().pages().openCompare(a, b);
    stage.waitUntil("the reports are compared", [&page] { return page.isReady() || page.error(); });
}

void compareDemos(Stage& stage)
{
    compare(stage, Stage::demo("bert-pageable"), Stage::demo("bert-pinned"));
}

void compareAligned(Stage& stage)
{
    compareDemos(stage);
    const desktop::ComparePage& page = *stage.window().pages().currentCompare();
    auto& by = stage.find<QComboBox>("alignBy");
    by.setCurrentIndex(by.findText(QStringLiteral("iteration")));
    stage.waitUntil("what is aligned is compared", [&page] { return page.comparison()->aligned.has_value(); });
}

void compareRequests(Stage& stage)
{
    compareDemos(stage);
    TimelineWidget& timeline = stage.window().pages().currentCompare()->view()->timeline(0);
    timeline.setVisibleRange({100 * kMillisecond, 112 * kMillisecond});
}

void group(Stage& stage, analysis::GroupBy by)
{
    widgets::StatisticsTable& table = stage.window().inspector().statistics();
    stage.settle();
    table.setGroupBy(by);
    stage.settle();
    if (table.groupBy() != by)
        throw std::runtime_error("the report has nothing of this group");
}

void addPagesOfFiles(std::vector<Scene>& scenes)
{
    scenes.push_back({"start", [](Stage&) {}});
    scenes.push_back(
        {"loading", [](Stage& stage) { openHeld(stage, ReportPage::State::Loading); }, {1600, 1000}, heldSource(Held::BeforeSample)});
    scenes.push_back(
        {"loading-sample", [](Stage& stage) { openHeld(stage, ReportPage::State::Preview); }, {1600, 1000}, heldSource(Held::AfterSample)});
    scenes.push_back({"not-a-report", [](Stage& stage) {
                          writeText(stage.folder() / "notes.txt", "these are notes about a server and no report of it");
                          openInVain(stage, stage.folder() / "notes.txt");
                      }});
    scenes.push_back({"truncated", [](Stage& stage) {
                          writeReport(stage.folder() / "bert-2024-11-05.gantry");
                          truncateFile(stage.folder() / "bert-2024-11-05.gantry");
                          openInVain(stage, stage.folder() / "bert-2024-11-05.gantry");
                      }});
    scenes.push_back({"report", [](Stage& stage) { openDemo(stage); }});
    scenes.push_back({"report-empty", [](Stage& stage) { stage.openScript("window 0..1000000\n"); }});
    scenes.push_back({"report-losses", [](Stage& stage) {
                          writeReport(stage.folder() / "busy.gantry", {.requests = 40, .dropped = 123'456});
                          stage.open(stage.folder() / "busy.gantry");
                      }});
    scenes.push_back({"report-sampled", [](Stage& stage) {
                          writeReport(stage.folder() / "sampled.gantry", {.requests = 12, .hasSampledRows = true});
                          stage.open(stage.folder() / "sampled.gantry");
                      }});
    scenes.push_back({"counters-sampled", [](Stage& stage) {
                          writeReport(stage.folder() / "sampled.gantry", {.requests = 12, .hasSampledRows = true});
                          const ReportPage& page = stage.open(stage.folder() / "sampled.gantry");
                          page.timeline()->verticalScrollBar()->setValue(page.timeline()->verticalScrollBar()->maximum());
                      }});
    scenes.push_back({"report-without-times", [](Stage& stage) {
                          writeText(stage.folder() / "perf.csv",
                                    "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,p99 latency\n"
                                    "1,69.2,225,2148,64,21018\n3,84.2,237,1768,21673,51701\n10,9.5,1,2,3,4\n");
                          stage.open(stage.folder() / "perf.csv");
                      }});
    scenes.push_back({"several-files", [](Stage& stage) {
                          stage.openTogether({Stage::demo("bert-pageable"), Stage::demo("bert-pinned")});
                      }});
}

void addTimelines(std::vector<Scene>& scenes)
{
    scenes.push_back({"requests", [](Stage& stage) { openDemoClosely(stage); }});
    scenes.push_back({"request-selected", [](Stage& stage) {
                          openDemo(stage).stepSlowest(1);
                          stage.settle();
                      }});
    scenes.push_back({"event-selected", [](Stage& stage) {
                          ReportPage& page = openDemoClosely(stage, 200 * kMicrosecond);
                          page.timeline()->reveal(launchedKernel(page));
                          stage.settle();
                      }});
    scenes.push_back({"tip-of-an-event", [](Stage& stage) {
                          ReportPage& page = openDemoClosely(stage, 200 * kMicrosecond);
                          const trace::EventId kernel = launchedKernel(page);
                          page.timeline()->reveal(kernel);
                          const auto point = page.timeline()->pointOf(kernel);
                          if (!point)
                              throw std::runtime_error("the kernel is not in view");
                          stage.showToolTipAt(*point);
                      }});
    scenes.push_back({"tip-of-a-row", [](Stage& stage) {
                          const ReportPage& page = openDemoClosely(stage);
                          stage.showToolTipAt(stage.headerPoint(firstOf(*page.trace(), trace::TrackKind::GpuStream)));
                      }});
    scenes.push_back({"measured", [](Stage& stage) {
                          ReportPage& page = openDemoClosely(stage);
                          const TimestampNs start = page.timeline()->visibleRange().start;
                          page.timeline()->setMeasuredRange({start + 3 * kMillisecond, start + 7 * kMillisecond});
                          stage.settle();
                      }});
    scenes.push_back({"marks", [](Stage& stage) {
                          ReportPage& page = openDemoClosely(stage);
                          const TimestampNs start = page.timeline()->visibleRange().start;
                          page.timeline()->setMarks(
                              {{{start + 2 * kMillisecond, start + 2 * kMillisecond}, QStringLiteral("queue fills up here")},
                               {{start + 5 * kMillisecond, start + 8 * kMillisecond}, QStringLiteral("one batch of eight")},
                               {{start + 6 * kMillisecond, start + 6 * kMillisecond}, QStringLiteral("output copies wait for this")}});
                          page.timeline()->editMark(2);
                      }});
    scenes.push_back({"counters", [](Stage& stage) {
                          ReportPage& page = openDemo(stage);
                          TimelineWidget& timeline = *page.timeline();
                          using widgets::CounterStyle;
                          int next = 0;
                          for (std::uint32_t i = 0; i < page.trace()->tracks.size(); ++i) {
                              constexpr CounterStyle kStyles[] = {CounterStyle::Heat, CounterStyle::Line, CounterStyle::Area};
                              if (page.trace()->tracks[i].kind == trace::TrackKind::Counter)
                                  timeline.setCounterStyle(trace::TrackId(i), kStyles[next++ % 3]);
                          }
                      }});
}

void addRows(std::vector<Scene>& scenes)
{
    scenes.push_back({"rows-arranged", [](Stage& stage) {
                          ReportPage& page = openDemoClosely(stage);
                          TimelineWidget& timeline = *page.timeline();
                          const trace::TrackId stream = firstOf(*page.trace(), trace::TrackKind::GpuStream);
                          timeline.arrangeRow(stream, RowChange::TogglePin);
                          timeline.arrangeRow(firstOf(*page.trace(), trace::TrackKind::RequestLanes), RowChange::ToggleFold);
                          timeline.arrangeRow(firstOf(*page.trace(), trace::TrackKind::NvtxThread), RowChange::Hide);
                          QTest::mouseClick(timeline.viewport(), Qt::LeftButton, Qt::ControlModifier, stage.headerPoint(stream));
                          stage.window().inspector().filterEvents();
                          stage.settle();
                      }});
    scenes.push_back({"rows-menu", [](Stage& stage) {
                          const ReportPage& page = openDemoClosely(stage);
                          stage.openMenuAt(stage.headerPoint(firstOf(*page.trace(), trace::TrackKind::RequestLanes)));
                      }});
    scenes.push_back({"rows-filtered", [](Stage& stage) { openDemoClosely(stage).timeline()->setRowFilter(QStringLiteral("stream")); }});
    scenes.push_back(
        {"rows-filtered-to-none", [](Stage& stage) { openDemoClosely(stage).timeline()->setRowFilter(QStringLiteral("no such row")); }});
    scenes.push_back({"requests-by-instance",
                      [](Stage& stage) { openDemoClosely(stage).timeline()->setRequestOrder(widgets::RequestOrder::ByInstance); }});
    scenes.push_back(
        {"requests-slowest-first", [](Stage& stage) { openDemo(stage).timeline()->setRequestOrder(widgets::RequestOrder::SlowestFirst); }});
}

void addSearches(std::vector<Scene>& scenes)
{
    scenes.push_back({"search", [](Stage& stage) {
                          ReportPage& page = openDemoClosely(stage, 400 * kMicrosecond);
                          search(stage, page, "softmax dur>10us");
                          page.stepMatch(1);
                          stage.settle();
                      }});
    scenes.push_back({"search-without-match", [](Stage& stage) { search(stage, openDemo(stage), "no such kernel"); }});
    scenes.push_back({"search-wrong", [](Stage& stage) { search(stage, openDemo(stage), "gemm dur>10"); }});
    scenes.push_back({"search-completion", [](Stage& stage) {
                          openDemo(stage);
                          auto& box = stage.find<desktop::SearchBox>();
                          box.setFocus();
                          QTest::keyClicks(&box, QStringLiteral("gemm d"));
                          stage.waitUntil("completions are offered", [&box] { return box.completions().popup()->isVisible(); });
                      }});
}

void addTables(std::vector<Scene>& scenes)
{
    using analysis::GroupBy;
    for (const auto& [name, by] :
         {std::pair("kernels", GroupBy::Kernel), std::pair("memcpys", GroupBy::Memcpy), std::pair("api", GroupBy::Api),
          std::pair("nvtx", GroupBy::Nvtx), std::pair("streams", GroupBy::Stream), std::pair("phases", GroupBy::Phase)})
        scenes.push_back({std::string("statistics-") + name, [by = by](Stage& stage) {
                              openDemo(stage);
                              group(stage, by);
                          }});
    scenes.push_back({"events", [](Stage& stage) {
                          openDemoClosely(stage);
                          stage.window().inspector().filterEvents();
                          stage.settle();
                      }});
    scenes.push_back({"events-filtered", [](Stage& stage) {
                          openDemoClosely(stage);
                          stage.window().inspector().filterEvents();
                          auto& filter = stage.find<widgets::FilterEdit>("eventsFilter");
                          QTest::keyClicks(&filter, QStringLiteral("kind=memcpy bytes>100KiB"));
                          QTest::keyClick(&filter, Qt::Key_Escape);
                          QTest::keyClick(&filter, Qt::Key_Return);
                          stage.settle();
                      }});
    scenes.push_back({"findings", [](Stage& stage) {
                          openPageable(stage);
                          showFindings(stage);
                      }});
    scenes.push_back({"findings-chosen", [](Stage& stage) {
                          openPageable(stage);
                          showFindings(stage);
                          stage.find<QTableView>("findings").selectRow(1);
                          stage.settle();
                      }});
    scenes.push_back({"findings-small",
                      [](Stage& stage) {
                          openPageable(stage);
                          showFindings(stage);
                      },
                      {640, 420}});
    scenes.push_back({"findings-none", [](Stage& stage) {
                          stage.openScript(nothingToFind());
                          showFindings(stage);
                      }});
    scenes.push_back({"import", [](Stage& stage) {
                          openDemo(stage);
                          stage.window().inspector().showImport();
                      }});
}

void addComparisons(std::vector<Scene>& scenes)
{
    scenes.push_back({"compare", compareDemos});
    scenes.push_back({"compare-requests", compareRequests});
    scenes.push_back({"compare-aligned", compareAligned, {1280, 800}});
    scenes.push_back({"compare-aligned-small", compareAligned, {640, 420}});
    scenes.push_back({"compare-nothing", [](Stage& stage) { stage.window().actions().compare->trigger(); }});
    scenes.push_back({"compare-reading",
                      [](Stage& stage) {
                          stage.window().hideNodes();
                          stage.window().pages().openCompare(Stage::demo("bert-pageable"), Stage::demo("bert-pinned"));
                          const auto& label = stage.find<QLabel>("stage");
                          stage.waitUntil("it says how far it is", [&label] { return label.text().contains(QLatin1String("kernels")); });
                      },
                      {1600, 1000},
                      heldSource(Held::BeforeSample)});
    scenes.push_back({"compare-needs-nsys",
                      [](Stage& stage) {
                          const auto report = stage.folder() / "run.nsys-rep";
                          test::writeFile(report, test::nsysReport("2025@1@1@110-251135451612v0", std::string(10'000, 'x')));
                          compare(stage, Stage::demo("bert-pageable"), report);
                      },
                      {1600, 1000},
                      sourceWithoutNsys()});
    scenes.push_back(
        {"compare-one-missing", [](Stage& stage) { compare(stage, Stage::demo("bert-pageable"), stage.folder() / "gone.gantry"); }});
}

/// Three numbers of instances under five loads, as a recipe's index has them.
std::string sweepIndex()
{
    std::vector<sweep::IndexEntry> entries;
    for (const int instances : {1, 2, 4})
        for (const int concurrency : {1, 2, 4, 8, 16}) {
            const double rate = 90.0 * std::min(concurrency, instances * 2) * (1 - 0.05 * instances) + concurrency;
            const double p99Ms = 1000.0 * concurrency / rate * (1.3 + 0.2 * instances);
            sweep::IndexEntry entry{{{"instances", std::to_string(instances)}, {"concurrency", std::to_string(concurrency)}}, {}, {}, {}};
            if (instances == 4 && concurrency == 16)
                entry.error = "the server ended: out of memory";
            else
                entry.load = R"({"levels":[{"ok":)" + std::to_string(instances == 1 && concurrency == 1 ? 61 : 2400) +
                             R"(,"inferences_per_second":)" + std::to_string(rate) + R"(,"latency_p50_ns":)" +
                             std::to_string(p99Ms * 0.6e6) + R"(,"latency_p90_ns":)" + std::to_string(p99Ms * 0.85e6) +
                             R"(,"latency_p99_ns":)" + std::to_string(p99Ms * 1e6) + R"(,"errors":{)" +
                             (instances == 2 && concurrency == 16 ? R"("queue is full":12)" : "") + "}}]}";
            entries.push_back(std::move(entry));
        }
    return sweep::indexText("bert", entries);
}

void showSweep(Stage& stage)
{
    stage.window().hideNodes();
    writeText(stage.folder() / "bert.sweep.json", sweepIndex().c_str());
    desktop::SweepPage& page = stage.window().pages().openSweep();
    page.setPaths({stage.folder().path()});
    stage.waitUntil("the sweep is read", [&page] { return page.isReady() || page.error(); });
    page.view().select(4);
}

void addSweeps(std::vector<Scene>& scenes)
{
    scenes.push_back({"sweep", showSweep, {1280, 800}});
    scenes.push_back({"sweep-small", showSweep, {640, 420}});
    scenes.push_back({"sweep-nothing", [](Stage& stage) { stage.window().actions().sweep->trigger(); }, {1280, 800}});
}

/// Two windows on the live plots, the second one pointed at from its report.
void showBands(Stage& stage)
{
    if (!stage.connectToServer())
        return;
    const desktop::LivePage& live = stage.window().live();
    stage.waitUntil("live metrics are drawn", [&live] { return live.drawnSpan() >= kLiveSpan; });
    for (const DurationNs length : {1'000'000'000, 2'000'000'000}) {
        stage.window().captureBar().setDuration(length);
        stage.window().captureBar().startAction()->trigger();
        stage.waitUntil("the window is captured",
                        [&stage] { return stage.window().pages().currentReport() && !stage.window().capture().isBusy(); });
        const desktop::ReportPage& report = *stage.window().pages().currentReport();
        stage.waitUntil("the report is read", [&report] { return report.state() == desktop::ReportPage::State::Loaded; });
        if (length == 2'000'000'000)
            stage.window().actions().showInLive->trigger();
        stage.window().actions().showLive->trigger();
    }
    stage.waitUntil("both windows are known", [&stage] {
        const auto& bands = stage.window().liveDesk().bands().bands();
        return std::count_if(bands.begin(), bands.end(), [](const desktop::CaptureBand& band) { return band.isExact; }) == 2;
    });
    const DurationNs before = live.drawnSpan();
    stage.waitUntil("they are drawn", [&live, before] { return live.drawnSpan() > before + kLiveSpan; });
}

void addNodes(std::vector<Scene>& scenes)
{
    scenes.push_back({"live", [](Stage& stage) {
                          if (!stage.connectToNode())
                              return; // a build without the daemon: the page says how to connect
                          const desktop::LivePage& live = stage.window().live();
                          stage.waitUntil("live metrics are drawn", [&live] { return live.drawnSpan() >= kLiveSpan; });
                      }});
    const auto rehearse = [](Stage& stage) {
        if (!stage.connectToNode(LocalNode::rehearsalOptions()))
            return;
        const desktop::LivePage& live = stage.window().live();
        stage.waitUntil("live metrics are drawn", [&live] { return live.drawnSpan() >= kLiveSpan; });
    };
    scenes.push_back({"live-recording", rehearse});
    scenes.push_back({"live-bands", showBands});
    scenes.push_back({"tiny-live-bands", showBands, {640, 420}});
    scenes.push_back({"tiny-live-recording", rehearse, {640, 420}});
    scenes.push_back({"node-unreachable", [](Stage& stage) {
                          const auto& node = stage.window().nodes().open("unix:" + (stage.folder() / "none.sock").string());
                          stage.waitUntil("the node is lost", [&node] { return node.state() == desktop::NodeController::State::Lost; });
                      }});
}

void edit(desktop::ModelsPage& page, const char* from, const char* to)
{
    page.editor()->edit()->setTextCursor(page.editor()->edit()->document()->find(QLatin1String(from)));
    QTest::keyClicks(page.editor()->edit(), QLatin1String(to));
}

/// A load of the chosen model, until it tells its progress.
desktop::ModelLoadPanel& startLoad(Stage& stage, desktop::ModelsPage& page, double seconds)
{
    page.showRequests();
    desktop::ModelLoadPanel& panel = *page.loadPanel();
    panel.findChild<QDoubleSpinBox*>(QStringLiteral("loadDuration"))->setValue(seconds);
    panel.start();
    stage.waitUntil("the load tells its progress", [&panel] { return panel.status()->text().contains(QStringLiteral("p99")); });
    return panel;
}

void measure(Stage& stage, desktop::ModelsPage& page)
{
    desktop::ModelLoadPanel& panel = startLoad(stage, page, 2);
    stage.waitUntil("what was measured is in sight", [&panel] {
        const QRect seen = panel.results()->visibleRegion().boundingRect();
        return !panel.isRunning() && seen.height() > panel.results()->height() / 2;
    });
}

void measureDecoder(Stage& stage, desktop::ModelsPage& page)
{
    page.select(QStringLiteral("tiny_decoder"));
    page.loadButton()->click();
    page.showRequests();
    stage.waitUntil("the decoder is loaded", [&page] { return page.loadPanel()->startButton()->isEnabled(); });
    measure(stage, page);
}

/// Pictures of a load in its states.
template <typename Add>
void addLoads(const Add& add)
{
    constexpr QSize kSmallest{640, 420};
    const auto unreached = [](Stage&, desktop::ModelsPage& page) {
        page.showRequests();
        page.loadPanel()->setAddress(
            app::loadAddress({"127.0.0.1:8001", "tritonserver", "gpu-07", *app::NodeAddress::parse("grpcs://gpu-07:8800?ca=ca.pem")}));
    };
    const auto cut = [](Stage& stage, desktop::ModelsPage& page) {
        desktop::ModelLoadPanel& panel = startLoad(stage, page, 600);
        desktop::NodeController* node = stage.window().nodes().current();
        if (!node->client()->stopTarget(page.targetId()))
            throw std::runtime_error("the server does not stop");
        stage.waitUntil("requests fail", [&panel] { return !panel.status()->text().contains(QStringLiteral(" 0 failed")); });
        panel.stop();
        stage.waitUntil("it is stopped", [&panel] { return !panel.isRunning(); });
    };
    add("load", [](Stage&, desktop::ModelsPage& page) { page.showRequests(); });
    add("load-running", [](Stage& stage, desktop::ModelsPage& page) { startLoad(stage, page, 600); });
    add("load-measured", measure);
    add("load-decoder", measureDecoder);
    add("load-not-ready", [](Stage&, desktop::ModelsPage& page) {
        page.select(QStringLiteral("identity"));
        page.showRequests();
    });
    add("load-not-reached", unreached);
    add("load-failures", cut);
    add(
        "small-load", [](Stage&, desktop::ModelsPage& page) { page.showRequests(); }, kSmallest);
    add("small-load-measured", measure, kSmallest);
    add("small-load-not-reached", unreached, kSmallest);
}

/// The page of a server's models in its states. Nothing in a build without a server.
void addModels(std::vector<Scene>& scenes)
{
    const auto add = [&](const char* name, void (*play)(Stage&, desktop::ModelsPage&), QSize size = {1600, 1000}) {
        scenes.push_back({name,
                          [play](Stage& stage) {
                              if (desktop::ModelsPage* page = stage.openModels())
                                  play(stage, *page);
                          },
                          size});
    };
    add("models", [](Stage&, desktop::ModelsPage&) {});
    add("models-edited", [](Stage& stage, desktop::ModelsPage& page) {
        edit(page, "max_batch_size: 16", "max_batch_size: 32");
        stage.waitUntil("the edit is checked", [&page] { return page.applyButton()->isEnabled(); });
    });
    add("models-unreadable", [](Stage& stage, desktop::ModelsPage& page) {
        edit(page, "max_batch_size: 16", "max_batch_size: many");
        stage.waitUntil("it says what is wrong", [&page] { return page.editor()->problems()->count() > 0; });
    });
    add("models-refused", [](Stage& stage, desktop::ModelsPage& page) {
        page.select(QStringLiteral("broken"));
        page.loadButton()->click();
        stage.waitUntil("it says why", [&page] { return !page.messages()->isHidden(); });
    });
    addLoads(add);
    add("small-models", [](Stage&, desktop::ModelsPage&) {}, {800, 600});
    add("models-not-connected", [](Stage& stage, desktop::ModelsPage& page) {
        stage.window().nodes().current()->close();
        stage.waitUntil("it says so", [&page] { return page.state() == desktop::ModelsPage::State::Failed; });
    });
}

/// The dialog of a capture, with what is chosen in it. Nothing in a build without a server.
void askForCapture(Stage& stage, const std::function<void(desktop::CaptureDialog&)>& choose)
{
    if (!stage.connectToServer())
        return;
    stage.window().captureBar().optionsAction()->trigger();
    choose(stage.find<desktop::CaptureDialog>());
}

void chooseNvtxRange(desktop::CaptureDialog& dialog)
{
    dialog.findChild<QComboBox*>(QStringLiteral("opening"))->setCurrentIndex(2);
}

void chooseWindows(desktop::CaptureDialog& dialog)
{
    dialog.findChild<QComboBox*>(QStringLiteral("begin"))->setCurrentIndex(1);
    dialog.findChild<QComboBox*>(QStringLiteral("end"))->setCurrentIndex(2);
    dialog.findChild<QSpinBox*>(QStringLiteral("windows"))->setValue(5);
    dialog.findChild<QDoubleSpinBox*>(QStringLiteral("period"))->setValue(10);
}

void chooseSomeWindows(desktop::CaptureDialog& dialog)
{
    chooseWindows(dialog);
    dialog.findChild<QSpinBox*>(QStringLiteral("keptOf"))->setValue(60);
    dialog.findChild<QSpinBox*>(QStringLiteral("kept"))->setValue(2);
}

/// Of a server that an engine can record which the node of the stage has not.
void askForCaptureBy(Stage& stage, proto::EngineKind engine)
{
    desktop::CaptureOptions options;
    options.engine = engine;
    auto* dialog = new desktop::CaptureDialog(options, {QStringLiteral("tritonserver"), QStringLiteral("gpu-07"), {}}, &stage.window());
    dialog->findChild<QTabWidget*>()->setCurrentIndex(1);
    dialog->open();
}

void addCaptures(std::vector<Scene>& scenes)
{
    scenes.push_back({"capture-options-engines", [](Stage& stage) {
                          askForCapture(stage, [](desktop::CaptureDialog& dialog) {
                              dialog.findChild<QComboBox*>(QStringLiteral("engine"))->showPopup();
                          });
                      }});
    scenes.push_back({"capture-options-nsys", [](Stage& stage) { askForCaptureBy(stage, proto::EngineKind::Nsys); }});
    scenes.push_back({"capture-options-some", [](Stage& stage) { askForCapture(stage, chooseSomeWindows); }});
    scenes.push_back({"capture-options-impossible", [](Stage& stage) {
                          askForCapture(stage, [](desktop::CaptureDialog& dialog) {
                              dialog.findChild<QComboBox*>(QStringLiteral("opening"))->setCurrentIndex(3);
                          });
                      }});
    scenes.push_back({"capture-options", [](Stage& stage) { askForCapture(stage, [](desktop::CaptureDialog&) {}); }});
    scenes.push_back({"capture-options-windows", [](Stage& stage) { askForCapture(stage, chooseWindows); }});
    scenes.push_back({"capture-options-range", [](Stage& stage) { askForCapture(stage, chooseNvtxRange); }});
    scenes.push_back({"capture-options-record", [](Stage& stage) {
                          askForCapture(stage, [](desktop::CaptureDialog& dialog) { dialog.findChild<QTabWidget*>()->setCurrentIndex(1); });
                      }});
    scenes.push_back({"small-capture-options", [](Stage& stage) { askForCapture(stage, chooseWindows); }, {800, 600}});
    scenes.push_back({"capture-waits", [](Stage& stage) {
                          if (!stage.connectToServer())
                              return;
                          stage.window().captureBar().optionsAction()->trigger();
                          auto& dialog = stage.find<desktop::CaptureDialog>();
                          chooseWindows(dialog);
                          dialog.accept();
                          stage.waitUntil("the window is waited for", [&stage] {
                              return stage.window().capture().stage() == desktop::CaptureController::Stage::Waiting;
                          });
                      }});
    addModels(scenes);
    scenes.push_back({"recorder-start", [](Stage& stage) {
                          if (stage.connectToServer())
                              stage.window().recorder().startAction()->trigger();
                      }});
    scenes.push_back({"recorder", [](Stage& stage) {
                          if (!stage.connectToServer())
                              return;
                          stage.window().recorder().startAction()->trigger();
                          stage.find<desktop::RecorderDialog>().accept();
                          stage.waitUntil("the recorder holds something", [&stage] {
                              const auto* recorder = stage.window().recorder().recorder();
                              return recorder && recorder->ringHeldNs >= kLiveSpan;
                          });
                      }});
}

void addDialogs(std::vector<Scene>& scenes)
{
    const auto dialog = [&scenes](const char* name, QAction* desktop::WindowActions::*action) {
        scenes.push_back({name, [action](Stage& stage) {
                              openDemoClosely(stage);
                              (stage.window().actions().*action)->trigger();
                          }});
    };
    using Actions = desktop::WindowActions;
    dialog("command-palette", &Actions::commands);
    dialog("shortcuts", &Actions::shortcuts);
    dialog("about", &Actions::about);
    dialog("export", &Actions::exportTrace);
    dialog("jump-to-time", &Actions::jumpToTime);
    dialog("gap-longer-than", &Actions::gapLongerThan);
    scenes.push_back({"clock-offsets", [](Stage& stage) {
                          stage.openTogether({Stage::demo("bert-pageable"), Stage::demo("bert-pinned")});
                          stage.window().actions().clockOffsets->trigger();
                      }});
    scenes.push_back({"view-menu", [](Stage& stage) {
                          openDemo(stage);
                          QMenuBar& bar = *stage.window().menuBar();
                          for (QAction* action : bar.actions()) {
                              if (action->menu()->actions().contains(stage.window().actions().zoomIn))
                                  action->menu()->popup(bar.mapToGlobal(bar.actionGeometry(action).bottomLeft()));
                          }
                      }});
}

void addSizes(std::vector<Scene>& scenes)
{
    constexpr QSize kNarrow{1000, 640}, kLarge{2560, 1440};
    const auto inBoth = [&](const std::string& name, const std::function<void(Stage&)>& play) {
        scenes.push_back({"narrow-" + name, play, kNarrow});
        scenes.push_back({"large-" + name, play, kLarge});
    };
    inBoth("start", [](Stage&) {});
    inBoth("request", [](Stage& stage) {
        openDemo(stage).stepSlowest(1);
        stage.settle();
    });
    inBoth("import", [](Stage& stage) {
        openDemo(stage);
        stage.window().inspector().showImport();
    });
    inBoth("events", [](Stage& stage) {
        openDemoClosely(stage);
        stage.window().inspector().filterEvents();
        stage.settle();
    });
    inBoth("compare", compareRequests);
    constexpr QSize kSmall{800, 600};
    scenes.push_back({"small-compare", compareRequests, kSmall});
    const auto waterfall = [](Stage& stage) {
        compareDemos(stage);
        stage.window().pages().currentCompare()->view()->showWaterfall(true);
    };
    scenes.push_back({"compare-waterfall", waterfall, {1280, 800}});
    scenes.push_back({"tiny-compare", compareRequests, {640, 420}});
    scenes.push_back({"tiny-compare-waterfall", waterfall, {640, 420}});
    scenes.push_back({"tiny-compare-differences",
                      [](Stage& stage) {
                          compareDemos(stage);
                          stage.window().pages().currentCompare()->view()->findChild<QTabBar*>()->setCurrentIndex(1);
                      },
                      {640, 420}});
    scenes.push_back({"small-compare-differences",
                      [](Stage& stage) {
                          compareDemos(stage);
                          stage.window().pages().currentCompare()->view()->findChild<QTabBar*>()->setCurrentIndex(1);
                      },
                      kSmall});
}

} // namespace

std::vector<Scene> allScenes()
{
    std::vector<Scene> scenes;
    for (const auto add : {addPagesOfFiles, addTimelines, addRows, addSearches, addTables, addComparisons, addSweeps, addNodes,
                           addConnections, addFleet, addNodePages, addCaptures, addDialogs, addSizes})
        add(scenes);
    return scenes;
}

} // namespace gantry::desktop_test
