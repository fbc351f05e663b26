#include "tests/widgets/timeline/timeline_hand.h"
#include "tests/widgets/trace_fixture.h"
#include "widgets/timeline/mark_painter.h"

#include <QLineEdit>
#include <QSignalSpy>
#include <QTest>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;

namespace {

QLineEdit* markField(const Hand& hand)
{
    return hand.timeline.findChild<QLineEdit*>(QStringLiteral("markText"));
}

} // namespace

class TimelineMarksTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_server = traceOf(kServerScript); }

    void aMarkIsPutAtTheMouseAndNamedInPlace()
    {
        Hand hand(m_server);
        QVERIFY(QTest::qWaitForWindowExposed(&hand.timeline));
        hand.move(hand.at(400'000, "Stream 7"), Qt::NoButton);
        hand.timeline.addMark();
        QVERIFY(markField(hand));
        QTest::keyClicks(markField(hand), QStringLiteral("stall here"));
        QTest::keyClick(markField(hand), Qt::Key_Return);
        QCOMPARE(hand.timeline.marks().size(), std::size_t{1});
        QCOMPARE(hand.timeline.marks()[0].text, QStringLiteral("stall here"));
        QVERIFY(hand.timeline.marks()[0].time.isEmpty());
        QVERIFY(std::abs(hand.timeline.marks()[0].time.start - 400'000) < 2'000);
        QCOMPARE(m_server->track(hand.timeline.state().markRows[0]).name, std::string("Stream 7"));
        QTRY_VERIFY(!markField(hand));
        QVERIFY(pixelsOf(hand.image(), hand.timeline.state().theme->warning) > 300);
    }

    void theMeasuredRangeIsMarkedAndEscapeKeepsTheGivenName()
    {
        Hand hand(m_server);
        hand.drag(hand.at(200'000, "bert:1"), hand.at(500'000, "bert:1"), Qt::LeftButton, Qt::ControlModifier);
        const TimeRange measured = *hand.timeline.measuredRange();
        hand.timeline.addMark();
        QTest::keyClicks(markField(hand), QStringLiteral("x"));
        QTest::keyClick(markField(hand), Qt::Key_Escape);
        QCOMPARE(hand.timeline.marks()[0], (TimelineMark{measured, QStringLiteral("Mark 1"), hand.timeline.marks()[0].row}));
        QVERIFY(!hand.timeline.measuredRange());
    }

    void stepsGoFromMarkToMarkAroundTheEnds()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({0, 100'000});
        hand.timeline.setMarks({{{800'000, 800'000}, QStringLiteral("c"), {}},
                                {{300'000, 300'000}, QStringLiteral("a"), {}},
                                {{500'000, 600'000}, QStringLiteral("b"), {}}});
        hand.timeline.stepMark(1);
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{250'000, 350'000}));
        hand.timeline.stepMark(1);
        QCOMPARE(hand.timeline.visibleRange(), (TimeRange{495'000, 605'000}));
        hand.timeline.stepMark(1);
        hand.timeline.stepMark(1);
        QVERIFY(hand.timeline.visibleRange().contains(300'000));
        hand.timeline.stepMark(-1);
        QVERIFY(hand.timeline.visibleRange().contains(800'000));
    }

    void goingToAMarkBringsItsRowIntoView()
    {
        Hand hand(m_server);
        hand.timeline.resize(800, 160); // a few rows
        const auto keys = trackKeys(*m_server);
        hand.timeline.setMarks({{{300'000, 300'000}, QStringLiteral("last row"), keys.back()}});
        const auto isInView = [&] {
            const TimelineRow* row = hand.timeline.state().layout.rowOf(trace::TrackId(static_cast<std::uint32_t>(keys.size() - 1)));
            const int top = hand.timeline.state().scrollY;
            return row && row->y >= top && row->y + row->height <= top + hand.timeline.state().geometry.rowsHeight();
        };
        QVERIFY(!isInView());
        hand.timeline.goToMark(0);
        QVERIFY(isInView());
    }

    void aClickedFlagIsDeletedAndADoubleClickedOneRenamed()
    {
        Hand hand(m_server);
        hand.timeline.setMarks({{{300'000, 300'000}, QStringLiteral("first"), {}}, {{700'000, 700'000}, QStringLiteral("second"), {}}});
        const QFont small = TimelineFonts(hand.timeline.font()).small;
        const QPoint second = markFlag(hand.timeline.state(), hand.timeline.marks()[1], small).center();
        hand.doubleClick(second);
        QTest::keyClicks(markField(hand), QStringLiteral("renamed"));
        QTest::keyClick(markField(hand), Qt::Key_Return);
        QCOMPARE(hand.timeline.marks()[1].text, QStringLiteral("renamed"));
        hand.click(markFlag(hand.timeline.state(), hand.timeline.marks()[0], small).center());
        QSignalSpy changed(&hand.timeline, &TimelineWidget::marksChanged);
        hand.timeline.removeMark();
        QCOMPARE(changed.count(), 1);
        QCOMPARE(hand.timeline.marks().size(), std::size_t{1});
        QCOMPARE(hand.timeline.marks()[0].text, QStringLiteral("renamed"));
        hand.timeline.removeMark();
        QCOMPARE(hand.timeline.marks().size(), std::size_t{1});
    }

private:
    TracePtr m_server;
};

QTEST_MAIN(TimelineMarksTest)
#include "timeline_marks_test.moc"
