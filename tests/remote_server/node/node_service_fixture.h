#pragma once

#include "remote_server/node/alerts/alert_actions.h"
#include "remote_server/node/node_service.h"
#include "remote_server/node/sampling/sampler.h"
#include "remote_server/node/target_registry.h"
#include "remote_server/proto/convert.h"
#include "remote_server/proto/protocol_version.h"
#include "tests/remote_server/node/fake_capture_engine.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/base/digest.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gantry::node {

inline constexpr const char* kToken = "0123456789abcdef0123456789abcdef";

/// The service on a real server, and a real channel to it.
class NodeServiceTest : public testing::Test
{
protected:
    explicit NodeServiceTest(std::string token = {}) : m_token(std::move(token))
    {
        std::filesystem::create_directory(folder / "reports");
        targets.setEngine(&engine);
        service = std::make_unique<NodeService>(NodeService::Parts{engine, targets, profiles, profiler, reports, retention, nsysExports,
                                                                   sampler, history, sources, alerts, nullptr, "no GPU: none in this test",
                                                                   readiness, processes, log, m_token});
        const std::string socket = "unix:" + (folder / "node.sock").string();
        int port = 0;
        grpc::ServerBuilder builder;
        builder.AddListeningPort(m_token.empty() ? socket : "127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
        builder.RegisterService(service.get());
        server = builder.BuildAndStart();
        channel = grpc::CreateChannel(m_token.empty() ? socket : "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials());
        stub = v1::Node::NewStub(channel);
    }
    ~NodeServiceTest() override
    {
        service->shutDown();
        server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
        targets.setEngine(nullptr);
    }

    /// What every call carries.
    static std::unique_ptr<grpc::ClientContext> call(std::chrono::seconds timeout = std::chrono::seconds(20))
    {
        auto context = std::make_unique<grpc::ClientContext>();
        context->set_deadline(std::chrono::system_clock::now() + timeout);
        context->AddMetadata(proto::kProtocolKey, std::to_string(proto::kProtocolVersion));
        return context;
    }

    void writeReport(const std::string& name, const std::string& content)
    {
        std::ofstream(folder / "reports" / name, std::ios::binary) << content;
    }

    struct Fetched
    {
        std::string data;
        std::vector<v1::ReportChunk> chunks; ///< without their data
        grpc::Status status;
        Error error;
    };
    Fetched fetch(const std::string& name, std::uint64_t offset = 0, const std::string& expected = {})
    {
        const auto context = call();
        v1::FetchReportRequest request;
        request.set_name(name);
        request.set_offset(offset);
        request.set_expected_sha256(expected);
        const auto reader = stub->FetchReport(context.get(), request);
        Fetched fetched;
        for (v1::ReportChunk chunk; reader->Read(&chunk);) {
            EXPECT_LE(chunk.data().size(), 256U * 1024);
            EXPECT_EQ(chunk.crc32(), crc32(std::as_bytes(std::span(chunk.data()))));
            EXPECT_EQ(chunk.offset(), offset + fetched.data.size());
            fetched.data += chunk.data();
            chunk.clear_data();
            fetched.chunks.push_back(chunk);
        }
        fetched.status = reader->Finish();
        if (!fetched.status.ok())
            fetched.error = proto::toError(fetched.status, *context);
        return fetched;
    }

    /// Begins to export a report of this size, sends these chunks, and tells how the call ended.
    Error exportError(std::uint64_t bytes, const std::vector<v1::ReportChunk>& chunks)
    {
        std::ofstream(folder / "nsys") << "#!/bin/sh\n"; // says no version and makes no export
        std::filesystem::permissions(folder / "nsys", std::filesystem::perms::owner_all);
        const auto context = call();
        const auto messages = stub->ExportNsysReport(context.get());
        v1::NsysExportRequest request;
        *request.mutable_begin() = proto::toWire(proto::NsysExport{"run.nsys-rep", bytes, "alice@desk: gantry"});
        messages->Write(request);
        for (const v1::ReportChunk& chunk : chunks) {
            *request.mutable_chunk() = chunk;
            messages->Write(request);
        }
        messages->WritesDone();
        for (v1::NsysExportReply reply; messages->Read(&reply);) {
        }
        const grpc::Status status = messages->Finish();
        EXPECT_FALSE(status.ok());
        EXPECT_TRUE(std::filesystem::is_empty(folder / "reports")) << "something was left";
        return proto::toError(status, *context);
    }
    static v1::ReportChunk chunkOf(std::uint64_t offset, const std::string& data, bool isLast)
    {
        v1::ReportChunk chunk;
        chunk.set_offset(offset);
        chunk.set_data(data);
        chunk.set_crc32(crc32(std::as_bytes(std::span(data))));
        chunk.set_last(isLast);
        return chunk;
    }

    v1::Target launch(std::vector<std::string> argv)
    {
        v1::LaunchTargetRequest request;
        for (std::string& argument : argv)
            request.add_argv(std::move(argument));
        v1::Target target;
        const auto status = stub->LaunchTarget(call().get(), request, &target);
        EXPECT_TRUE(status.ok()) << status.error_message();
        return target;
    }

private:
    std::string m_token;

protected:
    test::TemporaryFolder folder;
    FakeCaptureEngine engine;
    Sampler sampler{std::chrono::milliseconds(5)};
    TargetProfiles profiles = TargetProfiles::read(GANTRY_SOURCE_DIR "/resources/target_profiles");
    TargetProfiler profiler{[](const std::string&, const Error&) {}};
    TargetRegistry targets{{{}, folder / "capture.sock", nullptr, {}, {}, {}, &profiles}};
    ReportStore reports{folder / "reports"};
    NsysExports nsysExports{{folder / "reports", {folder / "nsys", {}, {}, {}}}};
    ReportRetention retention{reports};
    Readiness readiness{{}};
    ProcessLister processes;
    MetricHistory history{{}};
    MetricSources sources{sampler, folder / MetricSources::kFileName};
    AlertRules alerts{sampler,
                      {folder / AlertRules::kFileName,
                       [this](const proto::AlertRule& rule) { return actOnAlert(engine, targets.list(), rule); },
                       {},
                       {}}};
    LogRing log;
    std::unique_ptr<NodeService> service;
    std::unique_ptr<grpc::Server> server;
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1::Node::Stub> stub;
};

class NodeServiceWithTokenTest : public NodeServiceTest
{
protected:
    NodeServiceWithTokenTest() : NodeServiceTest(kToken) {}
};

} // namespace gantry::node
