// Guards the timeline's drawing. A frame is one full repaint of the widget at 1920x1080 and device pixel ratio 1, 60 rows in view, by one
// thread: its time must grow with pixels and not with events, so compare --rows 1000000 with --rows 10000000. Spans and labels are
// compared with what QPainter needs for the same in the same run.
//
//   timeline_frame_bench [--rows N] [--benchmark_out=FILE] [...]      1 M events unless said otherwise
//
// frames   pan and zoom through all scales: median and 99th percentile of the frames' ms, by the clock and of the thread alone
// spans    100,000 spans in 60 lanes: lane by lane as pixels, and with fillRect; the ratio of the medians
// labels   2,000 labels: from the cache, and with drawText
// hover    from a mouse move onto an event to its tooltip on the screen

#include "tests/bench/bench_arguments.h"
#include "tests/bench/desktop_bench.h"
#include "tests/bench/synthetic_ranks.h"
#include "widgets/timeline/label_cache.h"
#include "widgets/timeline/lane_raster.h"
#include "widgets/timeline/timeline_widget.h"

#include <QApplication>
#include <QMouseEvent>
#include <QPainter>
#include <QToolTip>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <random>
#include <string_view>
#include <vector>

namespace {

using namespace gantry;
using namespace gantry::widgets;

std::uint64_t g_rows = 1'000'000; // set by main() before a bench runs

constexpr std::uint32_t kRanks = 6; // their rows fill the screen
constexpr int kWidth = 1920, kHeight = 1080, kRows = 60;

using Times = std::vector<double>; // ms

double quantile(Times times, double share)
{
    std::sort(times.begin(), times.end());
    return times.empty() ? 0 : times[std::min(times.size() - 1, static_cast<std::size_t>(share * static_cast<double>(times.size())))];
}

/// ms of something by the clock, and of this thread alone: the difference is what others took of a shared machine.
struct Cost
{
    double wall = 0, own = 0;
};

double threadMilliseconds()
{
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

Cost costOf(const std::function<void()>& work)
{
    const auto start = std::chrono::steady_clock::now();
    const double ownStart = threadMilliseconds();
    work();
    return {std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count(), threadMilliseconds() - ownStart};
}

/// Costs of many runs; their quantiles as counters.
class Costs
{
public:
    double add(Cost cost)
    {
        m_wall.push_back(cost.wall);
        m_own.push_back(cost.own);
        return cost.wall;
    }
    void report(benchmark::State& state) const
    {
        state.counters["median_ms"] = quantile(m_wall, 0.5);
        state.counters["p99_ms"] = quantile(m_wall, 0.99);
        state.counters["cpu_median_ms"] = quantile(m_own, 0.5);
        state.counters["cpu_p99_ms"] = quantile(m_own, 0.99);
        state.counters["runs"] = static_cast<double>(m_own.size());
    }
    [[nodiscard]] double median() const { return quantile(m_own, 0.5); }

private:
    Times m_wall, m_own;
};

const std::shared_ptr<const trace::Trace>& ranks()
{
    static const auto kTrace = bench::traceOfRanks(g_rows, kRanks);
    return kTrace;
}

/// A timeline on the screen that shows `ranks()`.
class Screen
{
public:
    Screen()
    {
        m_timeline.setDensity(RowDensity::Compact);
        m_timeline.resize(kWidth, kHeight);
        m_timeline.setTrace(ranks());
        m_timeline.show();
        QCoreApplication::processEvents();
    }
    [[nodiscard]] TimelineWidget& timeline() { return m_timeline; }
    /// Shows a range; until it is painted.
    Cost show(TimeRange range)
    {
        return costOf([&] {
            m_timeline.setVisibleRange(range);
            m_timeline.viewport()->repaint();
        });
    }
    [[nodiscard]] int visibleRows() const
    {
        const TimelineState& state = m_timeline.state();
        return static_cast<int>(std::count_if(state.layout.rows().begin(), state.layout.rows().end(),
                                              [&](const TimelineRow& row) { return isVisible(state, row); }));
    }

private:
    TimelineWidget m_timeline;
};

void frames(benchmark::State& state)
{
    Screen screen;
    if (screen.visibleRows() < kRows) {
        state.SkipWithError("fewer rows are visible than a frame is to have");
        return;
    }
    constexpr double kZoom = 0.7, kShift = 0.021; // of the view for each step
    constexpr int kPansOfScale = 8;
    Costs costs;
    std::size_t boxes = 0, labels = 0;
    QObject::connect(&screen.timeline(), &TimelineWidget::framePainted, [&](const FrameTimes& frame) {
        boxes = std::max(boxes, frame.content.boxes);
        labels = std::max(labels, frame.content.labels);
    });
    for (auto _ : state) {
        double sum = 0;
        const TimeRange whole = ranks()->time;
        for (double length = static_cast<double>(whole.duration()); length > 1000; length *= kZoom) {
            for (int pan = 0; pan < kPansOfScale; ++pan) {
                const auto start =
                    whole.start + static_cast<TimestampNs>((static_cast<double>(whole.duration()) - length) * 0.4 + pan * kShift * length);
                sum += costs.add(screen.show({start, start + static_cast<DurationNs>(length)}));
            }
        }
        state.SetIterationTime(sum / 1000);
    }
    costs.report(state);
    state.counters["rows"] = screen.visibleRows();
    state.counters["most_boxes"] = static_cast<double>(boxes);
    state.counters["most_labels"] = static_cast<double>(labels);
    state.counters["events"] = static_cast<double>(ranks()->eventCount());
}

void compare(benchmark::State& state, const std::function<void()>& ours, const std::function<void()>& painter)
{
    Costs own, other;
    for (auto _ : state) {
        state.SetIterationTime(own.add(costOf(ours)) / 1000);
        other.add(costOf(painter));
    }
    state.counters["ours_ms"] = own.median();
    state.counters["painter_ms"] = other.median();
    state.counters["painter_over_ours"] = other.median() / own.median();
    state.counters["ours_over_painter"] = own.median() / other.median();
}

/// 100,000 spans in 60 lanes: 0: a pixel wide, in the order in which a lane has them; 1: up to 12 pixels, anywhere in their lane.
void spans(benchmark::State& state)
{
    constexpr int kLanes = 60, kLaneHeight = 18, kPainted = 16, kSpans = 100'000, kWidest = 12;
    SpanColors colors(*ranks(), Theme::of(ColorScheme::Light));
    std::vector<std::vector<LaneBox>> lanes(kLanes);
    std::mt19937 random(1); // NOLINT(bugprone-random-generator-seed): the same spans in every run
    for (int i = 0; i < kSpans; ++i) {
        const bool isOrdered = state.range(0) == 0;
        const int width = isOrdered ? 1 : 1 + static_cast<int>(random() % kWidest);
        const int x =
            isOrdered ? i / kLanes * kWidth / (kSpans / kLanes + 1) : static_cast<int>(random() % static_cast<unsigned>(kWidth - width));
        const trace::EventId event(trace::EventKind::Kernel, static_cast<std::uint32_t>(i) % 1000);
        lanes[static_cast<std::size_t>(i % kLanes)].push_back({x, x + width, event, 255, true, false});
    }
    QImage image(kWidth, kHeight, QImage::Format_RGB32);
    const std::vector<QRgb> background(kWidth, qRgb(255, 255, 255));
    compare(
        state,
        [&] {
            LaneRaster raster(image, 0, 1);
            int top = 0;
            for (const auto& lane : lanes) {
                raster.draw(lane, colors, false, background, top, top + kPainted);
                raster.fill(background, top + kPainted, top + kLaneHeight);
                top += kLaneHeight;
            }
        },
        [&] {
            QPainter painter(&image);
            painter.fillRect(image.rect(), Qt::white);
            int top = 0;
            for (const auto& lane : lanes) {
                for (const LaneBox& box : lane)
                    painter.fillRect(QRect(box.left, top, box.right - box.left, kPainted), QColor(colors.of(box.event).fill));
                top += kLaneHeight;
            }
        });
}

void labels(benchmark::State& state)
{
    constexpr int kLabels = 2000, kNames = 300, kLine = 18;
    QFont font(QStringLiteral("DejaVu Sans"));
    font.setPixelSize(11);
    std::vector<QString> names;
    for (int i = 0; i < kNames; ++i)
        names.push_back(QStringLiteral("vectorized_elementwise_%1").arg(i));
    const auto boxOf = [](int i) { return QRect(i * 97 % 1700, i / 34 * kLine, 200, kLine); };
    QImage image(kWidth, kHeight, QImage::Format_RGB32);
    image.fill(Qt::darkGray);
    LabelCache cache(font, 1);
    compare(
        state,
        [&] {
            QPainter painter(&image);
            for (int i = 0; i < kLabels; ++i) {
                const auto name = static_cast<std::size_t>(i % kNames);
                cache.draw(painter, boxOf(i), name, qRgb(255, 255, 255), [&] { return names[name]; });
            }
        },
        [&] {
            QPainter painter(&image);
            painter.setFont(font);
            painter.setPen(Qt::white);
            for (int i = 0; i < kLabels; ++i) {
                const QRect box = boxOf(i);
                painter.drawText(QPoint(box.left(), box.top() + 13), names[static_cast<std::size_t>(i % kNames)]);
            }
        });
}

void hover(benchmark::State& state)
{
    Screen screen;
    TimelineWidget& timeline = screen.timeline();
    const DurationNs length = ranks()->time.duration() / 2000;
    screen.show({ranks()->time.start + length * 900, ranks()->time.start + length * 901});
    const QRect rows = timeline.state().geometry.rows();
    Costs costs;
    for (auto _ : state) {
        double sum = 0;
        for (int y = rows.top() + 60; y < rows.top() + 240; y += 5) {
            for (int x = rows.left() + 5; x < rows.right(); x += 31) {
                const QPoint at(x, y);
                if (timeline.eventAt(at).isNone())
                    continue;
                QMouseEvent move(QEvent::MouseMove, at, timeline.viewport()->mapToGlobal(at), Qt::NoButton, Qt::NoButton, Qt::NoModifier);
                sum += costs.add(costOf([&] {
                    QCoreApplication::sendEvent(timeline.viewport(), &move);
                    QCoreApplication::processEvents(); // paints the tooltip and the cursor
                }));
                if (!QToolTip::isVisible()) {
                    state.SkipWithError("an event has no tooltip");
                    return;
                }
            }
        }
        state.SetIterationTime(sum / 1000);
    }
    costs.report(state);
}

BENCHMARK(frames)->UseManualTime()->Iterations(3)->Unit(benchmark::kMillisecond);
BENCHMARK(spans)->Arg(0)->Arg(1)->UseManualTime()->Iterations(15)->Unit(benchmark::kMillisecond);
BENCHMARK(labels)->UseManualTime()->Iterations(31)->Unit(benchmark::kMillisecond);
BENCHMARK(hover)->UseManualTime()->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace

int main(int argc, char** argv)
{
    if (!bench::takeNumber(argc, argv, "--rows", g_rows, std::uint64_t{10'000})) {
        std::fprintf(stderr, "timeline_frame_bench: --rows takes the number of events, at least 10000\n");
        return 64;
    }
    return bench::runWithApplication(argc, argv);
}
