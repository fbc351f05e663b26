#include "widgets/tables/import_view.h"

#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>

namespace gantry::widgets {

namespace {

constexpr int kFileLines = 5; // of the description of files; more scroll
constexpr int kWidestFile = 220;
constexpr int kNarrowestReason = 100; // px: most tables have none

QString reasonsOf(const importing::TableTally& tally)
{
    QStringList reasons;
    for (const importing::SkippedRows& skipped : tally.skipped)
        reasons << QStringLiteral("%1 × %2").arg(formatCount(skipped.count), toQString(skipped.reason));
    for (const importing::SkippedRows& reduced : tally.reduced)
        reasons << ImportView::tr("%1 used %2").arg(formatCount(reduced.count), toQString(reduced.reason));
    return reasons.join(QStringLiteral("; "));
}

QString describe(const importing::ImportReport& report, TimestampNs origin)
{
    QStringList facts{toQString(report.file), toQString(report.format)};
    if (!report.producer.empty() && report.producer != report.format)
        facts << toQString(report.producer);
    facts << formatBytes(report.fileBytes);
    if (!report.time.isEmpty())
        facts << ImportView::tr("%1 to %2").arg(formatTime(report.time.start - origin, 1000), formatTime(report.time.end - origin, 1000));
    QString text = facts.join(QStringLiteral(" · "));
    if (const std::string clock = importing::clockText(report); !clock.empty())
        text += QLatin1Char('\n') + toQString(clock);
    return text;
}

} // namespace

ImportModel::ImportModel(QObject* parent) : QAbstractTableModel(parent) {}

void ImportModel::setReports(const std::vector<importing::ImportReport>& reports)
{
    beginResetModel();
    m_rows.clear();
    for (const importing::ImportReport& report : reports) {
        for (const importing::TableTally& tally : report.tables)
            m_rows.push_back({toQString(report.file), tally});
    }
    endResetModel();
}

int ImportModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_rows.size());
}

int ImportModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant ImportModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid())
        return {};
    const auto isNumber = [](int column) { return column == Rows || column == Used || column == Skipped; };
    if (role == Qt::TextAlignmentRole)
        return int((isNumber(index.column()) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole && !isNumber(index.column()))
        role = Qt::DisplayRole;
    if (role != Qt::DisplayRole && role != kSortRole)
        return {};
    const Row& row = m_rows[static_cast<std::size_t>(index.row())];
    const auto number = [role](std::uint64_t n) {
        return role == kSortRole ? QVariant(static_cast<qulonglong>(n)) : QVariant(formatCount(n));
    };
    switch (index.column()) {
    case File:
        return row.file;
    case Table:
        return toQString(row.tally.name);
    case Rows:
        return number(row.tally.rows);
    case Used:
        return number(row.tally.kept);
    case Skipped:
        return number(row.tally.rows - row.tally.kept);
    case Why:
        return reasonsOf(row.tally);
    default:
        return {};
    }
}

QVariant ImportModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return int((section == Rows || section == Used || section == Skipped ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    switch (section) {
    case File:
        return tr("File");
    case Table:
        return tr("Table");
    case Rows:
        return tr("Rows");
    case Used:
        return tr("Used");
    case Skipped:
        return tr("Not used");
    case Why:
        return tr("Why not");
    default:
        return {};
    }
}

ImportTotals totalsOf(const std::vector<importing::ImportReport>& reports)
{
    ImportTotals totals;
    for (const importing::ImportReport& report : reports) {
        for (const importing::TableTally& tally : report.tables) {
            totals.rows += tally.rows;
            totals.used += tally.kept;
            ++totals.tables;
        }
    }
    return totals;
}

ImportView::ImportView(QWidget* parent)
    : QWidget(parent),
      m_model(new ImportModel(this)),
      m_sorted(new QSortFilterProxyModel(this)),
      m_view(new QTableView(this)),
      m_files(new QLabel),
      m_filesArea(new QScrollArea(this)),
      m_totals(new QLabel(this)),
      m_copy(new QPushButton(tr("Copy"), this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(ImportModel::kSortRole);
    m_view->setModel(m_sorted);
    m_view->setObjectName(QStringLiteral("importTables"));
    m_view->setAccessibleName(tr("What was read"));
    applyTableStyle(*m_view, ImportModel::Why, kNarrowestReason);
    m_view->setSortingEnabled(true);
    m_files->setTextFormat(Qt::PlainText);
    m_files->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_files->setWordWrap(true);
    m_files->setContentsMargins(8, 4, 8, 4);
    m_files->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    m_totals->setForegroundRole(QPalette::PlaceholderText);
    m_filesArea->setFrameShape(QFrame::NoFrame);
    m_filesArea->setWidgetResizable(true);
    m_filesArea->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_filesArea->setWidget(m_files);

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 4);
    bar->addWidget(m_totals, 1);
    bar->addWidget(m_copy);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_filesArea);
    layout->addWidget(m_view, 1);
    connect(m_copy, &QPushButton::clicked, this, [this] { QApplication::clipboard()->setText(text()); });
    clear();
}

void ImportView::setTrace(const trace::Trace& trace)
{
    if (trace.meta.isPreview)
        return clear(tr("What was used of the file is known once all of it is read."));
    const ImportTotals totals = totalsOf(trace.imports);
    m_model->setReports(trace.imports);
    m_view->setColumnHidden(ImportModel::File, trace.imports.size() < 2);
    m_view->sortByColumn(ImportModel::Skipped, Qt::DescendingOrder);
    for (const int column : {ImportModel::File, ImportModel::Table, ImportModel::Rows, ImportModel::Used, ImportModel::Skipped})
        m_view->resizeColumnToContents(column);
    m_view->setColumnWidth(ImportModel::File, std::min(m_view->columnWidth(ImportModel::File), kWidestFile));
    QStringList files;
    for (const importing::ImportReport& report : trace.imports)
        files << describe(report, trace.time.start);
    m_files->setText(files.join(QLatin1Char('\n')));
    const auto lines = static_cast<int>(m_files->text().count(QLatin1Char('\n'))) + 1;
    m_filesArea->setFixedHeight(std::min(lines, kFileLines) * fontMetrics().lineSpacing() + 10);
    m_filesArea->setVisible(!trace.imports.empty());
    const QString rows = totals.tables == 1 ? tr("%1 rows in one table").arg(formatCount(totals.rows))
                                            : tr("%1 rows in %2 tables").arg(formatCount(totals.rows), formatCount(totals.tables));
    const QString used = totals.skipped() == 0 ? tr("all used") : tr("%1 not used").arg(formatCount(totals.skipped()));
    m_totals->setText(trace.imports.empty() ? tr("What was read of this report is not known.") : QStringLiteral("%1, %2").arg(rows, used));
    m_copy->setEnabled(!trace.imports.empty());
}

void ImportView::clear(const QString& why)
{
    m_model->setReports({});
    m_files->clear();
    m_filesArea->hide();
    m_totals->setText(why.isEmpty() ? tr("Open a file to see what was read of it, and what was not used and why.") : why);
    m_copy->setEnabled(false);
}

QString ImportView::filesText() const
{
    return m_files->text();
}

QString ImportView::totalsText() const
{
    return m_totals->text();
}

QString ImportView::text() const
{
    QStringList lines{m_files->text(), m_totals->text(), {}};
    const auto line = [&](const auto& cell) {
        QStringList cells;
        for (int column = m_view->isColumnHidden(ImportModel::File) ? ImportModel::Table : ImportModel::File;
             column < ImportModel::ColumnCount; ++column)
            cells << cell(column);
        lines << cells.join(QLatin1Char('\t'));
    };
    line([this](int column) { return m_model->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString(); });
    for (int row = 0; row < m_sorted->rowCount(); ++row) {
        // Numbers without the spaces that group their digits: other programs read them.
        line([this, row](int column) { return m_sorted->index(row, column).data(ImportModel::kSortRole).toString(); });
    }
    return lines.join(QLatin1Char('\n')) + QLatin1Char('\n');
}

} // namespace gantry::widgets
