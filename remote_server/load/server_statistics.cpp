#include "remote_server/load/server_statistics.h"

#include <chrono>
#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

namespace gantry::load {
namespace {

constexpr std::chrono::seconds kAnswerTimeout{1};

void add(inference::StatisticDuration& sum, const inference::StatisticDuration& more)
{
    sum.set_count(sum.count() + more.count());
    sum.set_ns(sum.ns() + more.ns());
}

void add(inference::InferStatistics& sum, const inference::InferStatistics& more)
{
    add(*sum.mutable_success(), more.success());
    add(*sum.mutable_fail(), more.fail());
    add(*sum.mutable_queue(), more.queue());
    add(*sum.mutable_compute_input(), more.compute_input());
    add(*sum.mutable_compute_infer(), more.compute_infer());
    add(*sum.mutable_compute_output(), more.compute_output());
    add(*sum.mutable_cache_hit(), more.cache_hit());
    add(*sum.mutable_cache_miss(), more.cache_miss());
}

/// Growth of a counter; false where it shrank: the model was loaded anew.
bool grow(std::uint64_t& sum, std::uint64_t before, std::uint64_t after)
{
    if (after < before)
        return false;
    sum += after - before;
    return true;
}

struct Growth
{
    std::uint64_t requests = 0, executions = 0, total = 0, queue = 0, input = 0, infer = 0, output = 0;
    std::uint64_t hits = 0, hitNs = 0, misses = 0, missNs = 0;

    [[nodiscard]] bool add(const inference::ModelStatistics& before, const inference::ModelStatistics& after)
    {
        const inference::InferStatistics &b = before.inference_stats(), &a = after.inference_stats();
        return grow(requests, b.success().count(), a.success().count()) &&
               grow(executions, before.execution_count(), after.execution_count()) && grow(total, b.success().ns(), a.success().ns()) &&
               grow(queue, b.queue().ns(), a.queue().ns()) && grow(input, b.compute_input().ns(), a.compute_input().ns()) &&
               grow(infer, b.compute_infer().ns(), a.compute_infer().ns()) &&
               grow(output, b.compute_output().ns(), a.compute_output().ns()) && grow(hits, b.cache_hit().count(), a.cache_hit().count()) &&
               grow(hitNs, b.cache_hit().ns(), a.cache_hit().ns()) && grow(misses, b.cache_miss().count(), a.cache_miss().count()) &&
               grow(missNs, b.cache_miss().ns(), a.cache_miss().ns());
    }
};

ServerPhases phasesOf(const Growth& growth)
{
    const auto mean = [&](std::uint64_t ns) { return static_cast<DurationNs>(ns / growth.requests); };
    ServerPhases phases;
    phases.requests = growth.requests;
    phases.executions = growth.executions;
    phases.total = mean(growth.total);
    phases.queue = mean(growth.queue);
    phases.computeInput = mean(growth.input);
    phases.computeInfer = mean(growth.infer);
    phases.computeOutput = mean(growth.output);
    if (growth.hits + growth.misses > 0) {
        phases.cacheHit = mean(growth.hitNs);
        phases.cacheMiss = mean(growth.missNs);
    }
    return phases;
}

/// What of the mean latency is explained by nothing else; or why that cannot be told.
void addRemainder(LoadFigures& figures, std::uint64_t inFlight)
{
    const ServerPhases& server = *figures.server;
    // Requests on their way when the counters were read are with one side only: at either end, of the window and of the counters.
    const std::uint64_t tolerated = 2 * inFlight + figures.ok / 100;
    if (figures.ok == 0) {
        figures.whyNoRemainder = "no request succeeded";
        return;
    }
    if (server.requests > figures.ok + tolerated) {
        figures.whyNoRemainder =
            fmt::format("the server answered {} requests in this time, and only {} of them were of this load", server.requests, figures.ok);
        return;
    }
    const DurationNs rest = figures.mean - figures.lateMean - figures.sendMean - figures.receiveMean - server.accounted();
    if (rest < 0) {
        figures.whyNoRemainder = "the server counts more time for its requests than they took: measure longer windows";
        return;
    }
    figures.remainder = rest;
}

} // namespace

StatisticsSnapshot StatisticsSnapshot::take(inference::GRPCInferenceService::Stub& stub, const std::vector<std::string>& models)
{
    StatisticsSnapshot snapshot;
    for (const std::string& model : models) {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kAnswerTimeout);
        inference::ModelStatisticsRequest request;
        request.set_name(model);
        inference::ModelStatisticsResponse response;
        const grpc::Status status = stub.ModelStatistics(&context, request, &response);
        if (!status.ok()) {
            snapshot.whyNone = status.error_code() == grpc::StatusCode::UNIMPLEMENTED
                                   ? "the server has no statistics extension"
                                   : fmt::format("the server did not say its statistics: {}", status.error_message());
            return snapshot;
        }
        inference::ModelStatistics& sum = snapshot.models[model];
        for (const inference::ModelStatistics& version : response.model_stats()) {
            sum.set_execution_count(sum.execution_count() + version.execution_count());
            add(*sum.mutable_inference_stats(), version.inference_stats());
        }
    }
    return snapshot;
}

void addServerPhases(LoadFigures& figures, const StatisticsSnapshot& before, const StatisticsSnapshot& after,
                     const std::vector<std::string>& models, std::uint64_t inFlight)
{
    Growth growth;
    figures.whyNoServer = before.whyNone.empty() ? after.whyNone : before.whyNone;
    for (const std::string& model : models) {
        const auto from = before.models.find(model), to = after.models.find(model);
        if (figures.whyNoServer.empty() && (from == before.models.end() || to == after.models.end()))
            figures.whyNoServer = fmt::format("the server has no statistics of model '{}'", model);
        if (figures.whyNoServer.empty() && !growth.add(from->second, to->second))
            figures.whyNoServer = fmt::format("model '{}' was loaded anew in this time", model);
    }
    if (figures.whyNoServer.empty() && growth.requests == 0)
        figures.whyNoServer = "the server counted no successful request in this time";
    if (!figures.whyNoServer.empty()) {
        figures.whyNoRemainder = figures.whyNoServer;
        return;
    }
    figures.server = phasesOf(growth);
    addRemainder(figures, inFlight);
}

} // namespace gantry::load
