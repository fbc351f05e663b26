#pragma once

#include "remote_server/proto/protocol_version.h"

#include "gantry/v1/node.pb.h"

#include <google/protobuf/descriptor.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gantry::test {

/// What every call says of itself.
using CallMetadata = std::multimap<std::string, std::string>;

/// Calls any method of the node service by its name, with bytes that may be no message. One thread.
class RawCaller
{
public:
    explicit RawCaller(const std::shared_ptr<grpc::Channel>& channel) : m_stub(channel) {}

    struct Answer
    {
        grpc::Status status;
        std::size_t messages = 0;
    };
    /// Sends the messages, ends its side, and reads to the end, to `mostMessages` or to the timeout.
    [[nodiscard]] Answer call(const std::string& method, const std::vector<std::string>& messages, const CallMetadata& metadata,
                              std::chrono::milliseconds timeout, std::size_t mostMessages = 1000)
    {
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + timeout);
        for (const auto& [key, value] : metadata)
            context.AddMetadata(key, value);
        grpc::CompletionQueue queue;
        const auto stream = m_stub.PrepareCall(&context, "/gantry.v1.Node/" + method, &queue);
        const auto done = [&] {
            void* tag = nullptr;
            bool isOk = false;
            return queue.Next(&tag, &isOk) && isOk;
        };
        stream->StartCall(nullptr);
        bool goesOn = done();
        for (const std::string& message : messages)
            if (goesOn) {
                const grpc::Slice slice(message);
                stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
                goesOn = done();
            }
        if (goesOn) {
            stream->WritesDone(nullptr);
            (void)done();
        }
        Answer answer;
        for (grpc::ByteBuffer buffer;; ++answer.messages) {
            if (answer.messages == mostMessages)
                context.TryCancel();
            stream->Read(&buffer, nullptr);
            if (!done())
                break;
        }
        stream->Finish(&answer.status, nullptr);
        (void)done();
        queue.Shutdown();
        while (done()) {
        }
        return answer;
    }

private:
    grpc::GenericStub m_stub;
};

/// All methods of the service, as its description has them: one that is added is among them.
[[nodiscard]] inline std::vector<const google::protobuf::MethodDescriptor*> nodeMethods()
{
    const auto* service = v1::HelloRequest::descriptor()->file()->FindServiceByName("Node");
    std::vector<const google::protobuf::MethodDescriptor*> methods;
    for (int i = 0; i < service->method_count(); ++i)
        methods.push_back(service->method(i));
    return methods;
}

[[nodiscard]] inline CallMetadata versionMetadata()
{
    return {{"gantry-protocol", std::to_string(proto::kProtocolVersion)}};
}

} // namespace gantry::test
