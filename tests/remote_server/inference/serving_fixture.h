#pragma once

#include "remote_server/inference/front_ends.h"
#include "tests/support/temporary_folder.h"

#include "inference/grpc_service.grpc.pb.h"

#include <cstdint>
#include <filesystem>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// A model repository in a temporary folder.
class TestRepository
{
public:
    void add(const std::string& name, const std::string& config, const std::vector<std::string>& versions = {"1"});
    /// add_sub with INT32 [4] and max_batch_size 8; `more` is appended to the configuration.
    void addAddSub(const std::string& name, const std::string& more = {});
    /// A BERT of two small layers: vocabulary 50, hidden 8, 12 positions, with an optional attention_mask.
    void addTinyBert(const std::string& name, const std::string& more = {});
    [[nodiscard]] const std::filesystem::path& path() const { return m_folder.path(); }

private:
    test::TemporaryFolder m_folder;
};

/// The server in this process, gRPC and HTTP on ports of their own, and a channel to it. Throws std::runtime_error when it does not start.
class TestServer
{
public:
    explicit TestServer(const TestRepository& repository, ModelControl control = ModelControl::None, ProtocolOptions options = {},
                        std::uint64_t cacheBytes = 0);
    /// The same with all of the server's options; no GPU is used.
    TestServer(const TestRepository& repository, ServerOptions server, ProtocolOptions options = {});
    ~TestServer();

    [[nodiscard]] ::inference::GRPCInferenceService::Stub& stub() { return *m_stub; }
    [[nodiscard]] InferenceServer& inference() const { return *m_inference; }
    [[nodiscard]] ProtocolCalls& calls() { return *m_calls; }
    [[nodiscard]] int httpPort() const { return m_ends->httpPort(); }
    [[nodiscard]] ::inference::ModelStatistics statistics(const std::string& model);

private:
    std::unique_ptr<InferenceServer> m_inference;
    std::unique_ptr<ProtocolCalls> m_calls;
    std::unique_ptr<FrontEnds> m_ends;
    std::unique_ptr<::inference::GRPCInferenceService::Stub> m_stub;
};

/// INPUT0 and INPUT1 of add_sub, raw: one row of 4, all of the same value.
[[nodiscard]] ::inference::ModelInferRequest addSubRequest(const std::string& model, std::int32_t left = 5, std::int32_t right = 3);

/// Token ids, and a mask unless it is empty, raw.
[[nodiscard]] ::inference::ModelInferRequest bertRequest(const std::string& model, const std::vector<std::int64_t>& ids,
                                                         const std::vector<std::int64_t>& mask = {});

[[nodiscard]] std::vector<std::int32_t> int32Output(const ::inference::ModelInferResponse& response, int output);
[[nodiscard]] std::vector<float> floatOutput(const ::inference::ModelInferResponse& response, int output);

[[nodiscard]] std::unique_ptr<::inference::GRPCInferenceService::Stub> stubFor(int port);

/// ModelInfer, waiting for the answer at most 60 s.
[[nodiscard]] grpc::Status infer(::inference::GRPCInferenceService::Stub& stub, const ::inference::ModelInferRequest& request,
                                 ::inference::ModelInferResponse& response);

/// Sends all requests at once and waits for all; their statuses, in order.
[[nodiscard]] std::vector<grpc::Status> inferAtOnce(::inference::GRPCInferenceService::Stub& stub,
                                                    const std::vector<::inference::ModelInferRequest>& requests);

} // namespace gantry::inference_server
