#include "widgets/compare/compare_view.h"

#include "trace_model/analysis/window_alignment.h"
#include "widgets/compare/alignment_box.h"
#include "widgets/compare/comparison_table.h"
#include "widgets/compare/distribution_view.h"
#include "widgets/compare/verdict_panel.h"
#include "widgets/compare/waterfall_view.h"
#include "widgets/theme/elided_label.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/legend.h"
#include "widgets/timeline/timeline_widget.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QSplitter>
#include <QTabBar>
#include <QTabWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

namespace {

constexpr int kLowest = 560;           // px: below that lines of causes would leave nothing for what they explain
constexpr int kNarrowestBeside = 1100; // px: below that neither the timelines nor the columns of the table have room beside each other

} // namespace

CompareView::CompareView(QWidget* parent)
    : QWidget(parent),
      m_verdict(new VerdictPanel(this)),
      m_table(new ComparisonTable(this)),
      m_distribution(new DistributionView(this)),
      m_waterfall(new WaterfallView(this)),
      m_alignment(new AlignmentBox(this)),
      m_legend(new Legend(this)),
      m_left(new QWidget(this)),
      m_differences(new QTabWidget(this)),
      m_tabs(new QTabBar(this))
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
        if (side == 0)
            heading->addWidget(m_alignment);
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
    auto* tables = new QSplitter(Qt::Vertical, this);
    tables->setChildrenCollapsible(false);
    tables->addWidget(m_table);
    tables->addWidget(m_distribution);
    tables->setStretchFactor(0, 1);
    tables->setSizes({500, 170});
    m_differences->setDocumentMode(true);
    m_differences->addTab(tables, tr("By row"));
    m_differences->addTab(m_waterfall, tr("Where the latency went"));
    split->addWidget(m_differences);
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 2);
    split->setSizes({860, 740});
    m_tabs->addTab(tr("Timelines"));
    m_tabs->addTab(tr("Differences"));
    m_tabs->setDocumentMode(true);
    m_tabs->setExpanding(false);
    m_tabs->setDrawBase(false);
    connect(m_tabs, &QTabBar::currentChanged, this, &CompareView::arrange);
    connect(m_table, &ComparisonTable::rowChosen, this, [this] { m_distribution->setRow(m_table->currentRow()); });
    connect(m_alignment, &AlignmentBox::alignmentChanged, this, &CompareView::align);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_verdict);
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
    m_verdict->setComparison(comparison);
    m_waterfall->setWaterfall(comparison.waterfall);
    m_alignment->setChoices(!a->requests.empty() && !b->requests.empty(), analysis::commonRanges(*a, *b));
    m_shift = b->time.start - a->time.start;
    // One scale for both: the shorter report ends before its timeline does.
    const DurationNs longest = std::max(a->time.duration(), b->time.duration());
    for (const auto& [timeline, trace] : {std::pair(m_timelines[0], std::move(a)), std::pair(m_timelines[1], std::move(b))}) {
        timeline->setTrace(trace);
        timeline->setExtent({trace->time.start, trace->time.start + longest});
    }
    follow(0);
    m_table->setComparison(comparison);
    m_distribution->setRow({});
    m_table->chooseFirst(analysis::RowKind::Latency);
}

void CompareView::showWaterfall(bool isShown)
{
    m_differences->setCurrentIndex(isShown ? 1 : 0);
    m_tabs->setCurrentIndex(1);
}

void CompareView::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    arrange();
}

void CompareView::arrange()
{
    const bool isNarrow = width() < kNarrowestBeside, isLow = height() < kLowest;
    m_tabs->setVisible(isNarrow);
    m_left->setVisible(!isNarrow || m_tabs->currentIndex() == 0);
    m_differences->setVisible(!isNarrow || m_tabs->currentIndex() == 1);
    m_distribution->setVisible(!isLow);
    m_legend->setVisible(!isLow); // the timelines would have no row left
    m_verdict->setLines(isLow ? 1 : 4);
}

void CompareView::align()
{
    const auto& a = m_timelines[0]->trace();
    const auto& b = m_timelines[1]->trace();
    if (!a || !b)
        return;
    const analysis::WindowAlignment alignment = m_alignment->alignment();
    const auto ofA = analysis::anchorOf(*a, alignment), ofB = analysis::anchorOf(*b, alignment);
    m_alignment->setToolTip(
        ofA && ofB ? QString() : tr("%1 has no such one: aligned by the start").arg(ofA ? QStringLiteral("B") : QStringLiteral("A")));
    m_shift = ofA && ofB ? *ofB - *ofA : b->time.start - a->time.start;
    // B may now begin before A or end behind it: both have room for both.
    const TimeRange both{std::min(a->time.start, b->time.start - m_shift), std::max(a->time.end, b->time.end - m_shift)};
    m_timelines[0]->setExtent(both);
    m_timelines[1]->setExtent({both.start + m_shift, both.end + m_shift});
    follow(0);
}

void CompareView::follow(int from)
{
    const TimelineWidget& leader = *m_timelines[static_cast<std::size_t>(from)];
    TimelineWidget& follower = *m_timelines[static_cast<std::size_t>(1 - from)];
    if (!leader.trace() || !follower.trace())
        return;
    const DurationNs shift = from == 0 ? m_shift : -m_shift;
    const TimeRange range = leader.visibleRange();
    follower.followVisibleRange({range.start + shift, range.end + shift});
}

} // namespace gantry::widgets
