#include "tests/widgets/timeline/timeline_hand.h"
#include "tests/widgets/trace_fixture.h"
#include "widgets/theme/glossary.h"
#include "widgets/timeline/lane_layout.h"
#include "widgets/timeline/saved_rows.h"

#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QLineEdit>
#include <QMenu>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QToolTip>

#include <algorithm>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using trace::EventId;
using trace::EventKind;
using trace::TrackId;
using RowChange = TimelineWidget::RowChange;

namespace {

/// The same server another time: other process and thread ids, another stream.
constexpr std::string_view kAnotherRun = R"(
window 0..1000000
process server
thread 12 bert_0
api 12 cudaLaunchKernel 95000..99000 corr 1
kernel gpu0/stream7 gemm 100000..130000 corr 1
kernel gpu0/stream9 gemm 140000..150000 corr 2
)";

const TimelineRow* rowNamed(const Hand& hand, std::string_view name)
{
    return hand.timeline.state().layout.rowOf(trackNamed(hand.trace(), name));
}

/// A point in the header on the lower edge of a row.
QPoint lowerEdge(const Hand& hand, std::string_view name)
{
    const TimelineRow* row = rowNamed(hand, name);
    return {60, screenY(hand.timeline.state(), row->y) + row->height - 1};
}

QAction* menuAction(Hand& hand, QPoint at, const QString& begin)
{
    QContextMenuEvent event(QContextMenuEvent::Mouse, at, hand.timeline.viewport()->mapToGlobal(at));
    QCoreApplication::sendEvent(hand.timeline.viewport(), &event);
    const auto menus = hand.timeline.findChildren<QMenu*>();
    for (QAction* action : menus.back()->actions())
        if (action->text().startsWith(begin))
            return action;
    return nullptr;
}

std::vector<std::string> shownNames(const Hand& hand)
{
    std::vector<std::string> names;
    for (const TimelineRow& row : hand.timeline.state().layout.rows())
        names.push_back(hand.trace().track(row.track).name);
    return names;
}

bool isShown(const Hand& hand, std::string_view name)
{
    const auto names = shownNames(hand);
    return std::find(names.begin(), names.end(), name) != names.end();
}

QString headerToolTip(Hand& hand, std::string_view row)
{
    const QPoint at = hand.headerPoint(row);
    QHelpEvent help(QEvent::ToolTip, at, hand.timeline.viewport()->mapToGlobal(at));
    QCoreApplication::sendEvent(hand.timeline.viewport(), &help);
    return QToolTip::text();
}

} // namespace

class TimelineRowsTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_server = traceOf(kServerScript); }

    void aHeaderExplainsItsNumbers()
    {
        Hand hand(m_server);
        for (const auto& [row, term] : {std::pair("Stream 7", "Percent of context time"), std::pair("Queue depth", "Queue depth")}) {
            const QString text = headerToolTip(hand, row);
            QVERIFY2(text.endsWith(termToolTip(QLatin1String(term))), qPrintable(text));
        }
    }

    // An instance called "queue" was explained as the phase.
    void aHeaderExplainsNoNameThatAFileGave()
    {
        Hand hand(traceOf("window 0..1000\n"
                          "thread 12 queue\n"
                          "thread 13 cache\n"
                          "execution 3 thread 12 model bert:1 instance queue 80..150\n"
                          "execution 4 thread 13 model bert:1 instance cache 310..600\n"
                          "request 7 model bert:1 0..200 queue 0..80 compute_infer 80..150 batch 3\n"
                          "request 9 model bert:1 300..620 queue 300..310 compute_infer 310..600 batch 4\n"));
        hand.timeline.setRequestOrder(RequestOrder::ByInstance);
        for (const char* row : {"queue", "By instance"}) {
            const QString name = QLatin1String(row);
            const QString text = headerToolTip(hand, row);
            QVERIFY2(text.contains(name), qPrintable(text));
            QCOMPARE(text.endsWith(termToolTip(name)), name == QStringLiteral("By instance"));
        }
    }

    void requestsAreShownPackedOrSlowestFirstAsTheMenuSays()
    {
        Hand hand(m_server);
        QSignalSpy changed(&hand.timeline, &TimelineWidget::rowsChanged);
        const auto packed = shownNames(hand);
        QVERIFY(!isShown(hand, "Slowest first"));
        const int height = rowNamed(hand, "bert:1")->height;
        QVERIFY(!menuAction(hand, hand.headerPoint("Stream 7"), QStringLiteral("Slowest requests"))); // has none
        menuAction(hand, hand.headerPoint("bert:1"), QStringLiteral("Slowest requests"))->trigger();
        QCOMPARE(changed.count(), 1);
        QVERIFY(isShown(hand, "Slowest first"));
        QVERIFY(rowNamed(hand, "bert:1")->height < height); // what is below it shows the same
        QCOMPARE(rowNamed(hand, "Slowest first")->depths, 3);
        // The first lane has the longest of the three, and a click there selects it.
        const TimelineRow* row = rowNamed(hand, "Slowest first");
        hand.click({hand.xOf(100'000), screenY(hand.timeline.state(), row->depthY(0)) + row->depthHeight / 2});
        QVERIFY(!hand.timeline.selectedRequest().isNone());
        QCOMPARE(hand.trace().requests[hand.timeline.selectedRequest().value].id, std::uint64_t{7});

        const QJsonObject saved = savedRows(hand.trace(), hand.timeline.rows(), {});
        QVERIFY(restoredRows(*m_server, saved).rows.requests == RequestOrder::SlowestFirst);
        hand.timeline.setRequestOrder(RequestOrder::Packed);
        QVERIFY(shownNames(hand) == packed);
        QVERIFY(savedRows(hand.trace(), hand.timeline.rows(), {}, saved).isEmpty());
    }

    void requestsOfInstancesHaveLanesOfTheirOwn()
    {
        Hand hand(traceOf("window 0..1000\n"
                          "thread 12 bert_0\n"
                          "thread 13 bert_1\n"
                          "execution 3 thread 12 model bert:1 instance bert_0 80..150\n"
                          "execution 4 thread 13 model bert:1 instance bert_1 310..600\n"
                          "request 7 model bert:1 0..200 queue 0..80 compute_infer 80..150 batch 3\n"
                          "request 9 model bert:1 300..620 queue 300..310 compute_infer 310..600 batch 4\n"));
        QVERIFY(!isShown(hand, "bert_1"));
        hand.timeline.setRowFilter(QStringLiteral("by instance"));
        QVERIFY(shownNames(hand).empty()); // nor found by what is not shown
        hand.timeline.setRowFilter({});
        hand.timeline.setRequestOrder(RequestOrder::ByInstance);
        QVERIFY(isShown(hand, "bert_0") && isShown(hand, "bert_1") && !isShown(hand, "Slowest first"));
        hand.click(hand.at(400, "bert_1"));
        QCOMPARE(hand.trace().requests[hand.timeline.selectedRequest().value].id, std::uint64_t{9});
        hand.click(hand.at(100, "bert_1"));
        QVERIFY(hand.timeline.selectedRequest().isNone()); // that one is of the other instance
        // What is gone to is shown, however requests are.
        hand.timeline.arrangeRow(trackNamed(hand.trace(), "By instance"), TimelineWidget::RowChange::Hide);
        const EventId queue = hand.event(EventKind::Phase, "queue");
        hand.timeline.reveal(queue);
        QVERIFY(hand.timeline.pointOf(queue));
        QVERIFY(hand.timeline.rows().requests == RequestOrder::Packed);
    }

    void requestsOfSeveralModelsAreShownTogetherOrByModel()
    {
        Hand hand(traceOf(
            "window 0..1000\nrequest 1 model bert:1 0..100\nrequest 2 model bert:2 150..250\nrequest 3 model add_sub:1 300..400\n"));
        QVERIFY(!isShown(hand, "All requests") && !isShown(hand, "bert"));
        const int height = rowNamed(hand, "bert:1")->height;
        menuAction(hand, hand.headerPoint("bert:1"), QStringLiteral("Requests in one set of lanes"))->trigger();
        QVERIFY(isShown(hand, "All requests") && !isShown(hand, "bert"));
        QVERIFY(rowNamed(hand, "bert:1")->isCollapsed && rowNamed(hand, "bert:1")->height <= height);
        for (const auto& [time, id] : {std::pair(50, 1), std::pair(200, 2), std::pair(350, 3)}) {
            hand.click(hand.at(time, "All requests"));
            QCOMPARE(hand.trace().requests[hand.timeline.selectedRequest().value].id, static_cast<std::uint64_t>(id));
        }
        const QJsonObject saved = savedRows(hand.trace(), hand.timeline.rows(), {});
        QVERIFY(restoredRows(hand.trace(), saved).rows.requests == RequestOrder::Together);
        menuAction(hand, hand.headerPoint("All requests"), QStringLiteral("Requests by model (Alt+4)"))->trigger();
        QVERIFY(isShown(hand, "bert") && isShown(hand, "add_sub") && !isShown(hand, "All requests"));
        hand.click(hand.at(200, "bert"));
        QCOMPARE(hand.trace().requests[hand.timeline.selectedRequest().value].id, std::uint64_t{2});
        // Of one model and version there is nothing to put together.
        Hand one(m_server);
        const auto names = shownNames(one);
        one.timeline.setRequestOrder(RequestOrder::Together);
        QVERIFY(shownNames(one) == names);
        QVERIFY(!rowNamed(one, "bert:1")->isCollapsed);
    }

    void whatFollowsTheViewIsAskedForOnceItRestsAndIsDrawnAndHitInPlaceOfTheOther()
    {
        Hand hand(m_server);
        QSignalSpy settled(&hand.timeline, &TimelineWidget::viewSettled);
        hand.timeline.setRequestOrder(RequestOrder::SlowestFirst);
        QTRY_COMPARE(settled.count(), 1);
        for (int i = 0; i < 5; ++i)
            hand.wheel(hand.at(150'000, "Stream 7"), {0, 120});
        QCOMPARE(settled.count(), 1);
        QTRY_COMPARE(settled.count(), 2);
        hand.timeline.fitAll();
        const TrackId track = trackNamed(hand.trace(), "Slowest first");
        const TimelineRow* row = rowNamed(hand, "Slowest first");
        const QPoint first(hand.xOf(100'000), screenY(hand.timeline.state(), row->depthY(0)) + row->depthHeight / 2);
        const EventId before = hand.timeline.eventAt(first);
        QVERIFY(!before.isNone());
        // Without the one that was on top.
        trace::ChosenRequests chosen{m_server->track(track).rows, "2 requests in view"};
        chosen.rows.erase(chosen.rows.begin());
        const int height = row->height;
        hand.timeline.setChosenRequests({{track, chosen}});
        QVERIFY(hand.timeline.eventAt(first) != before);
        QCOMPARE(rowNamed(hand, "Slowest first")->height, height); // rows below it stay where they are
        QVERIFY(headerToolTip(hand, "Slowest first").contains(QStringLiteral("2 requests in view")));
        QVERIFY(headerToolTip(hand, "Slowest first").contains(QStringLiteral("of those in view")));
        hand.timeline.selectEvent(before);
        for (const LaneHighlight& lane : hand.timeline.state().laneHighlights)
            QVERIFY(lane.event != before || lane.track != track);
    }

    void rowsAreChosenByClicksWithControlAndStayUnfolded()
    {
        Hand hand(m_server);
        QSignalSpy chosen(&hand.timeline, &TimelineWidget::chosenRowsChanged);
        const QImage before = hand.image();
        const auto rows = shownNames(hand);
        const auto click = [&](const char* name) {
            QTest::mouseClick(hand.timeline.viewport(), Qt::LeftButton, Qt::ControlModifier, hand.headerPoint(name));
        };
        click("Stream 7");
        click("bert:1");
        QCOMPARE(chosen.count(), 2);
        QVERIFY(hand.timeline.state().chosenRows ==
                (std::vector{trackNamed(hand.trace(), "Stream 7"), trackNamed(hand.trace(), "bert:1")}));
        QVERIFY(shownNames(hand) == rows);
        QVERIFY(hand.image() != before); // they are marked
        click("Stream 7");
        QCOMPARE(hand.timeline.state().chosenRows.size(), std::size_t{1});
        menuAction(hand, hand.headerPoint("Stream 7"), QStringLiteral("List only its events"))->trigger();
        QCOMPARE(hand.timeline.state().chosenRows.size(), std::size_t{2});
        hand.key(Qt::Key_Escape);
        QVERIFY(hand.timeline.state().chosenRows.empty());
        QCOMPARE(chosen.count(), 5);
    }

    void aRowIsHiddenWithAllBelowItAndShownAgainFromTheMenu()
    {
        Hand hand(m_server);
        QSignalSpy changed(&hand.timeline, &TimelineWidget::rowsChanged);
        const int height = hand.timeline.state().layout.height();
        menuAction(hand, hand.headerPoint("GPU 0"), QStringLiteral("Hide row"))->trigger();
        QVERIFY(!isShown(hand, "GPU 0"));
        QVERIFY(!isShown(hand, "Stream 7"));
        QVERIFY(isShown(hand, "bert:1"));
        QCOMPARE(hand.timeline.state().hiddenRows, 1);
        QVERIFY(hand.timeline.state().layout.height() < height);
        QCOMPARE(changed.count(), 1);

        menuAction(hand, hand.headerPoint("bert:1"), QStringLiteral("Show hidden rows: 1"))->trigger();
        QVERIFY(isShown(hand, "Stream 7"));
        QCOMPARE(hand.timeline.state().layout.height(), height);
        QVERIFY(!menuAction(hand, hand.headerPoint("bert:1"), QStringLiteral("Show hidden")));
    }

    void revealingAnEventShowsItsRowHoweverItIsArranged()
    {
        Hand hand(m_server);
        const EventId kernel = hand.event(EventKind::Kernel, "gemm");
        hand.timeline.arrangeRow(trackNamed(hand.trace(), "GPU 0"), RowChange::Hide);
        hand.timeline.setRowFilter(QStringLiteral("bert"));
        hand.timeline.reveal(kernel);
        QVERIFY(hand.timeline.pointOf(kernel));
        QCOMPARE(hand.timeline.state().hiddenRows, 0);
        QVERIFY(hand.timeline.state().filter.isEmpty());
    }

    // It used to unfold the row of all streams, which comes first.
    void revealingAKernelGoesToItsStreamAndLeavesTheRowOfAllStreamsFolded()
    {
        Hand hand(m_server);
        hand.click(hand.headerPoint("GPU 0"));
        hand.timeline.reveal(hand.event(EventKind::Kernel, "gemm"));
        QVERIFY(isShown(hand, "Stream 7"));
        QVERIFY(rowNamed(hand, "All streams")->isCollapsed);
        QCOMPARE(hand.timeline.currentRow(), trackNamed(hand.trace(), "Stream 7"));
    }

    void pinnedRowsStayWhereTheyAreWhileTheOthersScrollBelowThem()
    {
        Hand hand(m_server, {1000, 300});
        const EventId pinned = hand.event(EventKind::Kernel, "softmax");
        hand.timeline.arrangeRow(trackNamed(hand.trace(), "Stream 8"), RowChange::TogglePin);
        const TimelineRow* row = rowNamed(hand, "Stream 8");
        QVERIFY(row->isPinned);
        QCOMPARE(row->y, 0);
        QCOMPARE(row->indent, 0);
        QCOMPARE(hand.timeline.state().layout.pinnedHeight(), row->height);
        const auto names = shownNames(hand);
        QCOMPARE(std::count(names.begin(), names.end(), std::string("Stream 8")), std::ptrdiff_t{1});

        const QPoint before = hand.at(650'000, "Stream 8");
        QVERIFY(hand.timeline.eventAt(before) == pinned);
        QScrollBar* bar = hand.timeline.verticalScrollBar();
        QVERIFY(bar->maximum() > 40);
        bar->setValue(bar->maximum());
        QVERIFY(hand.timeline.eventAt(before) == pinned);
        // The last row of the content is seen in full, below the pinned one.
        const TimelineRow& last = hand.timeline.state().layout.rows().back();
        QCOMPARE(screenY(hand.timeline.state(), last.y) + last.height, hand.timeline.viewport()->height());
    }

    void whatScrollsBelowAPinnedRowIsNeitherDrawnNorHitThere()
    {
        Hand hand(m_server, {1000, 300});
        // Nothing of the pinned row is at the time of the requests: a colour there would be theirs.
        hand.timeline.arrangeRow(trackNamed(hand.trace(), "Stream 8"), RowChange::TogglePin);
        hand.timeline.verticalScrollBar()->setValue(30);
        const int height = rowNamed(hand, "Stream 8")->height;
        const QImage image = hand.image();
        const Theme& theme = *hand.timeline.state().theme;
        for (int y = 0; y < height - 2; ++y)
            for (int x = hand.xOf(100'000); x < hand.xOf(200'000); ++x) {
                const QRgb pixel = image.pixel(x, TimelineGeometry::rowsTop() + y) & 0xFFFFFFu;
                QVERIFY(pixel == (theme.canvas.rgb() & 0xFFFFFFu) || pixel == (theme.alternateRow.rgb() & 0xFFFFFFu) ||
                        pixel == (theme.gridLine.rgb() & 0xFFFFFFu));
            }
        QVERIFY(hand.timeline.eventAt({hand.xOf(120'000), TimelineGeometry::rowsTop() + height / 2}).isNone());
        for (int x = 0; x < 800; ++x)
            QCOMPARE(image.pixel(x, TimelineGeometry::rowsTop() + height - 1) & 0xFFFFFFu, theme.accent.rgb() & 0xFFFFFFu);
    }

    void aRowMovesAmongItsSiblingsAndNoFurther()
    {
        Hand hand(m_server);
        const TrackId first = trackNamed(hand.trace(), "Stream 7"), second = trackNamed(hand.trace(), "Stream 8");
        const auto yOf = [&](TrackId track) { return hand.timeline.state().layout.rowOf(track)->y; };
        QVERIFY(yOf(first) < yOf(second));
        hand.timeline.arrangeRow(second, RowChange::MoveUp);
        QVERIFY(yOf(second) < yOf(first));
        hand.timeline.arrangeRow(second, RowChange::MoveDown);
        QVERIFY(yOf(first) < yOf(second));
        for (int i = 0; i < 5; ++i)
            hand.timeline.arrangeRow(first, RowChange::MoveUp);
        QCOMPARE(hand.trace().track(first).parent, hand.trace().track(second).parent);
        QVERIFY(yOf(hand.trace().track(first).parent) < yOf(first));
    }

    void aRowIsDraggedByItsHeaderToAnotherPlaceOfItsParent()
    {
        Hand hand(m_server);
        const auto siblings = [&] {
            std::vector<std::string> names;
            for (const std::string& name : shownNames(hand))
                if (name.starts_with("Stream"))
                    names.push_back(name);
            return names;
        };
        QCOMPARE(siblings(), (std::vector<std::string>{"Stream 7", "Stream 8"}));
        QSignalSpy changed(&hand.timeline, &TimelineWidget::rowsChanged);
        const auto folded = hand.timeline.rows().folded;
        const QPoint from = hand.headerPoint("Stream 8"), above = hand.headerPoint("Stream 7") - QPoint(0, 6);
        const QImage before = hand.image();
        hand.press(from);
        hand.move((from + above) / 2);
        hand.move(above);
        const auto drop = hand.timeline.state().drop;
        QVERIFY(drop);
        QCOMPARE(drop->y, rowNamed(hand, "Stream 7")->y);
        QVERIFY(pixelsOf(hand.image(), hand.timeline.state().theme->accent) > pixelsOf(before, hand.timeline.state().theme->accent) + 1000);
        hand.release(above);
        QVERIFY(!hand.timeline.state().drop);
        QCOMPARE(siblings(), (std::vector<std::string>{"Stream 8", "Stream 7"}));
        QCOMPARE(changed.count(), 1);
        QVERIFY(hand.timeline.rows().folded == folded); // it was no click
        const QJsonObject saved = savedRows(hand.trace(), hand.timeline.rows(), {});
        QCOMPARE(restoredRows(*m_server, saved).rows, hand.timeline.rows());

        // Beside what has another parent it comes to lie at the end of its own.
        hand.drag(hand.headerPoint("Stream 8"), hand.headerPoint("server (1000)"));
        QCOMPARE(siblings(), (std::vector<std::string>{"Stream 7", "Stream 8"}));
        QCOMPARE(changed.count(), 2);
        // A row with rows below it takes them along.
        hand.drag(hand.headerPoint("server (1000)"), hand.headerPoint("Requests") - QPoint(0, 6));
        QCOMPARE(shownNames(hand).front(), std::string("server (1000)"));
        QCOMPARE(changed.count(), 3);
    }

    void aRowThatIsLetGoWhereItWasOrGivenUpStaysThere()
    {
        Hand hand(m_server);
        QSignalSpy changed(&hand.timeline, &TimelineWidget::rowsChanged);
        const auto names = shownNames(hand);
        const QPoint from = hand.headerPoint("Stream 8"), above = hand.headerPoint("Stream 7") - QPoint(0, 6);
        hand.drag(from, from + QPoint(0, 40));
        hand.press(from);
        hand.move(above);
        QVERIFY(hand.timeline.state().drop);
        hand.key(Qt::Key_Escape);
        QVERIFY(!hand.timeline.state().drop);
        hand.move(above + QPoint(0, 3));
        hand.release(above);
        QVERIFY(shownNames(hand) == names);
        QVERIFY(hand.timeline.rows().ranks.empty());
        QCOMPARE(changed.count(), 0);
        const bool wasFolded = rowNamed(hand, "Stream 8")->isFolded;
        hand.click(from); // and a click still folds
        QCOMPARE(changed.count(), 1);
        QVERIFY(rowNamed(hand, "Stream 8")->isFolded != wasFolded);
    }

    void aRowHeldAtTheEdgeScrollsWhatIsBelowIt()
    {
        Hand hand(m_server, {1000, 260});
        QScrollBar* bar = hand.timeline.verticalScrollBar();
        QVERIFY(bar->maximum() > 40);
        hand.press(hand.headerPoint("Requests"));
        hand.move(QPoint(60, hand.timeline.viewport()->height() - 5));
        QTRY_COMPARE(bar->value(), bar->maximum());
        QVERIFY(hand.timeline.state().drop->neighbour != trackNamed(hand.trace(), "Requests"));
        hand.move(QPoint(60, TimelineGeometry::rowsTop() + 3));
        QTRY_COMPARE(bar->value(), 0);
        hand.release(QPoint(60, TimelineGeometry::rowsTop() + 3));
        QCOMPARE(shownNames(hand).front(), std::string("Requests"));
    }

    void pinnedRowsAreDraggedAmongThemselves()
    {
        Hand hand(m_server);
        hand.timeline.arrangeRow(trackNamed(hand.trace(), "Stream 7"), RowChange::TogglePin);
        hand.timeline.arrangeRow(trackNamed(hand.trace(), "Stream 8"), RowChange::TogglePin);
        hand.drag(hand.headerPoint("Stream 7"), hand.headerPoint("GPU 0"));
        QCOMPARE(hand.timeline.rows().pinned, (std::vector{trackNamed(hand.trace(), "Stream 8"), trackNamed(hand.trace(), "Stream 7")}));
    }

    void howACounterIsDrawnIsKeptWithTheRows()
    {
        const TracePtr trace = traceWithSilentCounter();
        Hand hand(trace);
        QSignalSpy changed(&hand.timeline, &TimelineWidget::rowsChanged);
        menuAction(hand, hand.at(150'000, "gpu utilisation"), QStringLiteral("Draw as heat"))->trigger();
        QCOMPARE(changed.count(), 1);
        const QJsonObject saved = savedRows(*trace, hand.timeline.rows(), hand.timeline.state().counterStyles);
        Hand another(trace);
        const QImage area = another.image();
        RestoredRows restored = restoredRows(*trace, saved);
        another.timeline.setRows(std::move(restored.rows), std::move(restored.styles));
        QVERIFY(another.image() != area);
        QCOMPARE(another.image(), hand.image());
    }

    void typingInTheFilterShowsMatchingRowsWithTheirAncestors()
    {
        Hand hand(m_server);
        const auto all = shownNames(hand);
        hand.timeline.focusRowFilter();
        auto* field = hand.timeline.findChild<QLineEdit*>(QStringLiteral("rowFilter"));
        QVERIFY(field->isVisible());
        QTest::keyClicks(field, QStringLiteral("stream 8"));
        QVERIFY(isShown(hand, "Stream 8"));
        QVERIFY(isShown(hand, "GPU 0"));
        QVERIFY(!isShown(hand, "Stream 7"));
        QVERIFY(!isShown(hand, "bert:1"));
        QTest::keyClicks(field, QStringLiteral("!"));
        QVERIFY(shownNames(hand).empty());
        QVERIFY(pixelsOf(hand.image(), hand.timeline.state().theme->canvas) > 1000);
        QTest::keyClick(field, Qt::Key_Escape);
        QCOMPARE(shownNames(hand), all);
    }

    void aFoldedRowShowsWhatTheFilterFindsInIt()
    {
        Hand hand(m_server);
        hand.click(hand.headerPoint("GPU 0"));
        QVERIFY(!isShown(hand, "Stream 8"));
        hand.timeline.setRowFilter(QStringLiteral("Stream 8"));
        QVERIFY(isShown(hand, "Stream 8"));
        hand.timeline.setRowFilter({});
        QVERIFY(!isShown(hand, "Stream 8"));
    }

    void draggingALowerEdgeResizesARowAndADoubleClickTakesItBack()
    {
        Hand hand(m_server);
        const int before = rowNamed(hand, "Stream 7")->height;
        const bool wasFolded = rowNamed(hand, "Stream 7")->isFolded;
        const QPoint edge = lowerEdge(hand, "Stream 7");
        QSignalSpy changed(&hand.timeline, &TimelineWidget::rowsChanged);
        hand.drag(edge, edge + QPoint(0, 40));
        const TimelineRow row = *rowNamed(hand, "Stream 7");
        QVERIFY(std::abs(row.height - before - 40) <= row.depths);
        QVERIFY(row.depthHeight > 40);
        QCOMPARE(row.isFolded, wasFolded);
        QCOMPARE(changed.count(), 1);
        QTest::mouseDClick(hand.timeline.viewport(), Qt::LeftButton, Qt::NoModifier, lowerEdge(hand, "Stream 7"));
        QCOMPARE(rowNamed(hand, "Stream 7")->height, before);
        hand.drag(edge, edge - QPoint(0, 400));
        QVERIFY(rowNamed(hand, "Stream 7")->height >= kLowestRow);
    }

    void theCurrentRowIsThatUnderTheMouseElseThatOfTheSelection()
    {
        Hand hand(m_server);
        hand.timeline.selectEvent(hand.event(EventKind::Kernel, "softmax"));
        QCOMPARE(hand.timeline.currentRow(), trackNamed(hand.trace(), "Stream 8"));
        hand.move(hand.headerPoint("bert:1"), Qt::NoButton);
        QCOMPARE(hand.timeline.currentRow(), trackNamed(hand.trace(), "bert:1"));
        QEvent leave(QEvent::Leave);
        QCoreApplication::sendEvent(hand.timeline.viewport(), &leave);
        QCOMPARE(hand.timeline.currentRow(), trackNamed(hand.trace(), "Stream 8"));
    }

    void anArrangementFitsAnotherRunOfTheSameProgram()
    {
        Hand hand(m_server);
        const auto track = [&](std::string_view name) { return trackNamed(hand.trace(), name); };
        hand.timeline.arrangeRow(track("Stream 7"), RowChange::TogglePin);
        hand.timeline.arrangeRow(track("Stream 8"), RowChange::Hide);
        hand.timeline.arrangeRow(track("server (1000)"), RowChange::ToggleFold);
        const QPoint edge = lowerEdge(hand, "Stream 7");
        hand.drag(edge, edge + QPoint(0, 30));
        const QJsonObject saved = savedRows(hand.trace(), hand.timeline.rows(), hand.timeline.state().counterStyles);
        QCOMPARE(restoredRows(*m_server, saved).rows, hand.timeline.rows());

        auto changed = std::make_shared<trace::Trace>(*traceOf(kAnotherRun));
        for (trace::Track& each : changed->tracks)
            if (each.name == "server (1000)")
                each.name = "server (77)";
        const RowArrangement rows = restoredRows(*changed, saved).rows;
        QCOMPARE(rows.pinned, std::vector<TrackId>{trackNamed(*changed, "Stream 7")});
        QVERIFY(rows.folded.contains(trackNamed(*changed, "server (77)")));
        QCOMPARE(rows.heights.at(trackNamed(*changed, "Stream 7")), hand.timeline.rows().heights.at(track("Stream 7")));
        QVERIFY(rows.hidden.empty());
        // What this report lacks is not forgotten.
        QCOMPARE(restoredRows(*m_server, savedRows(*changed, rows, {}, saved)).rows.hidden, hand.timeline.rows().hidden);
    }

    void whatMakesNoSenseInAnArrangementIsLeftOut()
    {
        const std::string key = trackKeys(*m_server).front();
        const QJsonObject saved{
            {QString::fromStdString(key), QJsonObject{{QStringLiteral("height"), -5}, {QStringLiteral("pinned"), QStringLiteral("x")}}},
            {QStringLiteral("nothing"), 3}};
        const RestoredRows restored = restoredRows(*m_server, saved);
        QVERIFY(restored.rows.pinned.empty());
        QCOMPARE(restored.rows.heights.at(TrackId(0)), kLowestRow);
        QCOMPARE(restored.rows.folded, collapsedAtFirst(*m_server));
    }

private:
    TracePtr m_server;
};

QTEST_MAIN(TimelineRowsTest)
#include "timeline_rows_test.moc"
