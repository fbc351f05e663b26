#pragma once

#include "app/desktop/node_controller.h"

#include <QPointer>
#include <QString>
#include <QWidget>

#include <memory>

namespace gantry::desktop {

class NoticeStack;

/// A tab of a node's page: says why there is nothing to show where the node is not connected, and asks the node otherwise. UI thread.
class NodePanel : public QWidget
{
    Q_OBJECT

public:
    ~NodePanel() override;

    [[nodiscard]] NodeController* node() const { return m_node; }
    [[nodiscard]] NoticeStack& stack() const { return *m_stack; }

protected:
    explicit NodePanel(NodeController& node, QWidget* parent = nullptr);

    /// Once, with what the panel shows.
    void setContent(QWidget& content);
    /// Null: the node is not connected, or was removed.
    [[nodiscard]] std::shared_ptr<app::NodeClient> client() const;
    /// Asks the node for what is shown. Called when it connects, when the panel comes into view and when the person tries again; only while
    /// it is connected and the panel is visible.
    virtual void ask() = 0;
    /// Nothing is asked any more: the node is not connected.
    virtual void stopAsking() = 0;
    void showFailure(const Error& error);

    void showEvent(QShowEvent* event) override;

private:
    void refreshState();
    void onAction();

    QPointer<NodeController> m_node;
    NoticeStack* m_stack = nullptr;
};

} // namespace gantry::desktop
