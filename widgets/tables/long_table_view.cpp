#include "widgets/tables/long_table_view.h"

#include <QEvent>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QMouseEvent>
#include <QPaintEvent>
#include <QPainter>
#include <QScrollBar>
#include <QStyledItemDelegate>

#include <algorithm>

namespace gantry::widgets {

namespace {

constexpr int kLinePadding = 6;
constexpr int kFarRow = 1'000'000; // rows from the view from which on where they are does not matter: pixels must fit an int

} // namespace

LongTableView::LongTableView(QWidget* parent) : QAbstractItemView(parent), m_header(new QHeaderView(Qt::Horizontal, this))
{
    setFrameShape(QFrame::NoFrame);
    setSelectionBehavior(SelectRows);
    setSelectionMode(ExtendedSelection);
    setAlternatingRowColors(true);
    setEditTriggers(NoEditTriggers);
    setTabKeyNavigation(false);
    setVerticalScrollMode(ScrollPerItem);
    setHorizontalScrollMode(ScrollPerPixel);
    setTextElideMode(Qt::ElideMiddle);
    m_header->setSectionsClickable(true);
    m_header->setHighlightSections(false);
    m_header->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
    connect(m_header, &QHeaderView::sectionResized, this, [this] {
        updateGeometries();
        viewport()->update();
    });
    fitRowHeight();
}

void LongTableView::setModel(QAbstractItemModel* model)
{
    m_header->setModel(model);
    QAbstractItemView::setModel(model);
}

void LongTableView::setEmptyText(const QString& text)
{
    m_emptyText = text;
    if (rowCount() == 0)
        viewport()->update();
}

void LongTableView::selectRow(int row)
{
    m_anchor = model()->index(row, 0);
    selectionModel()->setCurrentIndex(m_anchor, QItemSelectionModel::ClearAndSelect | QItemSelectionModel::Rows);
}

int LongTableView::rowCount() const
{
    return model() ? model()->rowCount(rootIndex()) : 0;
}

int LongTableView::firstRow() const
{
    return verticalScrollBar()->value();
}

int LongTableView::wholeRows() const
{
    return std::max(1, viewport()->height() / m_rowHeight);
}

int LongTableView::rowAt(int viewportY) const
{
    return firstRow() + (viewportY >= 0 ? viewportY / m_rowHeight : -1 - (-1 - viewportY) / m_rowHeight);
}

void LongTableView::fitRowHeight()
{
    m_rowHeight = fontMetrics().height() + kLinePadding;
}

QRect LongTableView::visualRect(const QModelIndex& index) const
{
    if (!index.isValid())
        return {};
    const int line = std::clamp(index.row() - firstRow(), -kFarRow, kFarRow);
    return {m_header->sectionViewportPosition(index.column()), line * m_rowHeight, m_header->sectionSize(index.column()), m_rowHeight};
}

void LongTableView::scrollTo(const QModelIndex& index, ScrollHint hint)
{
    if (!index.isValid())
        return;
    executeDelayedItemsLayout(); // after a reset the scroll bar's range is that of the rows before
    const int first = firstRow(), page = wholeRows();
    int top = first;
    if (hint == PositionAtTop)
        top = index.row();
    else if (hint == PositionAtBottom)
        top = index.row() - page + 1;
    else if (hint == PositionAtCenter || index.row() < first - page || index.row() >= first + 2 * page)
        top = index.row() - page / 2;
    else if (index.row() < first)
        top = index.row();
    else if (index.row() >= first + page)
        top = index.row() - page + 1;
    verticalScrollBar()->setValue(top);
}

QModelIndex LongTableView::indexAt(const QPoint& point) const
{
    const int row = rowAt(point.y());
    const int column = m_header->logicalIndexAt(point.x());
    return row >= 0 && row < rowCount() && column >= 0 ? model()->index(row, column, rootIndex()) : QModelIndex();
}

QModelIndex LongTableView::moveCursor(CursorAction action, Qt::KeyboardModifiers)
{
    const int rows = rowCount();
    if (rows == 0)
        return {};
    const int column = std::max(0, currentIndex().column());
    if (!currentIndex().isValid())
        return model()->index(std::min(firstRow(), rows - 1), column, rootIndex());
    int row = currentIndex().row();
    switch (action) {
    case MoveUp:
    case MovePrevious:
        --row;
        break;
    case MoveDown:
    case MoveNext:
        ++row;
        break;
    case MovePageUp:
        row -= wholeRows();
        break;
    case MovePageDown:
        row += wholeRows();
        break;
    case MoveHome:
        row = 0;
        break;
    case MoveEnd:
        row = rows - 1;
        break;
    case MoveLeft:
    case MoveRight:
        horizontalScrollBar()->triggerAction(action == MoveLeft ? QAbstractSlider::SliderSingleStepSub
                                                                : QAbstractSlider::SliderSingleStepAdd);
        break;
    }
    return model()->index(std::clamp(row, 0, rows - 1), column, rootIndex());
}

int LongTableView::horizontalOffset() const
{
    return m_header->offset();
}

void LongTableView::setSelection(const QRect& rect, QItemSelectionModel::SelectionFlags command)
{
    const int rows = rowCount(), columns = model() ? model()->columnCount(rootIndex()) : 0;
    if (rows == 0 || columns == 0)
        return selectionModel()->select(QItemSelection(), command);
    // The rectangle begins where the first row of the selection was when it was pressed, or as far away as pixels go: of it the end counts.
    const int end = std::clamp(rowAt(rect.bottom()), 0, rows - 1);
    if (!(command & QItemSelectionModel::Current) || !m_anchor.isValid())
        m_anchor = model()->index(end, 0, rootIndex());
    const int first = std::min(m_anchor.row(), end), last = std::max(m_anchor.row(), end);
    selectionModel()->select(QItemSelection(model()->index(first, 0, rootIndex()), model()->index(last, columns - 1, rootIndex())),
                             command);
}

void LongTableView::currentChanged(const QModelIndex& current, const QModelIndex& previous)
{
    if (!m_anchor.isValid() || !current.isValid())
        m_anchor = current;
    QAbstractItemView::currentChanged(current, previous);
}

void LongTableView::mousePressEvent(QMouseEvent* event)
{
    if (rowAt(event->position().toPoint().y()) >= rowCount())
        m_anchor = model() ? model()->index(rowCount() - 1, 0, rootIndex()) : QModelIndex(); // a drag from below them begins at the last
    QAbstractItemView::mousePressEvent(event);
}

QRegion LongTableView::visualRegionForSelection(const QItemSelection& selection) const
{
    QRegion region;
    const int first = firstRow(), last = rowAt(viewport()->height());
    for (const QItemSelectionRange& range : selection) {
        const int top = std::max(range.top(), first), bottom = std::min(range.bottom(), last);
        if (top <= bottom)
            region += QRect(0, (top - first) * m_rowHeight, viewport()->width(), (bottom - top + 1) * m_rowHeight);
    }
    return region;
}

void LongTableView::paintEvent(QPaintEvent* event)
{
    QPainter painter(viewport());
    const int rows = rowCount();
    if (rows == 0) {
        painter.setPen(palette().color(QPalette::PlaceholderText));
        painter.drawText(viewport()->rect().adjusted(24, 8, -24, -8), Qt::AlignCenter | Qt::TextWordWrap, m_emptyText);
        return;
    }
    QStyleOptionViewItem option;
    initViewItemOption(&option);
    option.showDecorationSelected = true;
    const QPalette::ColorGroup group = !isEnabled()                     ? QPalette::Disabled
                                       : hasFocus() || isActiveWindow() ? QPalette::Active
                                                                        : QPalette::Inactive;
    option.palette.setCurrentColorGroup(group);
    option.features |= QStyleOptionViewItem::Alternate;
    const QStyle::State idle = option.state & ~(QStyle::State_Selected | QStyle::State_HasFocus);
    const int last = std::min(rows - 1, rowAt(event->rect().bottom()));
    for (int row = rowAt(event->rect().top()); row <= last; ++row) {
        const int y = (row - firstRow()) * m_rowHeight;
        const bool isSelected = selectionModel()->isRowSelected(row, rootIndex());
        option.state = isSelected ? idle | QStyle::State_Selected : idle;
        option.features.setFlag(QStyleOptionViewItem::Alternate, row % 2 == 1);
        option.rect = QRect(0, y, viewport()->width(), m_rowHeight);
        style()->drawPrimitive(QStyle::PE_PanelItemViewRow, &option, &painter, this);
        if (isSelected)
            painter.fillRect(option.rect, option.palette.brush(QPalette::Highlight));
        for (int visual = 0; visual < m_header->count(); ++visual) {
            const int column = m_header->logicalIndex(visual);
            option.rect = QRect(m_header->sectionViewportPosition(column), y, m_header->sectionSize(column), m_rowHeight);
            if (option.rect.intersects(event->rect()))
                itemDelegate()->paint(&painter, option, model()->index(row, column, rootIndex()));
        }
    }
}

void LongTableView::updateGeometries()
{
    const int headerHeight = m_header->sizeHint().height();
    setViewportMargins(0, headerHeight, 0, 0);
    const QRect inside = viewport()->geometry();
    m_header->setGeometry(inside.left(), inside.top() - headerHeight, inside.width(), headerHeight);
    verticalScrollBar()->setPageStep(wholeRows());
    verticalScrollBar()->setRange(0, std::max(0, rowCount() - wholeRows()));
    horizontalScrollBar()->setPageStep(viewport()->width());
    horizontalScrollBar()->setRange(0, std::max(0, m_header->length() - viewport()->width()));
    QAbstractItemView::updateGeometries();
    // The base sets the steps of a view that scrolls by pixels.
    verticalScrollBar()->setSingleStep(1);
    horizontalScrollBar()->setSingleStep(m_rowHeight);
}

void LongTableView::scrollContentsBy(int dx, int)
{
    if (dx != 0)
        m_header->setOffset(horizontalScrollBar()->value());
    viewport()->update();
}

void LongTableView::changeEvent(QEvent* event)
{
    QAbstractItemView::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange) {
        fitRowHeight();
        updateGeometries();
        viewport()->update();
    }
}

} // namespace gantry::widgets
