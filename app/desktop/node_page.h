#pragma once

#include "app/desktop/node_controller.h"

#include <QPointer>
#include <QWidget>

class QLabel;
class QPushButton;
class QTabWidget;

namespace gantry::desktop {

class NodeLogPanel;
class ProcessPanel;
class ReadinessPanel;
class ReportsPanel;

/// One node and how it is managed: what of Gantry works on it, its processes, its reports and its log. UI thread.
class NodePage : public QWidget
{
    Q_OBJECT

public:
    enum class Tab
    {
        Readiness,
        Processes,
        Reports,
        Log
    };

    /// `runner` outlives the page; where the node does not, the page says so.
    NodePage(NodeController& node, jobs::JobRunner& runner, QWidget* parent = nullptr);

    [[nodiscard]] const NodeController* node() const { return m_node; }
    [[nodiscard]] QString title() const;
    void showTab(Tab tab);
    [[nodiscard]] ReadinessPanel& readiness() const { return *m_readiness; }
    [[nodiscard]] ProcessPanel& processes() const { return *m_processes; }
    [[nodiscard]] ReportsPanel& reports() const { return *m_reports; }
    [[nodiscard]] NodeLogPanel& log() const { return *m_log; }

signals:
    /// Fetch if necessary, then open.
    void reportRequested(gantry::desktop::NodeController* node, const gantry::proto::ReportInfo& report);
    void liveRequested(gantry::desktop::NodeController* node);
    void launchRequested(gantry::desktop::NodeController* node);
    void titleChanged();

private:
    void refreshHeading();

    QPointer<NodeController> m_node;
    QString m_title; ///< kept when the node is removed
    QLabel *m_heading, *m_about;
    QPushButton *m_live, *m_launch;
    ReadinessPanel* m_readiness;
    ProcessPanel* m_processes;
    ReportsPanel* m_reports;
    NodeLogPanel* m_log;
    QTabWidget* m_tabs;
};

} // namespace gantry::desktop
