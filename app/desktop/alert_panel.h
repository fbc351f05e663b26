#pragma once

#include "app/desktop/node_panel.h"
#include "app/jobs/job_slot.h"
#include "remote_server/proto/live_types.h"

#include <QTimer>

#include <vector>

class QLabel;
class QPushButton;
class QTableWidget;

namespace gantry::desktop {

class MessageBar;

/// The rules that a node watches, asked for once a second while the panel is seen. UI thread.
class AlertPanel : public NodePanel
{
    Q_OBJECT

public:
    AlertPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~AlertPanel() override;

    [[nodiscard]] QTableWidget& table() const { return *m_table; }
    /// Asks the node to keep a rule; what it says against it is shown.
    void set(const proto::AlertRule& rule);
    void removeSelected();

protected:
    void ask() override;
    void stopAsking() override;
    void hideEvent(QHideEvent* event) override;

private:
    [[nodiscard]] QWidget* buildContent();
    void show(Result<std::vector<proto::AlertState>> rules);
    void edit(const proto::AlertRule& rule);
    [[nodiscard]] const proto::AlertState* selected() const;
    void refreshEvents();
    void onDone(const QString& doing, const Result<void>& result);

    QTableWidget* m_table;
    QLabel* m_events;
    MessageBar* m_messages;
    QPushButton *m_add, *m_edit, *m_remove;
    std::vector<proto::AlertState> m_rules;
    QTimer m_timer;
    jobs::JobSlot m_slot;
    bool m_isFitted = false;
};

} // namespace gantry::desktop
