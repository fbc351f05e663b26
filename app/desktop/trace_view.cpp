#include "app/desktop/trace_view.h"

#include "app/desktop/load_banner.h"
#include "widgets/tables/import_view.h"
#include "widgets/tables/summary_tables.h"
#include "widgets/tables/trust_strip.h"
#include "widgets/timeline/legend.h"
#include "widgets/timeline/timeline_widget.h"

#include <QLabel>
#include <QStackedWidget>
#include <QVBoxLayout>

namespace gantry::desktop {

TraceView::TraceView(QWidget* parent)
    : QWidget(parent),
      m_banner(new LoadBanner(this)),
      m_stack(new QStackedWidget(this)),
      m_timeline(new widgets::TimelineWidget(this)),
      m_noTimes(new QLabel(this)),
      m_tables(new widgets::SummaryTables(this)),
      m_legend(new widgets::Legend(this)),
      m_trust(new widgets::TrustStrip(this))
{
    auto* withoutTimes = new QWidget(this);
    auto* tables = new QVBoxLayout(withoutTimes);
    tables->setContentsMargins(0, 0, 0, 0);
    tables->setSpacing(0);
    m_noTimes->setObjectName(QStringLiteral("noTimes"));
    m_noTimes->setContentsMargins(8, 6, 8, 6);
    m_noTimes->setWordWrap(true);
    tables->addWidget(m_noTimes);
    tables->addWidget(m_tables, 1);
    m_stack->addWidget(m_timeline);
    m_stack->addWidget(withoutTimes);

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_banner);
    column->addWidget(m_stack, 1);
    column->addWidget(m_legend);
    column->addWidget(m_trust);
    connect(m_trust, &widgets::TrustStrip::importRequested, this, &TraceView::importRequested);
}

void TraceView::setCost(const report::WindowCost& cost)
{
    m_trust->setCost(cost);
}

bool TraceView::hasTimeline(const trace::Trace& trace)
{
    return !trace.tracks.empty();
}

void TraceView::setTrace(const std::shared_ptr<const trace::Trace>& trace)
{
    const auto before = m_timeline->trace();
    const TimeRange view = m_timeline->visibleRange();
    const auto marks = m_timeline->marks();
    m_timeline->setTrace(trace);
    m_timeline->setMarks(marks);
    // A view of everything stays one of everything, however far that reaches now.
    if (before && hasTimeline(*before) && hasTimeline(*trace) && view != before->time)
        m_timeline->setVisibleRange(view);
    m_legend->setTraces({trace.get()});
    m_trust->setTrace(*trace);
    m_stack->setCurrentIndex(hasTimeline(*trace) ? 0 : 1);
    if (hasTimeline(*trace))
        return;
    const bool hasTables = !trace->summaries.empty();
    const bool isEmpty = widgets::totalsOf(trace->imports).skipped() == 0;
    m_noTimes->setText(hasTables ? tr("This file holds measurements without times, so there is no timeline. These are its tables.")
                       : isEmpty ? tr("Nothing was recorded in this report: no request, kernel, API call or NVTX range is in it. Capture "
                                      "again while the server works.")
                                 : tr("Nothing in this file could be used: see Import below for what it holds."));
    m_noTimes->setAlignment(hasTables ? Qt::AlignLeft : Qt::AlignCenter);
    m_tables->setVisible(hasTables);
    m_tables->setTables(trace->summaries);
}

} // namespace gantry::desktop
