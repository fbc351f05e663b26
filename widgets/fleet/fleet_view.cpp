#include "widgets/fleet/fleet_view.h"

#include "widgets/fleet/fleet_delegate.h"
#include "widgets/fleet/fleet_order.h"

#include <QEvent>
#include <QItemSelectionModel>
#include <QResizeEvent>
#include <QScrollBar>
#include <QStyle>

#include <algorithm>

namespace gantry::widgets {

FleetView::FleetView(FleetOrder& order, QWidget* parent) : QListView(parent), m_order(order)
{
    setObjectName(QStringLiteral("fleetView"));
    setAccessibleName(tr("Nodes"));
    setModel(&order);
    setItemDelegate(new FleetDelegate(this));
    setViewMode(IconMode);
    setMovement(Static);
    setDragEnabled(false);
    setResizeMode(Adjust);
    setUniformItemSizes(true);
    setSelectionMode(ExtendedSelection);
    setSelectionRectVisible(true);
    setVerticalScrollMode(ScrollPerPixel);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFrameShape(NoFrame);
    setMouseTracking(true);
    setContextMenuPolicy(Qt::CustomContextMenu);
    viewport()->setBackgroundRole(QPalette::Window);
    connect(this, &QListView::activated, this, [this](const QModelIndex& index) { emit nodeActivated(keyOf(index)); });
    connect(this, &QListView::customContextMenuRequested, this, [this](const QPoint& position) {
        if (indexAt(position).isValid())
            emit menuRequested(viewport()->mapToGlobal(position));
    });
    fitTiles();
}

QString FleetView::keyOf(const QModelIndex& index) const
{
    const NodeTile* tile = m_order.tile(index);
    return tile ? tile->key : QString();
}

QStringList FleetView::selectedKeys() const
{
    QModelIndexList selected = selectionModel()->selectedIndexes();
    std::sort(selected.begin(), selected.end(), [](const QModelIndex& a, const QModelIndex& b) { return a.row() < b.row(); });
    QStringList keys;
    for (const QModelIndex& index : std::as_const(selected))
        keys << keyOf(index);
    return keys;
}

void FleetView::select(const QStringList& keys)
{
    QItemSelection selection;
    for (int row = 0; row < m_order.rowCount(); ++row) {
        const QModelIndex index = m_order.index(row, 0);
        if (keys.contains(keyOf(index)))
            selection.select(index, index);
    }
    selectionModel()->select(selection, QItemSelectionModel::ClearAndSelect);
}

/// Tiles share the width, so that none is cut and nothing is left over.
void FleetView::fitTiles()
{
    const QSize least = FleetDelegate::leastSize(font());
    const int bar = style()->pixelMetric(QStyle::PM_ScrollBarExtent, nullptr, this);
    // The bar is always reckoned with: a layout that needs it, makes room and then does not need it would never come to rest.
    const int room = std::max(1, width() - bar - 2);
    const int columns = std::max(1, room / least.width());
    setGridSize({room / columns, least.height()});
}

void FleetView::resizeEvent(QResizeEvent* event)
{
    fitTiles();
    QListView::resizeEvent(event);
}

void FleetView::changeEvent(QEvent* event)
{
    QListView::changeEvent(event);
    if (event->type() == QEvent::FontChange || event->type() == QEvent::StyleChange)
        fitTiles();
}

void FleetView::selectionChanged(const QItemSelection& selected, const QItemSelection& deselected)
{
    QListView::selectionChanged(selected, deselected);
    emit selectionEdited();
}

} // namespace gantry::widgets
