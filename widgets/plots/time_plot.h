#pragma once

#include "widgets/plots/panel_view.h"

#include <optional>
#include <vector>

class QCPItemLine;
class QCPItemRect;
class QCPItemText;
class QCPLayer;
class QCustomPlot;
class QMouseEvent;

namespace gantry::widgets {

/// A panel over a time axis in seconds before now, with what all of them have: bands, the cursor of the page, and an instant that something
/// else points at. UI thread.
class TimePlot : public PanelView
{
    Q_OBJECT

public:
    explicit TimePlot(QWidget* parent = nullptr);

    void applyTheme(const Theme& theme, const QFont& font) override;
    void setBands(const std::vector<PlotBand>& bands) override;
    void setCursor(std::optional<TimestampNs> time) override;
    void setInstant(std::optional<TimestampNs> time, const QString& label) override;

    [[nodiscard]] TimestampNs timeAt(int x) const; ///< x of the plot, px
    [[nodiscard]] int xOf(TimestampNs time) const;
    /// Bands of which something is in the time that is shown, oldest first.
    [[nodiscard]] std::vector<const PlotBand*> bandsInSight() const;
    /// The instant that is marked, if it is in the time that is shown.
    [[nodiscard]] std::optional<TimestampNs> instant() const;
    /// What curves are drawn on.
    [[nodiscard]] QWidget* canvas() const;
    /// The band that a time is in, the shortest of several; null: none.
    [[nodiscard]] const PlotBand* bandAt(TimestampNs time) const;

protected:
    [[nodiscard]] QCustomPlot& plot() { return *m_plot; }
    [[nodiscard]] const QCustomPlot& plot() const { return *m_plot; }
    [[nodiscard]] std::optional<TimestampNs> cursor() const { return m_cursor; }
    [[nodiscard]] double secondsOf(TimestampNs time) const { return static_cast<double>(time - this->time().now) / 1e9; }
    /// Sets the axis, the bands and the lines, and paints all.
    void replot(const Theme& theme);
    /// The cursor is elsewhere: what tells its values.
    virtual void showValues(const Theme& theme) = 0;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Band
    {
        QCPItemRect* area;
        QCPItemText* label;
    };

    void placeBands(const Theme& theme);
    void showBand(Band& shown, const PlotBand& band, const Theme& theme);
    void placeLines(const Theme& theme);
    void hover(const QPoint& point, const QPoint& globalPoint);
    [[nodiscard]] bool isInside(const QPoint& point) const;

    QCustomPlot* m_plot;
    QCPItemLine *m_cursorLine, *m_instantLine;
    QCPItemText* m_instantLabel;
    std::vector<PlotBand> m_bands;
    std::vector<Band> m_shown;
    std::optional<TimestampNs> m_cursor, m_instant;
    QString m_instantText;
};

} // namespace gantry::widgets
