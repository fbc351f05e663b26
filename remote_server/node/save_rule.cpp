#include "remote_server/node/save_rule.h"

#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace gantry::node {
namespace {

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

constexpr std::uint32_t kMostSaves = 1000;

} // namespace

Result<std::unique_ptr<SaveRule>> SaveRule::create(const proto::CaptureRequest& request, const SampleHistory& history)
{
    const proto::SaveWhen& when = request.saveWhen;
    if (when.condition.empty())
        return std::unique_ptr<SaveRule>();
    if (!request.isRing())
        return badInput("only a recorder can be saved when a metric says so");
    if (when.forNs < 0 || when.lastNs <= 0 || when.nextNs < 0 || when.coolDownNs < 0)
        return badInput("how long the condition holds, what is saved and what is waited cannot be negative, and something must be saved");
    if (when.lastNs < when.forNs)
        return badInput(fmt::format("the last {} do not reach back to where a condition that holds for {} began: save more",
                                    formatDuration(when.lastNs), formatDuration(when.forNs)));
    if (when.lastNs + when.nextNs > request.ringNs)
        return badInput(fmt::format("the recorder keeps {}, which is less than the {} that are to be saved: keep more",
                                    formatDuration(request.ringNs), formatDuration(when.lastNs + when.nextNs)));
    if (when.atMost == 0 || when.atMost > kMostSaves)
        return badInput(fmt::format("a recorder saves 1 to {} reports by itself", kMostSaves));
    GANTRY_TRY(auto condition, metrics::MetricCondition::parse(when.condition));
    std::vector<metrics::SeriesDefinition> known = history.definitions();
    std::erase_if(known, [&](const auto& series) { return !isOfTarget(series, request.targetId); });
    GANTRY_CHECK(condition.check(known));
    std::unique_ptr<SaveRule> rule(new SaveRule(request, std::move(condition)));
    rule->m_taken = history.taken();
    return rule;
}

SaveRule::SaveRule(const proto::CaptureRequest& request, metrics::MetricCondition condition)
    : m_targetId(request.targetId),
      m_label((request.label.empty() ? "" : request.label + ": ") + request.saveWhen.condition),
      m_when(request.saveWhen),
      m_condition(std::move(condition))
{
}

void SaveRule::Save::describe(WindowCapture& recorded) const
{
    recorded.meta[report::meta::kSavedBecause] = because;
    if (mark.monotonicNs >= recorded.openMonotonicNs)
        recorded.marks.push_back(mark);
}

/// A server may publish more series than it did before its first request.
void SaveRule::define(const SampleHistory& history)
{
    const std::vector<metrics::SeriesDefinition> all = history.definitions();
    for (const metrics::SeriesDefinition& series : all)
        if (isOfTarget(series, m_targetId))
            m_condition.define(series);
    m_seriesKnown = history.seriesDefined();
}

std::optional<SaveRule::Save> SaveRule::tend(const SampleHistory& history, std::int64_t nowNs)
{
    m_nowNs = nowNs;
    if (history.seriesDefined() != m_seriesKnown)
        define(history);
    std::vector<metrics::Sample> samples;
    m_taken = history.copyNewer(m_taken, samples);
    for (const metrics::Sample& sample : samples)
        m_condition.take(sample);
    if (!samples.empty())
        judge(nowNs);
    if (!m_due || nowNs < m_due->atNs)
        return {};
    const Due due = *std::exchange(m_due, std::nullopt);
    ++m_saves;
    m_quietUntilNs = nowNs + m_when.coolDownNs;
    const std::string forText = m_when.forNs > 0 ? " for " + formatDuration(m_when.forNs) : std::string();
    return Save{m_when.lastNs + m_when.nextNs,
                m_label,
                fmt::format("{} held{}: {}", m_condition.text(), forText, due.value),
                {due.sinceNs, m_condition.text() + " began"}};
}

/// The host is measured five times a second, so this runs also when a server is silent: its old values are not true for ever.
void SaveRule::judge(std::int64_t nowNs)
{
    m_reading = m_condition.read(nowNs);
    if (!m_reading.isTrue) {
        m_trueSinceNs.reset();
        m_wasFalse = true;
        return;
    }
    if (!m_trueSinceNs)
        m_trueSinceNs = m_reading.time;
    // Measured to hold: the time since the last measurement does not count.
    if (m_due || !m_wasFalse || m_saves >= m_when.atMost || nowNs < m_quietUntilNs || m_reading.time - *m_trueSinceNs < m_when.forNs)
        return;
    m_wasFalse = false;
    m_due = Due{*m_trueSinceNs, nowNs + m_when.nextNs,
                m_condition.valueText(*m_reading.value) + (m_reading.subject.empty() ? "" : " (" + m_reading.subject + ")")};
}

void SaveRule::describe(proto::CaptureStatus& status) const
{
    status.saveWhen = m_condition.text();
    status.ruleSaves = m_saves;
    status.ruleSavesAtMost = m_when.atMost;
    const std::string value = m_reading.value ? m_condition.valueText(*m_reading.value) : "not measured";
    if (m_saves >= m_when.atMost)
        status.saveState = fmt::format("it has saved {} reports, as many as it may: it saves no more by itself", m_saves);
    else if (m_due)
        status.saveState = fmt::format("true, saves in {}", formatDuration(std::max<DurationNs>(0, m_due->atNs - m_nowNs)));
    else if (m_reading.isTrue && !m_wasFalse)
        status.saveState = fmt::format("saved, waits until it is false again: {}", value);
    else if (m_nowNs < m_quietUntilNs)
        status.saveState = fmt::format("saved, waits {} more: {}", formatDuration(m_quietUntilNs - m_nowNs), value);
    else if (m_trueSinceNs)
        status.saveState = fmt::format("true for {}: {}", formatDuration(m_nowNs - *m_trueSinceNs), value);
    else
        status.saveState = fmt::format("watching: {}", value);
}

} // namespace gantry::node
