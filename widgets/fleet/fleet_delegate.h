#pragma once

#include <QStyledItemDelegate>

namespace gantry::widgets {

/// Paints a node as a tile: its state, a bar for each of its GPUs, its last minute as curves, and what is to be known of it. All tiles are
/// of one size; what has no room is cut, and whole in the tooltip. UI thread.
class FleetDelegate : public QStyledItemDelegate
{
    Q_OBJECT

public:
    using QStyledItemDelegate::QStyledItemDelegate;

    /// px of a tile with its margin, at least; in a view with a grid it fills that.
    [[nodiscard]] static QSize leastSize(const QFont& font);

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
    [[nodiscard]] QSize sizeHint(const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

} // namespace gantry::widgets
