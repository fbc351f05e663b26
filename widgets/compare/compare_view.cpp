#include "widgets/compare/compare_view.h"

#include "widgets/compare/comparison_table.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/legend.h"
#include "widgets/timeline/timeline_widget.h"

#include <QLabel>
#include <QSplitter>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

CompareView::CompareView(QWidget* parent) :
    QWidget(parent),
    m_table(new ComparisonTable(this)),
    m_legend(new Legend(this))
{
    auto* timelines = new QSplitter(Qt::Vertical, this);
    timelines->setChildrenCollapsible(false);
    for (std::size_t side = 0; side < 2; ++side) {
        auto* column = new QWidget(timelines);
        auto* layout = new QVBoxLayout(column);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->setSpacing(0);
        m_labels[side] = new QLabel(column);
        m_labels[side]->setContentsMargins(8, 4, 8, 4);
        m_labels[side]->setTextFormat(Qt::RichText);
        m_timelines[side] = new TimelineWidget(column);
        m_timelines[side]->setObjectName(side == 0 ? QStringLiteral("timelineA") : QStringLiteral("timelineB"));
        m_timelines[side]->setDensity(RowDensity::Compact);
        m_timelines[side]->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn); // one of two would make the plots differ in width
        layout->addWidget(m_labels[side]);
        layout->addWidget(m_timelines[side], 1);
        connect(m_timelines[side], &TimelineWidget::visibleRangeChanged, this, [this, side] { follow(static_cast<int>(side)); });
    }
    connect(m_timelines[0], &TimelineWidget::headerWidthChanged, m_timelines[1], &TimelineWidget::setHeaderWidth);
    connect(m_timelines[1], &TimelineWidget::headerWidthChanged, m_timelines[0], &TimelineWidget::setHeaderWidth);
    auto* split = new QSplitter(Qt::Horizontal, this);
    split->setChildrenCollapsible(false);
    auto* left = new QWidget(split);
    auto* leftLayout = new QVBoxLayout(left);
    leftLayout->setContentsMargins(0, 0, 0, 0);
    leftLayout->setSpacing(0);
    leftLayout->addWidget(timelines, 1);
    leftLayout->addWidget(m_legend);
    split->addWidget(m_table);
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 2);
    split->setSizes({860, 740});
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(split);
}

CompareView::~CompareView() = default;

void CompareView::setReports(std::shared_ptr<const trace::Trace> a, const QString& nameA, std::shared_ptr<const trace::Trace> b, const QString& nameB,
                             const analysis::Comparison& comparison)
{
    const auto label = [](const QString& side, const QString& name, const trace::Trace& trace) {
        return QStringLiteral("<b>%1</b>&nbsp; %2 · %3 · %4").arg(side, name.toHtmlEscaped(), formatDuration(trace.time.duration()), toQString(trace.meta.producer).toHtmlEscaped());
    };
    m_labels[0]->setText(label(QStringLiteral("A"), nameA, *a));
    m_labels[1]->setText(label(QStringLiteral("B"), nameB, *b));
    m_legend->setTraces({a.get(), b.get()});
    // One scale for both: the shorter report ends before its timeline does.
    const DurationNs longest = std::max(a->time.duration(), b->time.duration());
    for (const auto& [timeline, trace] : {std::pair(m_timelines[0], std::move(a)), std::pair(m_timelines[1], std::move(b))}) {
        timeline->setTrace(trace);
        timeline->setExtent({trace->time.start, trace->time.start + longest});
    }
    follow(0);
    m_table->setComparison(comparison);
}

void CompareView::follow(int from)
{
    const TimelineWidget& leader = *m_timelines[static_cast<std::size_t>(from)];
    TimelineWidget& follower = *m_timelines[static_cast<std::size_t>(1 - from)];
    if (!leader.trace() || !follower.trace())
        return;
    // Both count from the start of their report.
    const DurationNs shift = follower.trace()->time.start - leader.trace()->time.start;
    const TimeRange range = leader.visibleRange();
    follower.followVisibleRange({range.start + shift, range.end + shift});
}

} // namespace gantry::widgets
