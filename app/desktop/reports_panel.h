#pragma once

#include "app/desktop/node_panel.h"
#include "app/jobs/job_slot.h"

#include <QTimer>

#include <vector>

class QLabel;
class QPushButton;
class QStandardItemModel;
class QTableView;

namespace gantry::desktop {

class MessageBar;

/// The reports on a node: the room that they take, which of them stay, and what is done with them. UI thread.
class ReportsPanel : public NodePanel
{
    Q_OBJECT

public:
    ReportsPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ReportsPanel() override;

    [[nodiscard]] QTableView& table() const { return *m_table; }
    [[nodiscard]] MessageBar& messages() const { return *m_messages; }

signals:
    /// Fetch if necessary, then open.
    void reportRequested(gantry::desktop::NodeController* node, const gantry::proto::ReportInfo& report);

protected:
    void ask() override;
    void stopAsking() override;
    void hideEvent(QHideEvent* event) override;

private:
    using Names = std::vector<std::string>;

    [[nodiscard]] QWidget* buildContent();
    void show(Result<proto::ReportShelf> shelf);
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
    /// What became of a request of the person's.
    void tell(const QString& doing, const Result<void>& how);

    proto::ReportShelf m_shelf;
    bool m_isKnown = false;  ///< the shelf
    bool m_isFitted = false; ///< columns are as wide as what the first reports took
    QStandardItemModel* m_model;
    QTableView* m_table;
    MessageBar* m_messages;
    QLabel *m_summary, *m_policy;
    QPushButton *m_open, *m_keep, *m_delete, *m_edit;
    QTimer m_timer;
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
