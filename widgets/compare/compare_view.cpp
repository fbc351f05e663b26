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
#include <QMouseEvent>
#include <QSplitter>
#include <QTabBar>
#include <QTabWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <cstdlib>
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
      m_tabs(new QTabBar(this)),
      m_note(new ElidedLabel(Qt::ElideRight, this))
{
    auto* timelines = new QSplitter(Qt::Vertical, this);
    timelines->setChildrenCollapsible(false);
    m_note->setObjectName(QStringLiteral("compareNote"));
    m_note->setForegroundRole(QPalette::PlaceholderText);
    m_note->hide();
    for (std::size_t side = 0; side < 2; ++side)
        timelines->addWidget(columnOf(side, timelines));
    for (TimelineWidget* timeline : m_timelines)
        timeline->viewport()->installEventFilter(this);
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
    connect(m_alignment, &AlignmentBox::alignmentChanged, this, [this] {
        align();
        emit alignmentChanged();
    });
    connect(m_alignment, &AlignmentBox::selectionsWanted, this, &CompareView::alignSelections);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_verdict);
    layout->addWidget(m_tabs);
    layout->addWidget(split, 1);
    arrange();
}

CompareView::~CompareView() = default;

QWidget* CompareView::columnOf(std::size_t side, QWidget* parent)
{
    auto* column = new QWidget(parent);
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
    else
        heading->addWidget(m_note, 2);
    m_timelines[side] = new TimelineWidget(column);
    TimelineWidget& timeline = *m_timelines[side];
    timeline.setObjectName(side == 0 ? QStringLiteral("timelineA") : QStringLiteral("timelineB"));
    timeline.setDensity(RowDensity::Compact);
    timeline.setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOn); // one of two would make the plots differ in width
    layout->addLayout(heading);
    layout->addWidget(&timeline, 1);
    connect(&timeline, &TimelineWidget::visibleRangeChanged, this, [this, side] { follow(static_cast<int>(side)); });
    connect(&timeline, &TimelineWidget::selectionChanged, this, [this] {
        m_alignment->setSelectionsInBoth(!m_timelines[0]->selectedEvent().isNone() && !m_timelines[1]->selectedEvent().isNone());
    });
    return column;
}

void CompareView::setReports(std::shared_ptr<const trace::Trace> a, const QString& nameA, std::shared_ptr<const trace::Trace> b,
                             const QString& nameB, const analysis::Comparison& comparison)
{
    const auto label = [](const QString& name, const trace::Trace& trace) {
        return QStringLiteral("%1 · %2 · %3").arg(name, formatDuration(trace.time.duration()), toQString(trace.meta.producer));
    };
    m_labels[0]->setText(label(nameA, *a));
    m_labels[1]->setText(label(nameB, *b));
    m_legend->setTraces({a.get(), b.get()});
    m_counterparts.reset();
    m_alignment->setSelectionsInBoth(false);
    m_alignment->setChoices(!a->requests.empty() && !b->requests.empty(), analysis::commonRanges(*a, *b));
    m_shift = b->time.start - a->time.start;
    m_aligned = {a->time.start, b->time.start};
    // One scale for both: the shorter report ends before its timeline does.
    const DurationNs longest = std::max(a->time.duration(), b->time.duration());
    for (const auto& [timeline, trace] : {std::pair(m_timelines[0], std::move(a)), std::pair(m_timelines[1], std::move(b))}) {
        timeline->setTrace(trace);
        timeline->setExtent({trace->time.start, trace->time.start + longest});
    }
    follow(0);
    setComparison(comparison);
}

void CompareView::setComparison(const analysis::Comparison& comparison)
{
    m_verdict->setComparison(comparison);
    m_waterfall->setWaterfall(comparison.waterfall);
    m_table->setComparison(comparison);
    m_distribution->setRow({});
    m_table->chooseFirst(analysis::RowKind::Latency);
    if (comparison.aligned) {
        setShift(comparison.aligned->shift());
        m_aligned = {comparison.aligned->windows[0].start, comparison.aligned->windows[1].start};
    }
    m_restingNote = comparison.aligned ? toQString(comparison.aligned->sentence) : QString();
    showNote(m_restingNote);
}

void CompareView::setAlignmentError(const QString& sentence)
{
    m_restingNote = sentence;
    showNote(sentence);
}

void CompareView::setCounterparts(std::shared_ptr<const analysis::Counterparts> counterparts)
{
    m_counterparts = std::move(counterparts);
}

std::optional<analysis::WindowAlignment> CompareView::alignment() const
{
    return m_alignment->alignment();
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
    m_restingNote.clear();
    showNote({});
    const auto alignment = m_alignment->alignment();
    if (alignment && alignment->by == analysis::WindowAlignment::By::Hand)
        return setShiftByHand(m_shift);
    m_aligned = {a->time.start, b->time.start};
    if (!alignment)
        return setShift(b->time.start - a->time.start);
    const auto ofA = analysis::anchorOf(*a, *alignment), ofB = analysis::anchorOf(*b, *alignment);
    if (ofA && ofB) // of iterations the figures tell
        setShift(*ofB - *ofA);
}

void CompareView::setShift(DurationNs shift)
{
    const trace::Trace &a = *m_timelines[0]->trace(), &b = *m_timelines[1]->trace();
    m_shift = shift;
    const TimeRange view = m_timelines[0]->visibleRange();
    // B may now begin before A or end behind it: both have room for both.
    const TimeRange both{std::min(a.time.start, b.time.start - m_shift), std::max(a.time.end, b.time.end - m_shift)};
    m_timelines[0]->setExtent(both);
    m_timelines[1]->setExtent({both.start + m_shift, both.end + m_shift});
    m_timelines[0]->followVisibleRange(view);
    follow(0);
}

void CompareView::setShiftByHand(DurationNs shift)
{
    const trace::Trace &a = *m_timelines[0]->trace(), &b = *m_timelines[1]->trace();
    setShift(shift);
    const DurationNs offset = shift - (b.time.start - a.time.start);
    m_alignment->setByHand(shift, -offset);
    m_aligned = {std::max(a.time.start, b.time.start - shift), std::max(b.time.start, a.time.start + shift)};
}

void CompareView::alignSelections()
{
    const trace::EventId a = m_timelines[0]->selectedEvent(), b = m_timelines[1]->selectedEvent();
    if (a.isNone() || b.isNone())
        return;
    setShiftByHand(m_timelines[1]->trace()->timeOf(b).start - m_timelines[0]->trace()->timeOf(a).start);
    emit alignmentChanged();
}

bool CompareView::eventFilter(QObject* watched, QEvent* event)
{
    for (int side = 0; side < 2; ++side) {
        if (watched != m_timelines[static_cast<std::size_t>(side)]->viewport() || !m_timelines[0]->trace() || !m_timelines[1]->trace())
            continue;
        if (event->type() == QEvent::Leave) {
            m_timelines[static_cast<std::size_t>(1 - side)]->setInstant({});
            showNote(m_restingNote);
        }
        if (event->type() != QEvent::MouseMove && event->type() != QEvent::MouseButtonPress && event->type() != QEvent::MouseButtonRelease)
            continue;
        const auto& mouse = static_cast<const QMouseEvent&>(*event);
        if (dragByHand(side, mouse))
            return true;
        if (event->type() == QEvent::MouseMove && mouse.buttons() == Qt::NoButton)
            showCounterpart(side, mouse.pos());
    }
    return QWidget::eventFilter(watched, event);
}

bool CompareView::dragByHand(int side, const QMouseEvent& event)
{
    constexpr Qt::KeyboardModifiers kHeld = Qt::ControlModifier | Qt::ShiftModifier;
    if (event.type() == QEvent::MouseButtonPress && event.button() == Qt::LeftButton && (event.modifiers() & kHeld) == kHeld) {
        m_draggedFrom = event.pos().x();
        m_shiftAtPress = m_shift;
        return true;
    }
    if (!m_draggedFrom)
        return false;
    const double ns = (event.pos().x() - *m_draggedFrom) * m_timelines[0]->state().axis().nsPerPixel();
    setShiftByHand(m_shiftAtPress + (side == 1 ? -1 : 1) * static_cast<DurationNs>(ns));
    if (event.type() == QEvent::MouseButtonRelease) {
        m_draggedFrom.reset();
        emit alignmentChanged();
    }
    return true;
}

void CompareView::showCounterpart(int side, QPoint point)
{
    const TimelineWidget& own = *m_timelines[static_cast<std::size_t>(side)];
    TimelineWidget& other = *m_timelines[static_cast<std::size_t>(1 - side)];
    const trace::EventId event = own.eventAt(point);
    const auto counterpart = m_counterparts && !event.isNone() ? m_counterparts->of(side, event, m_aligned) : std::nullopt;
    if (!counterpart) {
        other.setInstant({});
        return showNote(m_restingNote);
    }
    const QString name = toQString(own.trace()->nameOf(event)), otherSide = side == 0 ? QStringLiteral("B") : QStringLiteral("A");
    if (counterpart->event.isNone()) {
        other.setInstant({});
        return showNote(counterpart->others == 0
                            ? tr("%1: none in %2").arg(name, otherSide)
                            : tr("%1 #%2: %3 has %L4 of them").arg(name).arg(counterpart->number).arg(otherSide).arg(counterpart->others));
    }
    const TimeRange there = other.trace()->timeOf(counterpart->event), here = own.trace()->timeOf(event);
    other.setInstant(there.start);
    const DurationNs a = side == 0 ? here.duration() : there.duration(), b = side == 0 ? there.duration() : here.duration();
    showNote(
        tr("%1 #%2: A %3, B %4, Δ %5%6")
            .arg(name)
            .arg(counterpart->number)
            .arg(formatDuration(a), formatDuration(b), b < a ? QStringLiteral("−") : QStringLiteral("+"), formatDuration(std::abs(b - a))));
}

void CompareView::showNote(const QString& text)
{
    m_note->setText(text);
    m_note->setVisible(!text.isEmpty()); // the name of B has its room
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
