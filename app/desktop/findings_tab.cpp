#include "app/desktop/findings_tab.h"

#include "app/desktop/report_page.h"
#include "app/desktop/text.h"
#include "widgets/findings/findings_panel.h"
#include "widgets/timeline/timeline_widget.h"

#include <algorithm>

namespace gantry::desktop {
namespace {

constexpr int kLengthsAround = 4; // the view is so many times as long as what it shows

TimeRange viewAround(TimeRange time)
{
    const DurationNs margin = std::max<DurationNs>(1, time.duration()) * (kLengthsAround - 1) / 2;
    return {time.start - margin, time.end + margin};
}

} // namespace

FindingsTab::FindingsTab(jobs::JobRunner& runner, QObject* parent) : QObject(parent), m_panel(new widgets::FindingsPanel), m_slot(runner)
{
    connect(m_panel, &widgets::FindingsPanel::evidenceRequested, this, &FindingsTab::reveal);
}

FindingsTab::~FindingsTab() = default;

void FindingsTab::follow(ReportPage* page)
{
    m_page = page;
    const auto trace = page ? page->trace() : nullptr;
    if (trace && trace == m_trace)
        return;
    m_trace = trace;
    m_slot.cancel();
    emit counted(-1);
    if (!trace)
        return m_panel->clear();
    if (trace->meta.isPreview)
        return m_panel->clear(tr("Judged when all events are read."));
    if (const Judged diagnosis = known(trace))
        return show(trace, diagnosis);
    m_panel->clear(tr("Looking for reasons…"));
    judge(trace);
}

void FindingsTab::showMissing(const QString& why)
{
    if (!m_trace)
        m_panel->clear(why);
}

FindingsTab::Judged FindingsTab::known(const std::shared_ptr<const trace::Trace>& trace)
{
    std::erase_if(m_known, [](const auto& entry) { return entry.first.expired(); });
    const auto found = std::find_if(m_known.begin(), m_known.end(), [&](const auto& entry) { return entry.first.lock() == trace; });
    return found == m_known.end() ? nullptr : found->second;
}

void FindingsTab::judge(const std::shared_ptr<const trace::Trace>& trace)
{
    m_slot.run(
        [trace](const jobs::JobContext& context) -> Result<Judged> {
            return Judged(std::make_shared<findings::Diagnosis>(findings::diagnose(*trace, context.stop())));
        },
        [this, trace](Result<Judged> diagnosis) {
            if (!diagnosis)
                return m_panel->clear(describe(diagnosis.error()).sentence);
            m_known.emplace_back(trace, *diagnosis);
            show(trace, *diagnosis);
        });
}

void FindingsTab::show(const std::shared_ptr<const trace::Trace>& trace, const Judged& diagnosis)
{
    m_panel->setDiagnosis(trace, diagnosis);
    emit counted(
        static_cast<int>(std::count_if(diagnosis->findings.begin(), diagnosis->findings.end(),
                                       [](const findings::Finding& finding) { return finding.severity <= findings::Severity::Advice; })));
}

void FindingsTab::reveal(const findings::Evidence& evidence)
{
    if (!m_page || !m_page->hasTimeline() || m_page->trace() != m_trace)
        return;
    if (!evidence.request.isNone())
        return m_page->showRequest(evidence.request, kLengthsAround);
    widgets::TimelineWidget& timeline = *m_page->timeline();
    const bool isEvent = !evidence.event.isNone();
    if (isEvent)
        timeline.reveal(evidence.event);
    timeline.setVisibleRange(viewAround(evidence.time));
    // A stretch is no event: measured, it can be seen, and the statistics are of it.
    if (!isEvent || m_trace->timeOf(evidence.event) != evidence.time)
        timeline.setMeasuredRange(evidence.time);
}

} // namespace gantry::desktop
