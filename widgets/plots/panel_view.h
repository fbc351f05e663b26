#pragma once

#include "widgets/plots/plot_band.h"
#include "widgets/plots/plot_head.h"
#include "widgets/plots/plot_panel.h"

#include <QFrame>

#include <memory>
#include <optional>
#include <vector>

class QLabel;
class QVBoxLayout;

namespace gantry::widgets {

struct Theme;

/// One panel of a page of live plots: its head, and below it what the kind of panel draws. UI thread.
class PanelView : public QFrame
{
    Q_OBJECT

public:
    explicit PanelView(QWidget* parent = nullptr);

    /// The view that draws panels of this kind.
    [[nodiscard]] static std::unique_ptr<PanelView> make(metrics::PanelKind kind);

    void setPanel(PlotPanel panel, const PlotTime& time, const Theme& theme);
    virtual void applyTheme(const Theme& theme, const QFont& font);
    /// Capture windows; of use where there is a time axis.
    virtual void setBands(const std::vector<PlotBand>& bands);
    /// Where the mouse is in one of the plots, for all of them; nothing: in none.
    virtual void setCursor(std::optional<TimestampNs> time);
    /// An instant that something else points at.
    virtual void setInstant(std::optional<TimestampNs> time, const QString& label);

    [[nodiscard]] const PlotPanel& panel() const { return m_panel; }
    /// Title and newest values as they are shown: "bert_base 20.1 req/s", a line each.
    [[nodiscard]] QString legendText() const { return m_legendText; }

signals:
    /// The title was clicked twice.
    void titleActivated();
    void cursorMoved(std::optional<gantry::TimestampNs> time);
    /// A click of two inside of a band.
    void bandActivated(const QString& key, gantry::TimestampNs time);
    /// The menu of an instant is wanted; `band`: the one that it is in, or empty.
    void menuRequested(const QPoint& globalPoint, gantry::TimestampNs time, const QString& band);

protected:
    /// Draws panel() over time().
    virtual void draw(const Theme& theme) = 0;
    [[nodiscard]] const PlotTime& time() const { return m_time; }
    [[nodiscard]] PlotHead& head() { return *m_head; }
    void setBody(QWidget* body);
    enum class Legend
    {
        Shown,
        Hidden, ///< where the body says it, unless there is nothing to say
    };
    /// Names and values at the cursor, else the newest, into the head; a value that has ended is a dash.
    void showLegend(const Theme& theme, std::optional<TimestampNs> cursor, Legend legend = Legend::Shown);
    /// Instead: entries of the view's own, and legendText() a line each.
    void showEntries(std::vector<LegendEntry> entries);
    [[nodiscard]] static QColor colorOf(const PlotCurve& curve, std::size_t index, const Theme& theme);
    [[nodiscard]] static QColor colorOf(const PlotThreshold& threshold, const Theme& theme);
    /// The newest value of a curve, unless it has ended.
    [[nodiscard]] std::optional<double> newestValue(const PlotCurve& curve) const;

private:
    PlotHead* m_head;
    QLabel* m_note;
    QVBoxLayout* m_column;
    PlotPanel m_panel;
    PlotTime m_time;
    QString m_legendText;
};

} // namespace gantry::widgets
