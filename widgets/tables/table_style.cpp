#include "widgets/tables/table_style.h"

#include <QHeaderView>
#include <QTableView>

namespace gantry::widgets {

void applyTableStyle(QTableView& view, int stretchedColumn)
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
    view.horizontalHeader()->setSectionResizeMode(stretchedColumn, QHeaderView::Stretch);
}

} // namespace gantry::widgets
