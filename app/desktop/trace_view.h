#pragma once

#include "trace_model/report/window_cost.h"
#include "trace_model/trace/trace.h"

#include <QWidget>

#include <memory>

class QLabel;
class QStackedWidget;

namespace gantry::widgets {
class Legend;
class SummaryTables;
class TimelineWidget;
class TrustStrip;
} // namespace gantry::widgets

namespace gantry::desktop {

class LoadBanner;

/// A trace as a page shows it: its timeline with legend, or its tables where it has no times; the trust strip below, and above
/// them what is still being read. UI thread.
class TraceView : public QWidget
{
    Q_OBJECT

public:
    explicit TraceView(QWidget* parent = nullptr);

    /// Where a trace is replaced by another one of the same files, the visible range and the marks stay.
    void setTrace(const std::shared_ptr<const trace::Trace>& trace);
    /// Measured since the report was read.
    void setCost(const report::WindowCost& cost);
    [[nodiscard]] widgets::TimelineWidget& timeline() { return *m_timeline; }
    [[nodiscard]] LoadBanner& banner() { return *m_banner; }

    /// Whether there is anything on a time axis.
    [[nodiscard]] static bool hasTimeline(const trace::Trace& trace);

signals:
    /// The user wants to know what of the files was not used.
    void importRequested();

private:
    LoadBanner* m_banner;
    QStackedWidget* m_stack;
    widgets::TimelineWidget* m_timeline;
    QLabel* m_noTimes;
    widgets::SummaryTables* m_tables;
    widgets::Legend* m_legend;
    widgets::TrustStrip* m_trust;
};

} // namespace gantry::desktop
