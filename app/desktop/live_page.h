#pragma once

#include "app/desktop/capture_bands.h"
#include "app/desktop/dashboards.h"
#include "app/desktop/history_fill.h"
#include "app/desktop/live_series.h"
#include "trace_model/base/time.h"

#include <QTimer>
#include <QWidget>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

class QLabel;
class QStackedWidget;

namespace gantry::widgets {
class LivePlotGrid;
}

namespace gantry::desktop {

class ConnectPanel;
class LiveBar;
class MessageBar;
class NodeController;
class NodeList;
class PrometheusFeed;

/// The dashboard of the current node: what its server, GPUs and host do now. Each node's samples are kept while another one is
/// shown and while the connection is lost; what it measured in the hour before is asked of it. Redraws at most ten times a second, less
/// often for longer times, and not at all while hidden or while nothing arrives.
class LivePage : public QWidget
{
    Q_OBJECT

public:
    explicit LivePage(NodeList& nodes, QWidget* parent = nullptr);
    ~LivePage() override;

    /// Time of samples that the plots of the current node show; 0: waiting for the first.
    [[nodiscard]] DurationNs drawnSpan() const;
    /// Capture windows, behind the plots of the current node.
    void setBands(std::vector<CaptureBand> bands);
    /// Marks an instant of the node's wall clock in all plots; nothing: none. `label`: what points at it.
    void setInstant(std::optional<std::int64_t> utcNs, const QString& label = {});
    /// Scrolls to an instant, so that what was before and after it is seen.
    void showInstant(std::int64_t utcNs);
    [[nodiscard]] MessageBar* banner() const { return m_banner; }
    [[nodiscard]] const ConnectPanel& connecting() const { return *m_connecting; }

signals:
    /// The mouse is at another time of the plots, by the node's wall clock, or has left them.
    void instantHovered(std::optional<std::int64_t> utcNs);
    /// A window was clicked twice, at this time of the node's wall clock.
    void bandActivated(const std::string& report, std::int64_t utcNs);
    /// The menu of an instant is wanted; `report`: of the window that it is in, or empty.
    void menuRequested(const QPoint& globalPoint, std::int64_t utcNs, const std::string& report);
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
    void askHistory(NodeController& node, LiveSeries& series);
    [[nodiscard]] std::vector<std::string> shownNames() const; ///< of the series that the plots are made of
    void offerDashboards(const LiveSeries& series);
    /// Opens the editor; `key`: the file that it goes to, or empty for a new one.
    void editDashboard(const metrics::Dashboard& dashboard, const QString& key);
    void saveDashboard(const metrics::Dashboard& dashboard, QString key);
    void removeDashboard();
    /// What the files say now; `key`: the one to show.
    void readDashboards(const QString& key);
    void redraw();
    /// Has the dashboard's Prometheus server asked for what is on the screen.
    void lookAtPrometheus(const metrics::Dashboard& dashboard, TimeRange window);
    void askForLogin(const QString& sentence);
    /// Soon, together with what else arrives until then.
    void scheduleRedraw();
    [[nodiscard]] LiveSeries* currentSeries() const;
    [[nodiscard]] std::optional<DurationNs> utcOffset() const; ///< of the current node
    void placeBands();

    NodeList& m_nodes;
    std::map<const NodeController*, std::unique_ptr<LiveSeries>> m_series;
    QTimer m_redrawTimer;
    QTimer m_countdown; ///< runs while a lost node is tried again
    MessageBar* m_banner;
    QLabel* m_recording; ///< says that what is shown was recorded; hidden for a real node
    QStackedWidget* m_stack;
    ConnectPanel* m_connecting; ///< where there is a node, and nothing of it yet
    QLabel* m_footer;
    LiveBar* m_bar;
    widgets::LivePlotGrid* m_grid;
    std::vector<KnownDashboard> m_dashboards;
    PrometheusFeed* m_prometheus;
    bool m_asksPrometheus = false;                                  ///< what is shown does
    std::map<const NodeController*, std::set<std::string>> m_asked; ///< for the history of series of these names
    HistoryFill m_fill;
    /// How many series there were when dashboards were offered last, and the number of the newest.
    std::pair<std::size_t, std::uint32_t> m_offeredFor{0, 0};
    DurationNs m_drawnSpan = 0;
    std::vector<CaptureBand> m_bands;
    std::optional<std::int64_t> m_instantUtc;
    QString m_instantLabel;
};

} // namespace gantry::desktop
