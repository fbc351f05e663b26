#include "widgets/tables/table_rows.h"

#include <QTableWidget>

namespace gantry::widgets {

void setRowTexts(QTableWidget& table, int row, const QStringList& texts)
{
    for (int column = 0; column < texts.size(); ++column) {
        if (!table.item(row, column))
            table.setItem(row, column, new QTableWidgetItem);
        table.item(row, column)->setText(texts.at(column));
        table.item(row, column)->setToolTip(texts.at(column));
    }
}

int selectedRow(const QTableWidget& table)
{
    const auto rows = table.selectionModel()->selectedRows();
    return rows.isEmpty() ? -1 : rows.first().row();
}

void selectOnly(QTableWidget& table, int row)
{
    if (row < 0)
        table.clearSelection();
    else
        table.selectRow(row);
}

} // namespace gantry::widgets
