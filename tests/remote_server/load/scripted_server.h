#pragma once

#include "inference/grpc_service.grpc.pb.h"
#include "remote_server/load/load_options.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <grpcpp/grpcpp.h>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace gantry::load::test {

/// A server of one model whose answers the test decides. Set `onInfer` before the load runs; it is called on many threads.
class ScriptedServer final : public ::inference::GRPCInferenceService::Service
{
public:
    using Stream = grpc::ServerReaderWriter<::inference::ModelStreamInferResponse, ::inference::ModelInferRequest>;

    ScriptedServer()
    {
        grpc::ServerBuilder builder;
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &m_port);
        builder.RegisterService(this);
        m_server = builder.BuildAndStart();
    }
    ~ScriptedServer() override { stop(); }
    void stop() { m_server->Shutdown(std::chrono::system_clock::now()); } ///< nobody answers any more; any thread

    [[nodiscard]] LoadOptions options() const
    {
        LoadOptions options;
        options.address = "127.0.0.1:" + std::to_string(m_port);
        options.models = {{"m", 1}};
        return options;
    }

    void addInput(const std::string& name, const std::string& type, const std::vector<std::int64_t>& shape)
    {
        auto* input = m_metadata.add_inputs();
        input->set_name(name);
        input->set_datatype(type);
        input->mutable_shape()->Add(shape.begin(), shape.end());
    }

    grpc::Status ModelMetadata(grpc::ServerContext*, const ::inference::ModelMetadataRequest* request,
                               ::inference::ModelMetadataResponse* reply) override
    {
        if (!models.contains(request->name()))
            return {grpc::StatusCode::NOT_FOUND, "Request for unknown model: '" + request->name() + "' is not found"};
        *reply = m_metadata;
        return grpc::Status::OK;
    }

    grpc::Status ModelConfig(grpc::ServerContext*, const ::inference::ModelConfigRequest*, ::inference::ModelConfigResponse* reply) override
    {
        if (maxBatch < 0)
            return {grpc::StatusCode::UNIMPLEMENTED, ""};
        reply->mutable_config()->set_max_batch_size(maxBatch);
        reply->mutable_config()->mutable_model_transaction_policy()->set_decoupled(isDecoupled);
        for (const auto& [name, value] : parameters)
            (*reply->mutable_config()->mutable_parameters())[name].set_string_value(value);
        return grpc::Status::OK;
    }

    grpc::Status ModelInfer(grpc::ServerContext* context, const ::inference::ModelInferRequest* request,
                            ::inference::ModelInferResponse*) override
    {
        const std::uint64_t number = requests++;
        return onInfer ? onInfer(number, *context, *request) : grpc::Status::OK;
    }

    grpc::Status ModelStreamInfer(grpc::ServerContext* context, Stream* stream) override
    {
        ++streams;
        ::inference::ModelInferRequest request;
        while (stream->Read(&request)) {
            const std::uint64_t number = requests++;
            if (const grpc::Status status = onStreamed(number, *context, request, *stream); !status.ok())
                return status;
        }
        return grpc::Status::OK;
    }

    /// A response to a request of a stream; nothing in it where `isEmpty`.
    static void respond(Stream& stream, const std::string& id, bool isFinal, bool isEmpty = false)
    {
        ::inference::ModelStreamInferResponse response;
        response.mutable_infer_response()->set_id(id);
        if (!isEmpty)
            response.mutable_infer_response()->add_outputs()->set_name("TOKEN");
        (*response.mutable_infer_response()->mutable_parameters())["triton_final_response"].set_bool_param(isFinal);
        stream.Write(response);
    }

    /// The same of a request on a stream; what is no success ends the stream.
    std::function<grpc::Status(std::uint64_t, grpc::ServerContext&, const ::inference::ModelInferRequest&, Stream&)> onStreamed;
    std::atomic<std::uint64_t> streams{0};
    bool isDecoupled = false; ///< only with `maxBatch`

    /// The request's number, counted from 0, its context, and itself.
    std::function<grpc::Status(std::uint64_t, grpc::ServerContext&, const ::inference::ModelInferRequest&)> onInfer;
    std::atomic<std::uint64_t> requests{0};
    std::set<std::string> models{"m"};
    std::map<std::string, std::string> parameters; ///< of its configuration
    int maxBatch = -1; ///< below 0: it has no configuration to tell

private:
    ::inference::ModelMetadataResponse m_metadata;
    int m_port = 0;
    std::unique_ptr<grpc::Server> m_server;
};

} // namespace gantry::load::test
