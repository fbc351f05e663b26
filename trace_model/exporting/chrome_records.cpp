#include "trace_model/exporting/chrome_records.h"

#include "trace_model/exporting/known_ends.h"

#include <fmt/format.h>

#include <utility>

namespace gantry::exporting {

ChromeRecords::ChromeRecords(const trace::Trace& trace, JsonEvents& events, EventPlace nowhere, PlaceOf placeOf)
    : m_trace(trace), m_events(events), m_nowhere(nowhere), m_placeOf(std::move(placeOf))
{
}

void ChromeRecords::timeArgument(std::string_view name, TimestampNs time)
{
    m_events.argument(name, time - m_trace.time.start);
}

std::string_view ChromeRecords::text(trace::StringId id) const
{
    return m_trace.strings[id];
}

void ChromeRecords::textArgument(std::string_view name, trace::StringId id)
{
    if (!text(id).empty())
        m_events.argument(name, text(id));
}

bool ChromeRecords::write()
{
    for (const trace::Execution& execution : m_trace.executions)
        if (!writeExecution(execution))
            return false;
    for (const trace::Request& request : m_trace.requests)
        if (!writeRequest(request))
            return false;
    if (!m_trace.window.isEmpty()) {
        m_events.beginMetadata("gantry_window", m_nowhere);
        timeArgument("start", m_trace.window.start);
        timeArgument("end", m_trace.window.end);
        (void)m_events.end();
    }
    for (const auto& [key, name] : m_trace.streamNames) {
        m_events.beginMetadata("gantry_stream", m_nowhere);
        if (const std::uint64_t process = std::get<0>(key); trace::Trace::pidOf(process) != 0)
            m_events.argument("process", static_cast<std::int64_t>(trace::Trace::pidOf(process)));
        m_events.argument("device", std::get<1>(key));
        m_events.argument("context", std::get<2>(key));
        m_events.argument("stream", std::get<3>(key));
        m_events.argument("name", name);
        (void)m_events.end();
    }
    for (const Loss& loss : m_trace.losses) {
        m_events.beginMetadata("gantry_loss", m_nowhere);
        m_events.argument("name", loss.name);
        m_events.argument("severity", static_cast<int>(loss.severity));
        m_events.argument("count", static_cast<std::int64_t>(loss.count));
        m_events.argument("help", loss.help);
        (void)m_events.end();
    }
    for (const std::string& warning : m_trace.meta.warnings) {
        m_events.beginMetadata("gantry_warning", m_nowhere);
        m_events.argument("text", warning);
        (void)m_events.end();
    }
    return true;
}

bool ChromeRecords::writeExecution(const trace::Execution& execution)
{
    m_events.beginMetadata("gantry_execution", m_placeOf(execution.globalTid));
    m_events.argument("batch", static_cast<std::int64_t>(execution.batchId));
    textArgument("model", execution.model);
    textArgument("version", execution.version);
    textArgument("instance", execution.instance);
    timeArgument("start", execution.time.start);
    timeArgument("end", execution.time.end);
    return m_events.end();
}

bool ChromeRecords::writeRequest(const trace::Request& request)
{
    const trace::Execution* execution = request.execution.isNone() ? nullptr : &m_trace.executions[request.execution.value];
    m_events.beginMetadata("gantry_request", execution ? m_placeOf(execution->globalTid) : m_nowhere);
    m_events.argument("id", static_cast<std::int64_t>(request.id));
    textArgument("client", request.clientId);
    textArgument("model", request.model);
    textArgument("version", request.version);
    const KnownEnds known = knownEnds(m_trace, request);
    if (known.start)
        timeArgument("start", *known.start);
    if (known.end)
        timeArgument("end", *known.end);
    if (request.failed)
        m_events.argument("failed", 1);
    if (execution)
        m_events.argument("batch", static_cast<std::int64_t>(execution->batchId));
    if (request.earlierCount > 0) {
        std::string earlier;
        for (const trace::ExecutionIndex index : m_trace.earlierExecutionsOf(request))
            earlier += fmt::format("{}{}", earlier.empty() ? "" : " ", m_trace.executions[index.value].batchId);
        m_events.argument("earlier batches", earlier);
    }
    if (request.parentId)
        m_events.argument("parent", static_cast<std::int64_t>(*request.parentId));
    for (std::size_t phase = 0; phase < request.phases.size(); ++phase) {
        if (!request.phases[phase])
            continue;
        const std::string_view phaseName = name(static_cast<records::RequestPhase>(phase));
        timeArgument(fmt::format("{} start", phaseName), request.phases[phase]->start);
        timeArgument(fmt::format("{} end", phaseName), request.phases[phase]->end);
    }
    return m_events.end();
}

} // namespace gantry::exporting
