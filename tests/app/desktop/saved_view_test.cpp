#include "app/desktop/saved_view.h"

#include "app/desktop/report_page.h"
#include "app/jobs/job_runner.h"
#include "tests/app/desktop/report_fixture.h"
#include "tests/support/temporary_folder.h"
#include "widgets/timeline/timeline_widget.h"

#include <QSignalSpy>
#include <QTest>

#include <fstream>

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
            page.timeline()->setMarks({{{3'500'000, 3'600'000}, QStringLiteral("slow & odd")}});
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
        QCOMPARE(page.timeline()->marks()[0], (widgets::TimelineMark{{3'500'000, 3'600'000}, QStringLiteral("slow & odd")}));
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
        const auto view = parseSavedView(toJson({{0, 10}, {}, {{{5, 2}, QStringLiteral("a")}, {{5, 5}, QStringLiteral("b")}}}));
        QVERIFY(view);
        QCOMPARE(view->marks.size(), std::size_t{1});
        QCOMPARE(view->marks[0].text, QStringLiteral("b"));
        QVERIFY(!parseSavedView("[]"));
    }
};

QTEST_MAIN(SavedViewTest)
#include "saved_view_test.moc"
