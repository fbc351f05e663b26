#include "widgets/timeline/launch_links.h"

#include "tests/widgets/timeline/timeline_hand.h"
#include "tests/widgets/trace_fixture.h"
#include "trace_model/trace/trace_builder.h"
#include "widgets/timeline/lane_layout.h"

#include <QTest>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using trace::EventId;
using trace::EventKind;
using RowChange = TimelineWidget::RowChange;

namespace {

LinkPicture pictureOf(const Hand& hand)
{
    return linkPicture(hand.timeline.state(), TimelineFonts(hand.timeline.font()).small);
}

} // namespace

class LaunchLinksTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_server = traceOf(kServerScript); }

    void anArrowGoesFromTheEndOfACallToTheStartOfItsWorkWhicheverIsSelected()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({70'000, 160'000});
        const EventId call = hand.event(EventKind::ApiCall, "cudaLaunchKernel"), kernel = hand.event(EventKind::Kernel, "gemm");
        for (const EventId selected : {call, kernel}) {
            hand.timeline.selectEvent(selected);
            const LinkPicture picture = pictureOf(hand);
            QCOMPARE(picture.arrows.size(), std::size_t{1});
            QVERIFY(picture.markers.empty());
            QVERIFY(std::abs(picture.arrows[0].from.x() - hand.xOf(99'000)) < 1.5);
            QVERIFY(std::abs(picture.arrows[0].to.x() - hand.xOf(100'000)) < 1.5);
            QVERIFY(hand.timeline.eventAt((picture.arrows[0].from - QPointF(2, 0)).toPoint()) == call);
            QVERIFY(hand.timeline.eventAt((picture.arrows[0].to + QPointF(2, 0)).toPoint()) == kernel);
        }
        hand.timeline.clearSelection();
        QVERIFY(pictureOf(hand).arrows.empty());
    }

    // It was said to be at the bottom, below all rows.
    void theMarkerOfASynchronizationPointsAtItsRow()
    {
        trace::TraceBuilder builder;
        builder.beginFile("report.sqlite");
        report::SynchronizationRow sync;
        sync.start = 900'000;
        sync.end = 950'000;
        sync.contextId = 1;
        sync.syncType = static_cast<std::uint8_t>(trace::SyncType::StreamSync);
        builder.rows().add(sync);
        sync.start = 0;
        sync.end = 100;
        builder.rows().add(sync);
        Hand hand(*builder.finish({}));
        hand.timeline.setVisibleRange({0, 100'000});
        hand.timeline.selectEvent(EventId(EventKind::Synchronization, 1));
        const LinkPicture picture = pictureOf(hand);
        QCOMPARE(picture.markers.size(), std::size_t{1});
        const int y = hand.headerPoint("Synchronization").y();
        QVERIFY(picture.markers[0].box.top() <= y && y <= picture.markers[0].box.bottom());
        hand.click(picture.markers[0].box.center());
        QVERIFY(hand.timeline.pointOf(EventId(EventKind::Synchronization, 1)));
    }

    // It was called "outside", by the first of its phases.
    void aRequestOutOfViewIsCalledByItsNumber()
    {
        Hand hand(traceOf("window 0..1000000\nprocess p\nrequest 7 model m:1 900000..950000 queue 910000..920000\n"
                          "request 8 model m:1 0..5000 queue 0..1000\n"));
        hand.timeline.setVisibleRange({0, 100'000});
        hand.timeline.selectRequest(requestNumbered(hand.trace(), 7));
        const LinkPicture picture = pictureOf(hand);
        QCOMPARE(picture.markers.size(), std::size_t{1});
        QVERIFY2(picture.markers[0].text.contains(QStringLiteral("request 7")), qPrintable(picture.markers[0].text));
    }

    void whatWasNotLaunchedByACallHasNoArrow()
    {
        Hand hand(m_server);
        hand.timeline.selectEvent(hand.event(EventKind::Kernel, "softmax"));
        QVERIFY(pictureOf(hand).arrows.empty());
        hand.timeline.selectEvent(hand.event(EventKind::NvtxRange, "execute"));
        QVERIFY(pictureOf(hand).arrows.empty());
    }

    void anEndOutsideTheViewIsNamedAtTheEdgeAndAClickGoesThere()
    {
        Hand hand(m_server);
        const EventId call = hand.event(EventKind::ApiCall, "cudaLaunchKernel"), kernel = hand.event(EventKind::Kernel, "gemm");
        hand.timeline.setVisibleRange({101'000, 140'000});
        hand.timeline.selectEvent(kernel);
        LinkPicture picture = pictureOf(hand);
        QCOMPARE(picture.markers.size(), std::size_t{1});
        QVERIFY(picture.markers[0].event == call);
        QVERIFY(picture.markers[0].text.contains(QStringLiteral("cudaLaunchKernel")));
        QVERIFY(hand.timeline.state().geometry.rows().contains(picture.markers[0].box));
        QVERIFY(picture.markers[0].box.left() < hand.timeline.state().geometry.headerWidth + 10);

        hand.click(picture.markers[0].box.center());
        QVERIFY(hand.timeline.selectedEvent() == call);
        QVERIFY(hand.timeline.visibleRange().start <= 95'000);
        QVERIFY(hand.timeline.pointOf(call));
    }

    void anEndInAFoldedOrHiddenRowIsNamedAndAClickShowsItsRow()
    {
        const EventId call = eventNamed(*m_server, EventKind::ApiCall, "cudaLaunchKernel");
        for (const RowChange change : {RowChange::ToggleFold, RowChange::Hide}) {
            Hand hand(m_server, {1000, 900});
            hand.timeline.setVisibleRange({70'000, 160'000});
            hand.timeline.arrangeRow(trackNamed(hand.trace(), "server (1000)"), change);
            hand.timeline.selectEvent(hand.event(EventKind::Kernel, "gemm"));
            const LinkPicture picture = pictureOf(hand);
            QCOMPARE(picture.markers.size(), std::size_t{1});
            QVERIFY(picture.markers[0].event == call);
            QVERIFY(!hand.timeline.pointOf(call));
            hand.click(picture.markers[0].box.center());
            QVERIFY(hand.timeline.pointOf(call));
            QVERIFY(hand.timeline.selectedEvent() == call);
            QVERIFY(pictureOf(hand).markers.empty());
        }
    }

    void aSelectedEventOutsideTheViewIsNamedAtTheEdgeAndAClickGoesThere_data()
    {
        QTest::addColumn<qint64>("start");
        QTest::addColumn<QString>("text");
        QTest::newRow("before") << qint64{500'000} << QStringLiteral("◂ gemm");
        QTest::newRow("after") << qint64{10'000} << QStringLiteral("gemm ▸");
    }

    void aSelectedEventOutsideTheViewIsNamedAtTheEdgeAndAClickGoesThere()
    {
        QFETCH(qint64, start);
        Hand hand(m_server);
        const EventId kernel = hand.event(EventKind::Kernel, "gemm");
        hand.timeline.selectEvent(kernel);
        hand.timeline.setVisibleRange({start, start + 5'000});
        const LinkPicture picture = pictureOf(hand);
        QVERIFY(picture.arrows.empty());
        QCOMPARE(picture.markers.size(), std::size_t{1});
        QTEST(picture.markers[0].text, "text");
        QVERIFY(hand.timeline.state().geometry.rows().contains(picture.markers[0].box));
        const QImage marked = hand.image();
        hand.click(picture.markers[0].box.center());
        QVERIFY(hand.timeline.selectedEvent() == kernel);
        QVERIFY(hand.timeline.pointOf(kernel));
        QVERIFY(hand.image() != marked);
    }

    void aSelectedEventInAHiddenRowIsNamedAndWhatBelongsToItKeepsTheMarkerAway()
    {
        Hand hand(m_server, {1000, 900});
        const EventId softmax = hand.event(EventKind::Kernel, "softmax");
        hand.timeline.selectEvent(softmax);
        QVERIFY(pictureOf(hand).markers.empty());
        hand.timeline.arrangeRow(trackNamed(hand.trace(), "GPU 0"), RowChange::Hide);
        QCOMPARE(pictureOf(hand).markers.size(), std::size_t{1});
        hand.click(pictureOf(hand).markers[0].box.center());
        QVERIFY(hand.timeline.pointOf(softmax));
        // Of a request the phase that is selected may lie outside while others are seen.
        hand.timeline.selectRequest(trace::RequestIndex(0));
        hand.timeline.setVisibleRange({100'000, 120'000});
        QVERIFY(pictureOf(hand).markers.empty());
    }

    void workThatLiesTheSameWaySharesAMarker()
    {
        Hand hand(traceOf(R"(
window 0..1000000
thread 12 a
api 12 cudaGraphLaunch 10000..20000 corr 1
kernel gpu0/stream7 one 500000..510000 corr 1
kernel gpu0/stream7 two 520000..530000 corr 1
kernel gpu0/stream7 three 540000..550000 corr 1
)"));
        hand.timeline.setVisibleRange({0, 100'000});
        hand.timeline.selectEvent(hand.event(EventKind::ApiCall, "cudaGraphLaunch"));
        const LinkPicture picture = pictureOf(hand);
        QCOMPARE(picture.markers.size(), std::size_t{1});
        QCOMPARE(picture.arrows.size(), std::size_t{1});
        QVERIFY(picture.markers[0].text.contains(QStringLiteral("one +2")));
        hand.timeline.fitAll();
        QCOMPARE(pictureOf(hand).arrows.size(), std::size_t{3});
        QVERIFY(pictureOf(hand).markers.empty());
    }

private:
    TracePtr m_server;
};

QTEST_MAIN(LaunchLinksTest)
#include "launch_links_test.moc"
