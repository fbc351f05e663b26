#include "report_fixture.h"

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <QColor>
#include <QFile>
#include <QImage>
#include <QJsonDocument>
#include <QJsonObject>
#include <QSet>
#include <QTest>

#include <algorithm>
#include <fstream>

using namespace gantry;
using gantry::test::ProcessResult;
using gantry::test::TemporaryFolder;

namespace {

constexpr std::chrono::seconds kPatience(100);

/// Runs gantry as a script on a machine without a display does.
ProcessResult runGantry(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), GANTRY_PROGRAM);
    return test::runProcess(arguments, kPatience);
}

int lines(const std::string& text)
{
    return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

class ProgramTest : public QObject
{
    Q_OBJECT

private slots:
    void initTestCase()
    {
        for (const char* variable : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", "XDG_RUNTIME_DIR"})
            qunsetenv(variable);
    }

    void init()
    {
        m_folder = std::make_unique<TemporaryFolder>();
        m_a = *m_folder / "a.gantry";
        m_b = *m_folder / "b.gantry";
        m_png = *m_folder / "out.png";
        desktop_test::writeReport(m_a);
        desktop_test::writeReport(m_b, {.requests = 6, .inferNs = 300'000, .pinned = true});
    }

    void aScreenshotHasTheSizeAskedForAndTheRunSaysNothing()
    {
        const ProcessResult result = runGantry({"--screenshot", m_png, "--size", "1280x720", m_a});
        QCOMPARE(result.exitStatus, 0);
        QCOMPARE(result.err, std::string());
        QCOMPARE(result.out, std::string());
        const QImage picture(QString::fromStdString(m_png));
        QCOMPARE(picture.size(), QSize(1280, 720));
        QVERIFY(colours(picture) > 20); // a timeline, not an empty window
    }

    void recordedFramesAreLinesOfJson()
    {
        const std::filesystem::path record = *m_folder / "frames.jsonl";
        QCOMPARE(runGantry({"--record", record, "--screenshot", m_png, "--size", "1280x720", m_a}).exitStatus, 0);
        QFile file(QString::fromStdString(record));
        QVERIFY(file.open(QIODevice::ReadOnly));
        int composed = 0, frame = 0;
        while (!file.atEnd()) {
            const QJsonObject line = QJsonDocument::fromJson(file.readLine()).object();
            QCOMPARE(line[QStringLiteral("frame")].toInt(), ++frame);
            QVERIFY(line[QStringLiteral("show_ms")].toDouble() > 0);
            QVERIFY(line[QStringLiteral("view_end_ns")].toInteger() > line[QStringLiteral("view_start_ns")].toInteger());
            composed += line[QStringLiteral("compose_ms")].toDouble() > 0 && line[QStringLiteral("boxes")].toInt() > 10;
        }
        QVERIFY(composed > 0);

        const ProcessResult refused = runGantry({"--record", *m_folder / "none" / "frames.jsonl", "--screenshot", m_png, m_a});
        QCOMPARE(refused.exitStatus, 73);
        QVERIFY(refused.err.find("--record") != std::string::npos);
    }

    void theThemeIsTheOneAskedFor()
    {
        const std::string dark = *m_folder / "dark.png";
        QCOMPARE(runGantry({"--screenshot", m_png, "--size", "800x600", "--theme", "light", m_a}).exitStatus, 0);
        QCOMPARE(runGantry({"--screenshot", dark, "--size", "800x600", "--theme", "dark", m_a}).exitStatus, 0);
        QVERIFY(lightness(QImage(QString::fromStdString(m_png))) > lightness(QImage(QString::fromStdString(dark))) + 80);
    }

    void twoReportsAreRenderedBesideEachOther()
    {
        const std::string alone = *m_folder / "alone.png";
        QCOMPARE(runGantry({"--screenshot", alone, "--size", "1400x900", m_a}).exitStatus, 0);
        const ProcessResult result = runGantry({"--screenshot", m_png, "--size", "1400x900", m_a, m_b});
        QCOMPARE(result.exitStatus, 0);
        QCOMPARE(result.err, std::string());
        const QImage picture(QString::fromStdString(m_png));
        QCOMPARE(picture.size(), QSize(1400, 900));
        QVERIFY(picture != QImage(QString::fromStdString(alone)));
    }

    void aRequestAskedForIsInThePicture()
    {
        const std::string whole = *m_folder / "whole.png";
        QCOMPARE(runGantry({"--screenshot", whole, "--size", "1200x800", m_a}).exitStatus, 0);
        QCOMPARE(runGantry({"--screenshot", m_png, "--size", "1200x800", "--request", "slowest", m_a}).exitStatus, 0);
        QVERIFY(QImage(QString::fromStdString(m_png)) != QImage(QString::fromStdString(whole)));
        const ProcessResult none = runGantry({"--screenshot", m_png, "--request", "999999", m_a});
        QCOMPARE(none.exitStatus, 65);
        QVERIFY2(none.err.find("no request 999999") != std::string::npos, none.err.c_str());
    }

    void theSameReportGivesTheSamePicture()
    {
        const std::string again = *m_folder / "again.png";
        QCOMPARE(runGantry({"--screenshot", m_png, "--size", "800x600", m_a}).exitStatus, 0);
        QCOMPARE(runGantry({"--screenshot", again, "--size", "800x600", m_a}).exitStatus, 0);
        QCOMPARE(QImage(QString::fromStdString(again)), QImage(QString::fromStdString(m_png)));
    }

    void aFileThatCannotBeOpenedIsOneSentenceAndAStatus_data()
    {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<QString>("cause");
        QTest::newRow("missing") << "missing"
                                 << "no such file";
        QTest::newRow("truncated") << "truncated"
                                   << "truncated";
        QTest::newRow("no report") << "text"
                                   << "of no kind that Gantry knows";
        QTest::newRow("one of two") << "compare"
                                    << "truncated";
    }

    void aFileThatCannotBeOpenedIsOneSentenceAndAStatus()
    {
        QFETCH(QString, kind);
        std::vector<std::string> arguments{"--screenshot", m_png, m_a};
        if (kind == QLatin1String("missing"))
            std::filesystem::remove(m_a);
        else if (kind == QLatin1String("text"))
            std::ofstream(m_a) << "nothing that a profiler wrote";
        else
            desktop_test::truncateFile(m_a);
        if (kind == QLatin1String("compare"))
            arguments.push_back(m_b);
        const ProcessResult result = runGantry(arguments);
        QCOMPARE(result.exitStatus, 65);
        QVERIFY2(result.err.starts_with("gantry: ") && result.err.ends_with(".\n"), result.err.c_str());
        QCOMPARE(lines(result.err), 1);
        QFETCH(QString, cause);
        QVERIFY2(QString::fromStdString(result.err).contains(cause), result.err.c_str());
        QVERIFY(!std::filesystem::exists(m_png));
    }

    void aPictureThatCannotBeWrittenIsOneSentenceAndAStatus()
    {
        std::ofstream(*m_folder / "file") << "no folder";
        const ProcessResult result = runGantry({"--screenshot", (*m_folder / "file") / "out.png", m_a});
        QCOMPARE(result.exitStatus, 73);
        QCOMPARE(lines(result.err), 1);
        QVERIFY2(result.err.find("make it or name another") != std::string::npos, result.err.c_str());
    }

    // It made the folders.
    void aPictureInAFolderThatIsNotThereIsNotMade()
    {
        const ProcessResult result = runGantry({"--screenshot", *m_folder / "no" / "out.png", m_a});
        QCOMPARE(result.exitStatus, 73);
        QVERIFY2(result.err.find("there is no such folder; make it or name another") != std::string::npos, result.err.c_str());
        QVERIFY(!std::filesystem::exists(*m_folder / "no"));
    }

    void aNodeThatDoesNotAnswerIsOneSentenceAndAStatus()
    {
        const std::string nowhere = "unix:" + (*m_folder / "none.sock").string();
        for (const std::vector<std::string>& arguments :
             {std::vector<std::string>{"--screenshot", m_png, "--page", "live", "--node", nowhere},
              std::vector<std::string>{"--tour", *m_folder / "tour", "--node", nowhere}}) {
            const ProcessResult result = runGantry(arguments);
            QCOMPARE(result.exitStatus, 69);
            QCOMPARE(lines(result.err), 1);
            QVERIFY2(result.err.find("none.sock") != std::string::npos, result.err.c_str());
        }
    }

    void withoutADisplayItSaysWhatToUseInstead()
    {
        const ProcessResult result = runGantry({m_a});
        QCOMPARE(result.exitStatus, 2);
        QCOMPARE(lines(result.err), 1);
        QVERIFY2(result.err.find("--screenshot") != std::string::npos && result.err.find("gantryctl") != std::string::npos,
                 result.err.c_str());
    }

    void helpAndVersionNeedNoDisplay()
    {
        const ProcessResult help = runGantry({"--help"});
        QCOMPARE(help.exitStatus, 0);
        QCOMPARE(help.err, std::string());
        for (const char* text : {"FILE", "--node", "--screenshot", "--size", "--theme", "--compare", "Exit codes"})
            QVERIFY2(help.out.find(text) != std::string::npos, text);
        const ProcessResult version = runGantry({"--version"});
        QCOMPARE(version.exitStatus, 0);
        QCOMPARE(version.out, std::string("gantry " GANTRY_VERSION "\n"));
        QCOMPARE(runGantry({"--nonsense"}).exitStatus, 64);
    }

    void aScreenshotLeavesTheUsersSettingsAlone()
    {
        const std::string config = *m_folder / "config";
        qputenv("XDG_CONFIG_HOME", config.c_str());
        QCOMPARE(runGantry({"--screenshot", m_png, "--theme", "dark", m_a}).exitStatus, 0);
        qunsetenv("XDG_CONFIG_HOME");
        QVERIFY(!std::filesystem::exists(config));
    }

private:
    static qsizetype colours(const QImage& picture)
    {
        QSet<QRgb> seen;
        for (int y = 0; y < picture.height(); y += 2) {
            for (int x = 0; x < picture.width(); x += 2)
                seen.insert(picture.pixel(x, y));
        }
        return seen.size();
    }

    static int lightness(const QImage& picture)
    {
        return QColor(picture.scaled(1, 1, Qt::IgnoreAspectRatio, Qt::SmoothTransformation).pixel(0, 0)).lightness();
    }

    std::unique_ptr<TemporaryFolder> m_folder;
    std::filesystem::path m_a, m_b, m_png;
};

QTEST_GUILESS_MAIN(ProgramTest)
#include "program_test.moc"
