#include "tests/support/child_process.h"
#include "tests/support/node_fixture.h"

#include "trace_model/trace/trace_loader.h"

#include <QImage>
#include <QRegularExpression>
#include <QTest>

#include <algorithm>

using namespace gantry;
using gantry::test::BackgroundLoad;
using gantry::test::ChildProcess;
using gantry::test::NodeFixture;
using gantry::test::ProcessResult;

namespace {

constexpr std::chrono::seconds kPatience(120);

const test::Programs kPrograms{GANTRYD, GANTRY_SERVE, GANTRYCTL, {}};

} // namespace

/// gantry as a child process that looks at a real node with a server under load.
class UnattendedRunTest : public QObject
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
        m_node = std::make_unique<NodeFixture>(kPrograms);
        m_load = std::make_unique<BackgroundLoad>(m_node->launchServer().address);
        m_pictures = m_node->folder() / "tour";
    }

    void cleanup()
    {
        m_load.reset();
        m_node.reset();
    }

    void theTourPlaysTheMainJobAndPrintsPicturesReportAndSummary()
    {
        const ProcessResult result = test::runProcess(tour(), kPatience);
        QVERIFY2(result.exitStatus == 0, result.err.c_str());
        QCOMPARE(result.err, std::string());
        const QStringList lines = QString::fromStdString(result.out).split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        const QStringList pictures = lines.filter(QRegularExpression(QStringLiteral("\\.png$")));
        QVERIFY2(pictures.size() >= 4, result.out.c_str());
        QList<QImage> seen;
        for (const QString& path : pictures) {
            const QImage picture(path);
            QCOMPARE(picture.size(), QSize(1280, 800));
            QVERIFY2(!seen.contains(picture), qPrintable(path)); // each shows something else
            seen << picture;
        }

        const auto report =
            std::find_if(lines.begin(), lines.end(), [](const QString& line) { return line.endsWith(QStringLiteral(".gantry")); });
        QVERIFY2(report != lines.end(), result.out.c_str());
        const auto trace = trace::loadTrace(report->toStdString());
        QVERIFY(trace);
        QVERIFY(!(*trace)->requests.empty());
        for (const char* word : {"requests ", "p50", "p99", "dropped ", "window cost "})
            QVERIFY2(result.out.find(word) != std::string::npos, result.out.c_str());
    }

    void theLivePageIsRenderedOnceItHasMetrics()
    {
        const std::string png = m_node->folder() / "live.png";
        const ProcessResult result = test::runProcess(
            {GANTRY_PROGRAM, "--screenshot", png, "--page", "live", "--node", m_node->address(), "--size", "1280x800"}, kPatience);
        QVERIFY2(result.exitStatus == 0, result.err.c_str());
        QCOMPARE(result.err, std::string());
        QCOMPARE(QImage(QString::fromStdString(png)).size(), QSize(1280, 800));
    }

    void aNodeThatDiesInTheTourIsOneSentenceAndAStatus()
    {
        ChildProcess program(tour());
        const auto live = m_pictures / "1-live.png"; // written right before the window is opened
        QVERIFY(test::eventually([&] { return std::filesystem::exists(live); }, kPatience));
        m_node->killDaemon();
        const auto result = program.wait(kPatience);
        QVERIFY(result);
        QCOMPARE(result->exitStatus, 69);
        QCOMPARE(std::count(result->err.begin(), result->err.end(), '\n'), 1);
        QVERIFY2(result->err.starts_with("gantry: "), result->err.c_str());
    }

private:
    std::vector<std::string> tour() const
    {
        return {GANTRY_PROGRAM, "--tour", m_pictures, "--seconds", "1", "--node", m_node->address(), "--size", "1280x800"};
    }

    std::unique_ptr<NodeFixture> m_node;
    std::unique_ptr<BackgroundLoad> m_load;
    std::filesystem::path m_pictures;
};

QTEST_GUILESS_MAIN(UnattendedRunTest)
#include "unattended_run_test.moc"
