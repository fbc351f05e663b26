#pragma once

class QHeaderView;
class QTableView;

namespace gantry::widgets {

/// How tables look in every panel: whole rows, no grid, one line a row.
void applyTableStyle(QTableView& view);
/// With a column that takes the room that the others leave.
void applyTableStyle(QTableView& view, int stretchedColumn);
/// Gives a column the room that the others leave, and never less than names need to be told apart: the view scrolls then.
void stretchColumn(QHeaderView& header, int column);
/// Makes columns as wide as what they hold, within limits.
void fitColumns(QTableView& view);

} // namespace gantry::widgets
