#pragma once

class QHeaderView;
class QLabel;
class QString;
class QTableView;

namespace gantry::widgets {

inline constexpr int kNarrowestName = 170; ///< px: names of kernels can be told apart

/// How tables look in every panel: whole rows, no grid, one line a row.
void applyTableStyle(QTableView& view);
/// With a column that takes the room that the others leave, see stretchColumn().
void applyTableStyle(QTableView& view, int stretchedColumn, int narrowest = kNarrowestName);
/// Gives a column the room that the others leave, and never less than `narrowest` px: the view scrolls then.
void stretchColumn(QHeaderView& header, int column, int narrowest = kNarrowestName);
/// Says what a table is about, or, in the colour of what is wrong, why it cannot say it. Whole in the tooltip, where it is cut.
void showTableScope(QLabel& label, const QString& scope, const QString& problem);
/// Makes columns as wide as what they hold, within limits.
void fitColumns(QTableView& view);

} // namespace gantry::widgets
