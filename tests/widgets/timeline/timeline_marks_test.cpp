#include "tests/widgets/timeline/timeline_hand.h"
#include "tests/widgets/trace_fixture.h"
#include "widgets/timeline/mark_painter.h"

#include <QHelpEvent>
#include <QLineEdit>
#include <QSignalSpy>
#include <QTest>
#include <QToolTip>

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
        const QPoint second = markFlags(hand.timeline.state(), small)[1].center();
        hand.doubleClick(second);
        QTest::keyClicks(markField(hand), QStringLiteral("renamed"));
        QTest::keyClick(markField(hand), Qt::Key_Return);
        QCOMPARE(hand.timeline.marks()[1].text, QStringLiteral("renamed"));
        hand.click(markFlags(hand.timeline.state(), small)[0].center());
        QSignalSpy changed(&hand.timeline, &TimelineWidget::marksChanged);
        hand.timeline.removeMark();
        QCOMPARE(changed.count(), 1);
        QCOMPARE(hand.timeline.marks().size(), std::size_t{1});
        QCOMPARE(hand.timeline.marks()[0].text, QStringLiteral("renamed"));
        hand.timeline.removeMark();
        QCOMPARE(hand.timeline.marks().size(), std::size_t{1});
    }

    // They lay on each other and on the labels of the ruler, of which an end was seen that is another number.
    void flagsOfCloseMarksLieBesideEachOther()
    {
        Hand hand(m_server);
        const QFont small = TimelineFonts(hand.timeline.font()).small;
        std::vector<TimelineMark> marks;
        for (const TimestampNs time : {100'000, 100'000, 101'000, 500'000, 999'000, 999'500})
            marks.push_back({{time, time}, QStringLiteral("a mark with a long text"), {}});
        hand.timeline.setMarks(marks);
        const auto flags = markFlags(hand.timeline.state(), small);
        const QRect ruler = hand.timeline.state().geometry.ruler();
        for (std::size_t i = 0; i < flags.size(); ++i) {
            QVERIFY(ruler.contains(flags[i]));
            QVERIFY(i == 0 || flags[i].left() > flags[i - 1].right());
        }
        QVERIFY(std::abs(flags[0].left() - hand.xOf(100'000)) <= 1);
        QVERIFY(flags[3].width() > 2 * flags[0].width()); // there is room for all of it
        QHelpEvent help(QEvent::ToolTip, flags[0].center(), hand.timeline.viewport()->mapToGlobal(flags[0].center()));
        QCoreApplication::sendEvent(hand.timeline.viewport(), &help);
        QVERIFY(QToolTip::text().contains(QStringLiteral("a mark with a long text"))); // of which the flag shows a part
        // More than there is room for: none is on another one.
        marks.clear();
        for (TimestampNs time = 0; time < 200; ++time)
            marks.push_back({{time * 5'000, time * 5'000}, QStringLiteral("m"), {}});
        hand.timeline.setMarks(marks);
        int right = 0;
        for (const QRect& flag : markFlags(hand.timeline.state(), small)) {
            QVERIFY(flag.isNull() || (flag.left() > right && ruler.contains(flag)));
            right = flag.isNull() ? right : flag.right();
        }
    }

    void aLabelOfTheRulerIsWholeOrNotThere()
    {
        Hand hand(m_server);
        const QRect ruler = hand.timeline.state().geometry.ruler();
        // What is written from the tick of 400 µs on.
        const QRect label(hand.xOf(400'000) + 2, ruler.top(), 60, ruler.height() - 6);
        const auto isWrittenIn = [&](QRect place) { return colorsIn(hand.image().copy(place)) > 1; };
        QVERIFY(isWrittenIn(label));
        hand.timeline.setMarks({{{390'000, 390'000}, QStringLiteral("m"), {}}});
        const QRect flag = markFlags(hand.timeline.state(), TimelineFonts(hand.timeline.font()).small)[0];
        QVERIFY(flag.intersects(label) && flag.right() < label.right());
        QVERIFY(!isWrittenIn(QRect(QPoint(flag.right() + 1, label.top()), label.bottomRight())));
        hand.timeline.setMarks({});
        QVERIFY(isWrittenIn(label));
    }

private:
    TracePtr m_server;
};

QTEST_MAIN(TimelineMarksTest)
#include "timeline_marks_test.moc"
