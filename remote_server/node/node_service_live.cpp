// The calls of NodeService about metrics beyond the newest: history, sources and alerts.

#include "remote_server/node/clock.h"
#include "remote_server/node/node_service.h"
#include "remote_server/proto/convert_live.h"

namespace gantry::node {
namespace {

constexpr std::chrono::milliseconds kStreamPoll{100}; // how soon a stream notices that its client is gone

} // namespace

grpc::Status NodeService::ReadHistory(grpc::ServerContext* context, const v1::ReadHistoryRequest* request,
                                      grpc::ServerWriter<v1::HistoryPart>* writer)
{
    return stream(*context, [&] {
        return m_parts.history.read(*request, [&](v1::HistoryPart&& part) {
            part.set_node_mono_ns(monotonicNow());
            part.set_node_utc_ns(utcOfNode());
            return goesOn(*context) && writer->Write(part);
        });
    });
}

grpc::Status NodeService::ListMetricSources(grpc::ServerContext* context, const v1::ListMetricSourcesRequest*,
                                            v1::ListMetricSourcesReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        for (const proto::MetricSource& source : m_parts.sources.list())
            *reply->add_sources() = proto::toWire(source);
        return {};
    });
}

grpc::Status NodeService::AddMetricSource(grpc::ServerContext* context, const v1::AddMetricSourceRequest* request, v1::MetricSource* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto source, m_parts.sources.add(request->url(), request->period_ns()));
        *reply = proto::toWire(source);
        return {};
    });
}

grpc::Status NodeService::RemoveMetricSource(grpc::ServerContext* context, const v1::RemoveMetricSourceRequest* request,
                                             v1::RemoveMetricSourceReply*)
{
    return call(*context, Versions::MustAgree, [&] { return m_parts.sources.remove(request->id()); });
}

grpc::Status NodeService::ListAlertRules(grpc::ServerContext* context, const v1::ListAlertRulesRequest*, v1::ListAlertRulesReply* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        for (const proto::AlertState& state : m_parts.alerts.list())
            *reply->add_rules() = proto::toWire(state);
        return {};
    });
}

grpc::Status NodeService::SetAlertRule(grpc::ServerContext* context, const v1::AlertRule* request, v1::AlertState* reply)
{
    return call(*context, Versions::MustAgree, [&]() -> Result<void> {
        GANTRY_TRY(const auto state, m_parts.alerts.set(proto::fromWire(*request)));
        *reply = proto::toWire(state);
        return {};
    });
}

grpc::Status NodeService::DeleteAlertRule(grpc::ServerContext* context, const v1::DeleteAlertRuleRequest* request,
                                          v1::DeleteAlertRuleReply*)
{
    return call(*context, Versions::MustAgree, [&] { return m_parts.alerts.remove(request->id()); });
}

grpc::Status NodeService::WatchAlerts(grpc::ServerContext* context, const v1::WatchAlertsRequest*,
                                      grpc::ServerWriter<v1::AlertState>* writer)
{
    return stream(*context, [&]() -> Result<void> {
        std::uint64_t known = 0;
        while (goesOn(*context)) {
            const AlertRules::Changes changes = m_parts.alerts.waitForChanges(known, kStreamPoll);
            known = changes.version;
            for (const proto::AlertState& state : changes.states)
                if (!writer->Write(proto::toWire(state)))
                    return {};
        }
        return {};
    });
}

} // namespace gantry::node
