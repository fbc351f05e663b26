#pragma once

#include <QStringList>

class QTableWidget;

namespace gantry::widgets {

/// What the cells of a row say, which is also their tooltip, for they may be cut. The row must be there, its items need not.
void setRowTexts(QTableWidget& table, int row, const QStringList& texts);
/// -1: none is selected.
[[nodiscard]] int selectedRow(const QTableWidget& table);
/// -1: none is selected any more.
void selectOnly(QTableWidget& table, int row);

} // namespace gantry::widgets
