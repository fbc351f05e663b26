#pragma once

class QTableView;

namespace gantry::widgets {

/// How every table here looks: whole rows, no grid, no row numbers, lines as tall as their text; one column takes the room that is left.
void applyTableStyle(QTableView& view, int stretchedColumn);

} // namespace gantry::widgets
