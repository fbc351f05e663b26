#pragma once

#include "tests/widgets/trace_fixture.h"
#include "trace_model/trace/counter_levels.h"
#include "widgets/timeline/timeline_widget.h"

#include <QImage>
#include <QMouseEvent>
#include <QTest>
#include <QWheelEvent>

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::widgets_test {

/// A timeline of its own size on the screen, with what a hand does to it.
class Hand
{
public:
    explicit Hand(TracePtr trace, QSize size = {1000, 600})
    {
        timeline.resize(size);
        timeline.setTrace(std::move(trace));
        timeline.show();
    }

    [[nodiscard]] const trace::Trace& trace() const { return *timeline.trace(); }
    [[nodiscard]] int xOf(TimestampNs time) const
    {
        return timeline.state().geometry.headerWidth + static_cast<int>(timeline.state().axis().toX(time));
    }
    /// In the middle of a track's row, at a time.
    [[nodiscard]] QPoint at(TimestampNs time, std::string_view track) const { return {xOf(time), headerPoint(track).y()}; }
    [[nodiscard]] QPoint headerPoint(std::string_view track) const
    {
        const widgets::TimelineRow* row = timeline.state().layout.rowOf(trackNamed(trace(), track));
        return {60, row->y + row->height / 2 - timeline.state().scrollY + widgets::TimelineGeometry::rowsTop()};
    }
    [[nodiscard]] QPoint rulerPoint(TimestampNs time) const { return {xOf(time), timeline.state().geometry.ruler().center().y()}; }
    [[nodiscard]] QPoint minimapPoint(TimestampNs time) const
    {
        const QRect area = timeline.state().geometry.minimap();
        return {area.left() + static_cast<int>(widgets::TimeAxis(trace().time, area.width()).toX(time)), area.center().y()};
    }

    void wheel(QPoint at, QPoint angle, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
    {
        QWheelEvent event(at, timeline.viewport()->mapToGlobal(at), {}, angle, Qt::NoButton, modifiers, Qt::NoScrollPhase, false);
        QCoreApplication::sendEvent(timeline.viewport(), &event);
    }
    void press(QPoint at, Qt::MouseButton button = Qt::LeftButton, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
    {
        QTest::mousePress(timeline.viewport(), button, modifiers, at);
    }
    void move(QPoint at, Qt::MouseButton button = Qt::LeftButton, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
    {
        QMouseEvent event(QEvent::MouseMove, at, timeline.viewport()->mapToGlobal(at), Qt::NoButton, button, modifiers);
        QCoreApplication::sendEvent(timeline.viewport(), &event);
    }
    void release(QPoint at, Qt::MouseButton button = Qt::LeftButton)
    {
        QTest::mouseRelease(timeline.viewport(), button, Qt::NoModifier, at);
    }
    void drag(QPoint from, QPoint to, Qt::MouseButton button = Qt::LeftButton, Qt::KeyboardModifiers modifiers = Qt::NoModifier)
    {
        press(from, button, modifiers);
        move((from + to) / 2, button);
        move(to, button);
        release(to, button);
    }
    void click(QPoint at) { QTest::mouseClick(timeline.viewport(), Qt::LeftButton, Qt::NoModifier, at); }
    void doubleClick(QPoint at)
    {
        click(at);
        QTest::mouseDClick(timeline.viewport(), Qt::LeftButton, Qt::NoModifier, at);
        release(at); // which that one leaves out
    }
    void key(Qt::Key key, Qt::KeyboardModifiers modifiers = Qt::NoModifier) { QTest::keyClick(&timeline, key, modifiers); }

    [[nodiscard]] trace::EventId event(trace::EventKind kind, std::string_view name) const { return eventNamed(trace(), kind, name); }
    /// Names of the events that stand out, in the order of their start.
    [[nodiscard]] std::multiset<std::string> highlighted() const
    {
        std::multiset<std::string> names;
        for (const widgets::HighlightedEvent& highlight : timeline.state().highlights)
            names.insert(trace().nameOf(highlight.event));
        return names;
    }
    [[nodiscard]] QImage image() { return imageOf(timeline); }

    widgets::TimelineWidget timeline;
};

/// A counter with these samples.
inline TracePtr traceWithCounter(TimeRange time, const std::vector<std::pair<TimestampNs, double>>& samples, bool isExact)
{
    auto trace = std::make_shared<trace::Trace>();
    trace->time = time;
    trace::Track track;
    track.kind = trace::TrackKind::Counter;
    track.name = "counter";
    track.counter.isExact = isExact;
    for (const auto& [at, value] : samples) {
        track.counter.time.push_back(at);
        track.counter.value.push_back(value);
    }
    trace::sortAndIndex(track.counter);
    trace->tracks.push_back(std::move(track));
    return trace;
}

/// A counter with a sample each 10 µs that is silent from 300 to 700 µs.
inline TracePtr traceWithSilentCounter()
{
    auto trace = std::make_shared<trace::Trace>();
    trace->time = {0, 1'000'000};
    trace::Track track;
    track.kind = trace::TrackKind::Counter;
    track.name = "gpu utilisation";
    track.counter.unit = "%";
    for (TimestampNs at = 0; at < 1'000'000; at += 10'000) {
        if (at > 300'000 && at < 700'000)
            continue;
        track.counter.time.push_back(at);
        track.counter.value.push_back(50);
    }
    trace->tracks.push_back(std::move(track));
    return trace;
}

} // namespace gantry::widgets_test
