#include "tests/remote_server/node/node_service_fixture.h"

#include "remote_server/proto/convert_live.h"

#include <vector>

namespace gantry::node {
namespace {

TEST_F(NodeServiceTest, HistoryComesInPartsWithTheNodesClock)
{
    const TimestampNs now = monotonicNow();
    history.onDefinitions(std::vector<metrics::SeriesDefinition>{{5, "power", "W", metrics::SeriesKind::Gauge, {{"gpu", "0"}}, {}}});
    history.onSamples(std::vector<metrics::Sample>{{5, now - 2'000'000'000, 100}, {5, now - 1'000'000'000, 200}});
    v1::ReadHistoryRequest request;
    request.set_from_mono_ns(now - 60'000'000'000);
    request.set_to_mono_ns(now + 1);
    const auto context = call();
    const auto parts = stub->ReadHistory(context.get(), request);
    v1::HistoryPart part;
    ASSERT_TRUE(parts->Read(&part));
    ASSERT_EQ(part.series_size(), 1);
    EXPECT_EQ(part.series(0).definition().name(), "power");
    EXPECT_EQ(part.series(0).definition().labels().at("gpu"), "0");
    const proto::HistoryColumns columns = proto::columnsOf(part.series(0));
    EXPECT_EQ(columns.times, (std::vector<TimestampNs>{now - 2'000'000'000, now - 1'000'000'000}));
    EXPECT_EQ(columns.values, (std::vector<double>{100, 200}));
    EXPECT_GE(part.node_mono_ns(), now);
    EXPECT_FALSE(parts->Read(&part));
    EXPECT_TRUE(parts->Finish().ok());
}

TEST_F(NodeServiceTest, AHistoryOfNoTimeIsRefused)
{
    const auto context = call();
    const auto parts = stub->ReadHistory(context.get(), v1::ReadHistoryRequest());
    v1::HistoryPart part;
    EXPECT_FALSE(parts->Read(&part));
    EXPECT_EQ(parts->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(NodeServiceTest, RulesAreSetWatchedAndDeleted)
{
    v1::AlertRule rule;
    rule.set_condition("absent no_such_metric");
    v1::AlertState state;
    ASSERT_TRUE(stub->SetAlertRule(call().get(), rule, &state).ok());
    EXPECT_EQ(state.rule().id(), "a1");
    EXPECT_EQ(state.rule().name(), "absent no_such_metric");

    const auto context = call();
    const auto states = stub->WatchAlerts(context.get(), v1::WatchAlertsRequest());
    while (states->Read(&state) && state.phase() != v1::ALERT_PHASE_FIRING) {
    }
    EXPECT_EQ(state.phase(), v1::ALERT_PHASE_FIRING);
    v1::DeleteAlertRuleRequest deletion;
    deletion.set_id("a1");
    v1::DeleteAlertRuleReply deleted;
    ASSERT_TRUE(stub->DeleteAlertRule(call().get(), deletion, &deleted).ok());
    while (states->Read(&state) && !state.is_deleted()) {
    }
    EXPECT_TRUE(state.is_deleted());
    context->TryCancel();
    EXPECT_EQ(states->Finish().error_code(), grpc::StatusCode::CANCELLED);
    EXPECT_EQ(stub->DeleteAlertRule(call().get(), deletion, &deleted).error_code(), grpc::StatusCode::NOT_FOUND);

    rule.set_condition("queue >");
    const auto refused = stub->SetAlertRule(call().get(), rule, &state);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_NE(refused.error_message().find("no value with a unit"), std::string::npos) << refused.error_message();
}

TEST_F(NodeServiceTest, EndpointsAreAddedListedAndRemoved)
{
    v1::AddMetricSourceRequest request;
    request.set_url("ftp://nowhere");
    v1::MetricSource source;
    EXPECT_EQ(stub->AddMetricSource(call().get(), request, &source).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    request.set_url("http://127.0.0.1:1/metrics");
    ASSERT_TRUE(stub->AddMetricSource(call().get(), request, &source).ok());
    EXPECT_TRUE(source.is_added());
    EXPECT_EQ(source.period_ns(), 1'000'000'000);
    v1::ListMetricSourcesReply list;
    ASSERT_TRUE(stub->ListMetricSources(call().get(), v1::ListMetricSourcesRequest(), &list).ok());
    ASSERT_EQ(list.sources_size(), 1);
    EXPECT_EQ(list.sources(0).url(), "http://127.0.0.1:1/metrics");
    v1::RemoveMetricSourceRequest removal;
    removal.set_id(source.id());
    v1::RemoveMetricSourceReply removed;
    EXPECT_TRUE(stub->RemoveMetricSource(call().get(), removal, &removed).ok());
}

} // namespace
} // namespace gantry::node
