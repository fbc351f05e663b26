#pragma once

#include <QStyledItemDelegate>

namespace gantry::widgets {

/// Draws the distribution of a row of statistics as bars, one for each step from its shortest to its longest. UI thread.
class HistogramDelegate : public QStyledItemDelegate
{
    Q_OBJECT

public:
    using QStyledItemDelegate::QStyledItemDelegate;

    void paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const override;
};

} // namespace gantry::widgets
