#pragma once

#include "app/desktop/node_panel.h"
#include "app/jobs/job_slot.h"

#include <QTimer>

class QLabel;
class QLineEdit;
class QSortFilterProxyModel;
class QTableView;

namespace gantry::desktop {

class ProcessModel;

/// The processes of a node that use a GPU or belong to a server, asked for once a second while the panel is seen. UI thread.
class ProcessPanel : public NodePanel
{
    Q_OBJECT

public:
    ProcessPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ProcessPanel() override;

    [[nodiscard]] QTableView& table() const { return *m_table; }
    [[nodiscard]] QLineEdit& filter() const { return *m_filter; }

protected:
    void ask() override;
    void stopAsking() override;
    void hideEvent(QHideEvent* event) override;

private:
    void show(Result<proto::ProcessList> list);
    void refreshSummary();
    void showMenu(const QPoint& position);

    ProcessModel* m_model;
    QSortFilterProxyModel* m_order;
    QTableView* m_table;
    QLineEdit* m_filter;
    QLabel *m_summary, *m_problem;
    QTimer m_timer;
    jobs::JobSlot m_slot;
    bool m_isFitted = false; ///< columns are as wide as what the first answer held
};

} // namespace gantry::desktop
