#pragma once

#include "trace_model/analysis/event_filter.h"
#include "trace_model/trace/trace.h"
#include "widgets/tables/event_cells.h"

#include <QAbstractTableModel>
#include <QElapsedTimer>
#include <QWidget>

#include <memory>
#include <vector>

class QLabel;

namespace gantry::widgets {

class FilterEdit;
class LongTableView;

/// Rows are events of a trace; cells are made when they are shown.
class EventModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    explicit EventModel(QObject* parent = nullptr);

    /// At most as many as an int counts. `isByStart`: they are in order of start, which finds one of them at once.
    void setEvents(std::shared_ptr<const trace::Trace> trace, std::vector<trace::EventId> events, bool isByStart = true);
    [[nodiscard]] const std::shared_ptr<const trace::Trace>& trace() const { return m_trace; }
    [[nodiscard]] const std::vector<trace::EventId>& events() const { return m_events; }
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
    bool m_isByStart = true;
};

/// The events of a range as a table, in step with the timeline: its selection is the timeline's. With a filter, and sorted by what column
/// the user chooses; the owner lists and sorts.
class EventTable : public QWidget
{
    Q_OBJECT

public:
    static constexpr std::size_t kMostRows = 2'000'000'000; ///< what an int counts, with room for the pages around them

    /// Of more events than `mostRows` the first ones are listed.
    explicit EventTable(QWidget* parent = nullptr, std::size_t mostRows = kMostRows);

    /// The report that the filter is completed with.
    void setTrace(const std::shared_ptr<const trace::Trace>& trace);
    /// `where` says what they are of: "in view". In the order that was asked for.
    void setEvents(std::shared_ptr<const trace::Trace> trace, std::vector<trace::EventId> events, const QString& where);
    /// `why` there is nothing; empty: no report is open.
    void clear(const QString& why = {});
    /// While events are listed and sorted; said only once it takes long enough to be noticed.
    void setProgress(double fraction, const QString& stage);
    /// A sentence about what was done, until there is something else to say.
    void showNote(const QString& text);
    /// Selects the event's row if it is there, without announcing it.
    void select(trace::EventId event);

    /// Which events are wanted; without terms all of them.
    [[nodiscard]] const analysis::EventFilter& filter() const { return m_filter; }
    [[nodiscard]] EventColumn sortColumn() const;
    [[nodiscard]] Qt::SortOrder sortOrder() const;
    void focusFilter();

    [[nodiscard]] EventModel& model() { return *m_model; }
    [[nodiscard]] LongTableView& view() { return *m_view; }

signals:
    /// The user chose a row.
    void eventActivated(gantry::trace::EventId event);
    /// The user wants to look at it closely: a double click, or Return.
    void eventOpened(gantry::trace::EventId event);
    /// Other events, or another order, are wanted.
    void questionChanged();
    /// The user copies rows: those of `events`, which are all that were selected unless they are too many. `done` is what to say then.
    void copyRequested(const std::vector<gantry::trace::EventId>& events, const std::vector<gantry::widgets::EventColumn>& columns,
                       gantry::widgets::CopyFormat format, const QString& done);

private:
    void applyFilter();
    void announceSelection();
    void copy(CopyFormat format);
    void showScope();

    EventModel* m_model;
    LongTableView* m_view;
    FilterEdit* m_filterEdit;
    QLabel* m_scope;
    QString m_scopeText;
    QString m_note; ///< of the filter
    QString m_problem; ///< of the filter; empty: none
    analysis::EventFilter m_filter;
    QElapsedTimer m_sinceQuestion;
    std::size_t m_mostRows;
    bool m_isSelecting = false;
};

} // namespace gantry::widgets
