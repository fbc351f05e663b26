#include "app/desktop/report_page.h"
#include "app/desktop/row_memory.h"
#include "app/desktop/settings.h"
#include "app/jobs/job_runner.h"
#include "tests/app/desktop/report_fixture.h"
#include "widgets/timeline/timeline_widget.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>

using namespace gantry;
using namespace gantry::desktop;
using RowChange = widgets::TimelineWidget::RowChange;

namespace {

trace::TrackId trackNamed(const trace::Trace& trace, std::string_view name)
{
    const auto found =
        std::find_if(trace.tracks.begin(), trace.tracks.end(), [name](const trace::Track& track) { return track.name == name; });
    return trace::TrackId(static_cast<std::uint32_t>(found - trace.tracks.begin()));
}

} // namespace

class RowMemoryTest : public QObject
{
    Q_OBJECT

private slots:
    void aReportOpensWithTheRowsOfTheLastOneOfItsKind()
    {
        const QTemporaryDir folder;
        const std::filesystem::path path = folder.filePath(QStringLiteral("a.gantry")).toStdString(),
                                    other = folder.filePath(QStringLiteral("b.gantry")).toStdString();
        desktop_test::writeReport(path);
        desktop_test::writeReport(other, {.requests = 5});
        jobs::JobRunner runner(2);
        {
            Settings settings(folder.path());
            ReportPage page(path, runner);
            rememberRows(page, settings);
            QTRY_VERIFY(page.state() == ReportPage::State::Loaded);
            page.timeline()->arrangeRow(trackNamed(*page.trace(), "Stream 13"), RowChange::TogglePin);
            page.timeline()->arrangeRow(trackNamed(*page.trace(), "Stream 7"), RowChange::Hide);
        }
        Settings settings(folder.path());
        ReportPage page(other, runner);
        rememberRows(page, settings);
        QTRY_VERIFY(page.state() == ReportPage::State::Loaded);
        QVERIFY(page.timeline()->rows().isPinned(trackNamed(*page.trace(), "Stream 13")));
        QVERIFY(page.timeline()->rows().hidden.contains(trackNamed(*page.trace(), "Stream 7")));
    }

    void howACounterIsDrawnIsTheSameInTheNextReport()
    {
        const QTemporaryDir folder;
        const std::filesystem::path path = folder.filePath(QStringLiteral("a.gantry")).toStdString();
        desktop_test::writeReport(path);
        jobs::JobRunner runner(2);
        const auto depth = [](const ReportPage& page) { return trackNamed(*page.trace(), "Queue depth"); };
        {
            Settings settings(folder.path());
            ReportPage page(path, runner);
            rememberRows(page, settings);
            QTRY_VERIFY(page.state() == ReportPage::State::Loaded);
            page.timeline()->setCounterStyle(depth(page), widgets::CounterStyle::Heat);
            page.saveView();
            QTRY_VERIFY(std::filesystem::exists(path.string() + ".gantry-view.json"));
        }
        Settings settings(folder.path());
        ReportPage page(path, runner);
        rememberRows(page, settings);
        QTRY_VERIFY(page.state() == ReportPage::State::Loaded);
        const auto style = [&] { return page.timeline()->state().counterStyles[depth(page).value]; };
        QCOMPARE(style(), widgets::CounterStyle::Heat);
        page.timeline()->setCounterStyle(depth(page), widgets::CounterStyle::Line);
        page.restoreView();
        QTRY_COMPARE(style(), widgets::CounterStyle::Heat);
    }

    void reportsOfOneProgramAreOfAKindWhateverItsVersion()
    {
        importing::TraceMeta a, b;
        a.format = b.format = "nsys-sqlite";
        a.producer = "NVIDIA Nsight Systems 2025.1.1.110";
        b.producer = "NVIDIA Nsight Systems 2024.6";
        QCOMPARE(rowsKind(a), QStringLiteral("nsys-sqlite_NVIDIA_Nsight_Systems"));
        QCOMPARE(rowsKind(b), rowsKind(a));
        b.format = "chrome-trace";
        QVERIFY(rowsKind(b) != rowsKind(a));
    }
};

QTEST_MAIN(RowMemoryTest)
#include "row_memory_test.moc"
