#pragma once

#include "remote_server/proto/node_types.h"

#include <QHash>
#include <QWidget>

class QTreeWidget;
class QTreeWidgetItem;
class QStackedWidget;

namespace gantry::desktop {

class NodeController;
class NodeList;

/// The Nodes dock: each node with its GPUs, servers and reports. Shows what the controllers know and tells what the user wants.
class NodesPanel : public QWidget
{
    Q_OBJECT

public:
    explicit NodesPanel(NodeList& nodes, QWidget* parent = nullptr);

    [[nodiscard]] QTreeWidget* tree() const { return m_tree; }

signals:
    void connectRequested();
    /// Fetch if necessary, then open.
    void reportRequested(gantry::desktop::NodeController* node, const gantry::proto::ReportInfo& report);
    /// The models of a server, and one of them in front; empty: none in particular.
    void modelsRequested(gantry::desktop::NodeController* node, const QString& targetId, const QString& model);
    void deleteReportRequested(gantry::desktop::NodeController* node, const QString& reportName);
    /// Name, group and tags are to be changed.
    void labelRequested(gantry::desktop::NodeController* node);
    void stopTargetRequested(gantry::desktop::NodeController* node, const QString& targetId);
    void restartTargetRequested(gantry::desktop::NodeController* node, const QString& targetId);
    /// The page of a node, with readiness, processes, reports and log.
    void nodePageRequested(gantry::desktop::NodeController* node);
    /// A program is to be started there.
    void launchRequested(gantry::desktop::NodeController* node);

protected:
    void changeEvent(QEvent* event) override;

private:
    void watchNodes();
    void rebuild();
    /// What is under one node, and its own line.
    void refreshNode(NodeController& node);
    void refreshFonts();
    /// Where a node is shown: under the group that the user put it in.
    [[nodiscard]] QTreeWidgetItem* parentOf(const NodeController& node) const;
    void refreshState(const NodeController& node);
    void fillNode(QTreeWidgetItem* item, NodeController& node);
    void showMenu(const QPoint& position);
    void activate(QTreeWidgetItem* item);
    void openReport(NodeController* node, const QString& name);
    [[nodiscard]] NodeController* nodeOf(const QTreeWidgetItem* item) const;

    NodeList& m_nodes;
    QStackedWidget* m_stack;
    QTreeWidget* m_tree;
    QHash<const NodeController*, QTreeWidgetItem*> m_items; ///< of the nodes, as the tree was built last
};

} // namespace gantry::desktop
