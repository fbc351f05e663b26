#include "app/desktop/saved_view.h"

#include "app/desktop/mark_memory.h"
#include "app/desktop/report_page.h"
#include "app/desktop/settings.h"
#include "app/jobs/job_runner.h"
#include "tests/app/desktop/report_fixture.h"
#include "tests/support/temporary_folder.h"
#include "widgets/timeline/saved_marks.h"
#include "widgets/timeline/timeline_widget.h"

#include <QSignalSpy>
#include <QTest>

#include <fstream>
#include <memory>

using namespace gantry;
using namespace gantry::desktop;

class SavedViewTest : public QObject
{
    Q_OBJECT

private slots:
    void aReportOpensAsItWasSaved()
    {
        const test::TemporaryFolder folder;
        const std::filesystem::path path = folder / "a.gantry";
        desktop_test::writeReport(path);
        jobs::JobRunner runner(2);
        const trace::TrackId row(1);
        {
            ReportPage page(path, runner);
            QTRY_VERIFY(page.state() == ReportPage::State::Loaded);
            page.timeline()->setVisibleRange({3'000'000, 4'000'000});
            page.timeline()->arrangeRow(row, widgets::TimelineWidget::RowChange::TogglePin);
            page.timeline()->setMarks({{{3'500'000, 3'600'000}, QStringLiteral("slow & odd"), widgets::trackKeys(*page.trace())[1]}});
            QSignalSpy logged(&page, &ReportPage::logged);
            page.saveView();
            QTRY_COMPARE(logged.count(), 1);
        }
        QCOMPARE(std::filesystem::status(viewFileOf(path)).permissions(),
                 std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        ReportPage page(path, runner);
        QTRY_VERIFY(page.state() == ReportPage::State::Loaded);
        page.restoreView();
        QTRY_COMPARE(page.timeline()->marks().size(), std::size_t{1});
        QCOMPARE(page.timeline()->marks()[0],
                 (widgets::TimelineMark{{3'500'000, 3'600'000}, QStringLiteral("slow & odd"), widgets::trackKeys(*page.trace())[1]}));
        QVERIFY(page.timeline()->state().markRows[0] == trace::TrackId(1));
        QVERIFY(page.timeline()->rows().isPinned(row));
        QVERIFY(page.timeline()->visibleRange() == (TimeRange{3'000'000, 4'000'000}));
    }

    void aDamagedViewIsALineOfTheLogAndTheReportOpens()
    {
        const test::TemporaryFolder folder;
        const std::filesystem::path path = folder / "a.gantry";
        desktop_test::writeReport(path);
        std::ofstream(viewFileOf(path)) << "{\"format\": \"gantry-vi";
        jobs::JobRunner runner(2);
        ReportPage page(path, runner);
        QTRY_VERIFY(page.state() == ReportPage::State::Loaded);
        QSignalSpy logged(&page, &ReportPage::logged);
        page.restoreView();
        QTRY_COMPARE(logged.count(), 1);
        QVERIFY(logged.front().front().toString().contains(QStringLiteral("a.gantry.gantry-view.json is not used")));
        QVERIFY(page.state() == ReportPage::State::Loaded);
    }

    void marksThatEndBeforeTheyStartAreLeftOut()
    {
        trace::Trace trace;
        trace.time = {100, 200};
        const auto view = parseSavedView(toJson(
            {{0, 10}, {}, widgets::savedMarks(trace, {{{105, 102}, QStringLiteral("a"), {}}, {{105, 105}, QStringLiteral("b"), {}}})}));
        QVERIFY(view);
        const auto marks = widgets::restoredMarks(trace, view->marks);
        QCOMPARE(marks.size(), std::size_t{1});
        QCOMPARE(marks[0], (widgets::TimelineMark{{105, 105}, QStringLiteral("b"), {}}));
        QVERIFY(!parseSavedView("[]"));
    }

    void marksThatNobodySavedAreThereAgain()
    {
        const test::TemporaryFolder folder;
        const std::filesystem::path path = folder / "a.gantry", other = folder / "b.gantry";
        desktop_test::writeReport(path);
        desktop_test::writeReport(other);
        Settings settings(QString::fromStdString(folder.path().string()));
        jobs::JobRunner runner(2);
        const auto open = [&](const std::filesystem::path& report) {
            auto page = std::make_unique<ReportPage>(report, runner);
            rememberMarks(*page, settings);
            return page;
        };
        {
            const auto page = open(path);
            QTRY_VERIFY(page->state() == ReportPage::State::Loaded);
            page->timeline()->setMarks({{{3'500'000, 3'500'000}, QStringLiteral("stall"), {}}});
        }
        const auto page = open(path), another = open(other);
        QTRY_VERIFY(page->state() == ReportPage::State::Loaded && another->state() == ReportPage::State::Loaded);
        QCOMPARE(page->timeline()->marks().size(), std::size_t{1});
        QCOMPARE(page->timeline()->marks()[0].text, QStringLiteral("stall"));
        QVERIFY(another->timeline()->marks().empty());
        page->timeline()->setMarks({});
        const auto last = open(path);
        QTRY_VERIFY(last->state() == ReportPage::State::Loaded);
        QVERIFY(last->timeline()->marks().empty());
    }
};

QTEST_MAIN(SavedViewTest)
#include "saved_view_test.moc"
