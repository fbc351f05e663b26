#pragma once

#include "app/desktop/node_panel.h"
#include "app/jobs/job_slot.h"
#include "remote_server/proto/live_types.h"

#include <QTimer>

#include <vector>

class QLineEdit;
class QPushButton;
class QTableWidget;

namespace gantry::desktop {

class MessageBar;

/// Where a node's metrics come from, with true periods and lags, asked for once a second while the panel is seen; endpoints can be added.
/// UI thread.
class SourcePanel : public NodePanel
{
    Q_OBJECT

public:
    SourcePanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~SourcePanel() override;

    [[nodiscard]] QTableWidget& table() const { return *m_table; }

protected:
    void ask() override;
    void stopAsking() override;
    void hideEvent(QHideEvent* event) override;

private:
    [[nodiscard]] QWidget* buildContent();
    void show(Result<std::vector<proto::MetricSource>> sources);
    void add();
    void removeSelected();
    [[nodiscard]] const proto::MetricSource* selected() const;
    void refreshButtons();
    void onDone(const QString& doing, const Result<void>& result);

    QTableWidget* m_table;
    MessageBar* m_messages;
    QLineEdit* m_url;
    QPushButton *m_add, *m_remove;
    std::vector<proto::MetricSource> m_sources;
    QTimer m_timer;
    jobs::JobSlot m_slot;
    bool m_isFitted = false;
};

} // namespace gantry::desktop
