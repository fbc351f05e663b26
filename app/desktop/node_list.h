#pragma once

#include "app/desktop/node_controller.h"
#include "app/desktop/wake_watch.h"
#include "app/jobs/job_runner.h"

#include <QObject>

#include <memory>
#include <vector>

namespace gantry::desktop {

/// The nodes the user works with, and the one that the live page and the capture button refer to. UI thread.
class NodeList : public QObject
{
    Q_OBJECT

public:
    explicit NodeList(QObject* parent = nullptr);
    ~NodeList() override;

    [[nodiscard]] const std::vector<std::unique_ptr<NodeController>>& nodes() const { return m_nodes; }
    /// Null when there is no node yet.
    [[nodiscard]] NodeController* current() const { return m_current; }

    /// The node of this address, made and opened when it is new; becomes the current one.
    NodeController& open(const std::string& address, NodeController::Asked asked = NodeController::Asked::Person);
    /// The same, as one of several: the current one stays, unless there is none.
    NodeController& openBeside(const std::string& address);
    void setCurrent(NodeController* node);
    /// Closes the connection and forgets the node; files that were fetched stay.
    void remove(NodeController* node);

signals:
    void nodesChanged();
    void currentChanged();

private:
    [[nodiscard]] NodeController& find(const std::string& address);
    /// Nodes with the same name are told apart by their addresses.
    void tellApart();

    /// Of their own, because a connection may wait for a person or for a host that is not there.
    jobs::JobRunner m_runner;
    std::vector<std::unique_ptr<NodeController>> m_nodes;
    NodeController* m_current = nullptr;
    WakeWatch m_wake;
};

} // namespace gantry::desktop
