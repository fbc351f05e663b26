#include "widgets/compare/compare_view.h"

#include "widgets/compare/comparison_table.h"
#include "widgets/theme/elided_label.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/legend.h"
#include "widgets/timeline/timeline_widget.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>
#include <QTabBar>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

namespace {

constexpr int kNarrowestBeside = 1100; // px: below that neither the timelines nor the columns of the table have room beside each other

} // namespace

CompareView::CompareView(QWidget* parent)
    : QWidget(parent), m_table(new ComparisonTable(this)), m_legend(new Legend(this)), m_left(new QWidget(this)), m_tabs(new QTabBar(this))
{
    auto* timelines = new QSplitter(Qt::Vertical, this);
    timelines->setChildrenCollapsible(false);
    for (std::size_t side = 0; side < 2; ++side) {
        auto* column = new QWidget(timelines);
        auto* layout = new QVBoxLayout(column);
        layout->setContentsMargins(0, 0, 0, 0);
        layout->setSpacing(0);
        auto* heading = new QHBoxLayout;
        heading->setContentsMargins(8, 4, 8, 4);
        heading->setSpacing(8);
        heading->addWidget(new QLabel(side == 0 ? QStringLiteral("<b>A</b>") : QStringLiteral("<b>B</b>"), column));
        m_labels[side] = new ElidedLabel(Qt::ElideMiddle, column);
        heading->addWidget(m_labels[side], 1);
        m_timelines[side] = new TimelineWidget(column);
        m_timelines[side]->setObjectName(side == 0 ? QStringLiteral("timelineA") : QStringLiteral("timelineB"));
        m_timelines[side]->setDensity(RowDensity::Compact);
        m_timelines[side]->setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn); // one of two would make the plots differ in width
        layout->addLayout(heading);
        layout->addWidget(m_timelines[side], 1);
        connect(m_timelines[side], &TimelineWidget::visibleRangeChanged, this, [this, side] { follow(static_cast<int>(side)); });
    }
    connect(m_timelines[0], &TimelineWidget::headerWidthChanged, m_timelines[1], &TimelineWidget::setHeaderWidth);
    connect(m_timelines[1], &TimelineWidget::headerWidthChanged, m_timelines[0], &TimelineWidget::setHeaderWidth);
    auto* leftLayout = new QVBoxLayout(m_left);
    leftLayout->setContentsMargins(0, 0, 0, 0);
    leftLayout->setSpacing(0);
    leftLayout->addWidget(timelines, 1);
    leftLayout->addWidget(m_legend);
    auto* split = new QSplitter(Qt::Horizontal, this);
    split->setChildrenCollapsible(false);
    split->addWidget(m_left);
    split->addWidget(m_table);
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 2);
    split->setSizes({860, 740});
    m_tabs->addTab(tr("Timelines"));
    m_tabs->addTab(tr("Differences"));
    m_tabs->setDocumentMode(true);
    m_tabs->setExpanding(false);
    m_tabs->setDrawBase(false);
    connect(m_tabs, &QTabBar::currentChanged, this, &CompareView::arrange);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_tabs);
    layout->addWidget(split, 1);
    arrange();
}

CompareView::~CompareView() = default;

void CompareView::setReports(std::shared_ptr<const trace::Trace> a, const QString& nameA, std::shared_ptr<const trace::Trace> b,
                             const QString& nameB, const analysis::Comparison& comparison)
{
    const auto label = [](const QString& name, const trace::Trace& trace) {
        return QStringLiteral("%1 · %2 · %3").arg(name, formatDuration(trace.time.duration()), toQString(trace.meta.producer));
    };
    m_labels[0]->setText(label(nameA, *a));
    m_labels[1]->setText(label(nameB, *b));
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

void CompareView::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    arrange();
}

void CompareView::arrange()
{
    const bool isNarrow = width() < kNarrowestBeside;
    m_tabs->setVisible(isNarrow);
    m_left->setVisible(!isNarrow || m_tabs->currentIndex() == 0);
    m_table->setVisible(!isNarrow || m_tabs->currentIndex() == 1);
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
