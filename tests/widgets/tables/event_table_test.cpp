#include "widgets/tables/event_table.h"

#include "tests/widgets/trace_fixture.h"
#include "trace_model/analysis/event_list.h"
#include "trace_model/analysis/filtered_events.h"
#include "widgets/tables/event_order.h"
#include "widgets/tables/filter_edit.h"
#include "widgets/tables/long_table_view.h"

#include <QAbstractItemModelTester>
#include <QCompleter>
#include <QHeaderView>
#include <QLabel>
#include <QMouseEvent>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>
#include <QWheelEvent>

#include <algorithm>
#include <stop_token>
#include <utility>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using trace::EventId;
using trace::EventKind;

namespace {

/// Of a row's name.
QPoint middleOf(EventTable& table, int row)
{
    return table.view().visualRect(table.model().index(row, static_cast<int>(EventColumn::Name))).center();
}

/// Shows a table, so that rows have places to click.
void expose(QWidget& widget)
{
    widget.resize(1000, 400);
    widget.show();
    QVERIFY(QTest::qWaitForWindowExposed(&widget));
}

} // namespace

class EventTableTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_trace = traceOf(kServerScript); }

    void theEventModelKeepsTheRulesOfModels()
    {
        EventModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setEvents(m_trace, allEvents());
        QCOMPARE(model.rowCount(), static_cast<int>(m_trace->eventCount()));
        model.setEvents(nullptr, {});
        QCOMPARE(model.rowCount(), 0);
    }

    void anEventRowSaysWhenWhatAndWhere()
    {
        EventTable table;
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        const EventModel& model = table.model();
        const int row = model.rowOf(eventNamed(*m_trace, EventKind::Kernel, "gemm"));
        const auto text = [&](EventColumn column) { return plain(model.index(row, static_cast<int>(column)).data().toString()); };
        QCOMPARE(text(EventColumn::Start), QStringLiteral("100 µs"));
        QCOMPARE(text(EventColumn::Duration), QStringLiteral("30.000 µs"));
        QCOMPARE(text(EventColumn::Kind), QStringLiteral("Kernel"));
        QCOMPARE(text(EventColumn::Name), QStringLiteral("gemm"));
        QCOMPARE(text(EventColumn::Place), QStringLiteral("Stream 7"));
        QCOMPARE(model.headerData(1, Qt::Horizontal, Qt::DisplayRole).toString(), QStringLiteral("Duration"));
    }

    void everyEventIsFoundInItsRowWhateverTheOrder()
    {
        EventModel model;
        auto events = allEvents();
        model.setEvents(m_trace, events);
        for (const bool isByStart : {true, false}) {
            for (int row = 0; row < model.rowCount(); ++row)
                QCOMPARE(model.rowOf(model.eventAt(row)), row); // several start together
            QCOMPARE(model.rowOf({}), -1);
            QVERIFY(model.eventAt(-1).isNone());
            QVERIFY(model.eventAt(model.rowCount()).isNone());
            sortEvents(*m_trace, events, EventColumn::Name, Qt::AscendingOrder);
            model.setEvents(m_trace, events, !isByStart);
        }
    }

    void eventsAreCountedAndAnEmptyTableSaysWhatToDo()
    {
        EventTable table;
        const auto* scope = table.findChild<QLabel*>(QStringLiteral("eventsScope"));
        QVERIFY(scope->text().isEmpty());
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        QCOMPARE(plain(scope->text()), QStringLiteral("%1 events in view").arg(m_trace->eventCount()));
        table.setEvents(m_trace, {allEvents().front()}, QStringLiteral("in view"));
        QCOMPARE(scope->text(), QStringLiteral("1 event in view"));
        expose(table);
        const QImage full = table.view().viewport()->grab().toImage();
        table.setEvents(m_trace, {}, QStringLiteral("in view"));
        QCOMPARE(scope->text(), QStringLiteral("0 events in view"));
        const QImage empty = table.view().viewport()->grab().toImage();
        table.clear();
        QVERIFY(table.view().viewport()->grab().toImage() != empty); // the sentences differ
        QVERIFY(full != empty);
    }

    void clickingARowAnnouncesItsEvent()
    {
        EventTable table;
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        expose(table);
        QSignalSpy activated(&table, &EventTable::eventActivated), opened(&table, &EventTable::eventOpened);
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::NoModifier, middleOf(table, 2));
        QCOMPARE(activated.count(), 1);
        QVERIFY(activated.at(0).at(0).value<EventId>() == table.model().eventAt(2));
        QTest::keyClick(&table.view(), Qt::Key_Down);
        QCOMPARE(activated.count(), 2);
        QVERIFY(activated.at(1).at(0).value<EventId>() == table.model().eventAt(3));
        QCOMPARE(opened.count(), 0);
        QTest::keyClick(&table.view(), Qt::Key_Return);
        QCOMPARE(opened.count(), 1);
        QVERIFY(opened.at(0).at(0).value<EventId>() == table.model().eventAt(3));
    }

    void keysGoToTheEndsOfALongTable()
    {
        EventTable table;
        table.setEvents(m_trace, longList(), QStringLiteral("in view"));
        expose(table);
        const auto isInView = [&](int row) { return table.view().viewport()->rect().contains(middleOf(table, row)); };
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::NoModifier, middleOf(table, 0));
        QTest::keyClick(&table.view(), Qt::Key_End);
        QCOMPARE(table.view().currentIndex().row(), kLong - 1);
        QVERIFY(isInView(kLong - 1) && !isInView(0));
        QTest::keyClick(&table.view(), Qt::Key_PageUp);
        QVERIFY(table.view().currentIndex().row() < kLong - 5);
        QTest::keyClick(&table.view(), Qt::Key_Home);
        QCOMPARE(table.view().currentIndex().row(), 0);
        QVERIFY(isInView(0));
        QTest::keyClick(&table.view(), Qt::Key_X); // no search through millions of rows
        QCOMPARE(table.view().currentIndex().row(), 0);
    }

    // It began a million rows before the end, where pixels ended.
    void shiftAndEndSelectFromTheRowThatWasClickedHoweverFar()
    {
        EventTable table;
        table.setEvents(m_trace, std::vector<EventId>(kVeryLong, allEvents().front()), QStringLiteral("in view"));
        expose(table);
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::NoModifier, middleOf(table, 1));
        QTest::keyClick(&table.view(), Qt::Key_End, Qt::ShiftModifier);
        QCOMPARE(selectedRows(table), std::pair(1, kVeryLong - 1));
        QTest::keyClick(&table.view(), Qt::Key_Up, Qt::ShiftModifier);
        QCOMPARE(selectedRows(table), std::pair(1, kVeryLong - 2));
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::ShiftModifier, QPoint(40, table.view().rowHeight() / 2));
        QCOMPARE(selectedRows(table), std::pair(1, table.view().indexAt(QPoint(40, 1)).row()));
        QTest::keyClick(&table.view(), Qt::Key_Home, Qt::ShiftModifier);
        QCOMPARE(selectedRows(table), std::pair(0, 1));
        table.view().selectRow(5);
        QTest::keyClick(&table.view(), Qt::Key_Down, Qt::ShiftModifier);
        QCOMPARE(selectedRows(table), std::pair(5, 6));
    }

    // What was scrolled meanwhile was left out: places in the view were taken for places in the list.
    void aDragSelectsFromTheRowWhereItBeganWhateverIsScrolled()
    {
        EventTable table;
        table.setEvents(m_trace, longList(), QStringLiteral("in view"));
        expose(table);
        QWidget& viewport = *table.view().viewport();
        const QPoint at = middleOf(table, 2);
        QTest::mousePress(&viewport, Qt::LeftButton, Qt::NoModifier, at);
        table.view().verticalScrollBar()->setValue(100);
        const QPoint below = at + QPoint(0, 3 * table.view().rowHeight());
        QMouseEvent move(QEvent::MouseMove, below, viewport.mapToGlobal(below), Qt::NoButton, Qt::LeftButton, Qt::NoModifier);
        QCoreApplication::sendEvent(&viewport, &move);
        QCOMPARE(selectedRows(table), std::pair(2, 105));
        QTest::mouseRelease(&viewport, Qt::LeftButton, Qt::NoModifier, below);
        QCOMPARE(selectedRows(table), std::pair(2, 105));
    }

    // The scroll bar still ended with the ten rows before.
    void aRowOfAListThatHasJustComeIsScrolledTo()
    {
        EventTable table;
        table.setEvents(m_trace, {allEvents().front()}, QStringLiteral("in view"));
        expose(table);
        table.setEvents(m_trace, longList(), QStringLiteral("in view"));
        table.view().selectRow(kLong / 2);
        QVERIFY(table.view().viewport()->rect().contains(middleOf(table, kLong / 2)));
    }

    void moreEventsThanRowsCanBeAreCutAndTheTableSaysSo()
    {
        EventTable table(nullptr, 3);
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        QCOMPARE(table.model().rowCount(), 3);
        QCOMPARE(plain(table.findChild<QLabel*>(QStringLiteral("eventsScope"))->text()),
                 QStringLiteral("%1 events in view; the first 3 are listed").arg(m_trace->eventCount()));
    }

    void theWheelScrollsALongTableByRowsAndAClickFindsThem()
    {
        EventTable table;
        table.setEvents(m_trace, longList(), QStringLiteral("in view"));
        expose(table);
        QWidget& viewport = *table.view().viewport();
        const QPoint at = viewport.rect().center();
        QWheelEvent wheel(at, viewport.mapToGlobal(at), {}, QPoint(0, -240), Qt::NoButton, Qt::NoModifier, Qt::NoScrollPhase, false);
        QCoreApplication::sendEvent(&viewport, &wheel);
        const int first = table.view().indexAt(QPoint(5, 1)).row();
        QVERIFY2(first > 0 && first < 30, qPrintable(QString::number(first)));
        QTest::mouseClick(&viewport, Qt::LeftButton, Qt::NoModifier, QPoint(40, table.view().rowHeight() * 3 / 2));
        QCOMPARE(table.view().currentIndex().row(), first + 1);
    }

    void selectionAndNewEventsFromOutsideAreNotAnnounced()
    {
        EventTable table;
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        expose(table);
        QSignalSpy activated(&table, &EventTable::eventActivated);
        const EventId kernel = eventNamed(*m_trace, EventKind::Kernel, "softmax");
        table.select(kernel);
        QCOMPARE(table.view().currentIndex().row(), table.model().rowOf(kernel));
        QVERIFY(table.view().visualRect(table.view().currentIndex()).intersects(table.view().viewport()->rect()));
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        table.clear();
        QCOMPARE(activated.count(), 0);
    }

    // The row stayed the current one, and a click on it announced nothing.
    void aRowDeselectedFromOutsideCanBeChosenAgain()
    {
        EventTable table;
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        expose(table);
        QSignalSpy activated(&table, &EventTable::eventActivated);
        const QPoint row = middleOf(table, 2);
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::NoModifier, row);
        table.select({});
        QVERIFY(!table.view().selectionModel()->hasSelection());
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::NoModifier, row);
        QCOMPARE(activated.count(), 2);
    }

    void severalSelectedRowsAreNoChoiceAndAreCopiedInTheirOrder()
    {
        EventTable table;
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        expose(table);
        QSignalSpy activated(&table, &EventTable::eventActivated), copied(&table, &EventTable::copyRequested);
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::NoModifier, middleOf(table, 4));
        QTest::mouseClick(table.view().viewport(), Qt::LeftButton, Qt::ShiftModifier, middleOf(table, 2));
        QCOMPARE(activated.count(), 1);
        QTest::keyClick(&table.view(), Qt::Key_C, Qt::ControlModifier);
        QCOMPARE(copied.count(), 1);
        const auto events = copied.at(0).at(0).value<std::vector<EventId>>();
        const auto all = allEvents();
        QVERIFY(events == std::vector<EventId>(all.begin() + 2, all.begin() + 5));
        const auto columns = copied.at(0).at(1).value<std::vector<EventColumn>>();
        const QStringList tsv = eventsText(*m_trace, events, columns, CopyFormat::Tsv).split(QLatin1Char('\n'));
        QCOMPARE(tsv[0], QStringLiteral("start_ns\tduration_ns\tkind\tname\tplace"));
        QCOMPARE(tsv.size(), 5); // an end of the last line
        QCOMPARE(tsv[1].section(QLatin1Char('\t'), 0, 0), QString::number(m_trace->timeOf(events[0]).start - m_trace->time.start));
        const QStringList markdown = eventsText(*m_trace, events, columns, CopyFormat::Markdown).split(QLatin1Char('\n'));
        QCOMPARE(markdown[0], QStringLiteral("| Start | Duration | Kind | Name | Stream, thread or model |"));
        QCOMPARE(markdown[1], QStringLiteral("| ---: | ---: | --- | --- | --- |"));
    }

    void aCopyOfVeryManyRowsIsCutAndSaysSo()
    {
        EventTable table;
        table.setEvents(m_trace, longList(), QStringLiteral("in view"));
        expose(table);
        const auto* scope = table.findChild<QLabel*>(QStringLiteral("eventsScope"));
        const QString before = scope->text();
        QSignalSpy copied(&table, &EventTable::copyRequested);
        table.view().setFocus();
        QTest::keyClick(&table.view(), Qt::Key_A, Qt::ControlModifier);
        QTest::keyClick(&table.view(), Qt::Key_C, Qt::ControlModifier);
        QCOMPARE(copied.count(), 1);
        QCOMPARE(copied.at(0).at(0).value<std::vector<EventId>>().size(), std::size_t{100'000});
        QCOMPARE(scope->text(), before); // they are not copied yet
        QCOMPARE(plain(copied.at(0).at(3).toString()),
                 QStringLiteral("The first 100 000 of 250 000 rows are copied; File > Export saves all of them."));
    }

    void clickingAHeaderAsksForAnotherOrder()
    {
        EventTable table;
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        expose(table);
        QSignalSpy asked(&table, &EventTable::questionChanged);
        QHeaderView& header = table.view().header();
        const QPoint at(header.sectionViewportPosition(static_cast<int>(EventColumn::Duration)) + 20, header.height() / 2);
        QTest::mouseClick(header.viewport(), Qt::LeftButton, Qt::NoModifier, at);
        QCOMPARE(asked.count(), 1);
        QVERIFY(table.sortColumn() == EventColumn::Duration);
        const Qt::SortOrder first = table.sortOrder();
        QTest::mouseClick(header.viewport(), Qt::LeftButton, Qt::NoModifier, at);
        QCOMPARE(asked.count(), 2);
        QVERIFY(table.sortOrder() != first);
    }

    void eventsAreSortedByNumbersAndThenByStart()
    {
        const auto all = allEvents();
        const auto duration = [&](EventId event) { return m_trace->timeOf(event).duration(); };
        auto events = all, expected = all;
        sortEvents(*m_trace, events, EventColumn::Duration, Qt::AscendingOrder);
        std::stable_sort(expected.begin(), expected.end(), [&](EventId a, EventId b) { return duration(a) < duration(b); });
        QVERIFY(events == expected);
        events = expected = all;
        sortEvents(*m_trace, events, EventColumn::Duration, Qt::DescendingOrder);
        std::stable_sort(expected.begin(), expected.end(), [&](EventId a, EventId b) { return duration(a) > duration(b); });
        QVERIFY(events == expected);
        events = all;
        sortEvents(*m_trace, events, EventColumn::Start, Qt::DescendingOrder);
        QVERIFY(std::equal(events.begin(), events.end(), all.rbegin(), all.rend()));
    }

    void eventsAreSortedByTextsAsPeopleReadThem()
    {
        m_trace = traceOf("window 0..1000\n"
                          "kernel gpu0/stream13 b 100..110 corr 1\n"
                          "kernel gpu0/stream7 k10 200..210 corr 2\n"
                          "kernel gpu0/stream13 k9 300..310 corr 3\n"
                          "api 12 A 400..410 corr 3\n"
                          "kernel gpu0/stream7 k9 500..510 corr 4\n");
        const auto texts = [&](EventColumn by, Qt::SortOrder order, EventColumn shown) {
            auto events = allEvents();
            sortEvents(*m_trace, events, by, order);
            QStringList cells;
            for (const EventId event : events)
                cells << plain(eventCell(*m_trace, event, shown, CellText::Shown));
            return cells.join(QLatin1Char(' '));
        };
        QCOMPARE(texts(EventColumn::Name, Qt::AscendingOrder, EventColumn::Name), QStringLiteral("A b k9 k9 k10"));
        QCOMPARE(texts(EventColumn::Name, Qt::DescendingOrder, EventColumn::Start), QStringLiteral("200 ns 300 ns 500 ns 100 ns 400 ns"));
        QCOMPARE(texts(EventColumn::Place, Qt::AscendingOrder, EventColumn::Name), QStringLiteral("k10 k9 b k9 A"));
        QCOMPARE(texts(EventColumn::Kind, Qt::AscendingOrder, EventColumn::Name), QStringLiteral("A b k10 k9 k9"));
    }

    // Digits of other scripts were numbers of 0, and before letters that stand before them; so were numbers of more than 64 bits.
    void namesWithUnusualNumbersHaveAnOrderToo()
    {
        m_trace = traceOf("window 0..1000\n"
                          "kernel gpu0/stream7 ٣ 100..110 corr 1\n"
                          "kernel gpu0/stream7 a 200..210 corr 2\n"
                          "kernel gpu0/stream7 5 300..310 corr 3\n"
                          "kernel gpu0/stream7 k123456789012345678901234567890 400..410 corr 4\n"
                          "kernel gpu0/stream7 k7 500..510 corr 5\n"
                          "kernel gpu0/stream7 k0000000000000000000000000008 600..610 corr 6\n");
        auto events = allEvents();
        sortEvents(*m_trace, events, EventColumn::Name, Qt::AscendingOrder);
        QStringList starts;
        for (const EventId event : events)
            starts << QString::number(m_trace->timeOf(event).start);
        QCOMPARE(starts.join(QLatin1Char(' ')), QStringLiteral("300 200 500 600 400 100"));
    }

    void sortingEndsWhenItIsAskedToWhileItComparesTexts()
    {
        auto events = allEvents();
        std::stop_source stop;
        std::vector<double> told;
        const auto progress = [&](double fraction) {
            told.push_back(fraction);
            stop.request_stop();
        };
        sortEvents(*m_trace, events, EventColumn::Name, Qt::AscendingOrder, progress, stop.get_token());
        QCOMPARE(told, std::vector<double>{0.0}); // before the first text is looked at
    }

    void durationsOfSecondsAreSortedToo()
    {
        trace::Trace trace;
        for (int i = 0; i < 6; ++i)
            trace.kernels.addTimes(i, i + (std::int64_t{1} << (28 + (i * 5) % 6 * 2))); // up to 2^38 ns
        std::vector<EventId> events;
        for (std::uint32_t i = 0; i < 6; ++i)
            events.emplace_back(EventKind::Kernel, i);
        sortEvents(trace, events, EventColumn::Duration, Qt::AscendingOrder);
        for (std::size_t i = 1; i < 6; ++i)
            QVERIFY(trace.timeOf(events[i - 1]).duration() < trace.timeOf(events[i]).duration());
    }

    void aFilterOfEventsIsAskedForOnceItIsRight()
    {
        EventTable table;
        table.setTrace(m_trace);
        table.setEvents(m_trace, allEvents(), QStringLiteral("in view"));
        expose(table);
        QSignalSpy asked(&table, &EventTable::questionChanged);
        auto* field = table.findChild<FilterEdit*>(QStringLiteral("eventsFilter"));
        const auto* scope = table.findChild<QLabel*>(QStringLiteral("eventsScope"));
        QTest::keyClicks(field, QStringLiteral("dur>1"));
        QTRY_VERIFY2(scope->text().startsWith(QStringLiteral("at character 5: expected a time")), qPrintable(scope->text()));
        QCOMPARE(asked.count(), 0);
        QTest::keyClicks(field, QStringLiteral("us"));
        QTRY_COMPARE(asked.count(), 1);
        QCOMPARE(table.filter().terms.size(), std::size_t{1});
        table.setEvents(m_trace, {}, QStringLiteral("in view"));
        QCOMPARE(plain(scope->text()), QStringLiteral("0 events in view, of those that the filter wants"));
        field->clear();
        QTest::keyClicks(field, QStringLiteral("foo=3"));
        QTRY_VERIFY2(scope->text().startsWith(QStringLiteral("no key 'foo': matched as a name; keys are name, dur")), qPrintable(scope->text()));
        field->clear();
        QTest::keyClicks(field, QStringLiteral("stream="));
        QTRY_VERIFY(field->completions().popup()->isVisible());
        QVERIFY(field->completions().popup()->model()->index(0, 0).data().toString().startsWith(QStringLiteral("stream=")));
        field->completions().popup()->hide();
    }

private:
    [[nodiscard]] std::vector<EventId> allEvents() const { return *analysis::listEvents(*m_trace, {analysis::kAlways, {}, {}}); }
    /// The same event again and again.
    [[nodiscard]] std::vector<EventId> longList() const { return std::vector<EventId>(kLong, allEvents().front()); }

    /// First and last row of a selection that is one piece.
    static std::pair<int, int> selectedRows(EventTable& table)
    {
        const QItemSelection selection = table.view().selectionModel()->selection();
        return selection.size() == 1 ? std::pair(selection.front().top(), selection.front().bottom()) : std::pair(-1, -1);
    }

    static constexpr int kLong = 250'000;
    static constexpr int kVeryLong = 3'000'000;

    TracePtr m_trace;
};

QTEST_MAIN(EventTableTest)
#include "event_table_test.moc"
