#include "app/desktop/capture_bands.h"

#include <QTest>

using namespace gantry;
using namespace gantry::desktop;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kStamp = 1'795'370'251 * kSecond; // 2026-11-22 17:57:31 UTC

proto::ReportInfo listed(const char* name)
{
    proto::ReportInfo report;
    report.name = name;
    report.targetName = "bert";
    report.durationNs = 2 * kSecond;
    report.createdUtcNs = kStamp + 60 * kSecond; // when its cost was written into it
    return report;
}

} // namespace

class CaptureBandsTest : public QObject
{
    Q_OBJECT

private slots:
    void aListedReportLiesWhereItsNameSaysThatItWasWritten()
    {
        const CaptureBand band = bandOf(listed("20261122-175731-bert-3.gantry"));
        QCOMPARE(band.endUtcNs, kStamp + kSecond / 2); // the stamp is cut to a second
        QCOMPARE(band.endUtcNs - band.beginUtcNs, 2 * kSecond);
        QVERIFY(!band.isExact);
        QCOMPARE(band.label, QStringLiteral("bert"));
    }

    void oneOfAnotherNameLiesWhereItsFileWasWritten() { QCOMPARE(bandOf(listed("mine.gantry")).endUtcNs, kStamp + 60 * kSecond); }

    void aReportThatSaysWhenItsWindowBeganLiesThere()
    {
        proto::ReportInfo report = listed("20261122-175731-bert-3.gantry");
        report.beginUtcNs = kStamp - 2'250'000'000;
        const CaptureBand band = bandOf(report);
        QVERIFY(band.isExact);
        QCOMPARE(band.beginUtcNs, kStamp - 2'250'000'000);
        QCOMPARE(band.endUtcNs, kStamp - 250'000'000);
    }

    void anOpenWindowIsABandThatHasNoReportYet()
    {
        proto::CaptureStatus capture;
        capture.captureId = "c3";
        capture.state = proto::CaptureState::Capturing;
        capture.windowBeginUtcNs = kStamp;
        capture.elapsedNs = kSecond;
        const auto band = bandOf(capture);
        QVERIFY(band.has_value());
        QVERIFY(band->isOpen);
        QCOMPARE(band->beginUtcNs, kStamp);
        QCOMPARE(band->endUtcNs, std::int64_t{0});
        QVERIFY(bandText(*band).contains(QStringLiteral("open since")));
        capture.state = proto::CaptureState::Assembling;
        const auto closed = bandOf(capture);
        QVERIFY(closed && closed->isOpen);
        QCOMPARE(closed->endUtcNs, kStamp + kSecond);
        QVERIFY(bandText(*closed).contains(QStringLiteral("being written")));
    }

    void whatIsArmedDoneOrAFlightRecorderIsNoWindow()
    {
        proto::CaptureStatus capture;
        capture.state = proto::CaptureState::Armed;
        QVERIFY(!bandOf(capture));
        capture.windowBeginUtcNs = kStamp;
        capture.state = proto::CaptureState::Done;
        QVERIFY(!bandOf(capture));
        capture.state = proto::CaptureState::Capturing;
        capture.ringNs = 10 * kSecond;
        QVERIFY(!bandOf(capture));
    }

    void aBandIsCalledWhatPeopleCalledTheCapture()
    {
        proto::ReportInfo report = listed("20261122-175731-bert-3.gantry");
        report.label = "before the change";
        QCOMPARE(bandOf(report).label, QStringLiteral("before the change"));
    }

    void theTipSaysNameBeginLengthAndWhetherItIsKnownToAMillisecond()
    {
        CaptureBand band = bandOf(listed("20261122-175731-bert-3.gantry"));
        QVERIFY(bandText(band).startsWith(QStringLiteral("20261122-175731-bert-3.gantry\nabout from ")));
        QVERIFY(bandText(band).contains(QStringLiteral("2.000 s")));
        QVERIFY(bandText(band).endsWith(QStringLiteral("fetch the report and open it at this instant")));
        band.isExact = true;
        band.file = "/somewhere/20261122-175731-bert-3.gantry";
        QVERIFY(bandText(band).contains(QStringLiteral("\nfrom ")));
        QVERIFY(bandText(band).endsWith(QStringLiteral("open the report at this instant")));
    }
};

QTEST_MAIN(CaptureBandsTest)
#include "capture_bands_test.moc"
