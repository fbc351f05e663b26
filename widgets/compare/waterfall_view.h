#pragma once

#include "trace_model/analysis/latency_waterfall.h"

#include <QAbstractScrollArea>

#include <optional>
#include <vector>

namespace gantry::widgets {

/// The mean latency of A and of B and between them a bar for what each phase adds, each beginning where the one before ended; below a phase
/// what is inside of it. UI thread.
class WaterfallView : public QAbstractScrollArea
{
    Q_OBJECT

public:
    /// A bar from `from` to `to`, in ns.
    struct Bar
    {
        QString name, value;
        double from = 0, to = 0;
        int depth = 0;         ///< 1: inside of the phase above
        bool isTotal = false;  ///< the latency of a side
    };

    explicit WaterfallView(QWidget* parent = nullptr);

    /// Nothing: there is none, which is said.
    void setWaterfall(const std::optional<analysis::LatencyWaterfall>& waterfall);
    [[nodiscard]] const std::vector<Bar>& bars() const { return m_bars; }

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool viewportEvent(QEvent* event) override;

private:
    [[nodiscard]] int rowHeight() const;
    void updateScrollBar();

    std::vector<Bar> m_bars;
};

} // namespace gantry::widgets
