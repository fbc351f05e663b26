#include "remote_server/node/engines/triton_tool.h"

#include "remote_server/node/clock.h"
#include "trace_model/report/meta_keys.h"

namespace gantry::node {

TritonTool::TritonTool(Options options) : m_options(std::move(options))
{
    if (m_options.metrics)
        m_options.metrics->add(m_history);
}

TritonTool::~TritonTool()
{
    if (m_options.metrics)
        m_options.metrics->remove(m_history);
}

Result<std::vector<std::string>> TritonTool::plan(const proto::CaptureRequest& request)
{
    GANTRY_TRY(const TritonServer server, m_options.server(request.targetId));
    GANTRY_CHECK(TritonTracer::check(server));
    const std::string call = "TraceSetting of " + server.grpcAddress + ": ";
    return std::vector{call + "trace_level=TIMESTAMPS trace_rate=1 log_frequency=0", call + "what it is now"};
}

Result<bool> TritonTool::isReady(const proto::CaptureRequest& request)
{
    GANTRY_TRY(const TritonServer server, m_options.server(request.targetId));
    const auto checked = TritonTracer::check(server);
    if (!checked && checked.error().code != ErrorCode::Unreachable)
        return checked.error();
    return checked.hasValue();
}

Result<void> TritonTool::open(ToolWindow& window)
{
    GANTRY_TRY(const TritonServer server, m_options.server(window.request.targetId));
    m_history.keepFrom(monotonicNow());
    GANTRY_TRY(m_tracer, TritonTracer::begin(server));
    return {};
}

bool TritonTool::hasEnded(ToolWindow& window)
{
    return !m_options.server(window.request.targetId);
}

Result<void> TritonTool::close(ToolWindow& window)
{
    m_closed = std::make_unique<WindowCapture>();
    m_closed->targetId = window.request.targetId;
    m_closed->openMonotonicNs = window.openedMonotonicNs;
    m_closed->closeMonotonicNs = window.closedMonotonicNs;
    m_closed->openRealtimeNs = window.openedUtcNs;
    m_tracer->addTo(*m_closed);
    m_tracer.reset(); // the server is as it was
    m_history.copyTo(*m_closed);
    m_history.keepFrom(INT64_MAX);
    return {};
}

Result<ToolReport> TritonTool::report(ToolWindow& window)
{
    ToolReport made;
    made.report = window.folder / "report.gantry";
    made.meta[report::meta::kEngine] = "Triton's request tracer";
    const std::unique_ptr<WindowCapture> closed = std::move(m_closed);
    if (const auto note = closed->meta.find(report::meta::kNote); note != closed->meta.end())
        made.note = note->second;
    GANTRY_CHECK(assembleReport(*closed, made.report));
    return made;
}

} // namespace gantry::node
