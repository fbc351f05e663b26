#include "tests/remote_server/inference/serving_fixture.h"

#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fstream>
#include <mutex>
#include <span>
#include <stdexcept>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;

std::chrono::system_clock::time_point inAMinute()
{
    return std::chrono::system_clock::now() + std::chrono::seconds(60);
}

template <typename Element>
std::vector<Element> outputOf(const wire::ModelInferResponse& response, int output)
{
    const std::string& data = response.raw_output_contents(output);
    std::vector<Element> values(data.size() / sizeof(Element));
    std::memcpy(values.data(), data.data(), values.size() * sizeof(Element));
    return values;
}

template <typename Element>
void addInput(wire::ModelInferRequest& request, const std::string& name, const std::string& type, const std::vector<Element>& values)
{
    auto* input = request.add_inputs();
    input->set_name(name);
    input->set_datatype(type);
    input->add_shape(1);
    input->add_shape(static_cast<std::int64_t>(values.size()));
    request.add_raw_input_contents(values.data(), values.size() * sizeof(Element));
}

/// With the callback API, whose threads go on reading: an idle client of the synchronous one notices a server's goodbye only every
/// 5 s (gRPC's backup poller), and a server that ends waits for that.
std::vector<grpc::Status> sendAll(wire::GRPCInferenceService::Stub& stub, std::span<const wire::ModelInferRequest> requests,
                                  std::span<wire::ModelInferResponse> responses)
{
    std::vector<grpc::ClientContext> contexts(requests.size());
    std::vector<grpc::Status> statuses(requests.size());
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t open = requests.size();
    for (std::size_t i = 0; i < requests.size(); ++i) {
        contexts[i].set_deadline(inAMinute());
        stub.async()->ModelInfer(&contexts[i], &requests[i], &responses[i], [&, i](const grpc::Status& status) {
            const std::lock_guard lock(mutex);
            statuses[i] = status;
            --open;
            changed.notify_all();
        });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return open == 0; });
    return statuses;
}

} // namespace

void TestRepository::add(const std::string& name, const std::string& config, const std::vector<std::string>& versions)
{
    std::filesystem::create_directories(m_folder / name);
    std::ofstream(m_folder / name / "config.pbtxt") << config;
    for (const std::string& version : versions)
        std::filesystem::create_directories(m_folder / name / version);
}

void TestRepository::addAddSub(const std::string& name, const std::string& more)
{
    add(name, R"(
        backend: "add_sub"
        max_batch_size: 8
        input [ { name: "INPUT0" data_type: TYPE_INT32 dims: 4 }, { name: "INPUT1" data_type: TYPE_INT32 dims: 4 } ]
        output [ { name: "OUTPUT0" data_type: TYPE_INT32 dims: 4 }, { name: "OUTPUT1" data_type: TYPE_INT32 dims: 4 } ]
    )" + more);
}

void TestRepository::addTinyBert(const std::string& name, const std::string& more)
{
    std::string parameters;
    for (const auto& [key, value] : {std::pair("layers", 2), std::pair("hidden", 8), std::pair("heads", 2), std::pair("ffn", 16),
                                     std::pair("vocabulary", 50), std::pair("positions", 12)})
        parameters += std::string("parameters { key: \"") + key + "\" value { string_value: \"" + std::to_string(value) + "\" } }\n";
    add(name, R"(
        backend: "bert"
        max_batch_size: 8
        input [ { name: "input_ids" data_type: TYPE_INT64 dims: -1 }, { name: "attention_mask" data_type: TYPE_INT64 dims: -1 optional: true } ]
        output { name: "last_hidden_state" data_type: TYPE_FP32 dims: [ -1, 8 ] }
        instance_group { kind: KIND_CPU }
    )" + parameters +
                  more);
}

TestServer::TestServer(const TestRepository& repository, ModelControl control, ProtocolOptions options, std::uint64_t cacheBytes)
    : TestServer(repository, ServerOptions{.control = control, .cacheBytes = cacheBytes}, options)
{
}

TestServer::TestServer(const TestRepository& repository, ServerOptions server, ProtocolOptions options)
{
    server.backend.allowGpu = false;
    auto loaded = InferenceServer::load(repository.path(), server);
    if (!loaded)
        throw std::runtime_error(loaded.error().text());
    m_inference = std::move(*loaded);
    options.metrics.machine.cpu = options.metrics.machine.gpu = false;
    m_calls = std::make_unique<ProtocolCalls>(*m_inference, options);
    auto ends = FrontEnds::start({.metrics = {.isAllowed = false}}, *m_calls);
    if (!ends)
        throw std::runtime_error(ends.error().text());
    m_ends = std::move(*ends);
    m_stub = stubFor(m_ends->grpcPort());
}

TestServer::~TestServer() = default;

wire::ModelStatistics TestServer::statistics(const std::string& model)
{
    grpc::ClientContext context;
    context.set_deadline(inAMinute());
    wire::ModelStatisticsRequest request;
    request.set_name(model);
    wire::ModelStatisticsResponse response;
    const grpc::Status status = m_stub->ModelStatistics(&context, request, &response);
    if (!status.ok() || response.model_stats_size() != 1)
        throw std::runtime_error("no statistics: " + status.error_message());
    return response.model_stats(0);
}

wire::ModelInferRequest addSubRequest(const std::string& model, std::int32_t left, std::int32_t right)
{
    wire::ModelInferRequest request;
    request.set_model_name(model);
    request.set_id("from-the-test");
    addInput(request, "INPUT0", "INT32", std::vector<std::int32_t>(4, left));
    addInput(request, "INPUT1", "INT32", std::vector<std::int32_t>(4, right));
    return request;
}

wire::ModelInferRequest bertRequest(const std::string& model, const std::vector<std::int64_t>& ids, const std::vector<std::int64_t>& mask)
{
    wire::ModelInferRequest request;
    request.set_model_name(model);
    addInput(request, "input_ids", "INT64", ids);
    if (!mask.empty())
        addInput(request, "attention_mask", "INT64", mask);
    return request;
}

std::vector<std::int32_t> int32Output(const wire::ModelInferResponse& response, int output)
{
    return outputOf<std::int32_t>(response, output);
}

std::vector<float> floatOutput(const wire::ModelInferResponse& response, int output)
{
    return outputOf<float>(response, output);
}

std::unique_ptr<wire::GRPCInferenceService::Stub> stubFor(int port)
{
    return wire::GRPCInferenceService::NewStub(
        grpc::CreateChannel("127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials()));
}

grpc::Status infer(wire::GRPCInferenceService::Stub& stub, const wire::ModelInferRequest& request, wire::ModelInferResponse& response)
{
    return sendAll(stub, {&request, 1}, {&response, 1}).front();
}

std::vector<grpc::Status> inferAtOnce(wire::GRPCInferenceService::Stub& stub, const std::vector<wire::ModelInferRequest>& requests)
{
    std::vector<wire::ModelInferResponse> responses(requests.size());
    return sendAll(stub, requests, responses);
}

} // namespace gantry::inference_server
