#include "app/desktop/command_line.h"

#include <QTest>

#include <vector>

using namespace gantry::desktop;

namespace {

std::variant<CommandLine, EarlyExit> parse(std::vector<const char*> arguments)
{
    arguments.insert(arguments.begin(), "gantry");
    return parseCommandLine(static_cast<int>(arguments.size()), arguments.data());
}

CommandLine accepted(std::vector<const char*> arguments)
{
    return std::get<CommandLine>(parse(std::move(arguments)));
}

int refused(std::vector<const char*> arguments)
{
    return std::get<EarlyExit>(parse(std::move(arguments))).code;
}

} // namespace

class CommandLineTest : public QObject
{
    Q_OBJECT

private slots:
    void takesFilesAndANode()
    {
        const CommandLine line = accepted({"a.gantry", "b.sqlite", "--node", "unix:/tmp/x.sock"});
        QCOMPARE(line.reports, (QStringList{QStringLiteral("a.gantry"), QStringLiteral("b.sqlite")}));
        QCOMPARE(*line.node, std::string("unix:/tmp/x.sock"));
        QVERIFY(!line.isUnattended());
    }

    void anEmptyNodeIsThisMachine()
    {
        QCOMPARE(*accepted({"--node", ""}).node, std::string());
        const CommandLine several = accepted({"--node", "unix:/a.sock", "--node", "", "a.gantry"});
        QCOMPARE(*several.node, std::string("unix:/a.sock")); // the one that is shown
        QVERIFY(several.otherNodes == std::vector<std::string>{""});
        QCOMPARE(several.reports, QStringList{QStringLiteral("a.gantry")});
        QVERIFY(!accepted({}).node);
    }

    void recordsFramesWhereItIsAskedToAndTheHelpSaysSo()
    {
        QCOMPARE(accepted({"--record", "frames.jsonl", "a.gantry"}).record, QStringLiteral("frames.jsonl"));
        QVERIFY(accepted({"a.gantry"}).record.isEmpty());
        const char* const arguments[] = {"gantry", "--help"};
        const auto help = parseCommandLine(2, arguments);
        QVERIFY(std::get<EarlyExit>(help).text.find("--record") != std::string::npos);
    }

    void takesTheOptionsOfAScreenshot()
    {
        const CommandLine line = accepted({"--screenshot", "out.png", "--size", "1280x720", "--theme", "dark", "a.gantry"});
        QCOMPARE(line.screenshot, QStringLiteral("out.png"));
        QCOMPARE(line.size, QSize(1280, 720));
        QVERIFY(line.theme == ColorScheme::Dark);
        QVERIFY(!line.compare);
    }

    void aScreenshotOfTwoReportsComparesThem()
    {
        const CommandLine line = accepted({"--screenshot", "out.png", "a.gantry", "b.gantry"});
        QVERIFY(line.compare);
        QCOMPARE(line.compare->second, QStringLiteral("b.gantry"));
        QVERIFY(!accepted({"--screenshot", "out.png", "--page", "timeline", "a.gantry", "b.gantry"}).compare);
    }

    void severalFilesAreOneReportWhenAskedFor()
    {
        const CommandLine line = accepted({"--together", "a.json", "b.json", "c.json"});
        QVERIFY(line.isTogether);
        QCOMPARE(line.reports.size(), 3);
        QVERIFY(!accepted({"a.json", "b.json"}).isTogether);
        // Of such a report there is one picture, and no comparison.
        QVERIFY(!accepted({"--together", "--screenshot", "out.png", "a.json", "b.json"}).compare);
        QCOMPARE(accepted({"--together", "--screenshot", "out.png", "a.json", "b.json", "c.json"}).reports.size(), 3);
        QCOMPARE(refused({"--together", "a.json"}), 64);
    }

    void filesOpenedTogetherMayBeShifted()
    {
        const CommandLine line = accepted({"--together", "a.json", "b.json", "c.json", "--offset", "-1.5ms", "--offset", "auto"});
        QCOMPARE(line.reports.size(), 3);
        QCOMPARE(line.offsets.size(), std::size_t{2});
        QVERIFY(line.offsets[0] == gantry::DurationNs{-1'500'000} && !line.offsets[1]);
        QCOMPARE(refused({"--together", "a.json", "b.json", "--offset", "banana"}), 64);
        QCOMPARE(refused({"--together", "a.json", "b.json", "--offset", "5"}), 64);
        QCOMPARE(refused({"--together", "a.json", "b.json", "--offset", "1ms", "--offset", "1ms"}), 64);
        QCOMPARE(refused({"a.json", "b.json", "--offset", "1ms"}), 64);
    }

    // A JPEG's name was given to a PNG.
    void aScreenshotIsAPngAndSaysSo()
    {
        QCOMPARE(refused({"--screenshot", "out.jpg", "a.gantry"}), 64);
        QCOMPARE(accepted({"--screenshot", "OUT.PNG", "a.gantry"}).screenshot, QStringLiteral("OUT.PNG"));
    }

    void aPlaceIsARangeFromTheStartAndAnEvent()
    {
        const CommandLine line = accepted({"--view", "12.5ms..14ms", "--select", "memcpy:7", "a.gantry"});
        QVERIFY(line.place.range == (gantry::TimeRange{12'500'000, 14'000'000}));
        QVERIFY(line.place.selected == gantry::trace::EventId(gantry::trace::EventKind::Memcpy, 7));
        QVERIFY(accepted({"a.gantry"}).place.isEmpty());
        QVERIFY(accepted({"--view", "0..1s", "a.gantry"}).place.range == (gantry::TimeRange{0, 1'000'000'000}));
    }

    void aCopiedLinkIsReadAsItWasWritten()
    {
        const ViewPlace place{gantry::TimeRange{0, 123'456'789'012'345}, gantry::trace::EventId(gantry::trace::EventKind::ApiCall, 99)};
        const QString text = viewCommand(place, {{"/data/a b's.gantry", {}}, {"/data/c.json", gantry::DurationNs{-20'000}}});
        QCOMPARE(text, QStringLiteral("gantry --view 0..123456789012345ns --select api_call:99 --together --offset=-20000ns '/data/a b'\\''s.gantry' /data/c.json"));
        const CommandLine line = accepted({"--view", "0..123456789012345ns", "--select", "api_call:99", "--together", "--offset=-20000ns", "a", "c"});
        QVERIFY(line.place.range == place.range);
        QVERIFY(line.place.selected == place.selected);
        QCOMPARE(line.offsets.front(), gantry::DurationNs{-20'000});
    }

    void aSweepTakesAnyNumberOfPaths()
    {
        QCOMPARE(accepted({"--sweep", "folder", "perf.csv"}).sweep, (QStringList{QStringLiteral("folder"), QStringLiteral("perf.csv")}));
        QCOMPARE(accepted({"--screenshot", "out.png", "--sweep", "folder"}).sweep, QStringList{QStringLiteral("folder")});
        QCOMPARE(refused({"--sweep", "folder", "--compare", "a.gantry", "b.gantry"}), 64);
        QCOMPARE(refused({"--sweep"}), 64);
    }

    void compareTakesExactlyTwo()
    {
        const CommandLine line = accepted({"--compare", "a.gantry", "b.gantry"});
        QCOMPARE(line.compare->first, QStringLiteral("a.gantry"));
        QCOMPARE(refused({"--compare", "a.gantry"}), 64);
    }

    void refusesWhatItDoesNotUnderstandWithTheUsageStatus_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::newRow("unknown option") << QStringList{QStringLiteral("--nonsense")};
        QTest::newRow("size without height") << QStringList{QStringLiteral("--size"), QStringLiteral("1280")};
        QTest::newRow("size too small") << QStringList{QStringLiteral("--size"), QStringLiteral("10x10")};
        QTest::newRow("unknown theme") << QStringList{QStringLiteral("--theme"), QStringLiteral("blue")};
        QTest::newRow("screenshot of nothing") << QStringList{QStringLiteral("--screenshot"), QStringLiteral("x.png")};
        QTest::newRow("a request of no report") << QStringList{QStringLiteral("--request"), QStringLiteral("slowest")};
        QTest::newRow("a range of no report") << QStringList{QStringLiteral("--view"), QStringLiteral("0..1ms")};
        QTest::newRow("a range that ends before it starts") << QStringList{QStringLiteral("--view"), QStringLiteral("2ms..1ms"), QStringLiteral("a")};
        QTest::newRow("a range without units") << QStringList{QStringLiteral("--view"), QStringLiteral("1..2"), QStringLiteral("a")};
        QTest::newRow("a range without an end") << QStringList{QStringLiteral("--view"), QStringLiteral("1ms"), QStringLiteral("a")};
        QTest::newRow("an event of no kind") << QStringList{QStringLiteral("--select"), QStringLiteral("colonel:1"), QStringLiteral("a")};
        QTest::newRow("an event without a row") << QStringList{QStringLiteral("--select"), QStringLiteral("kernel:"), QStringLiteral("a")};
        QTest::newRow("an event beyond all rows") << QStringList{QStringLiteral("--select"), QStringLiteral("kernel:4294967295"), QStringLiteral("a")};
        QTest::newRow("live without node") << QStringList{QStringLiteral("--screenshot"), QStringLiteral("x.png"), QStringLiteral("--page"), QStringLiteral("live")};
        QTest::newRow("tour without node") << QStringList{QStringLiteral("--tour"), QStringLiteral("x")};
        QTest::newRow("three reports in one picture")
            << QStringList{QStringLiteral("--screenshot"), QStringLiteral("x.png"), QStringLiteral("a"), QStringLiteral("b"), QStringLiteral("c")};
    }

    void refusesWhatItDoesNotUnderstandWithTheUsageStatus()
    {
        QFETCH(QStringList, arguments);
        std::vector<QByteArray> bytes;
        std::vector<const char*> pointers;
        for (const QString& argument : arguments)
            bytes.push_back(argument.toUtf8());
        for (const QByteArray& argument : bytes)
            pointers.push_back(argument.constData());
        QCOMPARE(refused(pointers), 64);
    }

    void helpEndsWithSuccess() { QCOMPARE(refused({"--help"}), 0); }
};

QTEST_APPLESS_MAIN(CommandLineTest)
#include "command_line_test.moc"
