#include "app/desktop/window_actions.h"

#include <QAction>
#include <QKeySequence>
#include <QMenu>
#include <QMenuBar>

#include <initializer_list>

namespace gantry::desktop {

namespace {

QAction* makeAction(QMainWindow& window, const QString& text, std::initializer_list<QKeySequence> keys, const QString& tip)
{
    auto* action = new QAction(text, &window);
    action->setShortcuts(QList<QKeySequence>(keys));
    action->setStatusTip(tip);
    QString plain = text;
    action->setToolTip(plain.remove(QLatin1Char('&')).remove(QStringLiteral("…")) +
                       (keys.size() ? QStringLiteral(" (%1)").arg(keys.begin()->toString(QKeySequence::NativeText)) : QString()));
    window.addAction(action);
    return action;
}

QString tr(const char* text)
{
    return QMainWindow::tr(text);
}

} // namespace

WindowActions::WindowActions(QMainWindow& window)
    : open(makeAction(window, tr("&Open…"), {QKeySequence::Open}, tr("Open reports and traces, each in a tab of its own"))),
      openTogether(makeAction(window, tr("Open &together…"), {QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_O)},
                              tr("Open several files as one report on one clock"))),
      clockOffsets(makeAction(window, tr("Clock &offsets…"), {}, tr("How the clocks of the files in front were aligned, or by hand"))),
      exportTrace(makeAction(window, tr("E&xport…"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_E)},
                             tr("Save the report in front in another format, or its timeline as a picture"))),
      saveView(makeAction(window, tr("&Save view"), {QKeySequence::Save},
                          tr("Keep range, rows and marks in a file beside the report, for the next time it is opened"))),
      closeTab(makeAction(window, tr("&Close tab"), {QKeySequence(Qt::CTRL | Qt::Key_W)}, tr("Close the report or comparison in front"))),
      exportScreenshot(makeAction(window, tr("&Export screenshot…"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_S)},
                                  tr("Save the page in front as a PNG"))),
      clearRecent(makeAction(window, tr("Clear this list"), {}, tr("Forget the reports opened before"))),
      quit(makeAction(window, tr("&Quit"), {QKeySequence::Quit}, tr("End Gantry"))),
      connectNode(makeAction(window, tr("&Connect…"), {QKeySequence(Qt::CTRL | Qt::Key_N)}, tr("Connect to a machine that runs gantryd"))),
      disconnectNode(makeAction(window, tr("&Disconnect"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_N)},
                                tr("Close the connection to the current node"))),
      refreshNode(
          makeAction(window, tr("&Refresh"), {QKeySequence(Qt::Key_F5)}, tr("Ask the node for its servers and reports, or connect again"))),
      showNode(makeAction(window, tr("Readiness, &processes, reports, log"), {QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_N)},
                          tr("The page of the current node"))),
      launch(makeAction(window, tr("&Launch a program…"), {QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_L)},
                        tr("Start a program on the current node, ready to be captured"))),
      cancelCapture(
          makeAction(window, tr("C&ancel"), {QKeySequence(Qt::CTRL | Qt::Key_Period)}, tr("Give up the capture or fetch that runs"))),
      compare(makeAction(window, tr("&Compare reports"), {QKeySequence(Qt::CTRL | Qt::Key_D)}, tr("Two reports beside each other"))),
      openBeside(makeAction(window, tr("Open &second report beside…"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_O)},
                            tr("Compare the report in front with another file"))),
      sweep(makeAction(window, tr("S&weep"), {QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_D)},
                       tr("Measurements under different settings: throughput against p99"))),
      zoomIn(makeAction(window, tr("Zoom &in"), {QKeySequence(QKeySequence::ZoomIn), QKeySequence(Qt::CTRL | Qt::Key_Equal)},
                        tr("W or wheel in the timeline"))),
      zoomOut(makeAction(window, tr("Zoom &out"), {QKeySequence(QKeySequence::ZoomOut)}, tr("S or wheel in the timeline"))),
      zoomToSelection(makeAction(window, tr("Zoom to &selection"), {QKeySequence(Qt::CTRL | Qt::Key_E)},
                                 tr("Fill the view with the selected event or range"))),
      fit(makeAction(window, tr("&Fit all"), {QKeySequence(Qt::CTRL | Qt::Key_0)}, tr("Show the whole report"))),
      back(makeAction(window, tr("&Back"), {QKeySequence::Back}, tr("The range shown before"))),
      forward(makeAction(window, tr("For&ward"), {QKeySequence::Forward}, tr("The range shown after"))),
      copyLink(makeAction(window, tr("&Copy link"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_C)},
                          tr("Copy the command that opens this report at what is shown and selected"))),
      hideRow(makeAction(window, tr("&Hide row"), {QKeySequence(Qt::Key_H)},
                         tr("Hide the row under the mouse, or that of the selected event"))),
      showHiddenRows(makeAction(window, tr("&Show hidden rows"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_H)},
                                tr("Show every row that was hidden"))),
      pinRow(makeAction(window, tr("&Pin or unpin row"), {QKeySequence(Qt::Key_P)},
                        tr("Keep the row under the mouse above those that scroll"))),
      moveRowUp(
          makeAction(window, tr("Move row &up"), {QKeySequence(Qt::ALT | Qt::Key_Up)}, tr("Above the row before it on the same level"))),
      moveRowDown(
          makeAction(window, tr("Move row &down"), {QKeySequence(Qt::ALT | Qt::Key_Down)}, tr("Below the row after it on the same level"))),
      packRequests(makeAction(window, tr("Requests by model and &version"), {QKeySequence(Qt::ALT | Qt::Key_1)},
                              tr("The requests of each version of a model in as few lanes as hold them"))),
      requestsByInstance(makeAction(window, tr("Requests by &instance"), {QKeySequence(Qt::ALT | Qt::Key_2)},
                                    tr("The requests of each instance of a model in lanes of their own"))),
      slowestFirst(makeAction(window, tr("&Slowest requests first"), {QKeySequence(Qt::ALT | Qt::Key_3)},
                              tr("The slowest requests in view of each model, one in a lane, the slowest on top"))),
      requestsByModel(makeAction(window, tr("Requests by &model"), {QKeySequence(Qt::ALT | Qt::Key_4)},
                                 tr("The requests of all versions of a model in one set of lanes"))),
      requestsTogether(makeAction(window, tr("Requests in &one set of lanes"), {QKeySequence(Qt::ALT | Qt::Key_5)},
                                  tr("All requests together, of whichever model"))),
      chooseRow(makeAction(window, tr("&List events of row"), {QKeySequence(Qt::Key_E)},
                           tr("The Events table lists what is on the row under the mouse, and on others so chosen"))),
      filterRows(makeAction(window, tr("&Filter rows…"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_F)},
                            tr("Show the rows whose names hold a text"))),
      darkTheme(makeAction(window, tr("&Dark theme"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_D)}, tr("Dark or light colours"))),
      showLive(makeAction(window, tr("&Live page"), {QKeySequence(Qt::CTRL | Qt::Key_L)}, tr("The dashboard of the current node"))),
      showInLive(makeAction(window, tr("Show in live &plots"), {QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_P)},
                            tr("The live plots of the report's node, at the time that is shown"))),
      showFleet(makeAction(window, tr("Fl&eet page"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_L)},
                           tr("All nodes at a glance, and what is done with several of them at once"))),
      nextTab(makeAction(window, tr("Next &tab"), {QKeySequence(Qt::CTRL | Qt::Key_Tab)}, tr("The page to the right"))),
      previousTab(makeAction(window, tr("Previous ta&b"), {QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_Tab)}, tr("The page to the left"))),
      addMark(makeAction(window, tr("&Add mark"), {QKeySequence(Qt::Key_M)},
                         tr("Mark the measured range or the time under the mouse, with a text"))),
      nextMark(makeAction(window, tr("&Next mark"), {QKeySequence(Qt::CTRL | Qt::Key_M)}, tr("Go to the next mark"))),
      previousMark(makeAction(window, tr("&Previous mark"), {QKeySequence(Qt::SHIFT | Qt::Key_M)}, tr("Go to the previous mark"))),
      removeMark(makeAction(window, tr("&Delete mark"), {QKeySequence(Qt::Key_Delete)},
                            tr("Delete the mark that was added, clicked or gone to last"))),
      filterEvents(makeAction(window, tr("Filter &events…"), {QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_F)},
                              tr("List the events in view that meet a filter"))),
      showFindings(makeAction(window, tr("F&indings"), {QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_I)},
                              tr("What makes requests of the report in front slow, and what to edit"))),
      find(makeAction(window, tr("&Find…"), {QKeySequence(Qt::Key_F), QKeySequence::Find},
                      tr("Find events by name in the report in front"))),
      nextMatch(makeAction(window, tr("&Next match"), {QKeySequence(Qt::Key_BracketRight), QKeySequence(Qt::Key_F3)},
                           tr("Go to the next match"))),
      previousMatch(makeAction(window, tr("&Previous match"), {QKeySequence(Qt::Key_BracketLeft), QKeySequence(Qt::SHIFT | Qt::Key_F3)},
                               tr("Go to the previous match"))),
      jumpToTime(makeAction(window, tr("&Jump to time…"), {QKeySequence(Qt::CTRL | Qt::Key_G)},
                            tr("Show a time since the report's start, or so much later or earlier"))),
      nextGap(
          makeAction(window, tr("Next &gap"), {QKeySequence(Qt::Key_G)}, tr("Go to the next idle gap of the selected row and measure it"))),
      gapLongerThan(makeAction(window, tr("Gap &longer than…"), {QKeySequence(Qt::SHIFT | Qt::Key_G)},
                               tr("How long gaps must be, then go to the next one"))),
      slowestRequest(
          makeAction(window, tr("&Slowest request"), {QKeySequence(Qt::Key_R)}, tr("Go to the slowest request, then to the next slowest"))),
      slowerRequest(
          makeAction(window, tr("Slo&wer request"), {QKeySequence(Qt::SHIFT | Qt::Key_R)}, tr("Back to the request that was slower"))),
      commands(
          makeAction(window, tr("Command &palette…"), {QKeySequence(Qt::CTRL | Qt::Key_K)}, tr("Find a command by some of its letters"))),
      shortcuts(makeAction(window, tr("&Shortcuts"), {QKeySequence(Qt::Key_F1)}, tr("All keys and mouse gestures"))),
      about(makeAction(window, tr("&About Gantry"), {}, tr("Version and licences")))
{
    darkTheme->setCheckable(true);
}

void WindowActions::buildMenus(QMenuBar& bar, const QList<QAction*>& capture, const QList<QAction*>& recorder)
{
    QMenu* file = bar.addMenu(tr("&File"));
    file->addAction(open);
    file->addAction(openTogether);
    recentMenu = file->addMenu(tr("Open &recent"));
    file->addSeparator();
    file->addAction(clockOffsets);
    file->addSeparator();
    file->addAction(saveView);
    file->addAction(exportTrace);
    file->addAction(exportScreenshot);
    file->addAction(closeTab);
    file->addSeparator();
    file->addAction(quit);

    QMenu* node = bar.addMenu(tr("&Node"));
    node->addActions({connectNode, disconnectNode, refreshNode});
    node->addSeparator();
    node->addActions({showNode, launch});

    QMenu* captureMenu = bar.addMenu(tr("&Capture"));
    captureMenu->addActions(capture);
    captureMenu->addAction(cancelCapture);
    captureMenu->addSeparator();
    captureMenu->addMenu(tr("&Recorder"))->addActions(recorder);

    QMenu* compareMenu = bar.addMenu(tr("C&ompare"));
    compareMenu->addActions({compare, openBeside, sweep});

    QMenu* view = bar.addMenu(tr("&View"));
    view->addActions({zoomIn, zoomOut, zoomToSelection, fit});
    view->addSeparator();
    view->addActions({back, forward, copyLink});
    view->addSeparator();
    QMenu* rows = view->addMenu(tr("&Rows"));
    rows->addActions({filterRows, chooseRow, pinRow, moveRowUp, moveRowDown, hideRow, showHiddenRows});
    QMenu* requests = view->addMenu(tr("Re&quests"));
    requests->addActions({packRequests, requestsByModel, requestsTogether, requestsByInstance, slowestFirst});
    view->addSeparator();
    view->addActions({showLive, showInLive, showFleet, nextTab, previousTab});
    docksMenu = view->addMenu(tr("&Panels"));
    view->addAction(darkTheme);

    marksMenu = bar.addMenu(tr("&Marks"));
    marksMenu->addActions({addMark, nextMark, previousMark, removeMark});
    marksMenu->addSeparator();

    QMenu* search = bar.addMenu(tr("&Search"));
    search->addActions({find, nextMatch, previousMatch, filterEvents, showFindings});
    search->addSeparator();
    search->addActions({jumpToTime, nextGap, gapLongerThan});
    search->addSeparator();
    search->addActions({slowestRequest, slowerRequest});
    search->addSeparator();
    search->addAction(commands);

    QMenu* help = bar.addMenu(tr("&Help"));
    help->addActions({shortcuts, about});
}

QString WindowActions::shortcutTable(const QMenuBar& bar) const
{
    QString html = QStringLiteral("<table cellpadding='3' cellspacing='0'>");
    const auto row = [&html](const QString& name, const QString& keys) {
        html += QStringLiteral("<tr><td>%1&nbsp;&nbsp;&nbsp;&nbsp;</td><td><b>%2</b></td></tr>")
                    .arg(name.toHtmlEscaped(), keys.toHtmlEscaped());
    };
    const auto heading = [&html](const QString& text) {
        html += QStringLiteral("<tr><td colspan='2'><br><i>%1</i></td></tr>").arg(text.toHtmlEscaped());
    };
    QList<QAction*> menus = bar.actions();
    for (qsizetype i = 0; i < menus.size(); ++i) {
        if (!menus[i]->menu())
            continue;
        heading(menus[i]->text().remove(QLatin1Char('&')));
        qsizetype next = i + 1; // a menu in the menu comes after it
        for (QAction* action : menus[i]->menu()->actions()) {
            if (action->menu() && !action->menu()->isEmpty() && action->menu() != recentMenu && action->menu() != docksMenu)
                menus.insert(next++, action);
            if (action->shortcuts().isEmpty())
                continue;
            QStringList keys;
            for (const QKeySequence& key : action->shortcuts())
                keys << key.toString(QKeySequence::NativeText);
            row(action->text().remove(QLatin1Char('&')), keys.join(tr(" or ")));
        }
    }
    heading(tr("In the timeline"));
    row(tr("Zoom at the cursor"), tr("W, S or wheel with Ctrl"));
    row(tr("Pan"), tr("A, D, arrows or drag with the middle button"));
    row(tr("Measure a range"), tr("drag"));
    row(tr("Zoom to an event"), tr("double-click"));
    row(tr("List the events of a row, and of others"), tr("click its name with Ctrl"));
    row(tr("Change the text of a mark"), tr("double-click its flag"));
    row(tr("Make a row taller or lower"), tr("drag the lower edge of its name; double-click resets"));
    row(tr("End a selection"), tr("Esc"));
    return html + QStringLiteral("</table>");
}

} // namespace gantry::desktop
