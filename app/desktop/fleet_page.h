#pragma once

#include "widgets/fleet/fleet_order.h"

#include <QTimer>
#include <QWidget>

#include <vector>

class QComboBox;
class QGridLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QStackedWidget;
class QToolButton;

namespace gantry::widgets {
class FleetModel;
class FleetView;
} // namespace gantry::widgets

namespace gantry::desktop {

class FleetCapture;
class FleetFeed;
class FleetTaskPanel;
class FleetWork;
class NodeController;
class NodeList;
class Settings;

/// What several nodes can be asked to do at once.
struct FleetTasks
{
    FleetCapture& capture;
    FleetWork& work;
};

/// All nodes at a glance, a tile for each, and what can be done with several of them at once. UI thread.
class FleetPage : public QWidget
{
    Q_OBJECT

public:
    /// All outlive the page.
    FleetPage(NodeList& nodes, FleetFeed& feed, FleetTasks tasks, Settings& settings, QWidget* parent = nullptr);

    [[nodiscard]] widgets::FleetView& view() const { return *m_view; }
    /// Shows what is known now, outside the regular turn.
    void refresh();

signals:
    void addRequested();
    /// The live page of this node.
    void liveRequested(gantry::desktop::NodeController* node);
    void labelRequested(gantry::desktop::NodeController* node);
    /// The page of this node, with readiness, processes, reports and log.
    void nodePageRequested(gantry::desktop::NodeController* node);
    /// A program is to be started on each of these.
    void launchRequested(const std::vector<gantry::desktop::NodeController*>& nodes);

protected:
    void showEvent(QShowEvent* event) override;
    void hideEvent(QHideEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void buildBar();
    /// The buttons have a line of their own where there is no room beside the filter.
    void fitBar();
    void buildEmpty();
    void turn();
    void arrange();
    void refreshGroups(const std::vector<widgets::NodeTile>& tiles);
    void applyFilter();
    void refreshActions();
    void showMenu(const QPoint& globalPosition);
    void openNode(const QString& address);

    void connectSelected();
    void disconnectSelected();
    void captureSelected();
    void checkSelected();
    void launchOnSelected();
    void askToStopOnSelected();
    void removeSelected();
    /// Those of the selected that are in the list of nodes.
    [[nodiscard]] std::vector<NodeController*> selectedNodes() const;
    [[nodiscard]] std::vector<NodeController*> connectedNodes() const;
    void fillMoreMenu();
    [[nodiscard]] NodeController* nodeOf(const QString& address) const;

    NodeList& m_nodes;
    FleetFeed& m_feed;
    FleetCapture& m_capture;
    FleetWork& m_work;
    Settings& m_settings;
    widgets::FleetModel* m_model;
    widgets::FleetOrder* m_order;
    widgets::FleetView* m_view;
    QStackedWidget* m_stack;
    QWidget* m_bar;
    QGridLayout* m_barLayout = nullptr;
    QWidget* m_buttons;
    QLineEdit* m_filter;
    QComboBox* m_groups;
    QComboBox* m_sort;
    QPushButton* m_connect;
    QPushButton* m_disconnect;
    QPushButton* m_captureButton;
    QToolButton* m_more;
    FleetTaskPanel* m_taskPanel;
    QLabel* m_summary;
    QLabel* m_noMatch;
    QTimer m_turn;
    bool m_isStale = true; ///< the feed has changed since refresh()
    int m_turnsToArrange = 0;
};

} // namespace gantry::desktop
