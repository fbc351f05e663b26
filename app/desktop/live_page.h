#pragma once

#include "app/desktop/live_series.h"
#include "trace_model/base/time.h"

#include <QTimer>
#include <QWidget>

#include <map>
#include <memory>

class QLabel;
class QStackedWidget;

namespace gantry::widgets {
class LivePlotGrid;
}

namespace gantry::desktop {

class ConnectPanel;
class MessageBar;
class NodeController;
class NodeList;

/// The dashboard of the current node: what its server, GPUs and host do now. Each node's samples are kept while another one is
/// shown and while the connection is lost. Redraws at most ten times a second, and not at all while hidden
/// or while nothing arrives.
class LivePage : public QWidget
{
    Q_OBJECT

public:
    explicit LivePage(NodeList& nodes, QWidget* parent = nullptr);
    ~LivePage() override;

    /// Time of samples that the plots of the current node show; 0: waiting for the first.
    [[nodiscard]] DurationNs drawnSpan() const;
    [[nodiscard]] MessageBar* banner() const { return m_banner; }
    [[nodiscard]] const ConnectPanel& connecting() const { return *m_connecting; }

signals:
    void connectRequested();
    /// The user wants to open a file.
    void openRequested();
    /// The plots were drawn with samples.
    void drawn();

protected:
    void showEvent(QShowEvent* event) override;

private:
    void watchNodes();
    void onCurrentChanged();
    void refreshState();
    void showConnecting();
    void showRecording();
    void openNode();
    [[nodiscard]] QString lossSentence(const NodeController& node) const;
    void countDown();
    void redraw();
    /// Soon, together with what else arrives until then.
    void scheduleRedraw();
    [[nodiscard]] LiveSeries* currentSeries() const;

    NodeList& m_nodes;
    std::map<const NodeController*, std::unique_ptr<LiveSeries>> m_series;
    QTimer m_redrawTimer;
    QTimer m_countdown; ///< runs while a lost node is tried again
    MessageBar* m_banner;
    QLabel* m_recording; ///< says that what is shown was recorded; hidden for a real node
    QStackedWidget* m_stack;
    ConnectPanel* m_connecting; ///< where there is a node, and nothing of it yet
    QLabel* m_footer;
    widgets::LivePlotGrid* m_grid;
    DurationNs m_drawnSpan = 0;
};

} // namespace gantry::desktop
