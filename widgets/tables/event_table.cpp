#include "widgets/tables/event_table.h"

#include "widgets/tables/filter_edit.h"
#include "widgets/tables/long_table_view.h"
#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"
#include "widgets/theme/glossary.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>
#include <variant>

namespace gantry::widgets {

namespace {

constexpr std::size_t kMostCopied = 100'000; // rows: about 10 MB of text, more than a spreadsheet takes gladly
constexpr qint64 kNoticedMs = 200;           // that work may take before it is said

int indexOf(EventColumn column)
{
    return static_cast<int>(column);
}

} // namespace

EventModel::EventModel(QObject* parent) : QAbstractTableModel(parent) {}

void EventModel::setEvents(std::shared_ptr<const trace::Trace> trace, std::vector<trace::EventId> events, bool isByStart)
{
    beginResetModel();
    m_trace = std::move(trace);
    m_events = std::move(events);
    m_isByStart = isByStart;
    endResetModel();
}

trace::EventId EventModel::eventAt(int row) const
{
    return row >= 0 && row < rowCount() ? m_events[static_cast<std::size_t>(row)] : trace::EventId();
}

int EventModel::rowOf(trace::EventId event) const
{
    if (!m_trace || event.isNone())
        return -1;
    auto from = m_events.begin();
    if (m_isByStart) {
        const TimestampNs start = m_trace->timeOf(event).start;
        from = std::lower_bound(m_events.begin(), m_events.end(), event, [&](trace::EventId each, trace::EventId wanted) {
            const TimestampNs at = m_trace->timeOf(each).start;
            return at != start ? at < start : each < wanted;
        });
        return from != m_events.end() && *from == event ? static_cast<int>(from - m_events.begin()) : -1;
    }
    from = std::find(m_events.begin(), m_events.end(), event);
    return from != m_events.end() ? static_cast<int>(from - m_events.begin()) : -1;
}

int EventModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_events.size());
}

int EventModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : kEventColumnCount;
}

QVariant EventModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const auto column = static_cast<EventColumn>(index.column());
    if (role == Qt::TextAlignmentRole && isNumeric(column))
        return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole && role != Qt::ToolTipRole)
        return {};
    return eventCell(*m_trace, eventAt(index.row()), column, CellText::Shown);
}

QVariant EventModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal || section >= kEventColumnCount)
        return {};
    const auto column = static_cast<EventColumn>(section);
    if (role == Qt::TextAlignmentRole && isNumeric(column))
        return int(Qt::AlignRight | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole)
        return termToolTip(eventColumnTitle(column, CellText::Shown));
    return role == Qt::DisplayRole ? eventColumnTitle(column, CellText::Shown) : QVariant();
}

EventTable::EventTable(QWidget* parent, std::size_t mostRows)
    : QWidget(parent),
      m_model(new EventModel(this)),
      m_view(new LongTableView(this)),
      m_filterEdit(new FilterEdit(this)),
      m_scope(new QLabel(this)),
      m_mostRows(mostRows)
{
    m_view->setModel(m_model);
    m_view->setObjectName(QStringLiteral("events"));
    m_view->setAccessibleName(tr("Events"));
    QHeaderView& header = m_view->header();
    header.setSortIndicatorShown(true);
    header.setSortIndicator(indexOf(EventColumn::Start), Qt::AscendingOrder);
    header.resizeSection(indexOf(EventColumn::Start), 120);
    header.resizeSection(indexOf(EventColumn::Duration), 100);
    header.resizeSection(indexOf(EventColumn::Kind), 120);
    header.resizeSection(indexOf(EventColumn::Place), 200);
    header.setSectionResizeMode(indexOf(EventColumn::Name), QHeaderView::Stretch);
    addCopyActions(*m_view, [this](CopyFormat format) { copy(format); });
    m_filterEdit->setObjectName(QStringLiteral("eventsFilter"));
    m_filterEdit->setPlaceholderText(tr("Filter: name, dur>50us stream=7…"));
    m_filterEdit->setAccessibleName(tr("Filter events"));
    m_filterEdit->setToolTip(tr("<p>Only events that meet all terms are listed.</p>") + filterHelp());
    m_filterEdit->setMaximumWidth(380);
    m_scope->setObjectName(QStringLiteral("eventsScope"));
    m_scope->setTextFormat(Qt::PlainText);
    m_scope->setMinimumWidth(1); // in a narrow window it is cut, and the table is not

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 4);
    bar->setSpacing(8);
    bar->addWidget(m_filterEdit, 1);
    bar->addWidget(m_scope, 2);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_view, 1);
    clear();
    connect(m_view->selectionModel(), &QItemSelectionModel::selectionChanged, this, &EventTable::announceSelection);
    connect(m_view, &QAbstractItemView::activated, this,
            [this](const QModelIndex& index) { emit eventOpened(m_model->eventAt(index.row())); });
    connect(&header, &QHeaderView::sortIndicatorChanged, this, [this] {
        m_sinceQuestion.start();
        emit questionChanged();
    });
    connect(m_filterEdit, &FilterEdit::textSettled, this, &EventTable::applyFilter);
}

void EventTable::setTrace(const std::shared_ptr<const trace::Trace>& trace)
{
    m_filterEdit->setTrace(trace);
    m_sinceQuestion.start();
}

EventColumn EventTable::sortColumn() const
{
    return static_cast<EventColumn>(m_view->header().sortIndicatorSection());
}

Qt::SortOrder EventTable::sortOrder() const
{
    return m_view->header().sortIndicatorOrder();
}

void EventTable::focusFilter()
{
    m_filterEdit->setFocus(Qt::ShortcutFocusReason);
    m_filterEdit->selectAll();
}

void EventTable::announceSelection()
{
    // Several rows are selected to be copied.
    const QItemSelection selection = m_view->selectionModel()->selection();
    if (!m_isSelecting && selection.size() == 1 && selection.front().height() == 1)
        emit eventActivated(m_model->eventAt(selection.front().top()));
}

void EventTable::applyFilter()
{
    const std::string text = m_filterEdit->text().toStdString();
    auto read = analysis::readEventFilter(text);
    const auto* problem = std::get_if<analysis::FilterProblem>(&read);
    m_problem = problem ? toQString(problem->text(text)) : QString();
    m_note = problem ? QString() : toQString(std::get<analysis::EventFilter>(read).note());
    showScope();
    if (problem)
        return;
    m_filter = std::move(std::get<analysis::EventFilter>(read));
    m_sinceQuestion.start();
    emit questionChanged();
}

void EventTable::showScope()
{
    showTableScope(*m_scope, m_note.isEmpty() ? m_scopeText : tr("%1 · %2").arg(m_note, m_scopeText), m_problem);
}

void EventTable::setEvents(std::shared_ptr<const trace::Trace> trace, std::vector<trace::EventId> events, const QString& where)
{
    const std::size_t count = events.size();
    const bool isFiltered = !m_filter.terms.empty();
    if (count > m_mostRows)
        events.resize(m_mostRows);
    const bool wasSelecting = std::exchange(m_isSelecting, true); // a reset clears the selection: no choice of the user's
    m_model->setEvents(std::move(trace), std::move(events), sortColumn() == EventColumn::Start && sortOrder() == Qt::AscendingOrder);
    m_isSelecting = wasSelecting;
    const QString counted = count == 1 ? tr("1 event") : tr("%1 events").arg(formatCount(count));
    m_scopeText =
        isFiltered ? tr("%1 %2, of those that the filter wants").arg(counted, where) : QStringLiteral("%1 %2").arg(counted, where);
    if (count > m_mostRows)
        m_scopeText += tr("; the first %1 are listed").arg(formatCount(m_mostRows));
    m_view->setEmptyText(isFiltered ? tr("No event %1 meets the filter. Zoom out, or change the filter.").arg(where)
                                    : tr("There is no event %1. Zoom out, or choose other rows, to see more.").arg(where));
    showScope();
}

void EventTable::clear(const QString& why)
{
    const bool wasSelecting = std::exchange(m_isSelecting, true);
    m_model->setEvents(nullptr, {});
    m_isSelecting = wasSelecting;
    m_filterEdit->setTrace(nullptr);
    m_view->setEmptyText(why.isEmpty() ? tr("Open a report to see its events.") : why);
    m_scopeText.clear();
    showScope();
}

void EventTable::setProgress(double fraction, const QString& stage)
{
    if (!m_problem.isEmpty() || !m_sinceQuestion.isValid() || m_sinceQuestion.elapsed() < kNoticedMs)
        return;
    m_scope->setText(tr("%1… %2 %").arg(stage).arg(static_cast<int>(fraction * 100)));
}

void EventTable::showNote(const QString& text)
{
    m_scope->setText(text);
    m_scope->setToolTip(text);
}

void EventTable::copy(CopyFormat format)
{
    std::vector<trace::EventId> events;
    std::size_t wanted = 0;
    const auto add = [&](int top, int bottom) {
        wanted += static_cast<std::size_t>(bottom - top + 1);
        for (int row = top; row <= bottom && events.size() < kMostCopied; ++row)
            events.push_back(m_model->eventAt(row));
    };
    QItemSelection selection = m_view->selectionModel()->selection();
    std::sort(selection.begin(), selection.end(),
              [](const QItemSelectionRange& a, const QItemSelectionRange& b) { return a.top() < b.top(); });
    for (const QItemSelectionRange& range : selection)
        add(range.top(), range.bottom());
    if (selection.isEmpty() && m_model->rowCount() > 0)
        add(0, m_model->rowCount() - 1);
    if (events.empty())
        return;
    std::vector<EventColumn> columns;
    for (int i = 0; i < kEventColumnCount; ++i)
        columns.push_back(static_cast<EventColumn>(m_view->header().logicalIndex(i)));
    const QString copied = events.size() == 1 ? tr("1 row is copied.") : tr("%1 rows are copied.").arg(formatCount(events.size()));
    emit copyRequested(events, columns, format,
                       events.size() == wanted ? copied
                                               : tr("The first %1 of %2 rows are copied; File > Export saves all of them.")
                                                     .arg(formatCount(events.size()), formatCount(wanted)));
}

void EventTable::select(trace::EventId event)
{
    const bool wasSelecting = std::exchange(m_isSelecting, true);
    const int row = m_model->rowOf(event);
    if (row < 0) {
        m_view->selectionModel()->clear(); // the current row too: a click on it is a choice again
    } else if (!m_view->selectionModel()->isRowSelected(row)) {
        m_view->selectRow(row);
        m_view->scrollTo(m_model->index(row, 0));
    }
    m_isSelecting = wasSelecting;
}

} // namespace gantry::widgets
