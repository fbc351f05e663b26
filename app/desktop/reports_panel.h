#pragma once

#include "app/desktop/polled_panel.h"

#include <vector>

class QLabel;
class QPushButton;
class QStandardItemModel;
class QTableView;

namespace gantry::desktop {

/// The reports on a node: the room that they take, which of them stay, and what is done with them. UI thread.
class ReportsPanel : public PolledPanel
{
    Q_OBJECT

public:
    ReportsPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ReportsPanel() override;

    [[nodiscard]] QTableView& table() const { return *m_table; }

signals:
    /// Fetch if necessary, then open.
    void reportRequested(gantry::desktop::NodeController* node, const gantry::proto::ReportInfo& report);

protected:
    void ask() override;

private:
    using Names = std::vector<std::string>;

    [[nodiscard]] QWidget* buildContent();
    void show(proto::ReportShelf shelf);
    void fillTable();
    void refreshSummary();
    void refreshButtons();
    void showMenu(const QPoint& position);
    [[nodiscard]] std::vector<proto::ReportInfo> selected() const;
    void open(const QModelIndex& index);
    void askToDelete();
    void deleteReports(const Names& names);
    void keepSelected(bool isKept);
    void askForPolicy();

    proto::ReportShelf m_shelf;
    QStandardItemModel* m_model;
    QTableView* m_table;
    QLabel *m_summary, *m_policy;
    QPushButton *m_open, *m_keep, *m_delete, *m_edit;
};

} // namespace gantry::desktop
