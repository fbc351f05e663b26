#include "report_fixture.h"

#include "app/desktop/export_dialog.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"
#include "widgets/timeline/timeline_widget.h"

#include <QComboBox>
#include <QFile>
#include <QImage>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSignalSpy>
#include <QStandardItemModel>
#include <QTest>
#include <QXmlStreamReader>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace gantry;
using namespace gantry::desktop;
using gantry::test::TemporaryFolder;
using Format = ExportDialog::Format;

namespace {

constexpr int kPatienceMs = 20'000;

std::string contentOf(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

} // namespace

class ExportDialogTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_source = *m_folder / "bert.gantry";
        desktop_test::writeReport(m_source);
        m_trace = *trace::loadTrace(m_source);
        m_runner = std::make_unique<jobs::JobRunner>(2);
        m_timeline = std::make_unique<widgets::TimelineWidget>();
        m_timeline->resize(800, 500);
        m_timeline->setTrace(m_trace);
        m_timeline->show();
        m_dialog = std::make_unique<ExportDialog>(m_trace, m_timeline.get(), std::vector{m_source}, *m_runner);
        m_dialog->open();
    }

    void cleanup()
    {
        m_dialog.reset();
        m_timeline.reset();
        m_runner.reset();
    }

    void aFileBesideTheReportIsSuggestedAndNeverTheReportItself()
    {
        QCOMPARE(m_dialog->file(), *m_folder / "bert.json");
        m_dialog->setFormat(Format::PackedChromeJson);
        QCOMPARE(m_dialog->file(), *m_folder / "bert.json.gz");
        m_dialog->setFormat(Format::Csv);
        m_dialog->setTable(QStringLiteral("kernels"));
        QCOMPARE(m_dialog->file(), *m_folder / "bert-kernels.csv");
        ExportDialog other(m_trace, nullptr, {*m_folder / "export.sqlite"}, *m_runner);
        other.setFormat(Format::Sqlite);
        QCOMPARE(other.file(), *m_folder / "export-exported.sqlite");
    }

    // The report of a .nsys-rep file is read from the .sqlite file beside it.
    void aNameThatIsTakenIsNotSuggested()
    {
        std::ofstream(*m_folder / "run.sqlite") << "rows";
        ExportDialog dialog(m_trace, nullptr, {*m_folder / "run.nsys-rep"}, *m_runner);
        dialog.setFormat(Format::Sqlite);
        QCOMPARE(dialog.file(), *m_folder / "run-exported.sqlite");
        std::ofstream(*m_folder / "run-exported.sqlite") << "more";
        dialog.setFormat(Format::Csv);
        dialog.setFormat(Format::Sqlite);
        QCOMPARE(dialog.file(), *m_folder / "run-exported-2.sqlite");
        QVERIFY(!dialog.notes().contains(QStringLiteral("replaced")));
    }

    // A change of the format replaced it by the suggestion.
    void whatIsTypedStaysButForWhatTheFormatDecides()
    {
        auto* file = m_dialog->findChild<QLineEdit*>(QStringLiteral("exportFile"));
        file->selectAll();
        QTest::keyClicks(file, QString::fromStdString(*m_folder / "mine.json"));
        m_dialog->setFormat(Format::PackedChromeJson);
        QCOMPARE(m_dialog->file(), *m_folder / "mine.json.gz");
        m_dialog->setFormat(Format::Sqlite);
        QCOMPARE(m_dialog->file(), *m_folder / "mine.sqlite");
        file->selectAll();
        QTest::keyClicks(file, QString::fromStdString(*m_folder / "mine.db"));
        m_dialog->setFormat(Format::Csv);
        QCOMPARE(m_dialog->file(), *m_folder / "mine.db"); // its own extension is the user's choice
    }

    void theButtonSaysThatAFileIsReplaced()
    {
        const auto labels = [&] {
            QStringList texts;
            for (const auto* button : m_dialog->findChildren<QPushButton*>())
                texts << button->text();
            return texts;
        };
        QVERIFY(labels().contains(QStringLiteral("Export")));
        std::ofstream(*m_folder / "taken.json") << "mine";
        m_dialog->setFile(*m_folder / "taken.json");
        QVERIFY(labels().contains(QStringLiteral("Replace")));
    }

    void aTraceIsExportedAndOpensAgain_data()
    {
        QTest::addColumn<int>("format");
        QTest::newRow("Chrome") << int(Format::ChromeJson);
        QTest::newRow("Chrome, packed") << int(Format::PackedChromeJson);
        QTest::newRow("SQLite") << int(Format::Sqlite);
    }

    void aTraceIsExportedAndOpensAgain()
    {
        QFETCH(int, format);
        m_dialog->setFormat(static_cast<Format>(format));
        const auto path = m_dialog->file();
        QSignalSpy exported(m_dialog.get(), &ExportDialog::exported);
        m_dialog->startExport();
        QVERIFY2(exported.wait(kPatienceMs), qPrintable(m_dialog->error()));
        QCOMPARE(exported.front().front().toString(), QString::fromStdString(path));
        QVERIFY(m_dialog->isHidden());
        const auto again = trace::loadTrace(path);
        QVERIFY2(again, again ? "" : again.error().message.c_str());
        QCOMPARE((*again)->kernels.size(), m_trace->kernels.size());
        QCOMPARE((*again)->apiCalls.size(), m_trace->apiCalls.size());
    }

    void oneTableIsExportedAsText()
    {
        m_dialog->setFormat(Format::Csv);
        m_dialog->setTable(QStringLiteral("kernels"));
        run();
        const std::string text = contentOf(*m_folder / "bert-kernels.csv");
        QVERIFY2(text.starts_with("start_ns,end_ns,"), text.substr(0, 80).c_str());
        QCOMPARE(std::count(text.begin(), text.end(), '\n'), static_cast<std::ptrdiff_t>(m_trace->kernels.size()) + 1);
    }

    void theVisibleTimelineIsAPictureOfTwoPixelsForEachOfTheScreens()
    {
        m_dialog->setFormat(Format::Png);
        run();
        const QImage picture(QString::fromStdString(*m_folder / "bert.png"));
        QCOMPARE(picture.size(), m_timeline->viewport()->size() * 2);
        QSet<QRgb> colors;
        for (int x = 0; x < picture.width(); ++x)
            colors.insert(picture.pixel(x, picture.height() / 2));
        QVERIFY(colors.size() > 3); // header, rows, events
    }

    void aPictureMayBeOfAllRowsAndOfTheWholeReport()
    {
        m_timeline->resize(600, 160);
        const TimeRange whole = m_trace->time;
        m_timeline->setVisibleRange({whole.start, whole.start + whole.duration() / 8});
        m_dialog->setFormat(Format::Png);
        auto* time = m_dialog->findChild<QComboBox*>(QStringLiteral("exportTime"));
        auto* rows = m_dialog->findChild<QComboBox*>(QStringLiteral("exportRows"));
        QVERIFY(time->isVisible() && rows->isVisible());
        time->setCurrentIndex(time->count() - 1);
        rows->setCurrentIndex(1);
        run();
        const QImage picture(QString::fromStdString(*m_folder / "bert.png"));
        const int content = widgets::TimelineGeometry::rowsTop() + m_timeline->state().layout.height();
        QVERIFY(content > m_timeline->viewport()->height());
        QCOMPARE(picture.size(), QSize(m_timeline->viewport()->width(), content) * 2);
        QImage expected = widgets::timelineImage(widgets::pictured(m_timeline->state(), {whole, true}), m_timeline->font(), 2);
        expected.setDevicePixelRatio(1);
        QCOMPARE(picture.convertToFormat(QImage::Format_RGB32), expected.convertToFormat(QImage::Format_RGB32));
        QCOMPARE(m_timeline->visibleRange().duration(), whole.duration() / 8); // the screen stays as it is
    }

    void aDrawingHoldsTheNamesOfItsRows()
    {
        m_dialog->setFormat(Format::Svg);
        run();
        QFile file(QString::fromStdString(*m_folder / "bert.svg"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QXmlStreamReader xml(&file);
        QStringList texts;
        int rectangles = 0;
        while (!xml.atEnd()) {
            xml.readNext();
            rectangles += xml.isStartElement() && (xml.name() == QLatin1String("rect") || xml.name() == QLatin1String("path"));
            if (xml.isStartElement() && xml.name() == QLatin1String("text"))
                texts << xml.readElementText(QXmlStreamReader::IncludeChildElements).trimmed();
        }
        QVERIFY2(!xml.hasError(), qPrintable(xml.errorString()));
        QVERIFY2(texts.filter(QStringLiteral("Stream 7")).size() >= 1, qPrintable(texts.join(QLatin1Char('|'))));
        QVERIFY(rectangles > 20);
    }

    void whatAFormatCannotHoldIsSaidBefore()
    {
        m_dialog->setFormat(Format::ChromeJson);
        QVERIFY2(m_dialog->notes().startsWith(QStringLiteral("Such a file cannot hold: ")), qPrintable(m_dialog->notes()));
        // A report loses columns by the dozen: the first few are shown, and all in the tooltip.
        m_dialog->setFormat(Format::Sqlite);
        QVERIFY2(m_dialog->notes().contains(QStringLiteral("more; all are in the tooltip")), qPrintable(m_dialog->notes()));
        bool isInTooltip = false;
        for (const auto* label : m_dialog->findChildren<QLabel*>())
            isInTooltip = isInTooltip || label->toolTip().contains(QStringLiteral("GANTRY_CLOCK_SAMPLES"));
        QVERIFY(isInTooltip);
        m_dialog->setFormat(Format::Png);
        QVERIFY(m_dialog->notes().isEmpty());
        m_dialog->setFile(m_source);
        QVERIFY2(m_dialog->notes().contains(QStringLiteral("will be replaced")), qPrintable(m_dialog->notes()));
    }

    void theFileThatTheReportIsInIsNeverReplaced()
    {
        const std::string before = contentOf(m_source);
        m_dialog->setFile(m_folder->path() / "." / "bert.gantry"); // by another name
        m_dialog->startExport();
        QTRY_VERIFY_WITH_TIMEOUT(m_dialog->error().contains(QStringLiteral("choose another name")), kPatienceMs);
        QVERIFY(m_dialog->isVisible());
        QVERIFY(contentOf(m_source) == before);
    }

    void aFailureIsOneSentenceAndTheDialogStays()
    {
        m_dialog->setFile(*m_folder / "no such folder" / "a.json");
        m_dialog->startExport();
        QTRY_VERIFY_WITH_TIMEOUT(!m_dialog->error().isEmpty(), kPatienceMs);
        QVERIFY2(m_dialog->error().endsWith(QLatin1Char('.')) && !m_dialog->error().contains(QLatin1Char('\n')),
                 qPrintable(m_dialog->error()));
        QVERIFY(m_dialog->isVisible());
        m_dialog->setFile(*m_folder / "a.json"); // another name, another try
        QVERIFY(run());
    }

    void escapeEndsTheExportAndThenTheDialog()
    {
        QSignalSpy exported(m_dialog.get(), &ExportDialog::exported);
        m_dialog->startExport();
        QTest::keyClick(m_dialog.get(), Qt::Key_Escape); // before the job's result can have been delivered
        QCOMPARE(m_dialog->error(), QStringLiteral("Cancelled."));
        QVERIFY(m_dialog->isVisible());
        QTest::keyClick(m_dialog.get(), Qt::Key_Escape);
        QVERIFY(!m_dialog->isVisible());
        m_dialog.reset();
        m_runner.reset(); // the job has ended, and whatever it delivered waits
        QCoreApplication::processEvents();
        QVERIFY(exported.isEmpty());
        for (const auto& entry : std::filesystem::directory_iterator(m_folder->path())) // whole, or not there
            QVERIFY2(entry.path() == m_source || trace::loadTrace(entry.path()), entry.path().c_str());
    }

    void picturesAndTablesAreOfferedOnlyWhereThereAreAny()
    {
        const ExportDialog dialog(std::make_shared<const trace::Trace>(), nullptr, {m_source}, *m_runner);
        const auto* box = dialog.findChild<QComboBox*>(QStringLiteral("exportFormat"));
        const auto* items = qobject_cast<QStandardItemModel*>(box->model());
        const auto isOffered = [&](Format format) { return items->item(box->findData(int(format)))->isEnabled(); };
        QVERIFY(!isOffered(Format::Png) && !isOffered(Format::Svg) && !isOffered(Format::Csv));
        QVERIFY(isOffered(Format::Sqlite));
    }

private:
    bool run()
    {
        QSignalSpy exported(m_dialog.get(), &ExportDialog::exported);
        m_dialog->startExport();
        return exported.wait(kPatienceMs);
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::filesystem::path m_source;
    std::shared_ptr<const trace::Trace> m_trace;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<widgets::TimelineWidget> m_timeline;
    std::unique_ptr<ExportDialog> m_dialog;
};

QTEST_MAIN(ExportDialogTest)
#include "export_dialog_test.moc"
