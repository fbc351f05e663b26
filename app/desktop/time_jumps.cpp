#include "app/desktop/time_jumps.h"

#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/settings.h"
#include "app/desktop/window_actions.h"
#include "trace_model/analysis/idle_gaps.h"
#include "trace_model/base/quantity_text.h"
#include "widgets/theme/format.h"
#include "widgets/timeline/event_locator.h"
#include "widgets/timeline/timeline_widget.h"

#include <QAction>
#include <QInputDialog>
#include <QPointer>

#include <algorithm>

namespace gantry::desktop {
namespace {

using trace::TrackKind;

constexpr double kTooLong = 9.2e18; // the largest int64 is 9.22e18
constexpr int kGapMargins = 4;      // the view is so many times as long as the gap: what is on both sides is seen, too

std::optional<DurationNs> durationFromText(const QString& text)
{
    const auto ns = nanosecondsOf(QString(text).remove(QLatin1Char(' ')).toStdString());
    return ns && *ns < kTooLong ? std::optional(static_cast<DurationNs>(*ns)) : std::nullopt;
}

/// The row whose gaps are meant.
trace::TrackId rowOfGaps(const ReportPage& page)
{
    const trace::Trace& trace = *page.trace();
    if (const auto places = widgets::placesOf(trace, page.selectedEvent()); !places.empty())
        return places.front().track;
    const auto found = std::find_if(trace.tracks.begin(), trace.tracks.end(), [](const trace::Track& track) {
        return (track.kind == TrackKind::GpuStream || track.kind == TrackKind::GpuAllStreams) && !track.rows.empty();
    });
    return found == trace.tracks.end() ? trace::TrackId() : trace::TrackId(static_cast<std::uint32_t>(found - trace.tracks.begin()));
}

QInputDialog* makeQuestion(QWidget& window, const QString& title, const QString& label, const QString& value)
{
    auto* dialog = new QInputDialog(&window);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(title);
    dialog->setLabelText(label);
    dialog->setTextValue(value);
    return dialog;
}

} // namespace

std::optional<TimestampNs> timeFromText(const QString& text, TimestampNs reportStart, TimestampNs middle)
{
    const QString trimmed = text.trimmed();
    const bool isBack = trimmed.startsWith(QLatin1Char('-'));
    const bool isRelative = isBack || trimmed.startsWith(QLatin1Char('+'));
    const auto length =
        trimmed == QLatin1String("0") ? std::optional<DurationNs>(0) : durationFromText(isRelative ? trimmed.mid(1) : trimmed);
    if (!length)
        return {};
    return isRelative ? middle + (isBack ? -*length : *length) : reportStart + *length;
}

TimeJumps::TimeJumps(const WindowActions& actions, PageArea& pages, Settings& settings, jobs::JobRunner& runner, QWidget& window)
    : QObject(&window), m_pages(pages), m_settings(settings), m_window(window), m_slot(runner)
{
    connect(actions.jumpToTime, &QAction::triggered, this, &TimeJumps::askForTime);
    connect(actions.gapLongerThan, &QAction::triggered, this, &TimeJumps::askForGap);
    connect(actions.nextGap, &QAction::triggered, this, &TimeJumps::goToNextGap);
}

void TimeJumps::askForTime()
{
    const ReportPage* page = m_pages.currentReport();
    if (!page || !page->timeline())
        return;
    auto* dialog = makeQuestion(m_window, tr("Jump to a time"),
                                tr("Since the report's start, such as 1.25s or 338ms;\n+5ms and -5ms move the view by so much."), {});
    connect(dialog, &QInputDialog::textValueSelected, this, [this, page = QPointer<const ReportPage>(page)](const QString& text) {
        if (!page || !page->timeline())
            return;
        widgets::TimelineWidget& timeline = *page->timeline();
        const TimeRange view = timeline.visibleRange();
        const TimeRange whole = page->trace()->time;
        const auto time = timeFromText(text, whole.start, view.start + view.duration() / 2);
        if (!time)
            emit said(tr("'%1' is no time: write a number with its unit, such as 1.25s, 338ms or +5ms.").arg(text));
        else if (*time < whole.start || *time > whole.end)
            emit said(tr("%1 is outside the report, which is %2 long.").arg(text, widgets::formatDuration(whole.duration())));
        else {
            emit said({});
            timeline.setVisibleRange({*time - view.duration() / 2, *time - view.duration() / 2 + view.duration()});
        }
    });
    dialog->open();
}

void TimeJumps::askForGap()
{
    auto* dialog = makeQuestion(m_window, tr("Gap longer than"), tr("At least so long, such as 50us or 2ms:"), m_settings.gapLength());
    connect(dialog, &QInputDialog::textValueSelected, this, [this](const QString& text) {
        if (const auto length = durationFromText(text); !length || *length < 1)
            return emit said(tr("'%1' is no length of time: write a number with its unit, such as 50us or 2ms.").arg(text));
        m_settings.setGapLength(text.trimmed());
        goToNextGap();
    });
    dialog->open();
}

void TimeJumps::goToNextGap()
{
    ReportPage* page = m_pages.currentReport();
    if (!page || !page->timeline() || !page->trace())
        return;
    const trace::TrackId row = rowOfGaps(*page);
    if (row.isNone())
        return emit said(tr("Select something in the row whose gaps you look for."));
    const widgets::TimelineWidget& timeline = *page->timeline();
    const TimestampNs after = timeline.measuredRange() ? timeline.measuredRange()->end : timeline.visibleRange().start;
    const DurationNs length = durationFromText(m_settings.gapLength()).value_or(1);
    using Gap = std::optional<TimeRange>;
    m_slot.run(
        [trace = page->trace(), row, after, length](const jobs::JobContext& context) -> Result<Gap> {
            return analysis::nextIdleGap(*trace, row, after, length, context.stop());
        },
        [this, page = QPointer<ReportPage>(page), name = widgets::toQString(page->trace()->track(row).name)](Result<Gap> gap) {
            if (page && gap)
                showGap(*page, *gap, name);
        });
}

void TimeJumps::showGap(ReportPage& page, std::optional<TimeRange> gap, const QString& row)
{
    if (!page.timeline())
        return;
    if (!gap)
        return emit said(tr("No gap of %1 or more in %2 from here on.").arg(m_settings.gapLength(), row));
    widgets::TimelineWidget& timeline = *page.timeline();
    const DurationNs margin = gap->duration() * (kGapMargins - 1) / 2;
    const TimeRange view = timeline.visibleRange();
    const bool isSeen = gap->start >= view.start && gap->end <= view.end && gap->duration() * 50 >= view.duration();
    if (!isSeen)
        timeline.setVisibleRange({gap->start - margin, gap->end + margin});
    timeline.setMeasuredRange(*gap);
    emit said({});
}

} // namespace gantry::desktop
