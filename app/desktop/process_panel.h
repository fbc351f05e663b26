#pragma once

#include "app/desktop/polled_panel.h"

class QLabel;
class QLineEdit;
class QSortFilterProxyModel;
class QTableView;

namespace gantry::desktop {

class ProcessModel;

/// The processes of a node that use a GPU or belong to a server, asked for once a second while the panel is seen. UI thread.
class ProcessPanel : public PolledPanel
{
    Q_OBJECT

public:
    ProcessPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ProcessPanel() override;

    [[nodiscard]] QTableView& table() const { return *m_table; }
    [[nodiscard]] QLineEdit& filter() const { return *m_filter; }

protected:
    void ask() override;

private:
    void show(proto::ProcessList list);
    void refreshSummary();
    void showMenu(const QPoint& position);

    ProcessModel* m_model;
    QSortFilterProxyModel* m_order;
    QTableView* m_table;
    QLineEdit* m_filter;
    QLabel *m_summary, *m_problem;
};

} // namespace gantry::desktop
