#pragma once

#include <QString>
#include <QStringList>

#include <functional>

class QTableView;
class QWidget;

namespace gantry::widgets {

enum class CopyFormat
{
    Tsv,
    Csv,
    Markdown,
};

/// A line of cells, escaped as the format wants it.
[[nodiscard]] QString copiedLine(QStringList cells, CopyFormat format);

/// The selected rows of a table, all without a selection, with a line of headers, in the order and of the columns that are shown; columns
/// whose header is empty in `numberRole` are left out. TSV and CSV hold that role's values, numbers without units and headers that name
/// them, Markdown what is shown.
[[nodiscard]] QString tableText(const QTableView& view, CopyFormat format, int numberRole);

/// Ctrl+C, as TSV, and a context menu with all formats.
void addCopyActions(QWidget& view, const std::function<void(CopyFormat)>& copy);
void addCopyActions(QTableView& view, int numberRole);

} // namespace gantry::widgets
