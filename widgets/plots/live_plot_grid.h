#pragma once

#include "trace_model/base/time.h"
#include "widgets/plots/plot_band.h"
#include "widgets/plots/plot_panel.h"

#include <QTimer>
#include <QWidget>

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

class QGridLayout;

namespace gantry::widgets {

class PanelView;

/// A plot for each panel, in columns, all on one time axis that ends now. One of them may fill the page. UI thread.
class LivePlotGrid : public QWidget
{
    Q_OBJECT

public:
    explicit LivePlotGrid(QWidget* parent = nullptr);
    ~LivePlotGrid() override;

    /// Draws `panels` over `window`; the axis counts the time back from `now`, or from the window's end. A gap of more than `longestGap`
    /// breaks a curve: there was no sample, and nothing is drawn through it. Neither does one go over a time of `breaks` (oldest first),
    /// however close its points are. Panels that are not in view keep what they show: set them again when the page is scrolled.
    void setPanels(std::vector<PlotPanel> panels, TimeRange window, DurationNs longestGap, const std::vector<TimestampNs>& breaks = {},
                   std::optional<TimestampNs> now = {});
    /// How long plots are drawn before the window has its turn; the others follow. At first there is no bound: setPanels() draws all.
    void setSlice(std::chrono::milliseconds slice) { m_slice = slice; }
    /// Whether a panel can be seen where the page is scrolled to, or may be: one that is not known yet, or not laid out.
    [[nodiscard]] bool isInView(const QString& key) const;
    /// Behind the curves of all plots, oldest first; drawn with the next setPanels().
    void setBands(std::vector<PlotBand> bands);
    /// An instant that something else points at; drawn at once.
    void setInstant(std::optional<TimestampNs> time, const QString& label);
    /// How many panels stand beside each other.
    void setColumns(int columns);
    /// Lets one panel fill the page, or none; an unknown key: none.
    void fillWith(const QString& key);
    /// The panel that fills it; empty: all are shown.
    [[nodiscard]] QString filledWith() const { return m_filledWith; }

    /// Title and newest values of a plot as it shows them: "bert_base 20.1 req/s"; empty for an unknown key.
    [[nodiscard]] QString legendText(const QString& key) const;

signals:
    /// All plots show what setPanels() gave last.
    void drawn();
    /// This panel fills the page now; empty: all are shown again.
    void filled(const QString& key);
    /// The mouse is at this time in one of the plots, or has left them.
    void cursorMoved(std::optional<gantry::TimestampNs> time);
    void bandActivated(const QString& key, gantry::TimestampNs time);
    /// The menu of an instant is wanted; `band`: the one that it is in, or empty.
    void menuRequested(const QPoint& globalPoint, gantry::TimestampNs time, const QString& band);

protected:
    bool event(QEvent* event) override;
    void changeEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void arrange(const std::vector<PlotPanel>& panels);
    PanelView& viewOf(const PlotPanel& panel);
    void drawNext();
    void setCursorTime(std::optional<TimestampNs> time);
    void applyTheme();

    /// What the arrangement of panels depends on.
    struct Place
    {
        QString key;
        metrics::PanelKind kind = metrics::PanelKind::Line;
        int columns = 1;

        friend bool operator==(const Place&, const Place&) = default;
    };

    QGridLayout* m_grid;
    std::map<QString, std::unique_ptr<PanelView>> m_views; ///< by panel key
    std::vector<Place> m_places;
    std::vector<PlotBand> m_bands;
    std::optional<TimestampNs> m_instant;
    QString m_instantLabel;
    QString m_filledWith;
    std::deque<PlotPanel> m_toDraw;
    PlotTime m_time; ///< of those
    std::chrono::milliseconds m_slice = std::chrono::milliseconds::max();
    QTimer m_nextSlice;
    int m_columns = 2;
    bool m_isArranged = false;
    bool m_isLaidOut = false; ///< the views have their places since they were arranged
};

} // namespace gantry::widgets
