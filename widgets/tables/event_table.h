#pragma once

#include "trace_model/trace/event_search.h"
#include "trace_model/trace/trace.h"

#include <QAbstractTableModel>
#include <QWidget>

#include <memory>
#include <vector>

class QLabel;
class QTableView;

namespace gantry::widgets {

/// Rows are events of a trace; cells are made when they are shown.
class EventModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column { Start, Duration, Kind, Name, Place, ColumnCount };

    explicit EventModel(QObject* parent = nullptr);

    void setEvents(std::shared_ptr<const trace::Trace> trace, std::vector<trace::EventId> events);
    [[nodiscard]] trace::EventId eventAt(int row) const;
    /// Row of an event, or -1.
    [[nodiscard]] int rowOf(trace::EventId event) const;

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::shared_ptr<const trace::Trace> m_trace;
    std::vector<trace::EventId> m_events;
};

/// The events of the visible range as a table, in step with the timeline: its selection is the timeline's.
class EventTable : public QWidget
{
    Q_OBJECT

public:
    explicit EventTable(QWidget* parent = nullptr);

    void setEvents(std::shared_ptr<const trace::Trace> trace, trace::EventList list);
    void clear();
    /// Selects the event's row if it is there, without announcing it.
    void select(trace::EventId event);
    [[nodiscard]] EventModel& model() { return *m_model; }
    [[nodiscard]] QTableView& view() { return *m_view; }

signals:
    void eventActivated(gantry::trace::EventId event);

private:
    EventModel* m_model;
    QTableView* m_view;
    QLabel* m_footer;
    bool m_isSelecting = false;
};

} // namespace gantry::widgets
