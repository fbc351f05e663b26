#include "tests/widgets/timeline/timeline_hand.h"
#include "tests/widgets/trace_fixture.h"
#include "trace_model/trace/counter_levels.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QMenu>
#include <QMouseEvent>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QToolTip>
#include <QWheelEvent>

#include <algorithm>
#include <set>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using records::RequestPhase;
using trace::EventId;
using trace::EventKind;

class TimelineWidgetTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_server = traceOf(kServerScript); }

    void aReportIsShownWholeAtFirst()
    {
        TimelineWidget timeline;
        QSignalSpy moved(&timeline, &TimelineWidget::visibleRangeChanged);
        timeline.setTrace(m_server);
        QCOMPARE(timeline.visibleRange(), (TimeRange{0, 1'000'000}));
        QCOMPARE(moved.count(), 1);
        QVERIFY(timeline.selectedEvent().isNone());
    }

    // ---- zoom and pan

    void theWheelZoomsAtTheCursor()
    {
        Hand hand(m_server);
        const QPoint at = hand.at(300'000, "Stream 7");
        QSignalSpy moved(&hand.timeline, &TimelineWidget::visibleRangeChanged);
        hand.wheel(at, {0, 120});
        QCOMPARE(moved.count(), 1);
        QCOMPARE(hand.timeline.visibleRange().duration(), DurationNs{800'000});
        QVERIFY(std::abs(hand.xOf(300'000) - at.x()) <= 1);
        for (int i = 0; i < 60; ++i)
            hand.wheel(at, {0, 120});
        QCOMPARE(hand.timeline.visibleRange().duration(), kShortestView);
        for (int i = 0; i < 60; ++i)
            hand.wheel(at, {0, -120});
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    void aTouchpadZoomsInStepsAsSmallAsItsOwn()
    {
        Hand hand(m_server);
        const QPoint at = hand.at(500'000, "Stream 7");
        for (int i = 0; i < 8; ++i)
            hand.wheel(at, {0, 15});
        QVERIFY(std::abs(hand.timeline.visibleRange().duration() - 800'000) < 10);
    }

    void theWheelPansWithShiftOrSidewaysAndScrollsOverTheHeader()
    {
        Hand hand(m_server, {1000, 260});
        hand.timeline.setVisibleRange({200'000, 400'000});
        const QPoint at = hand.at(300'000, "bert:1");
        hand.wheel(at, {0, -120}, Qt::ShiftModifier);
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{220'000, 420'000}));
        hand.wheel(at, {-75, 0});
        QCOMPARE(hand.timeline.visibleRange().duration(), DurationNs{200'000});
        QVERIFY(hand.timeline.visibleRange().start > 220'000);

        const TimeRange view = hand.timeline.visibleRange();
        hand.wheel({60, 150}, {0, -120});
        QCOMPARE(hand.timeline.visibleRange(), view);
        QCOMPARE(hand.timeline.state().scrollY, 60);
    }

    void keysZoomPanAndShowEverything()
    {
        Hand hand(m_server);
        hand.key(Qt::Key_W);
        QCOMPARE(hand.timeline.visibleRange().duration(), DurationNs{700'000});
        hand.key(Qt::Key_S);
        QCOMPARE(hand.timeline.visibleRange().duration(), DurationNs{1'000'000});

        hand.timeline.setVisibleRange({400'000, 500'000});
        for (const auto& [back, forward] : {std::pair(Qt::Key_A, Qt::Key_D), std::pair(Qt::Key_Left, Qt::Key_Right)}) {
            hand.key(forward);
            QCOMPARE(hand.timeline.visibleRange(), (TimeRange{412'000, 512'000}));
            hand.key(back);
            QCOMPARE(hand.timeline.visibleRange(), (TimeRange{400'000, 500'000}));
        }
        for (int i = 0; i < 60; ++i)
            hand.key(Qt::Key_D);
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{900'000, 1'000'000}));
        hand.key(Qt::Key_Home);
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    void keysScrollTheRows()
    {
        Hand hand(m_server, {1000, 200});
        const int most = hand.timeline.verticalScrollBar()->maximum();
        QVERIFY(most > 0);
        hand.key(Qt::Key_Down);
        QCOMPARE(hand.timeline.state().scrollY, 24);
        hand.key(Qt::Key_Up);
        QCOMPARE(hand.timeline.state().scrollY, 0);
        hand.key(Qt::Key_PageDown);
        QCOMPARE(hand.timeline.state().scrollY, std::min(most, hand.timeline.state().geometry.rowsHeight()));
        hand.key(Qt::Key_PageUp);
        QCOMPARE(hand.timeline.state().scrollY, 0);
    }

    void keysWithControlAreLeftToTheWindow()
    {
        Hand hand(m_server);
        QKeyEvent event(QEvent::KeyPress, Qt::Key_W, Qt::ControlModifier);
        QCoreApplication::sendEvent(&hand.timeline, &event);
        QVERIFY(!event.isAccepted());
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    void theKeyZoomsWhereTheMouseIs()
    {
        Hand hand(m_server);
        const QPoint at = hand.at(150'000, "Stream 7");
        hand.move(at, Qt::NoButton);
        hand.key(Qt::Key_W);
        QVERIFY(std::abs(hand.xOf(150'000) - at.x()) <= 1);
    }

    void middleAndShiftDragPanAndAreOneStepBack()
    {
        for (const auto& [button, modifiers] : {std::pair(Qt::MiddleButton, Qt::NoModifier), std::pair(Qt::LeftButton, Qt::ShiftModifier)}) {
            Hand hand(m_server);
            hand.timeline.setVisibleRange({400'000, 500'000});
            const int width = hand.timeline.state().geometry.plotWidth();
            const QPoint from = hand.at(450'000, "Stream 7");
            hand.drag(from, from - QPoint(width / 4, 0), button, modifiers);
            QVERIFY(std::abs(hand.timeline.visibleRange().start - 425'000) < 300);
            QVERIFY(!hand.timeline.measuredRange());
            hand.key(Qt::Key_B);
            QCOMPARE(hand.timeline.visibleRange(), (TimeRange{400'000, 500'000}));
        }
    }

    void aClickOnTheMinimapBringsTheViewThereAndADoubleClickShowsEverything()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({0, 100'000});
        hand.click(hand.minimapPoint(600'000));
        QVERIFY(std::abs(hand.timeline.visibleRange().start - 550'000) < 2'000);
        QCOMPARE(hand.timeline.visibleRange().duration(), DurationNs{100'000});
        hand.doubleClick(hand.minimapPoint(300'000));
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    void theViewOnTheMinimapIsDraggedByItsMiddleAsOneStepBack()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({200'000, 400'000});
        hand.drag(hand.minimapPoint(300'000), hand.minimapPoint(500'000));
        QVERIFY(std::abs(hand.timeline.visibleRange().start - 400'000) < 3'000);
        QCOMPARE(hand.timeline.visibleRange().duration(), DurationNs{200'000});
        hand.key(Qt::Key_B);
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{200'000, 400'000}));
    }

    void theViewOnTheMinimapIsMadeLongerAndShorterByItsEdges()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({200'000, 400'000});
        hand.drag(hand.minimapPoint(200'000), hand.minimapPoint(100'000));
        QVERIFY(std::abs(hand.timeline.visibleRange().start - 100'000) < 3'000);
        QCOMPARE(hand.timeline.visibleRange().end, TimestampNs{400'000});
        hand.drag(hand.minimapPoint(400'000), hand.minimapPoint(800'000));
        QVERIFY(std::abs(hand.timeline.visibleRange().end - 800'000) < 3'000);
        // Past the other edge it stops at the shortest view.
        hand.drag(hand.minimapPoint(800'000), hand.minimapPoint(10'000));
        QCOMPARE(hand.timeline.visibleRange().duration(), kShortestView);
        hand.key(Qt::Key_B);
        QVERIFY(std::abs(hand.timeline.visibleRange().end - 800'000) < 3'000);
    }

    void aDragBesideTheViewOnTheMinimapSelectsARange()
    {
        Hand hand(m_server);
        hand.drag(hand.minimapPoint(600'000), hand.minimapPoint(300'000)); // all is visible: there is nothing to move
        QVERIFY(std::abs(hand.timeline.visibleRange().start - 300'000) < 3'000);
        QVERIFY(std::abs(hand.timeline.visibleRange().end - 600'000) < 3'000);
        hand.press(hand.minimapPoint(800'000));
        hand.move(hand.minimapPoint(900'000));
        QVERIFY(hand.timeline.state().brush);
        QVERIFY(hand.timeline.visibleRange().end < 610'000); // not before the button is let go
        hand.release(hand.minimapPoint(900'000));
        QVERIFY(!hand.timeline.state().brush);
        QVERIFY(std::abs(hand.timeline.visibleRange().start - 800'000) < 3'000);
        hand.key(Qt::Key_B);
        hand.key(Qt::Key_B);
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    void doubleClickZoomsToAnEventAndIntoEmptySpace()
    {
        Hand hand(m_server);
        const EventId kernel = hand.event(EventKind::Kernel, "softmax");
        hand.doubleClick(*hand.timeline.pointOf(kernel));
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{590'000, 710'000}));
        QVERIFY(hand.timeline.selectedEvent() == kernel);
        hand.timeline.fitAll();
        hand.doubleClick(hand.at(400'000, "Stream 8"));
        QCOMPARE(hand.timeline.visibleRange().duration(), DurationNs{490'000});
    }

    void zoomingOutReachesWhatWasMeasuredBeforeTheWindow()
    {
        TimelineWidget timeline;
        timeline.resize(800, 400);
        timeline.setTrace(traceOf("window 0..1000000\nkernel gpu0/stream7 gemm 100000..200000 corr 1\n"
                                  "gauge gpu_power_w{gpu=\"0\"} -500000=100 500000=200\n"));
        const TimeRange recorded{0, 1'000'000};
        QCOMPARE(timeline.trace()->time, recorded); // what leads up to the window does not make it longer
        QCOMPARE(timeline.visibleRange(), recorded);
        for (int step = 0; step < 8; ++step)
            timeline.zoomOut();
        QCOMPARE(timeline.visibleRange(), (TimeRange{-500'000, 1'000'000}));
        timeline.fitAll();
        QCOMPARE(timeline.visibleRange(), recorded);
    }

    // ---- history

    void backAndForwardVisitTheSameRanges()
    {
        Hand hand(m_server);
        const TimeRange first{100'000, 200'000}, second{300'000, 320'000};
        hand.timeline.setVisibleRange(first);
        hand.timeline.setVisibleRange(second);
        hand.key(Qt::Key_B);
        QCOMPARE(hand.timeline.visibleRange(), first);
        hand.key(Qt::Key_B);
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
        hand.timeline.goForward();
        hand.timeline.goForward();
        QCOMPARE(hand.timeline.visibleRange(), second);
    }

    void aRunOfWheelStepsIsOneStepBack()
    {
        Hand hand(m_server);
        for (int i = 0; i < 5; ++i)
            hand.wheel(hand.at(300'000, "Stream 7"), {0, 120});
        QVERIFY(hand.timeline.visibleRange() != hand.trace().time);
        hand.timeline.goBack();
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    // A step to where the view already was used to forget what Forward would have shown.
    void aStepThatChangesNothingForgetsNothing()
    {
        Hand hand(m_server);
        const TimeRange range{100'000, 200'000};
        hand.timeline.setVisibleRange(range);
        hand.timeline.goBack();
        hand.key(Qt::Key_Home);
        hand.key(Qt::Key_A);
        hand.wheel(hand.at(300'000, "Stream 7"), {0, -120});
        hand.press(hand.at(300'000, "Stream 7"), Qt::MiddleButton);
        hand.release(hand.at(300'000, "Stream 7"), Qt::MiddleButton);
        hand.timeline.goForward();
        QCOMPARE(hand.timeline.visibleRange(), range);
    }

    void aFollowedRangeIsNeitherRememberedNorAnnounced()
    {
        Hand hand(m_server);
        QSignalSpy moved(&hand.timeline, &TimelineWidget::visibleRangeChanged);
        hand.timeline.followVisibleRange({100'000, 200'000});
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{100'000, 200'000}));
        hand.timeline.goBack();
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{100'000, 200'000}));
        QCOMPARE(moved.count(), 0);
    }

    void anExtentLongerThanTheReportLetsTheViewGoBeyondIt()
    {
        Hand hand(m_server);
        hand.timeline.setExtent({0, 2'000'000});
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{0, 2'000'000}));
        hand.timeline.setVisibleRange({1'500'000, 1'600'000});
        QVERIFY(hand.timeline.eventAt(hand.at(1'550'000, "Stream 7")).isNone());
        hand.timeline.fitAll();
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{0, 2'000'000}));
        hand.timeline.setTrace(m_server);
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{0, 1'000'000}));
    }

    // ---- measuring

    void aDragMeasuresAndZoomsToWhatItMeasured()
    {
        Hand hand(m_server);
        QSignalSpy measured(&hand.timeline, &TimelineWidget::measureChanged);
        hand.drag(hand.at(200'000, "Stream 7"), hand.at(600'000, "Stream 8"));
        QCOMPARE(measured.count(), 1);
        QVERIFY(hand.timeline.measuredRange());
        QVERIFY(std::abs(hand.timeline.measuredRange()->start - 200'000) <= 1'400);
        QVERIFY(std::abs(hand.timeline.measuredRange()->end - 600'000) <= 1'400);
        QVERIFY(hand.timeline.selectedEvent().isNone());

        const TimeRange range = *hand.timeline.measuredRange();
        hand.key(Qt::Key_Z);
        QCOMPARE(hand.timeline.visibleRange(), range);
        QVERIFY(!hand.timeline.measuredRange());
        QCOMPARE(measured.count(), 2);
    }

    void anEndOfAMeasureIsHeldByTheEdgeOfASpanNearIt()
    {
        Hand hand(m_server);
        const int stream7 = hand.headerPoint("Stream 7").y(), stream8 = hand.headerPoint("Stream 8").y();
        hand.drag({hand.xOf(130'000) + 4, stream7}, {hand.xOf(600'000) - 5, stream8});
        QCOMPARE(hand.timeline.measuredRange(), std::optional(TimeRange{130'000, 600'000}));
        QCOMPARE(hand.timeline.state().snapStart->time, TimestampNs{130'000});
        QCOMPARE(hand.timeline.state().snapEnd->track, trackNamed(hand.trace(), "Stream 8"));
        // Nothing is near: the mouse decides.
        hand.drag({hand.xOf(300'000), stream7}, {hand.xOf(500'000), stream8});
        QVERIFY(!hand.timeline.state().snapStart && !hand.timeline.state().snapEnd);
        QVERIFY(std::abs(hand.timeline.measuredRange()->start - 300'000) <= 1'400);
        hand.key(Qt::Key_Escape);
        QVERIFY(!hand.timeline.state().snapStart);
    }

    void withControlAMeasureIsHeldByNothing()
    {
        Hand hand(m_server);
        const int stream8 = hand.timeline.pointOf(hand.event(EventKind::Kernel, "softmax"))->y();
        hand.press({hand.xOf(400'000), stream8});
        hand.move({hand.xOf(600'000) - 5, stream8}, Qt::LeftButton, Qt::ControlModifier);
        QVERIFY(!hand.timeline.state().snapEnd);
        QVERIFY(hand.timeline.measuredRange()->end < 595'000);
    }

    void aDragOnTheRulerMeasuresBackwardsAndBeyondTheEdge()
    {
        Hand hand(m_server);
        hand.drag(hand.rulerPoint(300'000), {20, hand.rulerPoint(0).y()});
        QVERIFY(hand.timeline.measuredRange());
        QCOMPARE(hand.timeline.measuredRange()->start, TimestampNs{0});
        QVERIFY(std::abs(hand.timeline.measuredRange()->end - 300'000) <= 1'400);
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    void escapeAndAClickEndTheMeasure()
    {
        Hand hand(m_server);
        QSignalSpy measured(&hand.timeline, &TimelineWidget::measureChanged);
        hand.drag(hand.rulerPoint(200'000), hand.rulerPoint(600'000));
        hand.key(Qt::Key_Escape);
        QVERIFY(!hand.timeline.measuredRange());
        QCOMPARE(measured.count(), 2);
        hand.drag(hand.rulerPoint(200'000), hand.rulerPoint(600'000));
        hand.click(hand.at(400'000, "Stream 7"));
        QVERIFY(!hand.timeline.measuredRange());
        QCOMPARE(measured.count(), 4);
    }

    // It used to measure an empty range, which Z then filled the view with.
    void aClickThatSlipsUpOrDownIsAClick()
    {
        Hand hand(m_server);
        const EventId kernel = hand.event(EventKind::Kernel, "softmax");
        const QPoint at = *hand.timeline.pointOf(kernel);
        hand.drag(at, at + QPoint(0, 30));
        QVERIFY(!hand.timeline.measuredRange());
        QVERIFY(hand.timeline.selectedEvent() == kernel);
    }

    void aDragThatComesBackMeasuresNothing()
    {
        Hand hand(m_server);
        QSignalSpy measured(&hand.timeline, &TimelineWidget::measureChanged);
        const QPoint at = hand.at(400'000, "Stream 8");
        hand.press(at);
        hand.move(at + QPoint(80, 0));
        QVERIFY(hand.timeline.measuredRange());
        hand.move(at);
        hand.release(at);
        QVERIFY(!hand.timeline.measuredRange());
        QCOMPARE(measured.count(), 1);
    }

    // ---- selection

    void clickingAKernelHighlightsItsLaunchAndTheRequestsThatShareIt()
    {
        Hand hand(m_server);
        QSignalSpy selected(&hand.timeline, &TimelineWidget::selectionChanged);
        const EventId kernel = hand.event(EventKind::Kernel, "gemm");
        hand.click(*hand.timeline.pointOf(kernel));
        QCOMPARE(selected.count(), 1);
        QVERIFY(hand.timeline.selectedEvent() == kernel);
        QVERIFY(hand.timeline.selectedRequest().isNone()); // two share it
        const auto names = hand.highlighted();
        QCOMPARE(names.count("cudaLaunchKernel"), std::size_t{1});
        QCOMPARE(names.count("compute_infer"), std::size_t{3}); // theirs, and the range that it was launched in
        QCOMPARE(names.count("execute"), std::size_t{1});
        QCOMPARE(names.count("Memcpy HtoD (Pageable)"), std::size_t{0});
        QVERIFY(hand.timeline.state().highlights.back().event == kernel);
    }

    void clickingARequestHighlightsAllThatServedIt()
    {
        Hand hand(m_server);
        hand.click(*hand.timeline.pointOf(hand.event(EventKind::Phase, "queue")));
        QVERIFY(hand.timeline.selectedRequest() == requestNumbered(hand.trace(), 7));
        const auto names = hand.highlighted();
        for (const char* name : {"execute", "cudaMemcpyAsync", "cudaLaunchKernel", "gemm", "Memcpy HtoD (Pageable)"})
            QVERIFY2(names.count(name) == 1, name);
        for (const char* name : {"queue", "compute_input", "compute_output"})
            QVERIFY2(names.count(name) == 2, name); // with those of its batch peer
        std::size_t selected = 0;                   // what has the outline: its own phases alone
        for (const LaneHighlight& highlight : hand.timeline.state().laneHighlights) {
            if (!highlight.isSelected)
                continue;
            ++selected;
            QVERIFY(hand.trace().phases.request[highlight.event.row()] == requestNumbered(hand.trace(), 7));
        }
        QVERIFY(selected >= 4);
        QCOMPARE(names.count("softmax"), std::size_t{0});
        hand.key(Qt::Key_Z);
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{0, 240'000})); // a tenth before and after it, moved to where the report begins
    }

    void clickingAnApiCallHighlightsWhatItLaunched()
    {
        Hand hand(m_server);
        const EventId call = hand.event(EventKind::ApiCall, "cudaMemcpyAsync");
        hand.timeline.setVisibleRange({80'000, 130'000});
        hand.timeline.reveal(call);
        hand.click(*hand.timeline.pointOf(call));
        QCOMPARE(hand.highlighted().count("Memcpy HtoD (Pageable)"), std::size_t{1});
    }

    void clickingEmptySpaceOrEscapeEndsTheSelection()
    {
        Hand hand(m_server);
        QSignalSpy selected(&hand.timeline, &TimelineWidget::selectionChanged);
        for (int round = 0; round < 2; ++round) {
            hand.click(*hand.timeline.pointOf(hand.event(EventKind::Kernel, "softmax")));
            if (round == 0)
                hand.click(hand.at(400'000, "Stream 8"));
            else
                hand.key(Qt::Key_Escape);
            QVERIFY(hand.timeline.selectedEvent().isNone());
            QVERIFY(hand.timeline.state().highlights.empty());
        }
        QCOMPARE(selected.count(), 4);
        hand.key(Qt::Key_Escape); // nothing to end: nothing to announce
        QCOMPARE(selected.count(), 4);
    }

    void aRequestThatIsNotInTheReportSelectsNothing()
    {
        Hand hand(m_server);
        hand.timeline.selectRequest(requestNumbered(hand.trace(), 7));
        hand.timeline.selectRequest(trace::RequestIndex(4711));
        QVERIFY(hand.timeline.selectedRequest().isNone());
    }

    void anotherReportForgetsSelectionMeasureAndHistory()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({100'000, 200'000});
        hand.timeline.selectEvent(hand.event(EventKind::Kernel, "gemm"));
        QSignalSpy selected(&hand.timeline, &TimelineWidget::selectionChanged);
        hand.timeline.setTrace(traceOf("window 0..5000\nkernel gpu0/stream7 a 0..100 corr 1\n"));
        QCOMPARE(selected.count(), 1);
        QVERIFY(hand.timeline.selectedEvent().isNone());
        hand.timeline.goBack();
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{0, 5'000}));
    }

    // ---- rows

    void clickingAHeaderFoldsAndUnfoldsTheRow()
    {
        Hand hand(m_server);
        const EventId kernel = hand.event(EventKind::Kernel, "gemm");
        hand.click(hand.headerPoint("GPU 0"));
        QVERIFY(!hand.timeline.state().layout.rowOf(trackNamed(hand.trace(), "Stream 7")));
        QVERIFY(!hand.timeline.pointOf(kernel));
        hand.click(hand.headerPoint("GPU 0"));
        QVERIFY(hand.timeline.pointOf(kernel));
        hand.doubleClick(hand.headerPoint("GPU 0"));
        QVERIFY(hand.timeline.pointOf(kernel));
    }

    // Its point used to lie on the row below.
    void anEventHiddenInACollapsedRowHasNoPoint()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({70'000, 160'000});
        const EventId outer = hand.event(EventKind::NvtxRange, "execute"), inner = hand.event(EventKind::NvtxRange, "compute_infer");
        QVERIFY(hand.timeline.eventAt(*hand.timeline.pointOf(inner)) == inner);
        const trace::TrackId thread = trace::TrackId(trackNamed(hand.trace(), "server (1000)").value + 1);
        const TimelineRow row = *hand.timeline.state().layout.rowOf(thread);
        hand.click({60, row.y + row.height / 2 + TimelineGeometry::rowsTop()});
        QVERIFY(hand.timeline.state().layout.rowOf(thread)->isCollapsed);
        QVERIFY(!hand.timeline.pointOf(inner));
        QVERIFY(hand.timeline.eventAt(*hand.timeline.pointOf(outer)) == outer);
    }

    // One that ended before the view used to be found at the view's left edge.
    void anEventOutsideTheViewHasNoPoint()
    {
        Hand hand(m_server);
        const EventId kernel = hand.event(EventKind::Kernel, "gemm");
        for (const TimeRange view : {TimeRange{300'000, 400'000}, TimeRange{0, 50'000}}) {
            hand.timeline.setVisibleRange(view);
            QVERIFY(!hand.timeline.pointOf(kernel));
        }
    }

    void draggingTheHeadersEdgeMakesItWiderWithinLimits()
    {
        Hand hand(m_server);
        hand.drag({250, 300}, {330, 300});
        QCOMPARE(hand.timeline.state().geometry.headerWidth, 330);
        QVERIFY(!hand.timeline.measuredRange());
        hand.drag({330, 300}, {10, 300});
        QCOMPARE(hand.timeline.state().geometry.headerWidth, 120);
        hand.drag({120, 300}, {900, 300});
        QCOMPARE(hand.timeline.state().geometry.headerWidth, hand.timeline.viewport()->width() / 2);
    }

    void revealUnfoldsScrollsAndZoomsUntilTheEventIsSeen()
    {
        Hand hand(m_server, {1000, 200});
        const EventId kernel = hand.event(EventKind::Kernel, "gemm"), call = hand.event(EventKind::ApiCall, "cudaLaunchKernel");
        hand.click(hand.headerPoint("Requests"));
        hand.click(hand.headerPoint("GPU 0"));
        hand.timeline.setVisibleRange({800'000, 900'000});
        for (const EventId event : {kernel, call, hand.event(EventKind::Phase, "cache")}) {
            hand.timeline.reveal(event);
            QVERIFY(hand.timeline.selectedEvent() == event);
            const auto point = hand.timeline.pointOf(event);
            QVERIFY(point);
            QVERIFY(hand.timeline.eventAt(*point) == event);
        }
    }

    void revealLeavesAViewAloneThatShowsTheEventAlready()
    {
        Hand hand(m_server);
        hand.timeline.reveal(hand.event(EventKind::Kernel, "softmax"));
        QCOMPARE(hand.timeline.visibleRange(), hand.trace().time);
    }

    // ---- hover, tooltip, menu

    void theCursorFollowsTheMouseAndLeavesWithIt()
    {
        Hand hand(m_server);
        hand.move(hand.at(500'000, "Stream 7"), Qt::NoButton);
        QVERIFY(std::abs(hand.timeline.state().cursor.value() - 500'000) <= 1'400);
        hand.move(hand.headerPoint("Stream 7"), Qt::NoButton);
        QVERIFY(!hand.timeline.state().cursor);
        hand.move(hand.at(500'000, "Stream 7"), Qt::NoButton);
        QEvent leave(QEvent::Leave);
        QCoreApplication::sendEvent(hand.timeline.viewport(), &leave);
        QVERIFY(!hand.timeline.state().cursor);
    }

    void theTooltipSaysWhatIsUnderTheMouse()
    {
        Hand hand(m_server);
        const auto textAt = [&](QPoint at) {
            QHelpEvent help(QEvent::ToolTip, at, hand.timeline.viewport()->mapToGlobal(at));
            QCoreApplication::sendEvent(hand.timeline.viewport(), &help);
            return QToolTip::text();
        };
        const QString copy = textAt(*hand.timeline.pointOf(hand.event(EventKind::Memcpy, "Memcpy DtoH (Pinned)")));
        QVERIFY2(copy.contains(QStringLiteral("1.0 MiB")) && copy.contains(QStringLiteral("104.9 GB/s")) && copy.contains(QStringLiteral("Stream 8")), qPrintable(copy));
        const QString header = textAt(hand.headerPoint("Stream 8"));
        QVERIFY2(header.contains(QStringLiteral("<b>Stream 8</b>")) && header.contains(QLatin1Char('%')), qPrintable(header));

        hand.timeline.setTrace(traceWithSilentCounter());
        QVERIFY(textAt(hand.at(205'000, "gpu utilisation")).contains(QStringLiteral("50 % · sampled at 200 µs")));
        hand.timeline.setTrace(nullptr);
        textAt({500, 300});
        QTRY_VERIFY(!QToolTip::isVisible());
    }

    void hoveringAnEventSaysAtOnceWhatItIs()
    {
        Hand hand(m_server);
        const QPoint kernel = *hand.timeline.pointOf(hand.event(EventKind::Kernel, "softmax"));
        hand.move(kernel, Qt::NoButton);
        QVERIFY(QToolTip::isVisible());
        QVERIFY(QToolTip::text().contains(QStringLiteral("softmax")));
        hand.move(hand.at(400'000, "Stream 8"), Qt::NoButton);
        QTRY_VERIFY(!QToolTip::isVisible());
    }

    void theContextMenuSelectsAndCopiesTheName()
    {
        Hand hand(m_server);
        const EventId kernel = hand.event(EventKind::Kernel, "softmax");
        const QPoint at = *hand.timeline.pointOf(kernel);
        QContextMenuEvent event(QContextMenuEvent::Mouse, at, hand.timeline.viewport()->mapToGlobal(at));
        QCoreApplication::sendEvent(hand.timeline.viewport(), &event);
        QVERIFY(hand.timeline.selectedEvent() == kernel);
        auto* menu = hand.timeline.findChild<QMenu*>();
        QVERIFY(menu);
        const auto actions = menu->actions();
        const auto named = [&](const QString& text) {
            const auto found = std::find_if(actions.begin(), actions.end(), [&](const QAction* action) { return action->text().startsWith(text); });
            return found == actions.end() ? nullptr : *found;
        };
        QVERIFY(!named(QStringLiteral("Highlight"))); // it worked for no request
        QVERIFY(!named(QStringLiteral("Back"))->isEnabled());
        named(QStringLiteral("Copy name"))->trigger();
        QCOMPARE(QApplication::clipboard()->text(), QStringLiteral("softmax"));
        named(QStringLiteral("Zoom to selection"))->trigger();
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{590'000, 710'000}));
        menu->close();
    }

    void withoutAReportEveryGestureIsHarmless()
    {
        Hand hand(m_server);
        hand.timeline.setTrace(nullptr);
        QVERIFY(hand.timeline.visibleRange().isEmpty());
        QSignalSpy moved(&hand.timeline, &TimelineWidget::visibleRangeChanged);
        hand.wheel({500, 300}, {0, 120});
        hand.drag({300, 300}, {500, 300});
        hand.doubleClick({400, 300});
        for (const Qt::Key key : {Qt::Key_W, Qt::Key_D, Qt::Key_Home, Qt::Key_Z, Qt::Key_B, Qt::Key_Escape, Qt::Key_Down})
            hand.key(key);
        hand.timeline.setMatches({EventId(EventKind::Kernel, 0)});
        hand.timeline.reveal(EventId(EventKind::Kernel, 0));
        hand.timeline.selectRequest(trace::RequestIndex(0));
        QCOMPARE(moved.count(), 0);
        QVERIFY(hand.timeline.selectedEvent().isNone());
    }

    void everyKernelOfADemoReportCanBeHitWhereItIsSaidToBe()
    {
        Hand hand(demoTrace("bert-pinned"), {1200, 800});
        const trace::Trace& trace = hand.trace();
        for (std::uint32_t row = 0; row < trace.kernels.size(); row += static_cast<std::uint32_t>(trace.kernels.size() / 25)) {
            const EventId kernel(EventKind::Kernel, row);
            hand.timeline.reveal(kernel);
            const auto point = hand.timeline.pointOf(kernel);
            QVERIFY(point);
            QVERIFY2(hand.timeline.eventAt(*point) == kernel, trace.nameOf(kernel).c_str());
        }
    }

private:
    TracePtr m_server;
};

QTEST_MAIN(TimelineWidgetTest)
#include "timeline_widget_test.moc"
