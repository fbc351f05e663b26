#include "report_fixture.h"

#include "app/desktop/capture_bar.h"
#include "app/desktop/clock_offsets_dialog.h"
#include "app/desktop/command_palette.h"
#include "app/desktop/compare_page.h"
#include "app/desktop/export_dialog.h"
#include "app/desktop/live_page.h"
#include "app/desktop/main_window.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_dialog.h"
#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/search_box.h"
#include "app/desktop/theme.h"
#include "app/desktop/window_actions.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"
#include "widgets/compare/compare_view.h"
#include "widgets/theme/theme.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAbstractItemView>
#include <QAction>
#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QComboBox>
#include <QCompleter>
#include <QDockWidget>
#include <QDoubleSpinBox>
#include <QDropEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMimeData>
#include <QPushButton>
#include <QSignalSpy>
#include <QSpinBox>
#include <QTabBar>
#include <QTest>
#include <QTextBrowser>
#include <QUrl>

#include <algorithm>
#include <filesystem>
#include <fstream>

using namespace gantry;
using namespace gantry::desktop;
using gantry::test::TemporaryFolder;

namespace {

constexpr int kPatienceMs = 20'000;

} // namespace

class MainWindowTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_a = *m_folder / "a.gantry";
        m_b = *m_folder / "b.gantry";
        desktop_test::writeReport(m_a);
        desktop_test::writeReport(m_b, {.requests = 5});
        m_runner = std::make_unique<jobs::JobRunner>(4);
        openWindow();
    }

    void cleanup()
    {
        m_window.reset();
        m_settings.reset();
        m_runner.reset();
    }

    void startsOnTheLivePageWithNothingToActOn()
    {
        QCOMPARE(pages().count(), 1);
        const WindowActions& actions = m_window->actions();
        for (const QAction* action :
             {actions.closeTab, actions.zoomIn, actions.zoomOut, actions.fit, actions.zoomToSelection, actions.find, actions.slowestRequest, actions.nextMatch,
              actions.previousMatch, actions.disconnectNode, actions.refreshNode, actions.cancelCapture})
            QVERIFY2(!action->isEnabled(), qPrintable(action->text()));
        for (const QAction* action : {actions.open, actions.compare, actions.openBeside, actions.connectNode})
            QVERIFY2(action->isEnabled(), qPrintable(action->text()));
        QVERIFY(!m_window->captureBar().startAction()->isEnabled());
        QVERIFY2(m_window->captureBar().startAction()->toolTip().contains(QStringLiteral("Connect to a node first")),
                 qPrintable(m_window->captureBar().startAction()->toolTip()));
        QVERIFY(!m_window->captureBar().stopAction()->isEnabled());
    }

    void theStartPageOffersToOpenAReport()
    {
        const auto buttons = m_window->live().findChildren<QPushButton*>();
        const auto open = std::find_if(buttons.begin(), buttons.end(),
                                       [](const QPushButton* button) { return button->text() == QStringLiteral("Open report…"); });
        QVERIFY(open != buttons.end() && (*open)->isVisible());
        QTest::mouseClick(*open, Qt::LeftButton);
        QVERIFY(m_window->findChild<QFileDialog*>());
        m_window->nodes().open("unix:" + (*m_folder / "none.sock").string());
        QVERIFY(!(*open)->isVisible()); // the page is about the node
    }

    void theShortcutsFitBesideTheirWindow()
    {
        m_window->resize(1000, 640);
        key(Qt::Key_F1);
        const auto* dialog = m_window->findChild<QDialog*>(QStringLiteral("shortcutsDialog"));
        QVERIFY(dialog && dialog->isVisible());
        QVERIFY2(dialog->height() < 640, qPrintable(QString::number(dialog->height())));
        QVERIFY(dialog->findChild<QTextBrowser*>()->toPlainText().contains(QStringLiteral("Ctrl+Shift+D")));
    }

    // Icons came with a change of the palette, which a second window does not see.
    void theToolbarHasIconsInEveryWindow()
    {
        openWindow();
        QVERIFY(!m_window->captureBar().startAction()->icon().isNull() && !m_window->actions().compare->icon().isNull());
    }

    // The Import tab's longest line and the trust strip kept it at 807 pixels.
    void aWindowWithAReportFitsBesideAnotherOne()
    {
        ReportPage& page = m_window->openReport(m_a);
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
        m_window->resize(640, 480);
        QTRY_COMPARE(m_window->size(), QSize(640, 480));
    }

    void actionsFollowThePageInFront()
    {
        const WindowActions& actions = m_window->actions();
        ReportPage& page = m_window->openReport(m_a);
        QVERIFY(actions.closeTab->isEnabled());
        QVERIFY(!actions.zoomIn->isEnabled()); // not loaded yet
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(actions.zoomIn->isEnabled() && actions.find->isEnabled() && actions.zoomToSelection->isEnabled());
        const DurationNs whole = page.timeline()->visibleRange().duration();
        actions.zoomIn->trigger();
        QVERIFY(page.timeline()->visibleRange().duration() < whole);
        actions.back->trigger();
        QCOMPARE(page.timeline()->visibleRange().duration(), whole);

        actions.showLive->trigger();
        QCOMPARE(pages().currentIndex(), 0);
        QVERIFY(!actions.zoomIn->isEnabled() && !actions.find->isEnabled() && !actions.closeTab->isEnabled());
        actions.nextTab->trigger();
        QCOMPARE(pages().currentReport(), &page);
        QVERIFY(actions.zoomIn->isEnabled());
    }

    void aReportThatIsOpenIsBroughtToTheFront()
    {
        ReportPage& a = open(m_a);
        open(m_b);
        QCOMPARE(pages().count(), 3);
        QCOMPARE(pages().tabText(1), QStringLiteral("a"));
        QCOMPARE(pages().tabText(2), QStringLiteral("b"));
        QCOMPARE(&m_window->openReport(m_a), &a);
        QCOMPARE(pages().count(), 3);
        QCOMPARE(pages().currentIndex(), 1);
        // The same file by another way.
        QCOMPARE(&m_window->openReport(m_a.parent_path() / "." / "x" / ".." / "a.gantry"), &a);
        QCOMPARE(pages().count(), 3);
    }

    void tabsAreClosedAndTheLivePageStays()
    {
        open(m_a);
        open(m_b);
        key(Qt::Key_W, Qt::ControlModifier);
        QCOMPARE(pages().count(), 2);
        QCOMPARE(pages().currentReport()->path(), m_a);
        m_window->openReport(m_b); // and closed again while it loads
        key(Qt::Key_W, Qt::ControlModifier);
        key(Qt::Key_W, Qt::ControlModifier);
        QCOMPARE(pages().count(), 1);
        key(Qt::Key_W, Qt::ControlModifier);
        QCOMPARE(pages().count(), 1);
        QVERIFY(!pages().tabBar()->tabButton(0, QTabBar::RightSide) && !pages().tabBar()->tabButton(0, QTabBar::LeftSide));
    }

    void aClosedPageLeavesNoTextInTheSearchBox()
    {
        open(m_a).find(QStringLiteral("gemm"));
        QCOMPARE(searchBox().text(), QStringLiteral("gemm"));
        key(Qt::Key_W, Qt::ControlModifier);
        QVERIFY(searchBox().text().isEmpty());
        QVERIFY(!searchBox().isEnabled());
    }

    void searchesByKeys()
    {
        ReportPage& page = open(m_a);
        key(Qt::Key_F);
        QTRY_VERIFY(searchBox().hasFocus());
        QTest::keyClicks(&searchBox(), QStringLiteral("softmax"));
        const auto* matches = m_window->findChild<QLabel*>(QStringLiteral("matchLabel"));
        QTRY_COMPARE_WITH_TIMEOUT(matches->text(), QStringLiteral("48 matches"), kPatienceMs);
        QTest::keyClick(&searchBox(), Qt::Key_Return);
        QCOMPARE(matches->text(), QStringLiteral("1 of 48"));
        QVERIFY(!searchBox().hasFocus());
        key(Qt::Key_BracketRight);
        key(Qt::Key_BracketRight);
        QCOMPARE(matches->text(), QStringLiteral("3 of 48"));
        key(Qt::Key_BracketLeft);
        QCOMPARE(matches->text(), QStringLiteral("2 of 48"));
        QCOMPARE(searchBox().text(), QStringLiteral("softmax"));
        QCOMPARE(page.trace()->nameOf(page.selectedEvent()), std::string("softmax_rows"));
        m_window->openReport(m_b);
        QVERIFY(searchBox().text().isEmpty()); // each report has its own search
    }

    void remembersWhatWasOpenedAndOffersItAgain()
    {
        open(m_a);
        open(m_b);
        const auto bad = *m_folder / "none.gantry";
        ReportPage& failed = m_window->openReport(bad);
        QTRY_COMPARE_WITH_TIMEOUT(failed.state(), ReportPage::State::Failed, kPatienceMs);
        QCOMPARE(m_settings->recentReports(),
                 (QStringList{QString::fromStdString(m_b), QString::fromStdString(m_a)})); // newest first, no failure

        while (pages().count() > 1)
            pages().closePage(1);
        QMenu* menu = m_window->actions().recentMenu;
        emit menu->aboutToShow();
        QCOMPARE(menu->actions().front()->text(), QStringLiteral("b.gantry"));
        menu->actions().front()->trigger();
        QVERIFY(pages().currentReport());
        QCOMPARE(pages().currentReport()->path(), m_b);

        m_window->actions().clearRecent->trigger();
        QVERIFY(m_settings->recentReports().isEmpty());
    }

    void opensFilesThatAreDroppedOnIt()
    {
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(QString::fromStdString(m_a)), QUrl::fromLocalFile(QString::fromStdString(m_b)),
                      QUrl(QStringLiteral("https://example.com/c"))});
        QDragEnterEvent enter(QPoint(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &enter);
        QVERIFY(enter.isAccepted());
        QDropEvent drop(QPointF(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &drop);
        QCOMPARE(pages().reports().size(), 2);
    }

    void filesOfEveryFormatAreDroppedAndRecognisedByWhatTheyHold()
    {
        const auto chrome = *m_folder / "notes.txt"; // the name says nothing
        std::ofstream(chrome) << R"({"traceEvents":[{"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":1,"dur":2,"args":{"stream":7,"device":0}}]})";
        const auto csv = *m_folder / "perf.log";
        std::ofstream(csv) << "Concurrency,Inferences/Second,Client Send,Network+Server Send/Recv,Server Queue,p99 latency\n1,69.2,225,2148,64,21018\n";
        QMimeData data;
        data.setUrls({QUrl::fromLocalFile(QString::fromStdString(chrome)), QUrl::fromLocalFile(QString::fromStdString(csv))});
        QDragEnterEvent enter(QPoint(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &enter);
        QDropEvent drop(QPointF(300, 300), Qt::CopyAction, &data, Qt::LeftButton, Qt::NoModifier);
        QApplication::sendEvent(m_window.get(), &drop);
        QCOMPARE(pages().reports().size(), 2);
        for (ReportPage* page : pages().reports())
            QTRY_COMPARE_WITH_TIMEOUT(page->state(), ReportPage::State::Loaded, kPatienceMs);
        QVERIFY(pages().reports()[0]->hasTimeline());
        QVERIFY(!pages().reports()[1]->hasTimeline());
        // What needs a time axis has nothing to act on.
        QCOMPARE(pages().currentReport(), pages().reports()[1]);
        QVERIFY(!m_window->actions().zoomIn->isEnabled() && !m_window->actions().find->isEnabled() && !searchBox().isEnabled());
        QVERIFY(m_window->actions().exportTrace->isEnabled());
    }

    void severalFilesOpenTogetherOnOnePageWithOffsetsToSet()
    {
        QVERIFY(!m_window->actions().clockOffsets->isEnabled());
        open(m_a);
        QVERIFY(!m_window->actions().clockOffsets->isEnabled()); // one file has one clock
        ReportPage& page = m_window->openTogether({m_a, m_b});
        QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs);
        QCOMPARE(pages().reports().size(), 2); // beside that of the first file alone
        QCOMPARE(&m_window->openTogether({m_a, m_b}), &page);
        QCOMPARE(page.trace()->imports.size(), std::size_t{2});
        QCOMPARE(m_settings->recentReports(), QStringList{QString::fromStdString(m_a)});

        QVERIFY(m_window->actions().clockOffsets->isEnabled());
        m_window->actions().clockOffsets->trigger();
        auto* dialog = m_window->findChild<ClockOffsetsDialog*>();
        QVERIFY(dialog);
        dialog->findChildren<QCheckBox*>()[1]->setChecked(true);
        dialog->findChildren<QDoubleSpinBox*>()[1]->setValue(2.5);
        QSignalSpy loaded(&page, &ReportPage::loaded);
        dialog->accept();
        QVERIFY(loaded.wait(kPatienceMs));
        QCOMPARE(page.files()[1].offset, std::optional<DurationNs>(2'500'000));
    }

    void aWrongExpressionIsSaidUnderTheSearchBox()
    {
        ReportPage& page = open(m_a);
        const auto* hint = m_window->findChild<QLabel*>(QStringLiteral("searchHint"));
        QVERIFY(hint->isHidden());
        QCOMPARE(searchBox().placeholderText(), QStringLiteral("name, /regex/, dur>50us stream=7…"));
        page.find(QStringLiteral("/a(/"));
        QTRY_VERIFY_WITH_TIMEOUT(hint->isVisible(), kPatienceMs);
        QVERIFY2(hint->text().contains(QStringLiteral("regular expression")), qPrintable(hint->text()));
        QVERIFY(hint->y() >= searchBox().mapTo(m_window.get(), QPoint(0, searchBox().height())).y());
        m_window->actions().showLive->trigger();
        QVERIFY(hint->isHidden()); // it is about that page
        page.find(QStringLiteral("gemm"));
        m_window->actions().nextTab->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(page.matchText(), QStringLiteral("48 matches"), kPatienceMs);
        QVERIFY(hint->isHidden());
    }

    void aFilterIsCompletedWithWhatTheReportHoldsAndItsMatchesAreCounted()
    {
        ReportPage& page = open(m_a);
        auto* box = m_window->findChild<SearchBox*>();
        box->setFocus();
        QTest::keyClicks(box, QStringLiteral("soft"));
        const QAbstractItemView& popup = *box->completions().popup();
        QTRY_VERIFY(popup.isVisible());
        QVERIFY(!popup.currentIndex().isValid()); // Return looks for what is typed
        QTRY_COMPARE_WITH_TIMEOUT(page.matchText(), QStringLiteral("48 matches"), kPatienceMs);
        QTest::keyClicks(box, QStringLiteral("max stream="));
        QTRY_VERIFY(popup.isVisible());
        const int streams = popup.model()->rowCount();
        QVERIFY2(streams >= 2, qPrintable(QString::number(streams)));
        const QString first = popup.model()->index(0, 0).data().toString();
        QVERIFY2(first.startsWith(QStringLiteral("stream=")), qPrintable(first));
        QTest::keyClick(box->completions().popup(), Qt::Key_Down);
        QTest::keyClick(box->completions().popup(), Qt::Key_Return);
        QCOMPARE(box->text(), QStringLiteral("softmax ") + first);
        QTRY_COMPARE_WITH_TIMEOUT(page.searchText(), box->text(), kPatienceMs);
        QVERIFY(box->hasFocus()); // that Return took the option and did not search
        QTest::keyClicks(box, QStringLiteral(" dur>5"));
        const auto* hint = m_window->findChild<QLabel*>(QStringLiteral("searchHint"));
        QTRY_VERIFY_WITH_TIMEOUT(hint->text().contains(QStringLiteral("time with its unit")), kPatienceMs);
        QTest::keyClicks(box, QStringLiteral("ns"));
        QTRY_VERIFY_WITH_TIMEOUT(hint->isHidden() && page.matchText() != QStringLiteral("searching…"), kPatienceMs);
        QTest::keyClick(box, Qt::Key_Return);
        QVERIFY(!box->hasFocus());
        QVERIFY2(page.matchText().startsWith(QStringLiteral("1 of ")), qPrintable(page.matchText()));
    }

    void exportsTheReportInFrontAndSaysWhere()
    {
        QVERIFY(!m_window->actions().exportTrace->isEnabled());
        open(m_a);
        m_window->actions().exportTrace->trigger();
        auto* dialog = m_window->findChild<ExportDialog*>();
        QVERIFY(dialog);
        dialog->startExport();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->messages().sentence(), QStringLiteral("Exported to %1.").arg(QString::fromStdString(*m_folder / "a.json")), kPatienceMs);
        QVERIFY(std::filesystem::exists(*m_folder / "a.json"));
    }

    void aCopiedLinkLeadsToWhatIsShownAndSelected()
    {
        ReportPage& page = open(m_a);
        const trace::EventId kernel(trace::EventKind::Kernel, 3);
        page.timeline()->setVisibleRange({1'000'000, 2'000'000});
        page.timeline()->selectEvent(kernel);
        const TimestampNs start = page.trace()->time.start;
        key(Qt::Key_C, Qt::ControlModifier | Qt::ShiftModifier);
        QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("gantry --view %1ns..%2ns --select kernel:3 %3")
                                                        .arg(1'000'000 - start)
                                                        .arg(2'000'000 - start)
                                                        .arg(QString::fromStdString(m_a)));
        const ViewPlace place = page.place();
        page.timeline()->fitAll();
        page.timeline()->clearSelection();
        m_window->showPlace(page, place);
        QCOMPARE(page.timeline()->visibleRange().start, TimestampNs{1'000'000});
        QCOMPARE(page.timeline()->visibleRange().end, TimestampNs{2'000'000});
        QVERIFY(page.timeline()->selectedEvent() == kernel);
        m_window->showPlace(page, {{}, trace::EventId(trace::EventKind::Kernel, 100'000)});
        QVERIFY(m_window->messages().sentence().contains(QStringLiteral("no kernel 100000")));
    }

    // In the dark Fusion's outline was a shade darker than the window, which is to say none.
    void aSpinBoxHasAnOutlineInTheDark()
    {
        applyTheme(widgets::ColorScheme::Dark);
        QSpinBox box;
        box.resize(120, 30);
        const QImage image = box.grab().toImage();
        const QColor window = widgets::Theme::of(widgets::ColorScheme::Dark).window;
        int lightest = 0; // of the left edge, at half its height
        for (int x = 0; x < 4; ++x)
            lightest = std::max(lightest, image.pixelColor(x, image.height() / 2).lightness());
        QVERIFY2(lightest > window.lightness() + 35, qPrintable(QString::number(lightest)));
        applyTheme(widgets::ColorScheme::Light);
        QCOMPARE(QApplication::palette("QSpinBox").color(QPalette::Window), widgets::Theme::of(widgets::ColorScheme::Light).window);
    }

    void theWindowIsCalledByWhatIsInFrontOfIt()
    {
        QCOMPARE(m_window->windowTitle(), QStringLiteral("Gantry"));
        m_window->openReport(m_a);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->windowTitle().endsWith(QStringLiteral(" – Gantry")), kPatienceMs);
        QVERIFY2(m_window->windowTitle().startsWith(QString::fromStdString(m_a.stem().string())), qPrintable(m_window->windowTitle()));
        m_window->actions().closeTab->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(m_window->windowTitle(), QStringLiteral("Gantry"), kPatienceMs);
    }

    // Whether Ctrl+S had done anything was told by the log of the node alone, where nobody looks for it.
    void aSavedViewAndACopiedLinkAreToldWhereTheUserLooks()
    {
        const auto file = *m_folder / "kept" / "a.gantry";
        std::filesystem::create_directories(file.parent_path());
        desktop_test::writeReport(file);
        ReportPage& page = open(file);
        m_window->actions().saveView->trigger();
        const auto told = [&] { return m_window->messages().sentence(); };
        QTRY_VERIFY_WITH_TIMEOUT(told().contains(QStringLiteral("The view is saved in")), kPatienceMs);
        m_window->actions().copyLink->trigger();
        QVERIFY2(told().contains(QStringLiteral("The link is in the clipboard")), qPrintable(told()));
        QVERIFY(QApplication::clipboard()->text().startsWith(QStringLiteral("gantry ")));
        QTRY_VERIFY_WITH_TIMEOUT(!told().contains(QStringLiteral("The link is in the clipboard")), kPatienceMs); // after a while

        std::filesystem::remove_all(file.parent_path());
        page.saveView();
        QTRY_VERIFY_WITH_TIMEOUT(told().contains(QStringLiteral("The view is not saved")), kPatienceMs);
        m_window->actions().copyLink->trigger();
        QVERIFY(told().contains(QStringLiteral("The view is not saved"))); // what is wrong stays
    }

    // On a laptop, or a screen of twice as many pixels, the panels of a large window left the timeline a tenth of it.
    void panelsLeaveThePageMostOfASmallWindow()
    {
        m_window->resize(1600, 1000);
        m_window->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_window.get()));
        open(m_a);
        m_window->resize(960, 560);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->pages().width() >= 500, kPatienceMs);
        QVERIFY2(m_window->pages().height() >= 250, qPrintable(QString::number(m_window->pages().height())));
        // Behind the toolbar's arrow it took no key, and what was typed into it went to the timeline: G, E and M do something there.
        auto* search = m_window->findChild<SearchBox*>();
        for (const int width : {960, 800}) {
            m_window->resize(width, 560);
            QTRY_VERIFY_WITH_TIMEOUT(search->isVisible(), kPatienceMs);
            m_window->actions().find->trigger();
            QTRY_VERIFY_WITH_TIMEOUT(search->hasFocus(), kPatienceMs);
        }
        m_window->resize(1600, 1000);
        QTRY_VERIFY_WITH_TIMEOUT(m_window->pages().width() >= 900, kPatienceMs);
    }

    // A picture of a report was offered as gantry.png, and "view.svg" became a PNG of that name.
    void aScreenshotIsCalledByItsReportAndIsAPng()
    {
        open(m_a);
        m_window->actions().exportScreenshot->trigger();
        auto* dialog = m_window->findChild<QFileDialog*>();
        QVERIFY(dialog);
        QCOMPARE(QFileInfo(dialog->selectedFiles().value(0)).fileName(), QStringLiteral("a.png"));
        const auto file = *m_folder / "view.svg";
        emit dialog->fileSelected(QString::fromStdString(file.string()));
        QVERIFY(!std::filesystem::exists(file) && std::filesystem::exists(*m_folder / "view.svg.png"));
        QVERIFY2(m_window->messages().sentence().contains(QStringLiteral("view.svg.png")), qPrintable(m_window->messages().sentence()));
        dialog->close();
    }

    void aCommandIsFoundByItsLettersAndDone()
    {
        key(Qt::Key_K, Qt::ControlModifier);
        auto* palette = m_window->findChild<CommandPalette*>();
        QVERIFY(palette);
        const QStringList all = palette->listed();
        QVERIFY(all.contains(QStringLiteral("File: Open together…")) && all.contains(QStringLiteral("View: Live page")));
        QVERIFY(!all.contains(QStringLiteral("File: Export…"))); // there is nothing to export
        auto* line = palette->findChild<QLineEdit*>();
        QTest::keyClicks(line, QStringLiteral("drkthm"));
        QCOMPARE(palette->listed(), QStringList{QStringLiteral("View: Dark theme")});
        const bool wasDark = m_window->actions().darkTheme->isChecked();
        QTest::keyClick(line, Qt::Key_Return);
        QVERIFY(!palette->isVisible());
        QCOMPARE(m_window->actions().darkTheme->isChecked(), !wasDark);
        m_window->actions().darkTheme->trigger();
    }

    void theCommandsOfTheReportInFrontAreOfferedAndChosenByTheArrows()
    {
        open(m_a);
        m_window->actions().commands->trigger();
        auto* palette = m_window->findChild<CommandPalette*>();
        auto* line = palette->findChild<QLineEdit*>();
        QTest::keyClicks(line, QStringLiteral("export"));
        QCOMPARE(palette->listed(), (QStringList{QStringLiteral("File: Export…"), QStringLiteral("File: Export screenshot…")}));
        QTest::keyClick(line, Qt::Key_Down);
        QTest::keyClick(line, Qt::Key_Up);
        QTest::keyClick(line, Qt::Key_Return);
        QVERIFY(m_window->findChild<ExportDialog*>());
    }

    void comparesTheTwoOpenReportsWithoutLoadingThemAgain()
    {
        ReportPage& a = open(m_a);
        ReportPage& b = open(m_b);
        key(Qt::Key_D, Qt::ControlModifier);
        ComparePage* compare = pages().currentCompare();
        QVERIFY(compare);
        QTRY_VERIFY_WITH_TIMEOUT(compare->isReady(), kPatienceMs);
        QCOMPARE(compare->view()->timeline(0).trace(), a.trace());
        QCOMPARE(compare->view()->timeline(1).trace(), b.trace());
        // A comparison has timelines to zoom, as soon as it is there; the actions stayed disabled until the tab was left.
        QVERIFY(m_window->actions().zoomIn->isEnabled());
        const DurationNs whole = compare->view()->timeline(0).visibleRange().duration();
        m_window->actions().zoomIn->trigger();
        QVERIFY(compare->view()->timeline(0).visibleRange().duration() < whole);
        QCOMPARE(compare->view()->timeline(1).visibleRange(), compare->view()->timeline(0).visibleRange());

        m_window->openReport(*m_folder / "c.gantry");
        QCOMPARE(pages().indexOf(compare), pages().count() - 1); // reports stay left of it
        m_window->actions().compare->trigger();
        QCOMPARE(pages().currentCompare(), compare); // there is one
        key(Qt::Key_W, Qt::ControlModifier);
        QCOMPARE(pages().reports().size(), 3);
        m_window->actions().compare->trigger();
        QVERIFY(pages().currentCompare());
    }

    void docksAreThoseOfThePageInFront()
    {
        QVERIFY(dock("detailsDock")->isHidden());
        open(m_a);
        QVERIFY(!dock("detailsDock")->isHidden());
        m_window->actions().showLive->trigger();
        QVERIFY(dock("detailsDock")->isHidden());
        QVERIFY(!dock("nodesDock")->isHidden());
    }

    void keepsItsLayoutThemeAndCaptureLength()
    {
        open(m_a);
        dock("detailsDock")->close();
        m_window->actions().darkTheme->trigger();
        const QColor dark = QApplication::palette().color(QPalette::Window);
        QVERIFY(dark.lightness() < 100);
        m_window->captureBar().setDuration(500'000'000);
        m_window->resize(1111, 777);
        m_window->close();
        m_window.reset();
        m_settings.reset();
        QApplication::setPalette(QPalette());

        openWindow();
        QCOMPARE(m_window->size(), QSize(1111, 777));
        QCOMPARE(QApplication::palette().color(QPalette::Window), dark);
        QVERIFY(m_window->actions().darkTheme->isChecked());
        QCOMPARE(m_window->captureBar().duration(), DurationNs{500'000'000});
        open(m_a);
        QVERIFY(dock("detailsDock")->isHidden()); // the user closed it
        QVERIFY(!dock("tablesDock")->isHidden());
        m_window->actions().darkTheme->trigger();
        QVERIFY(QApplication::palette().color(QPalette::Window).lightness() > 150);
    }

    void anUnreachableNodeIsASentenceOnTheLivePageAndNothingToCapture()
    {
        NodeController& node = m_window->nodes().open("unix:" + (*m_folder / "none.sock").string());
        QTRY_COMPARE_WITH_TIMEOUT(node.state(), NodeController::State::Lost, kPatienceMs);
        const QString sentence = m_window->live().banner()->sentence();
        QVERIFY2(sentence.contains(QStringLiteral("none.sock")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QStringLiteral("start it with")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QStringLiteral("Trying again")), qPrintable(sentence));
        // The seconds are counted down, not those of the moment in which it was lost.
        QTRY_VERIFY_WITH_TIMEOUT(node.retryInSeconds() > 3, kPatienceMs);
        const QString first = m_window->live().banner()->sentence();
        QTRY_VERIFY_WITH_TIMEOUT(m_window->live().banner()->sentence() != first, kPatienceMs);
        QVERIFY2(m_window->live().banner()->sentence().contains(QStringLiteral("Trying again in")), qPrintable(first));
        QVERIFY(!m_window->captureBar().startAction()->isEnabled());
        QVERIFY(m_window->actions().disconnectNode->isEnabled());
        QVERIFY(m_settings->recentNodes().isEmpty()); // never connected

        m_window->actions().disconnectNode->trigger();
        QCOMPARE(node.state(), NodeController::State::Disconnected);
        QVERIFY(m_window->live().banner()->sentence().isEmpty());
        QVERIFY(!m_window->actions().disconnectNode->isEnabled());
    }

    void jumpsToTheTimeThatIsTyped()
    {
        ReportPage& page = open(m_a);
        const auto middle = [&] { return page.timeline()->visibleRange().start + page.timeline()->visibleRange().duration() / 2; };
        const TimestampNs start = page.trace()->time.start;
        page.timeline()->setVisibleRange({start, start + 1'000'000});
        const auto jump = [&](const QString& text) {
            m_window->actions().jumpToTime->trigger();
            const QList<QInputDialog*> dialogs = m_window->findChildren<QInputDialog*>();
            QCOMPARE(dialogs.size(), 1);
            dialogs.front()->setTextValue(text);
            dialogs.front()->accept();
            QTRY_VERIFY(m_window->findChildren<QInputDialog*>().isEmpty());
        };
        jump(QStringLiteral("3.5 ms"));
        QCOMPARE(middle(), start + 3'500'000);
        QCOMPARE(page.timeline()->visibleRange().duration(), DurationNs{1'000'000});
        jump(QStringLiteral("+250us"));
        QCOMPARE(middle(), start + 3'750'000);
        jump(QStringLiteral("-1ms"));
        QCOMPARE(middle(), start + 2'750'000);
        jump(QStringLiteral("soon"));
        QCOMPARE(middle(), start + 2'750'000);
        QVERIFY2(m_window->messages().sentence().contains(QStringLiteral("is no time")), qPrintable(m_window->messages().sentence()));
        jump(QStringLiteral("5h"));
        QVERIFY2(m_window->messages().sentence().contains(QStringLiteral("outside the report")), qPrintable(m_window->messages().sentence()));
        jump(QStringLiteral("2ms"));
        QVERIFY(m_window->messages().isHidden()); // its cause is gone
    }

    void goesFromOneIdleGapToTheNextAndMeasuresIt()
    {
        ReportPage& page = open(m_a);
        m_window->actions().gapLongerThan->trigger();
        auto* dialog = m_window->findChild<QInputDialog*>();
        QVERIFY(dialog);
        dialog->setTextValue(QStringLiteral("100us"));
        dialog->accept();
        QTRY_VERIFY_WITH_TIMEOUT(page.timeline()->measuredRange(), kPatienceMs);
        const TimeRange first = *page.timeline()->measuredRange();
        QVERIFY(first.duration() >= 100'000);
        QVERIFY(page.timeline()->visibleRange().start <= first.start && first.end <= page.timeline()->visibleRange().end);
        m_window->activateWindow(); // the dialog was
        QTRY_VERIFY(m_window->isActiveWindow());
        key(Qt::Key_G);
        QTRY_VERIFY_WITH_TIMEOUT(page.timeline()->measuredRange()->start > first.start, kPatienceMs);
        QVERIFY(page.timeline()->measuredRange()->duration() >= 100'000); // remembered
        while (m_window->messages().isHidden()) {
            const TimeRange before = *page.timeline()->measuredRange();
            m_window->actions().nextGap->trigger();
            QTRY_VERIFY_WITH_TIMEOUT(*page.timeline()->measuredRange() != before || m_window->messages().isVisible(), kPatienceMs);
        }
        QVERIFY2(m_window->messages().sentence().contains(QStringLiteral("No gap of 100us")), qPrintable(m_window->messages().sentence()));
    }

    void asksForTheAddressOfANode()
    {
        m_window->actions().connectNode->trigger();
        auto* dialog = m_window->findChild<NodeDialog*>();
        QVERIFY(dialog);
        dialog->setEntry({QStringLiteral("  unix:/tmp/no-such-folder/gantryd.sock "), {}, {}, {}});
        dialog->accept();
        QCOMPARE(m_window->nodes().nodes().size(), std::size_t{1});
        QCOMPARE(m_window->nodes().current()->address(), std::string("unix:/tmp/no-such-folder/gantryd.sock"));
        QCOMPARE(m_window->findChild<QComboBox*>(QStringLiteral("nodeBox"))->currentText(),
                 QStringLiteral("unix:/tmp/no-such-folder/gantryd.sock"));
    }

    void everyActionHasATextAndKeysAreUsedOnce()
    {
        QHash<QString, QString> owner;
        for (const QAction* action : m_window->findChildren<QAction*>()) {
            if (action->shortcutContext() == Qt::WidgetShortcut)
                continue; // while its table has the focus, and no other one
            for (const QKeySequence& keys : action->shortcuts()) {
                const QString other = owner.value(keys.toString());
                QVERIFY2(other.isEmpty(), qPrintable(QStringLiteral("%1: %2 and %3").arg(keys.toString(), other, action->text())));
                owner.insert(keys.toString(), action->text());
                QVERIFY(!action->text().isEmpty());
            }
        }
        QVERIFY(owner.size() > 20);
    }

private:
    void openWindow()
    {
        m_settings = std::make_unique<Settings>(QString::fromStdString((*m_folder / "data").string()));
        m_window = std::make_unique<MainWindow>(*m_runner, *m_settings);
        m_window->setUnattended();
        m_window->show();
        m_window->activateWindow();
        QVERIFY(QTest::qWaitForWindowActive(m_window.get()));
    }

    ReportPage& open(const std::filesystem::path& path)
    {
        ReportPage& page = m_window->openReport(path);
        [&] { QTRY_COMPARE_WITH_TIMEOUT(page.state(), ReportPage::State::Loaded, kPatienceMs); }();
        return page;
    }

    void key(Qt::Key key, Qt::KeyboardModifiers modifiers = {}) { QTest::keyClick(m_window.get(), key, modifiers); }
    PageArea& pages() { return m_window->pages(); }
    QLineEdit& searchBox() { return *m_window->findChild<QLineEdit*>(QStringLiteral("searchBox")); }
    QDockWidget* dock(const char* name) { return m_window->findChild<QDockWidget*>(QLatin1String(name)); }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<MainWindow> m_window;
    std::filesystem::path m_a, m_b;
};

QTEST_MAIN(MainWindowTest)
#include "main_window_test.moc"
