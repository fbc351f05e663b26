#pragma once

#include "trace_model/import/trace_meta.h"

#include <QAbstractTableModel>
#include <QWidget>

#include <vector>

class QComboBox;
class QLabel;
class QSortFilterProxyModel;
class QTableView;

namespace gantry::widgets {

/// One table of a file, as the file has it.
class SummaryModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    /// Role of what a cell sorts by: its number where the column holds numbers.
    static constexpr int kSortRole = Qt::UserRole;

    explicit SummaryModel(QObject* parent = nullptr);
    void setTable(importing::SummaryTable table);
    /// Whether every cell of the column that is not empty is a number.
    [[nodiscard]] bool isNumeric(int column) const { return m_isNumeric[static_cast<std::size_t>(column)]; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    importing::SummaryTable m_table;
    std::vector<bool> m_isNumeric; ///< by column
};

/// The tables of files that have no times, one at a time, sorted as the user wants.
class SummaryTables : public QWidget
{
    Q_OBJECT

public:
    explicit SummaryTables(QWidget* parent = nullptr);

    void setTables(std::vector<importing::SummaryTable> tables);
    [[nodiscard]] QTableView& view() { return *m_view; }
    [[nodiscard]] QComboBox& choice() { return *m_choice; }

private:
    void showTable(int index);

    std::vector<importing::SummaryTable> m_tables;
    SummaryModel* m_model;
    QSortFilterProxyModel* m_sorted;
    QTableView* m_view;
    QComboBox* m_choice;
    QLabel* m_size;
};

} // namespace gantry::widgets
