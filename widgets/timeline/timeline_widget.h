#pragma once

#include "widgets/timeline/frame_times.h"
#include "widgets/timeline/timeline_state.h"
#include "widgets/timeline/view_history.h"

#include <QAbstractScrollArea>
#include <QBasicTimer>
#include <QElapsedTimer>
#include <QPoint>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

class QLineEdit;
class QMenu;
class QPainter;

namespace gantry::widgets {

/// A report as a timeline: minimap, ruler, and a row per track with its name and share in a header column. Pans and zooms by
/// mouse and keyboard, selects events and requests, and measures ranges. Reads the trace, owns nothing else. UI thread.
///
/// Mouse: wheel zooms at the cursor (over the header it scrolls, with Shift it pans), drag measures from edge to edge of spans (with Ctrl
/// freely), middle or Shift drag pans, click selects, double click zooms to the event. On the minimap the view is dragged by its middle or
/// its edges, a drag beside it selects a new one, and a click brings it there. A click on a row's name folds it, with
/// Ctrl it chooses the row, whose events tables then list, and a drag puts the row elsewhere among those of its parent. Its lower edge is
/// dragged there, and a double click on the edge takes that back. Keys: W S zoom, A D or arrows pan, Home shows everything, Z zooms to the
/// selection, B goes back, Esc ends selection, measure and the drag of a row.
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

    /// How the user arranged the rows.
    [[nodiscard]] const RowArrangement& rows() const { return m_rows; }
    /// As an earlier view had them, but for the filter; not announced. `styles`: of counters, by track; of another size: as they are.
    void setRows(RowArrangement rows, std::vector<CounterStyle> styles);
    enum class RowChange
    {
        ToggleFold,
        Hide, ///< with all that is below it
        TogglePin,
        MoveUp,
        MoveDown,
        ResetHeight,
        ShowHidden,   ///< all of them, whichever row is meant
        ToggleChosen, ///< one of those whose events tables list
    };
    void arrangeRow(trace::TrackId track, RowChange change);
    /// How requests are shown, of all models.
    void setRequestOrder(RequestOrder order);
    /// What tracks show that follow the view; of the others nothing is changed. See viewSettled().
    void setChosenRequests(std::map<trace::TrackId, trace::ChosenRequests> chosen);
    /// The row under the mouse, else that of the selected event, or none.
    [[nodiscard]] trace::TrackId currentRow() const;
    [[nodiscard]] const std::vector<TimelineMark>& marks() const { return m_state.marks; }
    void setMarks(std::vector<TimelineMark> marks);
    /// Marks the measured range, else the time under the mouse, and lets the user type what it is.
    void addMark();
    void editMark(std::size_t index);
    void goToMark(std::size_t index);
    /// To the next (+1) or previous (-1) mark, around the ends.
    void stepMark(int direction);
    /// Removes the mark that was added, clicked or gone to last.
    void removeMark();

    /// Shows the rows whose names hold `text`; empty: all.
    void setRowFilter(const QString& text);
    void focusRowFilter();

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
    void clearChosenRows();
    [[nodiscard]] trace::EventId selectedEvent() const { return m_state.selected; }
    /// None when the selected event belongs to no single request.
    [[nodiscard]] trace::RequestIndex selectedRequest() const { return m_selectedRequest; }
    [[nodiscard]] std::optional<TimeRange> measuredRange() const { return m_state.measure; }
    /// Measures `range`, as dragging over it does.
    void setMeasuredRange(TimeRange range);
    /// Marks an instant that something beside this timeline points at; nothing: none.
    void setInstant(std::optional<TimestampNs> time);

    enum class Zoom
    {
        WhenTooSmall, ///< so that the event is legible
        Never,
    };
    /// Pans, zooms and scrolls so that the event is seen, and selects it.
    void reveal(trace::EventId event, Zoom zoom = Zoom::WhenTooSmall);
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
    /// The view has stayed for a moment, or requests are shown in another way: what follows it may be chosen anew.
    void viewSettled();
    /// After each paint: how long it took.
    void framePainted(const gantry::widgets::FrameTimes& times);
    /// The user made the column of names wider or narrower.
    void headerWidthChanged(int width);
    /// The user arranged rows otherwise or chose how a counter is drawn.
    void rowsChanged();
    /// Other rows than before are chosen, see TimelineState.
    void chosenRowsChanged();
    void marksChanged();
    /// The mouse is at another time, or at none.
    void cursorMoved(std::optional<gantry::TimestampNs> time);

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
    void timerEvent(QTimerEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    enum class Drag
    {
        None,
        Measure,
        Pan,
        HeaderWidth,
        Row,
        RowHeight,
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
    /// Names are whole where there is room, unless the user said how wide they are.
    void fitHeaderWidth();
    void applyView(TimeRange range);
    /// A gesture (a run of wheel steps or key presses) is one step of the history; a step that changes nothing is none.
    void moveView(TimeRange range);
    void zoomAt(int viewportX, double factor);
    void panBy(double pixels);
    void buildRowFilter();
    void placeRowFilter();
    void movePinnedOrAmongSiblings(trace::TrackId track, int direction);
    /// Of the places of an event the one to go to: one that is open, else its own row rather than that of all streams; or null.
    [[nodiscard]] const EventPlace* preferredPlace(const std::vector<EventPlace>& places) const;
    /// Unfolds and unhides what keeps a track from being seen.
    void showRowOf(trace::TrackId track);
    /// Scrolls until `height` pixels of a row from `y` of the content on are in view.
    void bringIntoView(const TimelineRow& row, int y, int height);
    /// Finds the rows that marks are about.
    void placeMarks();
    [[nodiscard]] const TimelineRow* rowAt(QPoint point) const;
    /// The row whose lower edge is held at a point of the header, or null.
    [[nodiscard]] const TimelineRow* rowResizedAt(QPoint point) const;
    void resizeRow(int viewportY);
    /// The pressed row is over a point of the widget: shows where it would come to lie, and scrolls at the edges.
    void dragRow(QPoint point);
    void scrollDraggedRow();
    void endRowDrag();
    void addRowActions(QMenu& menu, QPoint point);
    void addRequestOrders(QMenu& menu, trace::TrackId track);
    /// Whose flag is at a point.
    [[nodiscard]] std::optional<std::size_t> markAt(QPoint point) const;
    /// Whether the flag of a mark is at a point; it is the current one then.
    bool pressMark(QPoint point);
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
    /// The event that a marker at a point stands for, or none.
    [[nodiscard]] trace::EventId linkedAt(QPoint point) const;

    static constexpr int kSettleMs = 150;
    static constexpr double kStepZoom = 0.7; ///< of the visible range for one key press or double click

    TimelineState m_state;
    trace::RequestIndex m_selectedRequest;
    TimeRange m_extent; ///< of all that was recorded
    TimeRange m_reach;  ///< how far the view goes: metrics from before the window, too
    RowArrangement m_rows;
    QLineEdit* m_filter = nullptr;
    trace::TrackId m_rowUnderMouse;
    trace::TrackId m_resizedRow; ///< while its edge is dragged
    trace::TrackId m_pressedRow; ///< by its header
    QPoint m_dragPoint;          ///< where a dragged row is held
    QBasicTimer m_rowScroll;     ///< runs while one is held at an edge
    QBasicTimer m_settle;        ///< runs out when the view has stayed for a moment
    RowDensity m_density = RowDensity::Comfortable;
    bool m_isHeaderChosen = false; ///< its width
    ViewHistory m_history;
    QElapsedTimer m_sinceGesture;
    std::vector<float> m_activity; ///< of the minimap, for its width
    std::unique_ptr<TimelineFrame> m_frame;
    bool m_isFrameStale = true;
    std::optional<std::size_t> m_currentMark; ///< of m_state.marks
    trace::EventId m_hovered;                 ///< whose tooltip is shown

    Drag m_drag = Drag::None;
    QPoint m_pressed;
    TimeRange m_viewAtPress;
    int m_scrollAtPress = 0;
    bool m_hasMoved = false;
};

} // namespace gantry::widgets
