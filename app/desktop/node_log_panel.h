#pragma once

#include "app/desktop/node_panel.h"
#include "app/desktop/stream_feed.h"

#include <memory>
#include <string>

class QComboBox;

namespace gantry::desktop {

class LogPanel;

/// The log of a node's gantryd, or of one of its servers, followed while the panel is seen. UI thread.
class NodeLogPanel : public NodePanel
{
    Q_OBJECT

public:
    explicit NodeLogPanel(NodeController& node, QWidget* parent = nullptr);
    ~NodeLogPanel() override;

    [[nodiscard]] LogPanel& log() const { return *m_log; }
    /// Of which the log is shown; the target's id, or empty for gantryd.
    void setSource(const std::string& targetId);

protected:
    void ask() override;
    void stopAsking() override;
    void hideEvent(QHideEvent* event) override;

private:
    void refreshSources();
    void onEnd(const Result<void>& how);

    LogPanel* m_log;
    QComboBox* m_source;
    std::string m_targetId;                             ///< whose log is followed
    std::unique_ptr<StreamFeed<proto::LogLine>> m_feed; ///< null: none is
};

} // namespace gantry::desktop
