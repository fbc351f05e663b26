#pragma once

#include "app/desktop/polled_panel.h"
#include "remote_server/proto/live_types.h"

#include <vector>

class QLineEdit;
class QPushButton;
class QTableWidget;

namespace gantry::desktop {

/// Where a node's metrics come from, with true periods and lags, asked for once a second while the panel is seen; endpoints can be added.
/// UI thread.
class SourcePanel : public PolledPanel
{
    Q_OBJECT

public:
    SourcePanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~SourcePanel() override;

    [[nodiscard]] QTableWidget& table() const { return *m_table; }

protected:
    void ask() override;

private:
    [[nodiscard]] QWidget* buildContent();
    void show(std::vector<proto::MetricSource> sources);
    void add();
    void removeSelected();
    [[nodiscard]] const proto::MetricSource* selected() const;
    void refreshButtons();

    QTableWidget* m_table;
    QLineEdit* m_url;
    QPushButton *m_add, *m_remove;
    std::vector<proto::MetricSource> m_sources;
};

} // namespace gantry::desktop
