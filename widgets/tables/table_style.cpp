#include "widgets/tables/table_style.h"

#include <QHeaderView>
#include <QTableView>

#include <algorithm>

namespace gantry::widgets {

void applyTableStyle(QTableView& view)
{
    constexpr int kLinePadding = 6;
    view.setFrameShape(QFrame::NoFrame);
    view.setSelectionBehavior(QAbstractItemView::SelectRows);
    view.setAlternatingRowColors(true);
    view.setShowGrid(false);
    view.setWordWrap(false);
    view.verticalHeader()->hide();
    view.verticalHeader()->setDefaultSectionSize(view.fontMetrics().height() + kLinePadding);
    view.horizontalHeader()->setHighlightSections(false);
}

void applyTableStyle(QTableView& view, int stretchedColumn)
{
    applyTableStyle(view);
    view.horizontalHeader()->setSectionResizeMode(stretchedColumn, QHeaderView::Stretch);
}

void fitColumns(QTableView& view)
{
    constexpr int kNarrowest = 64;
    constexpr int kWidest = 360; // a cell that is longer has a tooltip
    view.resizeColumnsToContents();
    QHeaderView& header = *view.horizontalHeader();
    for (int column = 0; column < header.count(); ++column)
        header.resizeSection(column, std::clamp(header.sectionSize(column), kNarrowest, kWidest));
}

} // namespace gantry::widgets
