#pragma once

#include "trace_model/import/import_report.h"
#include "trace_model/trace/trace.h"

#include <QAbstractTableModel>
#include <QString>
#include <QWidget>

#include <cstdint>
#include <vector>

class QLabel;
class QPushButton;
class QScrollArea;
class QSortFilterProxyModel;
class QTableView;

namespace gantry::widgets {

/// What became of the tables of the files that a trace was read from.
class ImportModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column
    {
        File,
        Table,
        Rows,
        Used,
        Skipped,
        Why,
        ColumnCount
    };
    /// Role of the number behind a cell, for sorting.
    static constexpr int kSortRole = Qt::UserRole;

    explicit ImportModel(QObject* parent = nullptr);
    void setReports(const std::vector<importing::ImportReport>& reports);

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    struct Row
    {
        QString file;
        importing::TableTally tally;
    };
    std::vector<Row> m_rows;
};

/// Rows of all files of a trace, and how many of them became nothing.
struct ImportTotals
{
    std::uint64_t rows = 0, used = 0;
    std::size_t tables = 0;

    [[nodiscard]] std::uint64_t skipped() const { return rows - used; }
};

[[nodiscard]] ImportTotals totalsOf(const std::vector<importing::ImportReport>& reports);

/// What was read of the files of a trace, what was not used, and why. Tables with rows that were not used come first.
class ImportView : public QWidget
{
    Q_OBJECT

public:
    explicit ImportView(QWidget* parent = nullptr);

    void setTrace(const trace::Trace& trace);
    /// `why` there is nothing; empty: no report is open.
    void clear(const QString& why = {});
    [[nodiscard]] QTableView& view() { return *m_view; }
    /// All of it as text, cells apart by tabs: what Copy puts on the clipboard.
    [[nodiscard]] QString text() const;
    /// "ranges.json · Chrome trace · 1.2 MiB …" and its clock, a paragraph for each file.
    [[nodiscard]] QString filesText() const;
    /// "12 rows in 3 tables, 2 not used".
    [[nodiscard]] QString totalsText() const;

private:
    ImportModel* m_model;
    QSortFilterProxyModel* m_sorted;
    QTableView* m_view;
    QLabel* m_files;
    QScrollArea* m_filesArea;
    QLabel* m_totals;
    QPushButton* m_copy;
};

} // namespace gantry::widgets
