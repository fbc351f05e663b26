#pragma once

#include "widgets/timeline/frame_times.h"
#include "widgets/timeline/timeline_state.h"
#include "widgets/timeline/view_history.h"

#include <QAbstractScrollArea>
#include <QElapsedTimer>
#include <QPoint>

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

class QMenu;
class QPainter;

namespace gantry::widgets {

/// A report as a timeline: minimap, ruler, and a row per track with its name and share in a header column. Pans and zooms by
/// mouse and keyboard, selects events and requests, and measures ranges. Reads the trace, owns nothing else. UI thread.
///
/// Mouse: wheel zooms at the cursor (over the header it scrolls, with Shift it pans), drag measures from edge to edge of spans (with Ctrl
/// freely), middle or Shift drag pans, click selects, double click zooms to the event. On the minimap the view is dragged by its middle or
/// its edges, a drag beside it selects a new one, and a click brings it there. Keys: W S zoom, A D or arrows pan, Home shows
/// everything, Z zooms to the selection, B goes back, Esc ends selection and measure.
class TimelineWidget : public QAbstractScrollArea
{
    Q_OBJECT

public:
    explicit TimelineWidget(QWidget* parent = nullptr);
    ~TimelineWidget() override;

    /// Shows all of `trace`; forgets selection, history and matches. Null shows the empty state.
    void setTrace(std::shared_ptr<const trace::Trace> trace);
    [[nodiscard]] const std::shared_ptr<const trace::Trace>& trace() const { return m_state.trace; }

    void setDensity(RowDensity density);
    void setCounterStyle(trace::TrackId track, CounterStyle style);
    /// Width of the column of names, kept between legible and half of the widget.
    void setHeaderWidth(int width);
    /// How far the view goes, and shows all of it: the report's time unless set, more where timelines of unequal length share a scale.
    void setExtent(TimeRange extent);

    [[nodiscard]] TimeRange visibleRange() const { return m_state.view; }
    /// Shows `range`, moved and shortened as needed to lie in the extent, and remembers the one before for goBack().
    void setVisibleRange(TimeRange range);
    /// As setVisibleRange, for a view that follows another one: neither remembered nor announced.
    void followVisibleRange(TimeRange range);

    void fitAll();
    void zoomIn();
    void zoomOut();
    /// Fills the view with the measured range, else the selected request or event.
    void zoomToSelection();
    void goBack();
    void goForward();

    /// Selects and highlights an event together with what belongs to it: the call that launched it, the requests it worked for.
    void selectEvent(trace::EventId event);
    /// Selects a request and highlights its phases, execution, API calls, kernels and memcpys; all else is faded.
    void selectRequest(trace::RequestIndex request);
    void clearSelection();
    [[nodiscard]] trace::EventId selectedEvent() const { return m_state.selected; }
    /// None when the selected event belongs to no single request.
    [[nodiscard]] trace::RequestIndex selectedRequest() const { return m_selectedRequest; }
    [[nodiscard]] std::optional<TimeRange> measuredRange() const { return m_state.measure; }
    /// Measures `range`, as dragging over it does.
    void setMeasuredRange(TimeRange range);

    /// Pans, zooms and scrolls so that the event is seen, and selects it.
    void reveal(trace::EventId event);
    /// Marks where matches are on the minimap; sorted by start.
    void setMatches(const std::vector<trace::EventId>& matches);

    /// The event drawn at a point of the viewport, or none.
    [[nodiscard]] trace::EventId eventAt(QPoint viewportPoint) const;
    /// A point of the viewport that lies on the event, or nothing when it is not visible.
    [[nodiscard]] std::optional<QPoint> pointOf(trace::EventId event) const;
    [[nodiscard]] const TimelineState& state() const { return m_state; }

signals:
    void selectionChanged();
    /// A range was measured, or the measure ended (no measuredRange()).
    void measureChanged();
    void visibleRangeChanged();
    /// After each paint: how long it took.
    void framePainted(const gantry::widgets::FrameTimes& times);
    /// The user made the column of names wider or narrower.
    void headerWidthChanged(int width);

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;
    bool viewportEvent(QEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    enum class Drag
    {
        None,
        Measure,
        Pan,
        HeaderWidth,
        MinimapView,
        MinimapStart,
        MinimapEnd,
        MinimapBrush
    };

    /// Above the two edges of the view, on it or beside it.
    [[nodiscard]] Drag minimapDragAt(int viewportX) const;
    /// Everything but the overlay has changed.
    void redraw();
    /// `change` changes nothing but the overlay: only what that covers is painted again.
    void changeOverlay(const std::function<void()>& change);
    void paintEmptyState(QPainter& painter) const;
    void layoutRows();
    void updateGeometryState();
    void applyView(TimeRange range);
    /// A gesture (a run of wheel steps or key presses) is one step of the history; a step that changes nothing is none.
    void moveView(TimeRange range);
    void zoomAt(int viewportX, double factor);
    void panBy(double pixels);
    void toggleRow(trace::TrackId track);
    void highlightSelection();
    void setCursorTime(std::optional<TimestampNs> time);
    void dragMinimap(int viewportX);
    void dragMeasure(QPoint point, Qt::KeyboardModifiers modifiers);
    void hover(QPoint point);
    void showToolTip(QPoint point);
    void finishMinimapBrush();
    void addCounterStyles(QMenu& menu, QPoint point);
    void endMeasure();
    [[nodiscard]] TimestampNs timeAt(int viewportX) const;
    [[nodiscard]] int zoomCentre() const;
    [[nodiscard]] QString toolTipAt(QPoint point) const;

    static constexpr double kStepZoom = 0.7; ///< of the visible range for one key press or double click

    TimelineState m_state;
    trace::RequestIndex m_selectedRequest;
    TimeRange m_extent;
    std::set<trace::TrackId> m_collapsed;
    RowDensity m_density = RowDensity::Comfortable;
    ViewHistory m_history;
    QElapsedTimer m_sinceGesture;
    std::vector<float> m_activity; ///< of the minimap, for its width
    std::unique_ptr<TimelineFrame> m_frame;
    bool m_isFrameStale = true;
    trace::EventId m_hovered; ///< whose tooltip is shown

    Drag m_drag = Drag::None;
    QPoint m_pressed;
    TimeRange m_viewAtPress;
    int m_scrollAtPress = 0;
    bool m_hasMoved = false;
};

} // namespace gantry::widgets
