// Guards what gantry-serve adds to a request: how long the scheduler lets one wait while an instance is idle (at most 30 us in the middle),
// and how many requests a second the identity model answers over gRPC on the loopback, beside a service that only sends back what it gets
// (at least two thirds of it).
//
//   serve_bench [--requests N] [--benchmark_out=FILE] [...]      4,000 requests a round unless said otherwise
//
// A round is the product and its floor once, in turn; there are five, and the figures are their medians. Clients and servers share the
// process and its processors.

#include "tests/bench/bench_arguments.h"
#include "tests/remote_server/inference/serving_fixture.h"

#include "remote_server/inference/scheduler.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace gantry::inference_server;
namespace wire = ::inference;

constexpr int kRounds = 5;
constexpr std::size_t kFloats = 16;

int g_requests = 4'000; // set by main() before a bench runs

double medianOf(std::vector<double> values)
{
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// What any service of this protocol does at least: takes the message, and sends its content back.
class EchoService final : public wire::GRPCInferenceService::CallbackService
{
public:
    grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context, const wire::ModelInferRequest* request,
                                         wire::ModelInferResponse* reply) override
    {
        reply->set_model_name(request->model_name());
        reply->set_id(request->id());
        auto* output = reply->add_outputs();
        output->set_name("OUTPUT0");
        output->set_datatype(request->inputs(0).datatype());
        *output->mutable_shape() = request->inputs(0).shape();
        reply->add_raw_output_contents(request->raw_input_contents(0));
        grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }
};

class EchoServer
{
public:
    EchoServer()
    {
        grpc::ServerBuilder builder;
        int port = 0;
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
        builder.RegisterService(&m_service);
        m_server = builder.BuildAndStart();
        if (!m_server)
            throw std::runtime_error("the echo server does not start");
        m_stub = stubFor(port);
    }
    ~EchoServer() { m_server->Shutdown(std::chrono::system_clock::now()); }

    [[nodiscard]] wire::GRPCInferenceService::Stub& stub() { return *m_stub; }

private:
    EchoService m_service;
    std::unique_ptr<grpc::Server> m_server;
    std::unique_ptr<wire::GRPCInferenceService::Stub> m_stub;
};

TestRepository& repository()
{
    static TestRepository models;
    static const bool added = [] {
        models.add("identity", R"(backend: "identity" max_batch_size: 64 dynamic_batching { }
            input { name: "INPUT0" data_type: TYPE_FP32 dims: -1 } output { name: "OUTPUT0" data_type: TYPE_FP32 dims: -1 })");
        return true;
    }();
    static_cast<void>(added);
    return models;
}

wire::ModelInferRequest requestOf()
{
    wire::ModelInferRequest request;
    request.set_model_name("identity");
    auto* input = request.add_inputs();
    input->set_name("INPUT0");
    input->set_datatype("FP32");
    input->add_shape(1);
    input->add_shape(kFloats);
    request.add_raw_input_contents(std::string(kFloats * sizeof(float), '\0'));
    return request;
}

/// Sends g_requests, so many of them at a time; requests a second.
class ClosedLoop
{
public:
    ClosedLoop(wire::GRPCInferenceService::Stub& stub, int concurrency) : m_stub(stub), m_calls(static_cast<std::size_t>(concurrency)) {}

    double run()
    {
        const auto start = std::chrono::steady_clock::now();
        m_left = g_requests;
        m_open = static_cast<int>(m_calls.size());
        for (Call& call : m_calls)
            next(call);
        std::unique_lock lock(m_mutex);
        m_done.wait(lock, [this] { return m_open == 0; });
        return g_requests / std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }

private:
    struct Call
    {
        std::unique_ptr<grpc::ClientContext> context;
        wire::ModelInferResponse response;
    };

    void next(Call& call)
    {
        {
            const std::lock_guard lock(m_mutex);
            if (m_left == 0) {
                --m_open;
                m_done.notify_all();
                return;
            }
            --m_left;
        }
        call.context = std::make_unique<grpc::ClientContext>();
        call.response.Clear();
        m_stub.async()->ModelInfer(call.context.get(), &m_request, &call.response, [this, &call](const grpc::Status& status) {
            if (!status.ok() || call.response.raw_output_contents_size() != 1)
                std::terminate(); // rates of failures would say nothing
            next(call);
        });
    }

    wire::GRPCInferenceService::Stub& m_stub;
    const wire::ModelInferRequest m_request = requestOf();
    std::vector<Call> m_calls;
    std::mutex m_mutex;
    std::condition_variable m_done;
    int m_left = 0, m_open = 0;
};

void identityOverGrpc(benchmark::State& state)
{
    EchoServer echo;
    TestServer server(repository());
    ClosedLoop echoLoop(echo.stub(), static_cast<int>(state.range(0))), identityLoop(server.stub(), static_cast<int>(state.range(0)));
    echoLoop.run(); // connects
    identityLoop.run();
    std::vector<double> echoRates, identityRates, ratios;
    for (auto _ : state)
        for (int round = 0; round < kRounds; ++round) {
            echoRates.push_back(echoLoop.run());
            identityRates.push_back(identityLoop.run());
            ratios.push_back(echoRates.back() / identityRates.back());
        }
    state.counters["echo/s"] = medianOf(echoRates);
    state.counters["identity/s"] = medianOf(identityRates);
    state.counters["times_slower"] = medianOf(ratios);
}

/// From the moment that a request is queued to the one that its execution starts, one request at a time.
void queueToCompute(benchmark::State& state)
{
    const auto server = InferenceServer::load(repository().path(), {.backend = {.allowGpu = false}});
    if (!server)
        throw std::runtime_error(server.error().text());
    const auto model = (*server)->find("identity", {});
    std::vector<double> waits;
    for (auto _ : state)
        for (int i = 0; i < g_requests; ++i) {
            std::promise<double> answer;
            auto job = std::make_unique<InferJob>();
            job->inputs.push_back({"INPUT0", wire::TYPE_FP32, {1, kFloats}, std::string(kFloats * sizeof(float), '\0')});
            job->done = [&](InferJob& finished, const gantry::Result<void>&) {
                answer.set_value(static_cast<double>(finished.times.computeStart - finished.times.queueStart) / 1e3);
            };
            model->enqueue(std::move(job));
            waits.push_back(answer.get_future().get());
        }
    std::sort(waits.begin(), waits.end());
    state.counters["p50_us"] = waits[waits.size() / 2];
    state.counters["p99_us"] = waits[waits.size() * 99 / 100];
}

BENCHMARK(queueToCompute)->Iterations(1)->Unit(benchmark::kMillisecond);
BENCHMARK(identityOverGrpc)->Arg(1)->Arg(32)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace

int main(int argc, char** argv)
{
    if (!gantry::bench::takeNumber(argc, argv, "--requests", g_requests, 1)) {
        std::fprintf(stderr, "serve_bench: --requests needs a number of at least 1\n");
        return 64;
    }
    if (!gantry::bench::initialiseTabular(argc, argv))
        return 64;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
