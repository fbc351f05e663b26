#include "tests/widgets/trace_fixture.h"
#include "widgets/tables/event_table.h"
#include "widgets/tables/statistics_model.h"
#include "widgets/theme/format.h"
#include "widgets/theme/glossary.h"
#include "widgets/theme/theme.h"
#include "widgets/timeline/event_text.h"
#include "widgets/timeline/legend.h"

#include <QHelpEvent>
#include <QPalette>
#include <QTest>
#include <QToolTip>

#include <cmath>
#include <set>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using records::RequestPhase;
using trace::CopyKind;
using trace::EventKind;
using trace::MemoryKind;

namespace {

/// Contrast ratio of WCAG 2 between two colours, 1..21.
double contrast(const QColor& a, const QColor& b)
{
    const auto luminance = [](const QColor& color) {
        const auto linear = [](double c) { return c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4); };
        return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF());
    };
    const double x = luminance(a), y = luminance(b);
    return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

} // namespace

class ThemeTest : public QObject
{
    Q_OBJECT

private slots:
    void everyPhaseKindAndColumnIsExplainedWithItsUnit()
    {
        QStringList terms;
        for (int phase = 0; phase <= static_cast<int>(RequestPhase::Outside); ++phase)
            terms << phaseTitle(static_cast<RequestPhase>(phase));
        for (int kind = 0; kind < trace::kEventKindCount; ++kind)
            terms << kindTitle(static_cast<EventKind>(kind));
        const EventModel events;
        const StatisticsModel statistics;
        for (const QAbstractItemModel* model :
             {static_cast<const QAbstractItemModel*>(&events), static_cast<const QAbstractItemModel*>(&statistics)}) {
            for (int column = 0; column < model->columnCount(); ++column) {
                terms << model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString();
                QCOMPARE(model->headerData(column, Qt::Horizontal, Qt::ToolTipRole).toString(), termToolTip(terms.back()));
            }
        }
        for (const QString& term : terms)
            QVERIFY2(termToolTip(term).contains(term.toHtmlEscaped()), qPrintable(term));
        for (const char* term : {"Launch delay", "Queue time", "Busy share", "Percent of context time", "Projected", "Pageable"})
            QVERIFY2(!termToolTip(QLatin1String(term)).isEmpty(), term);
        QVERIFY(termToolTip(QStringLiteral("compute INPUT")).contains(QStringLiteral("Time: ns")));
        QVERIFY(termToolTip(QStringLiteral("gemm_fp16")).isEmpty());
    }

    void noTermIsExplainedTwice()
    {
        std::set<QString> seen;
        for (const GlossaryTerm& term : glossary())
            QVERIFY2(seen.insert(QString::fromLatin1(term.term).toLower()).second, term.term);
    }

    void theLegendExplainsWhatTheMouseRestsOn()
    {
        Legend legend;
        const TracePtr trace = traceOf(kServerScript);
        legend.setTraces({trace.get()});
        legend.resize(1200, legend.heightForWidth(1200));
        legend.show();
        for (const QString& name : legend.names())
            QVERIFY2(!termToolTip(name).isEmpty(), qPrintable(name)); // memcpys too, by their parts
        const QPoint first(12, legend.height() / 2);
        QHelpEvent help(QEvent::ToolTip, first, legend.mapToGlobal(first));
        QCoreApplication::sendEvent(&legend, &help);
        QVERIFY2(QToolTip::text().contains(legend.names().front()), qPrintable(QToolTip::text()));
    }

    void longDurationsAreShownInMinutesAndHours()
    {
        constexpr DurationNs kSecond = 1'000'000'000;
        QCOMPARE(widgets::formatDuration(59 * kSecond), QStringLiteral("59.000 s"));
        QCOMPARE(widgets::formatDuration(59'600'000'000), QStringLiteral("1 min 0 s"));
        QCOMPARE(widgets::formatDuration(312 * kSecond), QStringLiteral("5 min 12 s"));
        QCOMPARE(widgets::formatDuration(-312 * kSecond), QStringLiteral("−5 min 12 s"));
        QCOMPARE(widgets::formatDuration(87 * 60 * kSecond), QStringLiteral("1 h 27 min"));
        QCOMPARE(widgets::formatDuration(3'599 * kSecond), QStringLiteral("1 h 0 min"));
        QCOMPARE(widgets::formatDuration(30 * 3600 * kSecond), QStringLiteral("30 h 0 min"));
    }

    // "1 min 8 s" said no more of a request than that.
    void oneLengthIsShownToAMillisecondHoweverLongItIs()
    {
        constexpr DurationNs kMs = 1'000'000;
        QCOMPARE(formatDurationExactly(812), widgets::formatDuration(812));
        QCOMPARE(formatDurationExactly(59'999 * kMs), QStringLiteral("59.999 s"));
        QCOMPARE(formatDurationExactly(68'123 * kMs), QStringLiteral("1 min 8.123 s"));
        QCOMPARE(formatDurationExactly(-68'123 * kMs), QStringLiteral("−1 min 8.123 s"));
        QCOMPARE(formatDurationExactly(120'000 * kMs - 1), QStringLiteral("2 min 0.000 s"));
        QCOMPARE(formatDurationExactly(5'223'040 * kMs), QStringLiteral("1 h 27 min 3.040 s"));
    }

    void timesOfHoursAndDaysAreReadAsOnAClock()
    {
        constexpr TimestampNs kSecond = 1'000'000'000;
        QCOMPARE(formatClock(0, 60 * kSecond), QStringLiteral("0:00:00"));
        QCOMPARE(formatClock(7'387 * kSecond, 60 * kSecond), QStringLiteral("2:03:07"));
        QCOMPARE(formatClock(7'387'250'000'000, 10'000'000), QStringLiteral("2:03:07.25"));
        QCOMPARE(formatClock(93'600 * kSecond, 3'600 * kSecond), QStringLiteral("1 d 02:00:00"));
        QCOMPARE(formatClock(-61 * kSecond, kSecond), QStringLiteral("-0:01:01"));
        QCOMPARE(formatClock(59'999'999'999, kSecond), QStringLiteral("0:01:00"));
    }

    void bytesAreShownInBinaryUnits_data()
    {
        QTest::addColumn<quint64>("bytes");
        QTest::addColumn<QString>("text");
        QTest::newRow("none") << quint64{0} << QStringLiteral("0 B");
        QTest::newRow("bytes") << quint64{1023} << QStringLiteral("1023 B");
        QTest::newRow("one unit") << quint64{1024} << QStringLiteral("1.0 KiB");
        QTest::newRow("a digit after the point") << quint64{1'887'437} << QStringLiteral("1.8 MiB");
        QTest::newRow("none from a hundred on") << quint64{400} * 1024 * 1024 << QStringLiteral("400 MiB");
        QTest::newRow("rounds into the next unit") << quint64{1024 * 1024 - 1} << QStringLiteral("1.0 MiB");
        QTest::newRow("the largest unit goes on") << quint64{5000} * 1024 * 1024 * 1024 * 1024 << QStringLiteral("5000 TiB");
    }

    void bytesAreShownInBinaryUnits()
    {
        QFETCH(quint64, bytes);
        QTEST(formatBytes(bytes), "text");
    }

    void numbersHaveFourDigitsAndNoNeedlessZeros_data()
    {
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("text");
        QTest::newRow("zero") << 0.0 << QStringLiteral("0");
        QTest::newRow("small") << 0.0123 << QStringLiteral("0.0123");
        QTest::newRow("four digits") << 12.3456 << QStringLiteral("12.35");
        QTest::newRow("whole") << 250.0 << QStringLiteral("250");
        QTest::newRow("grouped") << 18240.2 << QStringLiteral("18 240");
        QTest::newRow("rounds up to a group") << 9999.7 << QStringLiteral("10 000");
        QTest::newRow("negative") << -18240.0 << QStringLiteral("-18 240");
        QTest::newRow("too small to show has no sign") << -1e-8 << QStringLiteral("0");
    }

    void numbersHaveFourDigitsAndNoNeedlessZeros()
    {
        QFETCH(double, value);
        QFETCH(QString, text);
        QCOMPARE(plain(formatNumber(value)), text);
    }

    void countsAreGroupedByThree()
    {
        QCOMPARE(plain(formatCount(0)), QStringLiteral("0"));
        QCOMPARE(plain(formatCount(999)), QStringLiteral("999"));
        QCOMPARE(plain(formatCount(1'234'567)), QStringLiteral("1 234 567"));
        QCOMPARE(formatPercent(0.1234), QStringLiteral("12.3 %"));
    }

    void aTimeHasTheDigitsThatTellItFromItsNeighbours()
    {
        QCOMPARE(plain(formatTime(1'234'567'000, 1'000)), QStringLiteral("1.234 567 s"));
        QCOMPARE(formatTime(12'500'000, 100'000), QStringLiteral("12.5 ms"));
        QCOMPARE(formatTime(12'500'000, 50'000'000), QStringLiteral("13 ms"));
        QCOMPARE(formatTime(640, 1'000), QStringLiteral("640 ns"));
        QCOMPARE(formatTime(-2'000, 1'000), QStringLiteral("-2 µs"));
        QVERIFY(formatTime(1'000'000'000, 10) != formatTime(1'000'000'010, 10));
    }

    void theSchemeFollowsThePalette()
    {
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark})
            QVERIFY(Theme::forPalette(Theme::of(scheme).palette()).scheme == scheme);
    }

    void textIsLegibleInBothSchemes()
    {
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            const Theme& theme = Theme::of(scheme);
            for (const auto& [text, background] :
                 {std::pair(theme.text, theme.window), std::pair(theme.text, theme.canvas), std::pair(theme.weakText, theme.header),
                  std::pair(theme.rulerText, theme.header), std::pair(theme.good, theme.window), std::pair(theme.warning, theme.window),
                  std::pair(theme.bad, theme.window)})
                QVERIFY2(contrast(text, background) >= 4.5, qPrintable(text.name() + QStringLiteral(" on ") + background.name()));
        }
    }

    // A choice that cannot be made says why, and is read.
    void disabledTextIsLegibleAndNotTakenForAnother()
    {
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            const Theme& theme = Theme::of(scheme);
            const QColor text = theme.palette().color(QPalette::Disabled, QPalette::Text);
            for (const QColor& background : {theme.window, theme.base, theme.button})
                QVERIFY2(contrast(text, background) >= 3, qPrintable(text.name() + QStringLiteral(" on ") + background.name()));
            QVERIFY(contrast(theme.text, theme.base) >= 2 * contrast(text, theme.base));
        }
    }

    void labelsAreBlackOrWhiteWhicheverReadsBetter()
    {
        QVERIFY(Theme::textOn(Qt::white).lightness() < 64);
        QVERIFY(Theme::textOn(Qt::black).lightness() > 192);
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            for (int phase = 0; phase < records::kRequestPhaseCount; ++phase) {
                const QColor box = Theme::of(scheme).phase(static_cast<RequestPhase>(phase));
                QVERIFY2(contrast(Theme::textOn(box), box) >= 3, qPrintable(box.name()));
            }
        }
    }

    void phasesDifferFromEachOtherAndARangeNamedAsOneHasItsColour()
    {
        const Theme& theme = Theme::of(ColorScheme::Light);
        std::set<QRgb> colors;
        for (int phase = 0; phase < records::kRequestPhaseCount; ++phase) {
            const auto kind = static_cast<RequestPhase>(phase);
            colors.insert(theme.phase(kind).rgb());
            QCOMPARE(theme.range(records::name(kind), 0), theme.phase(kind));
        }
        QCOMPARE(colors.size(), static_cast<std::size_t>(records::kRequestPhaseCount));
        QCOMPARE(theme.range("compute_infer", 0x00FF8000), QColor(0xFF8000)); // what the program gave comes first
    }

    void aCopyTellsItsDirectionByHueAndPageableMemoryByTone()
    {
        const Theme& theme = Theme::of(ColorScheme::Dark);
        const QColor pageable = theme.copy({CopyKind::HtoD, MemoryKind::Pageable, MemoryKind::Device});
        const QColor pinned = theme.copy({CopyKind::HtoD, MemoryKind::Pinned, MemoryKind::Device});
        const QColor back = theme.copy({CopyKind::DtoH, MemoryKind::Device, MemoryKind::Pageable});
        QVERIFY(pageable.lightness() < pinned.lightness());
        QVERIFY(std::abs(pageable.hslHue() - pinned.hslHue()) < 20);
        QVERIFY(std::abs(pageable.hslHue() - back.hslHue()) > 60);
        QVERIFY(back != theme.copy({CopyKind::DtoH, MemoryKind::Device, MemoryKind::Pinned}));
    }

    void aKernelKeepsItsColourAndDiffersFromAnother()
    {
        const Theme& theme = Theme::of(ColorScheme::Light);
        QCOMPARE(theme.kernel("gemm"), theme.kernel("gemm"));
        QVERIFY(theme.kernel("gemm") != theme.kernel("softmax"));
        std::set<QRgb> curves;
        for (std::size_t i = 0; i < 8; ++i)
            curves.insert(theme.series(i).rgb());
        QCOMPARE(curves.size(), std::size_t{8});
        QCOMPARE(theme.series(8), theme.series(0));
    }

    void anEventIsDrawnInTheColourOfItsKind()
    {
        const TracePtr trace = traceOf(kServerScript);
        const Theme& theme = Theme::of(ColorScheme::Light);
        QCOMPARE(theme.event(*trace, eventNamed(*trace, EventKind::Kernel, "gemm")), theme.kernel("gemm"));
        QCOMPARE(theme.event(*trace, eventNamed(*trace, EventKind::Phase, "queue")), theme.phase(RequestPhase::Queue));
        QCOMPARE(theme.event(*trace, eventNamed(*trace, EventKind::Memcpy, "Memcpy DtoH (Pinned)")),
                 theme.copy({CopyKind::DtoH, MemoryKind::Device, MemoryKind::Pinned}));
        QCOMPARE(theme.event(*trace, eventNamed(*trace, EventKind::ApiCall, "cudaLaunchKernel")), theme.apiCall("cudaLaunchKernel"));
    }

    void callsOfLibrariesAndOfTheSystemAndWholeGraphsLookLikeNothingElse()
    {
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            const Theme& theme = Theme::of(scheme);
            const int api = theme.apiCall("poll").hslHue(), library = theme.libraryCall("poll").hslHue(),
                      os = theme.osCall("poll").hslHue();
            QVERIFY(std::abs(api - library) > 20 && std::abs(library - os) > 60 && std::abs(api - os) > 60);
            QVERIFY(std::abs(theme.graph().hslHue() - theme.kernel("gemm").hslHue()) > 8);
        }
        trace::Trace trace;
        trace.graphLaunches.start.push_back(0);
        trace.libraryCalls.start.push_back(0);
        trace.osCalls.start.push_back(0);
        QWidget window;
        Legend legend(&window);
        legend.setTraces({&trace});
        QCOMPARE(legend.names(),
                 (std::vector<QString>{QStringLiteral("CUDA graph"), QStringLiteral("Library call"), QStringLiteral("OS call")}));
    }

    // In the dark both were a mid grey.
    void aWaitIsNotTakenForAnApiCall()
    {
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            const Theme& theme = Theme::of(scheme);
            for (const char* call : {"cudaLaunchKernel", "cudaStreamSynchronize", "cudaEventSynchronize", "cuMemcpyAsync", "cudaMalloc"})
                QVERIFY2(contrast(theme.synchronization(), theme.apiCall(call)) >= 1.6, call);
            QVERIFY(contrast(theme.synchronization(), theme.canvas) >= 3);
        }
    }

    void aLegendNamesOnlyWhatOccurs()
    {
        const auto all = std::vector<QString>{QStringLiteral("Queue"),
                                              QStringLiteral("Cache"),
                                              QStringLiteral("Compute input"),
                                              QStringLiteral("Compute infer"),
                                              QStringLiteral("Compute output"),
                                              QStringLiteral("Outside the phases"),
                                              QStringLiteral("Kernel"),
                                              QStringLiteral("Memcpy DtoH (Pinned)"),
                                              QStringLiteral("Memcpy HtoD (Pageable)"),
                                              QStringLiteral("Memset"),
                                              QStringLiteral("CUDA API")};
        QWidget window;
        Legend legend(&window);
        const TracePtr server = traceOf(kServerScript);
        legend.setTraces({server.get()});
        std::vector<QString> names = legend.names();
        std::set<QString> sorted(names.begin(), names.end());
        QCOMPARE(names.size(), all.size());
        QCOMPARE(sorted, std::set<QString>(all.begin(), all.end()));

        const TracePtr idle = traceOf("window 0..1000\nprocess idle\n");
        legend.setTraces({idle.get()});
        QVERIFY(legend.names().empty());
        QVERIFY(legend.isHidden());
    }

    // Pageable copies in A and pinned ones in B is what the two demo reports differ in.
    void aLegendOfTwoTracesNamesWhatOccursInEither()
    {
        const TracePtr a = traceOf("window 0..100\nmemcpy gpu0/stream7 DtoH pageable 1..20 bytes 4 corr 1\n");
        const TracePtr b = traceOf("window 0..100\nmemcpy gpu0/stream7 DtoH pinned 1..20 bytes 4 corr 1\n");
        QWidget window;
        Legend legend(&window);
        legend.setTraces({a.get(), b.get()});
        QCOMPARE(legend.names(), (std::vector<QString>{QStringLiteral("Memcpy DtoH (Pageable)"), QStringLiteral("Memcpy DtoH (Pinned)")}));

        const Theme& theme = Theme::forPalette(legend.palette());
        legend.resize(legend.sizeHint());
        const QImage image = imageOf(legend);
        QCOMPARE(pixelsOf(image, theme.copy({CopyKind::DtoH, MemoryKind::Device, MemoryKind::Pageable})), 100);
        QCOMPARE(pixelsOf(image, theme.copy({CopyKind::DtoH, MemoryKind::Device, MemoryKind::Pinned})), 100);
    }

    void aLegendTooNarrowForANameGoesOnBelow()
    {
        const TracePtr trace =
            traceOf("window 0..100\nmemcpy gpu0/stream7 DtoH pageable 1..20 bytes 4 corr 1\nmemset gpu0/stream7 30..31 bytes 64 corr 3\n");
        QWidget window;
        Legend legend(&window);
        legend.setTraces({trace.get()});
        const int narrow = legend.sizeHint().width() - 40;
        QVERIFY(legend.heightForWidth(narrow) > legend.sizeHint().height());
        legend.resize(narrow, legend.heightForWidth(narrow));
        const Theme& theme = Theme::forPalette(legend.palette());
        QCOMPARE(pixelsOf(imageOf(legend), theme.copy({CopyKind::DtoH, MemoryKind::Device, MemoryKind::Pageable})), 100);
        const QImage image = imageOf(legend);
        QCOMPARE(pixelsOf(image.copy(0, legend.height() / 2, narrow, legend.height()), theme.memset()), 100);
    }
};

QTEST_MAIN(ThemeTest)
#include "theme_test.moc"
