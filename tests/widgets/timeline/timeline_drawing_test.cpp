#include "tests/widgets/timeline/timeline_hand.h"
#include "tests/widgets/trace_fixture.h"
#include "trace_model/trace/counter_levels.h"
#include "widgets/timeline/counter_curve.h"
#include "widgets/timeline/counter_painter.h"
#include "widgets/timeline/label_cache.h"
#include "widgets/timeline/lane_raster.h"
#include "widgets/timeline/ruler_painter.h"
#include "widgets/timeline/timeline_picture.h"

#include <QContextMenuEvent>
#include <QHelpEvent>
#include <QMenu>
#include <QPainter>
#include <QSignalSpy>
#include <QTest>
#include <QToolTip>

#include <algorithm>
#include <array>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using records::RequestPhase;
using trace::EventKind;

namespace {

/// One stream that is busy for `busy` ns of every 1,000.
TracePtr streamBusyFor(DurationNs busy)
{
    std::string script = "window 0..4000000\n";
    for (int i = 0; i < 4'000; ++i)
        script += "kernel gpu0/stream7 k " + std::to_string(i * 1'000) + ".." + std::to_string(i * 1'000 + busy) + " corr " +
                  std::to_string(i + 1) + "\n";
    return traceOf(script);
}

/// The paints of a timeline, as it tells them.
std::vector<FrameTimes> paintsOf(const QSignalSpy& spy)
{
    std::vector<FrameTimes> paints;
    for (const auto& arguments : spy)
        paints.push_back(arguments.front().value<FrameTimes>());
    return paints;
}

} // namespace

class TimelineDrawingTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_server = traceOf(kServerScript); }

    void bothThemesPaintPhasesKernelsAndCopies_data()
    {
        QTest::addColumn<bool>("isDark");
        QTest::newRow("light") << false;
        QTest::newRow("dark") << true;
    }

    void bothThemesPaintPhasesKernelsAndCopies()
    {
        QFETCH(bool, isDark);
        const Theme& theme = Theme::of(isDark ? ColorScheme::Dark : ColorScheme::Light);
        Hand hand(m_server);
        hand.timeline.setPalette(theme.palette());
        const QImage image = hand.image();
        QCOMPARE(pixelsOf(image, Qt::magenta), 0); // everything is painted
        QVERIFY(pixelsOf(image, theme.canvas) > 50'000);
        QVERIFY(pixelsOf(image, theme.header) > 20'000);
        for (const RequestPhase phase : {RequestPhase::Queue, RequestPhase::ComputeInfer, RequestPhase::Cache})
            QVERIFY2(pixelsOf(image, theme.phase(phase)) > 20, records::name(phase).data());
        QVERIFY(pixelsOf(image, theme.kernel("gemm")) > 100);
        QVERIFY(pixelsOf(image, theme.kernel("softmax")) > 500);
        QVERIFY(pixelsOf(image, theme.copy({trace::CopyKind::DtoH, trace::MemoryKind::Device, trace::MemoryKind::Pinned})) > 50);
        QVERIFY(colorsIn(image) > 40); // texts are antialiased
    }

    void aSelectionFadesEverythingElse()
    {
        Hand hand(m_server);
        const Theme& theme = *hand.timeline.state().theme;
        hand.timeline.selectEvent(hand.event(EventKind::Kernel, "softmax"));
        const QImage image = hand.image();
        QVERIFY(pixelsOf(image, theme.kernel("softmax")) > 500);
        QVERIFY(pixelsOf(image, theme.selection) > 100); // the outline
        QCOMPARE(pixelsOf(image, theme.kernel("gemm")), 0);
        QCOMPARE(pixelsOf(image, theme.phase(RequestPhase::Queue)), 0);
    }

    void aMeasureAndMatchesAreMarked()
    {
        Hand hand(m_server);
        const Theme& theme = *hand.timeline.state().theme;
        const QImage before = hand.image();
        hand.timeline.setMatches({hand.event(EventKind::Kernel, "gemm"), hand.event(EventKind::Kernel, "softmax")});
        QCOMPARE(pixelsOf(hand.image(), theme.match), pixelsOf(before, theme.match) + 12);
        hand.drag(hand.rulerPoint(200'000), hand.rulerPoint(600'000));
        QVERIFY(pixelsOf(hand.image(), theme.measure) > pixelsOf(before, theme.measure) + 2'000);
    }

    void aCounterIsNotDrawnThroughASilence()
    {
        Hand hand(traceWithSilentCounter());
        const Theme& theme = *hand.timeline.state().theme;
        const QImage image = hand.image();
        const QRect rows = hand.timeline.state().geometry.rows();
        const auto isDrawn = [&](TimestampNs time) { return pixelsOf(image.copy(hand.xOf(time), rows.top(), 1, 40), theme.counter()) > 0; };
        QVERIFY(isDrawn(150'000));
        QVERIFY(isDrawn(850'000));
        QVERIFY(!isDrawn(500'000));
    }

    void withoutEventsOrReportTheWidgetSaysSo()
    {
        Hand hand(nullptr);
        const Theme& theme = *hand.timeline.state().theme;
        const QImage none = hand.image();
        QVERIFY(pixelsOf(none, theme.canvas) > 500'000);
        QVERIFY(colorsIn(none) > 2);
        hand.timeline.setTrace(traceOf("window 0..1000000\nprocess idle\n"));
        const QImage empty = hand.image();
        QVERIFY(colorsIn(empty) > 2);
        QVERIFY(empty != none); // another sentence
    }

    // A log of one line has a time and no length: its counters were drawn nowhere.
    void aTraceWithoutLengthShowsWhatThereIsAtItsTime()
    {
        auto trace = traceWithCounter({5'000'000, 5'000'000}, {{5'000'000, 3}}, false);
        Hand hand(trace);
        QVERIFY(hand.timeline.visibleRange().contains(5'000'000));
        QVERIFY(hand.timeline.visibleRange().duration() > 0);
        QVERIFY(pixelsOf(hand.image(), hand.timeline.state().theme->counter()) > 0);
    }

    // ---- what is painted again

    void movingTheMouseRepaintsTheCursorAlone()
    {
        Hand hand(m_server);
        QVERIFY(QTest::qWaitForWindowExposed(&hand.timeline));
        QSignalSpy painted(&hand.timeline, &TimelineWidget::framePainted);
        hand.timeline.fitAll();
        hand.timeline.viewport()->repaint();
        QTRY_VERIFY(painted.count() > 0);
        painted.clear();
        hand.move(hand.at(400'000, "Stream 8"), Qt::NoButton);
        QTRY_COMPARE(painted.count(), 1);
        hand.move(hand.at(420'000, "Stream 8"), Qt::NoButton);
        QTRY_COMPARE(painted.count(), 2);
        for (const FrameTimes& paint : paintsOf(painted)) {
            QVERIFY(!paint.isComposed);
            QCOMPARE(paint.compose, DurationNs{0});
        }
        hand.wheel(hand.at(420'000, "Stream 8"), {0, 120});
        QTRY_COMPARE(painted.count(), 3);
        QVERIFY(paintsOf(painted).back().isComposed);
        QVERIFY(paintsOf(painted).back().content.boxes > 5);
    }

    void aroundTheCursorABandShowsHowFarTheClocksOfSeveralNodesMayBeApart()
    {
        auto ofTwoNodes = std::make_shared<trace::Trace>(*m_server);
        ofTwoNodes->imports.resize(2);
        ofTwoNodes->imports[1].alignment = importing::Alignment::SharedClock;
        ofTwoNodes->imports[1].alignmentErrorNs = 50'000;
        Hand hand(ofTwoNodes);
        QVERIFY(QTest::qWaitForWindowExposed(&hand.timeline));
        hand.timeline.fitAll();
        const QImage before = hand.timeline.grab().toImage();
        hand.move(hand.at(400'000, "Stream 8"), Qt::NoButton);
        const QImage with = hand.timeline.grab().toImage();
        const int y = hand.timeline.state().geometry.rows().bottom() - 3; // below the rows
        const auto isTinted = [&](TimestampNs time) { return before.pixel(hand.xOf(time), y) != with.pixel(hand.xOf(time), y); };
        QVERIFY(isTinted(360'000) && isTinted(440'000));
        QVERIFY(!isTinted(330'000) && !isTinted(470'000));
        QEvent leave(QEvent::Leave);
        QCoreApplication::sendEvent(hand.timeline.viewport(), &leave);
        QCOMPARE(hand.timeline.grab().toImage(), before);
    }

    void whatTheCursorLeavesIsAsItWasBefore()
    {
        Hand hand(m_server);
        QVERIFY(QTest::qWaitForWindowExposed(&hand.timeline));
        const QImage before = hand.timeline.grab().toImage();
        hand.drag(hand.at(200'000, "Stream 8"), hand.at(500'000, "Stream 8"));
        QVERIFY(hand.timeline.grab().toImage() != before);
        hand.key(Qt::Key_Escape);
        QEvent leave(QEvent::Leave);
        QCoreApplication::sendEvent(hand.timeline.viewport(), &leave);
        QCOMPARE(hand.timeline.grab().toImage(), before);
    }

    // ---- spans

    void aPixelThatIsHalfBusyIsPalerThanABusyOne()
    {
        const auto lightnessOf = [](DurationNs busy) {
            Hand hand(streamBusyFor(busy));
            const QImage image = hand.image();
            const QRect rows = hand.timeline.state().geometry.rows();
            const int y = hand.timeline.pointOf(hand.event(EventKind::Kernel, "k"))->y();
            double sum = 0;
            for (int x = rows.left() + 10; x < rows.right() - 10; ++x)
                sum += qGray(image.pixel(x, y));
            return sum / (rows.width() - 20);
        };
        const double tenth = lightnessOf(100), half = lightnessOf(500), whole = lightnessOf(1'000);
        QVERIFY2(tenth > half + 25 && half > whole + 25, qPrintable(QStringLiteral("%1 %2 %3").arg(tenth).arg(half).arg(whole)));
        QVERIFY(tenth < 245); // seen all the same
    }

    void aHighlightedEventKeepsItsColourWhereOthersShareItsPixel()
    {
        Hand hand(streamBusyFor(100));
        const trace::EventId kernel(EventKind::Kernel, 2'000);
        hand.timeline.selectEvent(kernel);
        const QImage image = hand.image();
        const QPoint at = *hand.timeline.pointOf(kernel);
        const QRect around(at.x() - 3, at.y() - 3, 6, 6);
        QVERIFY(pixelsOf(image.copy(around), hand.timeline.state().theme->selection) > 0);
        QCOMPARE(pixelsOf(image.copy(hand.timeline.state().geometry.rows()), hand.timeline.state().theme->kernel("k")), 0);
    }

    // ---- labels

    void aLabelIsDrawnWholeElidedOrNotAtAll()
    {
        LabelCache cache(QFont(QStringLiteral("sans"), 9), 1);
        // The last column with ink, and how many pixels have some.
        const auto inkOf = [&](int width) {
            QImage image(500, 20, QImage::Format_RGB32);
            image.fill(Qt::white);
            QPainter painter(&image);
            cache.draw(painter, QRect(5, 0, width, 20), 7, qRgb(0, 0, 0), [] { return QStringLiteral("vectorized_elementwise_kernel"); });
            painter.end();
            int last = 0, pixels = 0;
            for (int x = 0; x < image.width(); ++x)
                for (int y = 0; y < image.height(); ++y)
                    if (image.pixel(x, y) != qRgb(255, 255, 255)) {
                        last = x;
                        ++pixels;
                    }
            return std::pair(last, pixels);
        };
        const auto whole = inkOf(490), elided = inkOf(60);
        QVERIFY(whole.first > 150 && whole.first < 400);
        QCOMPARE(inkOf(whole.first + 3), whole); // just enough room
        QVERIFY(elided.first <= 65 && elided.first > 45);
        QVERIFY(elided.second > 50 && elided.second < whole.second);
        QCOMPARE(inkOf(9).second, 0);
    }

    // Of a row of operators every label was "aten…".
    void theInnerNameIsShownWhereTheWholeHasNoRoom()
    {
        QCOMPARE(innerNameStart(u"aten::linear"), qsizetype{6});
        QCOMPARE(innerNameStart(u"at::native::add_kernel<at::Half>(long)"), qsizetype{12});
        QCOMPARE(innerNameStart(u"vllm/worker/model_runner.py(3123): forward"), qsizetype{35});
        QCOMPARE(innerNameStart(u"gemm"), qsizetype{0});
        QCOMPARE(innerNameStart(u"ends::"), qsizetype{0});
        LabelCache cache(QFont(QStringLiteral("sans"), 9), 1);
        const auto drawn = [&](const QString& text, std::uint64_t key, int width) {
            QImage image(300, 20, QImage::Format_RGB32);
            image.fill(Qt::white);
            QPainter painter(&image);
            cache.draw(painter, QRect(5, 0, width, 20), key, qRgb(0, 0, 0), [&] { return text; });
            return image;
        };
        const QString qualified = QStringLiteral("aten::linear"), inner = QStringLiteral("linear");
        int room = 290; // the least that the inner name fits into
        while (room > 20 && drawn(inner, 1, room - 1) == drawn(inner, 1, 290))
            --room;
        QVERIFY(drawn(qualified, 2, room + 2) != drawn(qualified, 2, 290));
        // The same letters, a fraction of a pixel aside.
        const auto ink = [](const QImage& image) { return image.width() * image.height() - pixelsOf(image, Qt::white); };
        QVERIFY(std::abs(ink(drawn(qualified, 2, room + 2)) - ink(drawn(inner, 1, 290))) < 25);
        QVERIFY(ink(drawn(QStringLiteral("aten::scaled_dot_product_attention"), 3, 60)) > 50); // elided, too
    }

    // "204.40 ms" that is cut at the left reads "0 ms".
    void theRulerHasNoLabelThatIsCut()
    {
        Hand hand(m_server);
        for (TimestampNs start = 400'000; start < 430'000; start += 700) {
            hand.timeline.setVisibleRange({start, start + 300'000});
            const QImage image = hand.image();
            const QRect ruler = hand.timeline.state().geometry.ruler();
            const int aboveTicks = ruler.height() - 11;
            for (const int x : {ruler.left(), ruler.left() + 1, ruler.right()}) {
                const QImage edge = image.copy(x, ruler.top(), 1, aboveTicks);
                QCOMPARE(pixelsOf(edge, hand.timeline.state().theme->header), aboveTicks);
            }
        }
    }

    void aTextIsAskedForOnceForEachColour()
    {
        LabelCache cache(QFont(QStringLiteral("sans"), 9), 2);
        QImage image(200, 30, QImage::Format_RGB32);
        image.fill(Qt::white);
        QPainter painter(&image);
        int asked = 0;
        for (int i = 0; i < 5; ++i)
            for (const std::uint64_t key : {1, 2})
                cache.draw(painter, image.rect(), key, qRgb(0, 0, 0), [&] {
                    ++asked;
                    return QStringLiteral("name");
                });
        QCOMPARE(asked, 2);
        cache.draw(painter, image.rect(), 1, qRgb(200, 0, 0), [&] {
            ++asked;
            return QStringLiteral("name");
        });
        QCOMPARE(asked, 3);
        cache.draw(painter, image.rect(), 3, qRgb(0, 0, 0), [&] {
            ++asked;
            return QString();
        });
        painter.end();
        QVERIFY(pixelsOf(image, QColor(200, 0, 0)) > 0);
    }

    void labelsStayInViewWhenTheirSpanBeginsLeftOfIt()
    {
        Hand hand(m_server);
        hand.timeline.setVisibleRange({620'000, 690'000}); // inside softmax
        const QImage image = hand.image();
        const QRect rows = hand.timeline.state().geometry.rows();
        const int y = hand.headerPoint("Stream 8").y();
        const auto ink = [&](int left, int width) {
            return width * 12 - pixelsOf(image.copy(rows.left() + left, y - 6, width, 12), hand.timeline.state().theme->kernel("softmax"));
        };
        QVERIFY(ink(0, 60) > 60);
        QCOMPARE(ink(100, 300), 0);
    }

    // ---- pictures

    void aPictureHasTheScreensBoxesAtAnyScale()
    {
        Hand hand(m_server);
        const Theme& theme = *hand.timeline.state().theme;
        const QImage one = timelineImage(hand.timeline.state(), hand.timeline.font(), 1),
                     two = timelineImage(hand.timeline.state(), hand.timeline.font(), 2);
        QCOMPARE(two.size(), one.size() * 2);
        for (const QColor& color : {theme.kernel("softmax"), theme.phase(RequestPhase::Queue)}) {
            const double ratio = static_cast<double>(pixelsOf(two, color)) / pixelsOf(one, color);
            QVERIFY2(ratio > 3.5 && ratio < 4.6, qPrintable(QString::number(ratio)));
        }
        const QByteArray svg = timelineSvg(hand.timeline.state(), hand.timeline.font());
        QVERIFY(svg.contains("softmax") && svg.contains(theme.kernel("softmax").name().toLatin1()));
    }

    // "7200 s" was all that the ruler said of the third hour.
    void aRulerOfHoursIsAClock()
    {
        constexpr TimestampNs kHour = 3'600'000'000'000;
        Hand hand(traceWithCounter({0, 50 * kHour}, {{0, 1}, {50 * kHour, 2}}, true));
        hand.timeline.setVisibleRange({0, 50 * kHour});
        const DurationNs step = rulerStep(hand.timeline.state(), TimelineFonts(hand.timeline.font()).small);
        QVERIFY2(step % kHour == 0 && (24 * kHour) % step == 0, qPrintable(QString::number(step)));
        QCOMPARE(rulerText(hand.timeline.state(), 26 * kHour, step), QStringLiteral("1 d 02:00:00"));
        hand.timeline.setVisibleRange({0, kHour / 2});
        QCOMPARE(rulerText(hand.timeline.state(), 600'000'000'000, 60'000'000'000), QStringLiteral("600 s"));
    }

    // ---- counters

    void theAxisOfACounterIsRoundAndHoldsZero()
    {
        trace::Track track;
        track.kind = trace::TrackKind::Counter;
        const auto axisOf = [&](std::initializer_list<double> values) {
            track.counter = {};
            for (const double value : values) {
                track.counter.time.push_back(static_cast<TimestampNs>(track.counter.time.size()));
                track.counter.value.push_back(value);
            }
            trace::sortAndIndex(track.counter);
            return valueAxisOf(track);
        };
        QCOMPARE(axisOf({3, 71}).max, 100.0);
        QCOMPARE(axisOf({3, 71}).min, 0.0);
        QCOMPARE(axisOf({-0.3, 1.9}).min, -0.5);
        QCOMPARE(axisOf({-0.3, 1.9}).max, 2.0);
        QCOMPARE(axisOf({20}).max, 20.0);
        QCOMPARE(axisOf({0}).max, 0.0);
        QCOMPARE(axisOf({}).max, 0.0);
    }

    // Between the recordings of several files a derived counter was drawn as 0.
    void whereNothingIsKnownThereIsNoCurve()
    {
        constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
        auto trace = traceWithCounter({0, 1'000'000}, {{0, 0}, {100'000, 2}, {300'000, kUnknown}, {700'000, 0}, {900'000, 1}}, true);
        Hand hand(trace);
        hand.timeline.setVisibleRange(trace->time);
        QCOMPARE(valueAxisOf(trace->tracks[0]).max, 2.0);
        const auto columns = counterColumns(hand.timeline.state(), trace::TrackId(0), 100);
        for (std::size_t x = 0; x < columns.size(); ++x)
            QCOMPARE(columns[x].isPresent(), x < 30 || x >= 70);
        QCOMPARE(columns[29].last, 1.0F);
        QCOMPARE(columns[70].high, 0.0F); // no step from before the gap
        const QPoint unknown = hand.at(500'000, "counter");
        QHelpEvent help(QEvent::ToolTip, unknown, hand.timeline.viewport()->mapToGlobal(unknown));
        QCoreApplication::sendEvent(hand.timeline.viewport(), &help);
        QVERIFY(QToolTip::text().contains(QStringLiteral("not recorded")));
        hand.timeline.setVisibleRange({400'000, 600'000});
        QCOMPARE(pixelsOf(hand.image().copy(hand.timeline.state().geometry.rows()), hand.timeline.state().theme->counter()), 0);
    }

    // What an iteration says of itself was drawn one pixel wide where it is the last one.
    void theLastSampleHoldsToTheEndOfTheTraceUnlessThatIsASilence()
    {
        const auto presentColumns = [](std::vector<std::pair<TimestampNs, double>> samples) {
            auto trace = traceWithCounter({0, 100}, samples, false);
            Hand hand(trace);
            hand.timeline.setVisibleRange(trace->time);
            const auto columns = counterColumns(hand.timeline.state(), trace::TrackId(0), 100);
            return std::count_if(columns.begin(), columns.end(), [](const CounterColumn& column) { return column.isPresent(); });
        };
        QCOMPARE(presentColumns({{0, 2}, {40, 4}, {80, 10}}), 100);
        QCOMPARE(presentColumns({{0, 7}}), 100);         // a log of one iteration
        QCOMPARE(presentColumns({{0, 2}, {10, 4}}), 20); // silent since
        QCOMPARE(presentColumns({{50, 2}}), 5);          // one of many counters, once
    }

    // The curve held for a while behind the last sample but one, and the last one was drawn nowhere.
    void aCounterGoesToItsLastSampleWhereTheTraceEnds()
    {
        auto trace = traceWithCounter({0, 36'000'000}, {{0, 2}, {8'000'000, 4}, {36'000'000, 10}}, false);
        Hand hand(trace);
        hand.timeline.setVisibleRange(trace->time);
        const auto columns = counterColumns(hand.timeline.state(), trace::TrackId(0), 100);
        QVERIFY(std::all_of(columns.begin(), columns.end(), [](const CounterColumn& column) { return column.isPresent(); }));
        QCOMPARE(columns[98].high, 0.4F);
        QCOMPARE(columns[99].high, 1.0F);
    }

    void aCounterOfBytesHasAnAxisOfBinaryUnits()
    {
        constexpr double kGiB = 1024.0 * 1024 * 1024;
        auto trace = std::make_shared<trace::Trace>(*traceWithCounter({0, 1'000}, {{0, 70 * kGiB}, {500, 71.3 * kGiB}}, false));
        trace->tracks[0].counter.unit = "bytes";
        QCOMPARE(valueAxisOf(trace->tracks[0]).max, 80 * kGiB);
        QCOMPARE(counterText(trace->tracks[0].counter, 80 * kGiB), QStringLiteral("80.0 GiB"));
        QCOMPARE(counterText(trace->tracks[0].counter, -512), QStringLiteral("−512 B"));
    }

    void aCounterIsDrawnAsAreaLineOrHeatStrip()
    {
        Hand hand(traceWithSilentCounter());
        const Theme& theme = *hand.timeline.state().theme;
        const QRect rows = hand.timeline.state().geometry.rows();
        const auto column = [&](TimestampNs time) { return hand.image().copy(hand.xOf(time), rows.top() + 4, 1, 38); };
        const trace::TrackId counter(0);
        const QImage area = column(150'000);
        hand.timeline.setCounterStyle(counter, CounterStyle::Line);
        const QImage line = column(150'000);
        QCOMPARE(pixelsOf(line, theme.counter()), pixelsOf(area, theme.counter()));
        QVERIFY(pixelsOf(line, theme.canvas) > pixelsOf(area, theme.canvas) + 10);
        QVERIFY(pixelsOf(column(500'000), theme.canvas) > 30); // silent

        const QPoint at = hand.at(150'000, "gpu utilisation");
        QContextMenuEvent event(QContextMenuEvent::Mouse, at, hand.timeline.viewport()->mapToGlobal(at));
        QCoreApplication::sendEvent(hand.timeline.viewport(), &event);
        auto* menu = hand.timeline.findChild<QMenu*>();
        const auto actions = menu->actions();
        const auto heat = std::find_if(actions.begin(), actions.end(),
                                       [](const QAction* action) { return action->text().contains(QStringLiteral("heat")); });
        QVERIFY(heat != actions.end() && !(*heat)->isChecked());
        (*heat)->trigger();
        menu->close();
        QCOMPARE(hand.timeline.state().counterStyles[0], CounterStyle::Heat);
        const QImage strip = column(150'000);
        QCOMPARE(colorsIn(strip.copy(0, 4, 1, 30)), 1);
        QVERIFY(strip.pixel(0, 10) != theme.canvas.rgb());
        QVERIFY(pixelsOf(column(500'000), theme.canvas) > 30);
    }

    // It was drawn as a mark at the left edge, however long it had been silent.
    void aSampleFromLongBeforeTheViewIsNotDrawnInIt()
    {
        Hand hand(traceWithSilentCounter());
        hand.timeline.setVisibleRange({500'000, 600'000});
        QCOMPARE(pixelsOf(hand.image().copy(hand.timeline.state().geometry.rows()), hand.timeline.state().theme->counter()), 0);
    }

    void aBoxIsExactlyAsWideAsItIsAndOfTheColourOfItsEvent()
    {
        constexpr int kWidest = 40, kGap = 2, kTop = 1, kBottom = 3;
        const TracePtr trace = traceOf("window 0..100\nprocess p\nkernel gpu0/stream7 a 0..1 corr 1\nkernel gpu0/stream7 b 1..2 corr 2\n"
                                       "memcpy gpu0/stream7 DtoH pinned 2..3 bytes 4 corr 3\nthread 12 t\napi 12 cudaMalloc 1..2 corr 4\n");
        const std::array events = {trace::EventId(EventKind::Kernel, 0), trace::EventId(EventKind::ApiCall, 0),
                                   trace::EventId(EventKind::Memcpy, 0), trace::EventId(EventKind::Kernel, 1)};
        SpanColors colors(*trace, Theme::of(ColorScheme::Light));
        std::vector<LaneBox> boxes;
        for (int width = 1, left = 0; width <= kWidest; left += width++ + kGap)
            boxes.push_back({left, left + width, events[static_cast<std::size_t>(width) % events.size()], 255, false, false});
        const std::vector<QRgb> background(1000, qRgb(1, 2, 3));
        std::vector<QRgb> expected = background;
        for (const LaneBox& box : boxes)
            for (int x = box.left; x < box.right; ++x)
                expected[static_cast<std::size_t>(x)] = colors.of(box.event).fill;
        QImage image(1000, 4, QImage::Format_RGB32);
        image.fill(Qt::black);
        LaneRaster(image, 0, 1).draw(boxes, colors, false, background, kTop, kBottom);
        for (int y = 0; y < image.height(); ++y)
            for (int x = 0; x < image.width(); ++x)
                if (const QRgb wanted = y < kTop || y >= kBottom ? qRgb(0, 0, 0) : expected[static_cast<std::size_t>(x)];
                    image.pixel(x, y) != wanted)
                    QFAIL(qPrintable(QStringLiteral("%1, %2 is %3").arg(x).arg(y).arg(image.pixel(x, y), 0, 16)));
    }

private:
    TracePtr m_server;
};

QTEST_MAIN(TimelineDrawingTest)
#include "timeline_drawing_test.moc"
