#pragma once

class QTableView;

namespace gantry::widgets {

/// How tables look in every panel: whole rows, no grid, one line a row.
void applyTableStyle(QTableView& view);
/// With a column that takes the room that the others leave.
void applyTableStyle(QTableView& view, int stretchedColumn);
/// Makes columns as wide as what they hold, within limits.
void fitColumns(QTableView& view);

} // namespace gantry::widgets
