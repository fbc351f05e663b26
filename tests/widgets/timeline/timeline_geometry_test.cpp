#include "tests/widgets/trace_fixture.h"
#include "widgets/timeline/event_locator.h"
#include "widgets/timeline/row_layout.h"
#include "widgets/timeline/time_axis.h"
#include "widgets/timeline/minimap_painter.h"
#include "widgets/timeline/view_history.h"

#include <QTest>

#include <algorithm>
#include <random>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using trace::EventKind;
using trace::TrackId;

class TimelineGeometryTest : public QObject
{
    Q_OBJECT

private slots:
    void anAxisMapsItsEndsToItsEdgesAndPixelsBack()
    {
        const TimeAxis axis({1'000, 5'000}, 400);
        QCOMPARE(axis.nsPerPixel(), 10.0);
        QCOMPARE(axis.toX(1'000), 0.0);
        QCOMPARE(axis.toX(5'000), 400.0);
        QCOMPARE(axis.toTime(0), TimestampNs{1'000});
        for (int x = -10; x <= 410; ++x)
            QCOMPARE(axis.toX(axis.toTime(x)), static_cast<double>(x));
        QVERIFY(axis.toX(0) < 0);
    }

    void anAxisClampsWhatIsFarOutside()
    {
        const TimeAxis axis({0, 100}, 1'000);
        QCOMPARE(axis.toX(3'600'000'000'000), static_cast<double>(1 << 24));
        QCOMPARE(axis.toX(-3'600'000'000'000), -static_cast<double>(1 << 24));
    }

    void anAxisWithoutWidthOrRangeHasNoScale()
    {
        QCOMPARE(TimeAxis().nsPerPixel(), 0.0);
        QCOMPARE(TimeAxis({5, 5}, 100).toX(7), 0.0);
        QCOMPARE(TimeAxis({5, 10}, 0).toTime(50), TimestampNs{5});
        QVERIFY(TimeAxis({5, 5}, 100).ticks(1).empty());
    }

    void ticksAreRoundAndFarEnoughApart()
    {
        std::mt19937_64 random(3);
        for (int round = 0; round < 300; ++round) {
            const auto start = static_cast<TimestampNs>(random() % 10'000'000'000);
            const auto length = static_cast<DurationNs>(100 + random() % (std::uint64_t{1} << (7 + random() % 30)));
            const int width = 50 + static_cast<int>(random() % 3000);
            const TimeAxis axis({start, start + length}, width);
            const DurationNs step = axis.tickStep(110);
            QVERIFY(static_cast<double>(step) / axis.nsPerPixel() >= 110 * (1 - 1e-6));
            constexpr DurationNs kMinute = 60'000'000'000, kDay = 24 * 60 * kMinute;
            DurationNs digits = step;
            while (step < kMinute && digits % 10 == 0)
                digits /= 10;
            if (step < kMinute)
                QVERIFY2(digits == 1 || digits == 2 || digits == 5, qPrintable(QString::number(step)));
            else
                QVERIFY2(step % kMinute == 0 && (step % kDay == 0 || kDay % step == 0), qPrintable(QString::number(step)));
            for (const TimestampNs tick : axis.ticks(step)) {
                QCOMPARE(tick % step, TimestampNs{0});
                QVERIFY(axis.range().contains(tick));
            }
            QVERIFY(static_cast<DurationNs>(axis.ticks(step).size()) >= length / step);
        }
    }

    void ticksBeforeTimeZeroAreInsideTheRange()
    {
        QCOMPARE(TimeAxis({-7, 12}, 100).ticks(5), (std::vector<TimestampNs>{-5, 0, 5, 10}));
    }

    void zoomingKeepsTheFixedTimeUnderItsPixel()
    {
        const TimeRange limits{0, 1'000'000};
        const TimeRange range{200'000, 600'000};
        const TimeRange in = zoomed(range, 300'000, 0.5, limits);
        QCOMPARE(in, (TimeRange{250'000, 450'000}));
        QCOMPARE(zoomed(in, 300'000, 2, limits), range);
    }

    void zoomingStopsAtTheLimitsAndAtTheShortestView()
    {
        const TimeRange limits{500, 1'000'500};
        QCOMPARE(zoomed({100'500, 200'500}, 150'500, 1e6, limits), limits);
        const TimeRange shortest = zoomed({100'500, 200'500}, 150'500, 1e-9, limits);
        QCOMPARE(shortest.duration(), kShortestView);
        QVERIFY(shortest.contains(150'500));
    }

    void panningKeepsTheLengthAndStopsAtTheLimits()
    {
        const TimeRange limits{0, 1'000};
        QCOMPARE(panned({100, 300}, 50, limits), (TimeRange{150, 350}));
        QCOMPARE(panned({100, 300}, -500, limits), (TimeRange{0, 200}));
        QCOMPARE(panned({100, 300}, 5'000, limits), (TimeRange{800, 1'000}));
    }

    void aReportShorterThanTheShortestViewIsShownFromItsStart()
    {
        QCOMPARE(fitted({10, 20}, {10, 20}), (TimeRange{10, 10 + kShortestView}));
        QCOMPARE(fitted({0, 5'000}, {100, 400}), (TimeRange{100, 400}));
    }

    void historyGoesBackAndForwardThroughTheSameRanges()
    {
        ViewHistory history;
        const TimeRange a{0, 100}, b{10, 50}, c{20, 30};
        history.leave(a);
        history.leave(b);
        QCOMPARE(history.back(c), std::optional(b));
        QCOMPARE(history.back(b), std::optional(a));
        QVERIFY(!history.back(a));
        QCOMPARE(history.forward(a), std::optional(b));
        QCOMPARE(history.forward(b), std::optional(c));
        QVERIFY(!history.canGoForward());
    }

    void aNewStepForgetsWhatWasAhead()
    {
        ViewHistory history;
        history.leave({0, 100});
        QVERIFY(history.back({10, 50}));
        history.leave({0, 100});
        QVERIFY(!history.canGoForward());
        QVERIFY(!history.forward({1, 2}));
    }

    void historySkipsTheCurrentRangeAndKeepsAHundredSteps()
    {
        ViewHistory history;
        history.leave({0, 100});
        history.leave({10, 50});
        QCOMPARE(history.back({10, 50}), std::optional(TimeRange{0, 100}));
        history.clear();
        for (int i = 0; i < 500; ++i)
            history.leave({i, i + 100});
        int steps = 0;
        for (TimeRange current{1'000, 1'100}; const auto range = history.back(current); ++steps)
            current = *range;
        QCOMPARE(steps, 100);
    }

    void rowsLieUnderEachOtherInTheOrderOfTheTracks()
    {
        const TracePtr trace = traceOf(kServerScript);
        const RowLayout layout(*trace, {});
        QCOMPARE(layout.rows().size(), trace->tracks.size() - 1); // but for the slowest requests, which are packed
        int y = 0;
        for (const TimelineRow& row : layout.rows()) {
            QCOMPARE(row.y, y);
            QVERIFY(row.height >= row.depths * row.depthHeight);
            QCOMPARE(layout.rowOf(row.track), &row);
            QCOMPARE(layout.rowAt(row.y), &row);
            QCOMPARE(layout.rowAt(row.y + row.height - 1), &row);
            y += row.height;
        }
        QCOMPARE(layout.height(), y);
        QVERIFY(!layout.rowAt(-1));
        QVERIFY(!layout.rowAt(y));
    }

    void aRowIsIndentedByItsAncestors()
    {
        const TracePtr trace = traceOf(kServerScript);
        const RowLayout layout(*trace, {});
        QCOMPARE(layout.rowOf(trackNamed(*trace, "GPU 0"))->indent, 0);
        QVERIFY(layout.rowOf(trackNamed(*trace, "GPU 0"))->hasChildren);
        QCOMPARE(layout.rowOf(trackNamed(*trace, "Stream 7"))->indent, 2);
        QVERIFY(layout.rowOf(trackNamed(*trace, "Stream 7"))->hasChildren);
        QCOMPARE(layout.rowOf(trackNamed(*trace, "Memcpy HtoD (Pageable)"))->indent, 3);
        QCOMPARE(layout.rowOf(trackNamed(*trace, "CUDA API"))->indent, 2);
    }

    void aCollapsedGroupHidesAllBelowItAndACollapsedRowShrinks()
    {
        const TracePtr trace = traceOf(kServerScript);
        const TrackId gpu = trackNamed(*trace, "GPU 0"), requests = trackNamed(*trace, "bert:1");
        const RowLayout open(*trace, {});
        RowArrangement arrangement;
        arrangement.folded = {gpu, requests};
        const RowLayout folded(*trace, arrangement);
        QVERIFY(folded.rowOf(gpu)->isCollapsed);
        QVERIFY(!folded.rowOf(trackNamed(*trace, "Stream 7")));
        QVERIFY(folded.rowOf(trackNamed(*trace, "server (1000)")));
        QVERIFY(folded.rowOf(requests)->height < open.rowOf(requests)->height);
        QCOMPARE(folded.rowOf(requests)->depthAt(folded.rowOf(requests)->y + 12), -1);
        QVERIFY(folded.height() < open.height());
    }

    void compactRowsAreLowerThanComfortableOnes()
    {
        const TracePtr trace = traceOf(kServerScript);
        QVERIFY(RowLayout(*trace, {}, RowDensity::Compact).height() < RowLayout(*trace, {}, RowDensity::Comfortable).height());
    }

    void aDepthIsFoundWhereItIsPaintedAndNowhereElse()
    {
        const TracePtr trace = traceOf(kServerScript);
        const RowLayout layout(*trace, {});
        for (const TimelineRow& row : layout.rows()) {
            QCOMPARE(row.depths, static_cast<int>(trace->track(row.track).rows.size()));
            QCOMPARE(row.depthAt(row.y), -1);
            for (int depth = 0; depth < row.depths; ++depth) {
                QCOMPARE(row.depthAt(row.depthY(depth)), depth);
                QCOMPARE(row.depthAt(row.depthY(depth) + row.depthPaintedHeight() - 1), depth);
            }
            QCOMPARE(row.depthAt(row.y + row.height - 1), -1);
        }
    }

    void onlyRowsThatRepeatOthersAndMetricsAtZeroAreFoldedAtFirst()
    {
        const TracePtr trace = traceOf(std::string(kServerScript) + "async 12 request 0..200000\ngauge busy 0=1\ngauge idle 0=0\n");
        QCOMPARE(collapsedAtFirst(*trace), (std::set<TrackId>{trackNamed(*trace, "All streams"), trackNamed(*trace, "Stream 7"), trackNamed(*trace, "Stream 8"), trackNamed(*trace, "NVTX start/end ranges"),
                                                              trackNamed(*trace, "Metrics that stay at 0")}));
        // Without lanes the start/end ranges are all there is of a request.
        QVERIFY(collapsedAtFirst(*traceOf("window 0..100\nprocess p\nasync 12 request 0..50\n")).empty());
    }

    // A hundred threads that hardly ran took the height of a hundred curves.
    void whenThreadsRanIsAStripAtFirst()
    {
        trace::Trace trace = *traceOf("window 0..100\nprocess p\nrange 12 work 0..50\ngauge busy 0=1\n");
        trace::Track running;
        running.kind = trace::TrackKind::Counter;
        running.name = "On CPU";
        running.parent = trackNamed(trace, "Thread 12");
        running.globalTid = trace.track(running.parent).globalTid;
        running.counter.isDerived = true;
        running.counter.time.push_back(0);
        running.counter.value.push_back(1);
        trace.tracks.push_back(running);
        const trace::TrackId added(static_cast<std::uint32_t>(trace.tracks.size() - 1));
        QCOMPARE(collapsedAtFirst(trace), std::set<TrackId>{added});
    }

    void anEventIsFoundInEveryRowThatDrawsIt()
    {
        const TracePtr trace = traceOf(kServerScript);
        const auto tracksOf = [&](EventKind kind, std::string_view name) {
            std::vector<std::string> names;
            for (const EventPlace& place : placesOf(*trace, eventNamed(*trace, kind, name)))
                names.push_back(trace->track(place.track).name + "/" + std::to_string(place.depth));
            return names;
        };
        QCOMPARE(tracksOf(EventKind::Kernel, "softmax"), (std::vector<std::string>{"All streams/0", "Stream 8/0"}));
        QCOMPARE(tracksOf(EventKind::NvtxRange, "execute"), (std::vector<std::string>{"bert_0 (12)/0", "NVTX · gantry.serve/0"}));
        QCOMPARE(tracksOf(EventKind::NvtxRange, "compute_infer"), (std::vector<std::string>{"NVTX · gantry.serve/1"}));
        QCOMPARE(tracksOf(EventKind::ApiCall, "cudaLaunchKernel"), (std::vector<std::string>{"CUDA API/0"}));
        QVERIFY(placesOf(*trace, {}).empty());
    }

    void everyDrawnEventOfADemoReportIsFoundWhereItIsDrawn()
    {
        const TracePtr trace = demoTrace("bert-pageable");
        std::mt19937 random(11);
        for (std::uint32_t t = 0; t < trace->tracks.size(); ++t) {
            const auto& rows = trace->tracks[t].rows;
            for (std::size_t depth = 0; depth < rows.size(); ++depth) {
                const auto at = random() % rows[depth].event.size();
                const auto places = placesOf(*trace, rows[depth].event[at]);
                const bool isFound = std::any_of(places.begin(), places.end(), [&](const EventPlace& place) {
                    return place.track == TrackId(t) && place.depth == static_cast<int>(depth);
                });
                QVERIFY2(isFound, trace->tracks[t].name.c_str());
            }
        }
    }

    void theMinimapShowsHowBusyTheGpuIsInEachColumn()
    {
        const TracePtr trace = traceOf("window 0..1000\nkernel gpu0/stream7 a 0..100 corr 1\nkernel gpu0/stream8 b 50..100 corr 2\nkernel gpu0/stream7 c 500..550 corr 3\n");
        const auto activity = minimapActivity(*trace, 10);
        QCOMPARE(activity.size(), std::size_t{10});
        QCOMPARE(activity[0], 1.0f); // 150 ns of work in 100 ns: the busiest
        QVERIFY(std::abs(activity[5] - 50.0f / 150.0f) < 1e-5f);
        QCOMPARE(activity[9], 0.0f);
        QVERIFY(minimapActivity(*trace, 0).empty());
    }
};

QTEST_MAIN(TimelineGeometryTest)
#include "timeline_geometry_test.moc"
