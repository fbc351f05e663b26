#include "widgets/tables/table_copy.h"

#include <QAction>
#include <QClipboard>
#include <QGuiApplication>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QTableView>

#include <algorithm>
#include <utility>
#include <vector>

namespace gantry::widgets {
namespace {

QString escaped(QString text, CopyFormat format)
{
    switch (format) {
    case CopyFormat::Tsv:
        return text.replace(QLatin1Char('\t'), QLatin1Char(' ')).replace(QLatin1Char('\n'), QLatin1Char(' '));
    case CopyFormat::Csv:
        if (text.contains(QLatin1Char(',')) || text.contains(QLatin1Char('"')) || text.contains(QLatin1Char('\n')))
            return QLatin1Char('"') + text.replace(QLatin1Char('"'), QStringLiteral("\"\"")) + QLatin1Char('"');
        return text;
    case CopyFormat::Markdown:
        return text.replace(QLatin1Char('|'), QStringLiteral("\\|")).replace(QLatin1Char('\n'), QLatin1Char(' '));
    }
    return text;
}

QString cell(const QVariant& value)
{
    return value.typeId() == QMetaType::Double ? QString::number(value.toDouble(), 'g', 12) : value.toString();
}

} // namespace

QString copiedLine(QStringList cells, CopyFormat format)
{
    for (QString& text : cells)
        text = escaped(std::move(text), format);
    switch (format) {
    case CopyFormat::Tsv:
        return cells.join(QLatin1Char('\t')) + QLatin1Char('\n');
    case CopyFormat::Csv:
        return cells.join(QLatin1Char(',')) + QLatin1Char('\n');
    case CopyFormat::Markdown:
        return QStringLiteral("| %1 |\n").arg(cells.join(QStringLiteral(" | ")));
    }
    return {};
}

QString tableText(const QTableView& view, CopyFormat format, int numberRole)
{
    const QAbstractItemModel& model = *view.model();
    std::vector<int> columns;
    for (int i = 0; i < model.columnCount(); ++i) {
        const int column = view.horizontalHeader()->logicalIndex(i);
        if (!view.isColumnHidden(column) && !model.headerData(column, Qt::Horizontal, numberRole).toString().isEmpty())
            columns.push_back(column);
    }
    std::vector<int> rows;
    for (const QModelIndex& index : view.selectionModel()->selectedRows())
        rows.push_back(index.row());
    std::sort(rows.begin(), rows.end());
    if (rows.empty())
        for (int row = 0; row < model.rowCount(); ++row)
            rows.push_back(row);

    const int role = format == CopyFormat::Markdown ? int(Qt::DisplayRole) : numberRole;
    QStringList headers, rules;
    for (const int column : columns) {
        headers << cell(model.headerData(column, Qt::Horizontal, role));
        const bool isRight = (model.headerData(column, Qt::Horizontal, Qt::TextAlignmentRole).toInt() & Qt::AlignRight) != 0;
        rules << (isRight ? QStringLiteral("---:") : QStringLiteral("---"));
    }
    QString text = copiedLine(headers, format);
    if (format == CopyFormat::Markdown)
        text += copiedLine(rules, format);
    for (const int row : rows) {
        QStringList cells;
        for (const int column : columns)
            cells << cell(model.index(row, column).data(role));
        text += copiedLine(cells, format);
    }
    return text;
}

void addCopyActions(QWidget& view, const std::function<void(CopyFormat)>& copy)
{
    static constexpr std::pair<CopyFormat, const char*> kFormats[] = {
        {CopyFormat::Tsv, QT_TRANSLATE_NOOP("QTableView", "Copy")},
        {CopyFormat::Csv, QT_TRANSLATE_NOOP("QTableView", "Copy as CSV")},
        {CopyFormat::Markdown, QT_TRANSLATE_NOOP("QTableView", "Copy as Markdown")}};
    for (const auto& [format, name] : kFormats) {
        auto* action = new QAction(QTableView::tr(name), &view);
        if (format == CopyFormat::Tsv)
            action->setShortcut(QKeySequence::Copy);
        action->setShortcutContext(Qt::WidgetShortcut);
        QObject::connect(action, &QAction::triggered, &view, [copy, format = format] { copy(format); });
        view.addAction(action);
    }
    view.setContextMenuPolicy(Qt::ActionsContextMenu);
}

void addCopyActions(QTableView& view, int numberRole)
{
    addCopyActions(view,
                   [&view, numberRole](CopyFormat format) { QGuiApplication::clipboard()->setText(tableText(view, format, numberRole)); });
}

} // namespace gantry::widgets
