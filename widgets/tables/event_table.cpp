#include "widgets/tables/event_table.h"

#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/event_text.h"

#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

EventModel::EventModel(QObject* parent) :
    QAbstractTableModel(parent)
{}

void EventModel::setEvents(std::shared_ptr<const trace::Trace> trace, std::vector<trace::EventId> events)
{
    beginResetModel();
    m_trace = std::move(trace);
    m_events = std::move(events);
    endResetModel();
}

trace::EventId EventModel::eventAt(int row) const
{
    return row >= 0 && row < static_cast<int>(m_events.size()) ? m_events[static_cast<std::size_t>(row)] : trace::EventId();
}

int EventModel::rowOf(trace::EventId event) const
{
    if (!m_trace || event.isNone())
        return -1;
    const TimestampNs start = m_trace->timeOf(event).start;
    auto at = std::lower_bound(m_events.begin(), m_events.end(), start, [&](trace::EventId e, TimestampNs t) { return m_trace->timeOf(e).start < t; });
    for (; at != m_events.end() && m_trace->timeOf(*at).start == start; ++at) {
        if (*at == event)
            return static_cast<int>(at - m_events.begin());
    }
    return -1;
}

int EventModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_events.size());
}

int EventModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant EventModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const trace::EventId event = eventAt(index.row());
    if (role == Qt::TextAlignmentRole && (index.column() == Start || index.column() == Duration))
        return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole)
        return {};
    switch (index.column()) {
    case Start:
        return formatTime(m_trace->timeOf(event).start - m_trace->time.start, 1000);
    case Duration: {
        const DurationNs duration = m_trace->timeOf(event).duration();
        return duration > 0 ? formatDuration(duration) : QString();
    }
    case Kind:
        return kindTitle(event.kind());
    case Name:
        return eventLabel(*m_trace, event);
    case Place:
        return placeText(*m_trace, event);
    default:
        return {};
    }
}

QVariant EventModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Start:
        return tr("Start");
    case Duration:
        return tr("Duration");
    case Kind:
        return tr("Kind");
    case Name:
        return tr("Name");
    case Place:
        return tr("Stream, thread or model");
    default:
        return {};
    }
}

EventTable::EventTable(QWidget* parent) :
    QWidget(parent),
    m_model(new EventModel(this)),
    m_view(new QTableView(this)),
    m_footer(new QLabel(this))
{
    m_view->setModel(m_model);
    m_view->setObjectName(QStringLiteral("events"));
    m_view->setAccessibleName(tr("Events of the visible range"));
    applyTableStyle(*m_view, EventModel::Name);
    m_view->setSelectionMode(QAbstractItemView::SingleSelection);
    m_view->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    m_view->setColumnWidth(EventModel::Start, 120);
    m_view->setColumnWidth(EventModel::Duration, 90);
    m_view->setColumnWidth(EventModel::Kind, 120);
    m_view->setColumnWidth(EventModel::Place, 200);
    m_footer->setForegroundRole(QPalette::PlaceholderText);
    m_footer->setContentsMargins(8, 2, 8, 2);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_view, 1);
    layout->addWidget(m_footer);
    clear();
    connect(m_view->selectionModel(), &QItemSelectionModel::currentRowChanged, this, [this](const QModelIndex& current) {
        if (!m_isSelecting && current.isValid())
            emit eventActivated(m_model->eventAt(current.row()));
    });
}

void EventTable::setEvents(std::shared_ptr<const trace::Trace> trace, trace::EventList list)
{
    const std::size_t shown = list.events.size();
    const bool wasSelecting = std::exchange(m_isSelecting, true); // a reset clears the current row: no choice of the user's
    m_model->setEvents(std::move(trace), std::move(list.events));
    m_isSelecting = wasSelecting;
    if (list.total == 0)
        m_footer->setText(tr("No event starts in this range. Zoom out to see more."));
    else if (shown < list.total)
        m_footer->setText(tr("The first %1 of %2 events of this range; zoom in to see the others.").arg(formatCount(shown), formatCount(list.total)));
    else
        m_footer->setText(tr("%1 events of this range.").arg(formatCount(list.total)));
}

void EventTable::clear()
{
    m_model->setEvents(nullptr, {});
    m_footer->setText(tr("Open a report to see its events."));
}

void EventTable::select(trace::EventId event)
{
    const bool wasSelecting = std::exchange(m_isSelecting, true);
    const int row = m_model->rowOf(event);
    if (row < 0) {
        m_view->selectionModel()->clear(); // the current row too: a click on it is a choice again
    } else if (m_view->currentIndex().row() != row || !m_view->selectionModel()->hasSelection()) {
        m_view->selectRow(row);
        m_view->scrollTo(m_model->index(row, 0), QAbstractItemView::EnsureVisible);
    }
    m_isSelecting = wasSelecting;
}

} // namespace gantry::widgets
