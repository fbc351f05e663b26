#include "remote_server/proto/convert_live.h"

#include "remote_server/proto/convert.h"
#include "remote_server/proto/enumerator.h"

#include <utility>

namespace gantry::proto {
namespace {

static_assert(static_cast<int>(AlertAction::Capture) == v1::ALERT_ACTION_CAPTURE);
static_assert(static_cast<int>(AlertPhase::Firing) == v1::ALERT_PHASE_FIRING);

v1::AlertEvent toWire(const AlertEvent& event)
{
    v1::AlertEvent wire;
    wire.set_utc_ns(event.utcNs);
    wire.set_mono_ns(event.monoNs);
    wire.set_phase(static_cast<v1::AlertPhase>(event.phase));
    wire.set_value(validUtf8(event.value));
    wire.set_done(validUtf8(event.done));
    wire.set_is_held_back(event.isHeldBack);
    return wire;
}

} // namespace

void putColumns(const HistoryColumns& columns, v1::HistorySeries& series)
{
    TimestampNs last = 0;
    for (const TimestampNs time : columns.times)
        series.add_time_steps_ns(time - std::exchange(last, time));
    series.mutable_values()->Add(columns.values.begin(), columns.values.end());
    series.mutable_minima()->Add(columns.minima.begin(), columns.minima.end());
    series.mutable_maxima()->Add(columns.maxima.begin(), columns.maxima.end());
}

HistoryColumns columnsOf(const v1::HistorySeries& series)
{
    const int points = series.values_size();
    const bool hasExtremes = series.minima_size() > 0;
    if (series.time_steps_ns_size() != points || (hasExtremes && (series.minima_size() != points || series.maxima_size() != points)))
        return {};
    HistoryColumns columns;
    TimestampNs time = 0;
    for (const std::int64_t step : series.time_steps_ns()) {
        if (__builtin_add_overflow(time, step, &time))
            return {};
        columns.times.push_back(time);
    }
    columns.values.assign(series.values().begin(), series.values().end());
    if (hasExtremes) {
        columns.minima.assign(series.minima().begin(), series.minima().end());
        columns.maxima.assign(series.maxima().begin(), series.maxima().end());
    }
    return columns;
}

v1::ReadHistoryRequest toWire(const HistoryRequest& request)
{
    v1::ReadHistoryRequest wire;
    wire.set_from_mono_ns(request.range.start);
    wire.set_to_mono_ns(request.range.end);
    wire.set_step_ns(request.stepNs);
    for (const std::string& name : request.names)
        wire.add_names(validUtf8(name));
    return wire;
}

HistoryRequest fromWire(const v1::ReadHistoryRequest& wire)
{
    return {{wire.from_mono_ns(), wire.to_mono_ns()}, wire.step_ns(), {wire.names().begin(), wire.names().end()}};
}

HistoryPart fromWire(const v1::HistoryPart& wire)
{
    HistoryPart part;
    part.series.reserve(static_cast<std::size_t>(wire.series_size()));
    for (const v1::HistorySeries& series : wire.series())
        part.series.push_back({fromWire(series.definition()), series.step_ns(), columnsOf(series)});
    part.nodeMonoNs = wire.node_mono_ns();
    part.nodeUtcNs = wire.node_utc_ns();
    return part;
}

v1::MetricSource toWire(const MetricSource& source)
{
    v1::MetricSource wire;
    wire.set_id(validUtf8(source.id));
    wire.set_name(validUtf8(source.name));
    wire.set_url(validUtf8(source.url));
    wire.set_target_id(validUtf8(source.targetId));
    wire.set_period_ns(source.periodNs);
    if (source.lagNs)
        wire.set_lag_ns(*source.lagNs);
    if (source.durationNs)
        wire.set_duration_ns(*source.durationNs);
    wire.set_series(source.series);
    wire.set_dropped_samples(source.droppedSamples);
    wire.set_problem(validUtf8(source.problem));
    wire.set_is_added(source.isAdded);
    return wire;
}

MetricSource fromWire(const v1::MetricSource& wire)
{
    MetricSource source;
    source.id = wire.id();
    source.name = wire.name();
    source.url = wire.url();
    source.targetId = wire.target_id();
    source.periodNs = wire.period_ns();
    if (wire.has_lag_ns())
        source.lagNs = wire.lag_ns();
    if (wire.has_duration_ns())
        source.durationNs = wire.duration_ns();
    source.series = wire.series();
    source.droppedSamples = wire.dropped_samples();
    source.problem = wire.problem();
    source.isAdded = wire.is_added();
    return source;
}

v1::AlertRule toWire(const AlertRule& rule)
{
    v1::AlertRule wire;
    wire.set_id(validUtf8(rule.id));
    wire.set_name(validUtf8(rule.name));
    wire.set_condition(validUtf8(rule.condition));
    wire.set_for_ns(rule.forNs);
    wire.set_cooldown_ns(rule.cooldownNs);
    wire.set_quiet_hours(validUtf8(rule.quietHours));
    wire.set_action(static_cast<v1::AlertAction>(rule.action));
    wire.set_target_id(validUtf8(rule.targetId));
    wire.set_is_off(rule.isOff);
    wire.set_notify(rule.notifies);
    return wire;
}

AlertRule fromWire(const v1::AlertRule& wire)
{
    AlertRule rule;
    rule.id = wire.id();
    rule.name = wire.name();
    rule.condition = wire.condition();
    rule.forNs = wire.for_ns();
    rule.cooldownNs = wire.cooldown_ns();
    rule.quietHours = wire.quiet_hours();
    rule.action = enumerator(wire.action(), AlertAction::Capture);
    rule.targetId = wire.target_id();
    rule.isOff = wire.is_off();
    rule.notifies = wire.notify();
    return rule;
}

v1::AlertState toWire(const AlertState& state)
{
    v1::AlertState wire;
    *wire.mutable_rule() = toWire(state.rule);
    wire.set_phase(static_cast<v1::AlertPhase>(state.phase));
    wire.set_since_utc_ns(state.sinceUtcNs);
    wire.set_value(validUtf8(state.value));
    wire.set_problem(validUtf8(state.problem));
    for (const AlertEvent& event : state.events)
        *wire.add_events() = toWire(event);
    wire.set_is_deleted(state.isDeleted);
    return wire;
}

AlertState fromWire(const v1::AlertState& wire)
{
    AlertState state;
    state.rule = fromWire(wire.rule());
    state.phase = enumerator(wire.phase(), AlertPhase::Firing);
    state.sinceUtcNs = wire.since_utc_ns();
    state.value = wire.value();
    state.problem = wire.problem();
    for (const v1::AlertEvent& event : wire.events())
        state.events.push_back({event.utc_ns(), event.mono_ns(), enumerator(event.phase(), AlertPhase::Firing), event.value(), event.done(),
                                event.is_held_back()});
    state.isDeleted = wire.is_deleted();
    return state;
}

const char* name(AlertPhase phase)
{
    switch (phase) {
    case AlertPhase::NoData:
        return "no-data";
    case AlertPhase::Ok:
        return "ok";
    case AlertPhase::Pending:
        return "pending";
    case AlertPhase::Firing:
        return "firing";
    }
    return "no-data";
}

const char* name(AlertAction action)
{
    switch (action) {
    case AlertAction::Mark:
        return "mark";
    case AlertAction::SaveRecorder:
        return "save-recorder";
    case AlertAction::Capture:
        return "capture";
    }
    return "mark";
}

} // namespace gantry::proto
