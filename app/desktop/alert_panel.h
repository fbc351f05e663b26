#pragma once

#include "app/desktop/polled_panel.h"
#include "remote_server/proto/live_types.h"

#include <QPointer>

#include <vector>

class QLabel;
class QPushButton;
class QTableWidget;

namespace gantry::desktop {

class AlertCommands;

/// The rules that a node watches, asked for once a second while the panel is seen. UI thread.
class AlertPanel : public PolledPanel
{
    Q_OBJECT

public:
    AlertPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~AlertPanel() override;

    [[nodiscard]] QTableWidget& table() const { return *m_table; }
    /// Asks the node to keep a rule; what it says against it is shown.
    void set(const proto::AlertRule& rule);
    void removeSelected();
    /// What this machine runs when rules fire can be set here, too. `commands` outlives the panel, or the panel's use of it.
    void setCommands(AlertCommands& commands);

protected:
    void ask() override;

private:
    [[nodiscard]] QWidget* buildContent();
    void show(std::vector<proto::AlertState> rules);
    void edit(const proto::AlertRule& rule);
    [[nodiscard]] const proto::AlertState* selected() const;
    void refreshEvents();
    void editCommand();

    QTableWidget* m_table;
    QLabel* m_events;
    QPushButton *m_add, *m_edit, *m_remove, *m_command;
    QPointer<AlertCommands> m_commands; ///< null: this machine runs nothing
    std::vector<proto::AlertState> m_rules;
};

} // namespace gantry::desktop
