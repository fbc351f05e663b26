#include "tests/fuzz/node_under_fuzz.h"

#include "remote_server/node/alerts/alert_actions.h"
#include "remote_server/node/node_service.h"
#include "remote_server/node/sampling/sampler.h"
#include "remote_server/node/target_registry.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/remote_server/node/raw_call.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <iterator>
#include <set>

namespace gantry::fuzz {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kSecret = "what nobody may read or write";
constexpr const char* kProgram = "/bin/true"; // ends at once, whatever it is told
constexpr const char* kReport = "kept-by-nobody.gantry";

/// Looks at nothing that takes long.
node::ReadinessInputs quickInputs(const fs::path& folder)
{
    node::ReadinessInputs inputs;
    inputs.root = folder / "root";
    inputs.reportFolder = folder / "reports";
    inputs.nvmlLibrary = "libnvidia-ml-that-is-not-there.so";
    inputs.contextSwitches = [] { return Result<void>(); };
    return inputs;
}

std::unique_ptr<node::CaptureEngine> makeEngine(const fs::path& folder, node::Sampler& sampler)
{
    node::CaptureEngine::Options options;
    options.socketPath = folder / "capture.sock";
    options.reportFolder = folder / "reports";
    options.metrics = &sampler;
    options.isTargetRunning = [](const std::string&) { return true; };
    auto engine = node::CaptureEngine::create(std::move(options));
    GANTRY_FUZZ_CHECK(engine);
    return std::move(*engine);
}

} // namespace

struct NodeUnderFuzz::Parts
{
    test::TemporaryFolder folder;
    bool hasFolders = fs::create_directory(folder / "reports") && fs::create_directory(folder / "state");
    node::Sampler sampler{std::chrono::milliseconds(5)};
    node::TargetProfiles profiles = node::TargetProfiles::read(GANTRY_SOURCE_DIR "/resources/target_profiles");
    node::TargetProfiler profiler{[](const std::string&, const Error&) {}};
    node::TargetRegistry targets{{{}, folder / "state/capture.sock", &sampler, {}, {}, {}, &profiles}};
    node::ReportStore reports{folder / "reports"};
    node::ReportRetention retention{reports};
    node::NsysExports nsysExports{{folder / "reports", {folder / "nsys", {}, {}, {}}}};
    node::Readiness readiness{quickInputs(folder.path())};
    node::ProcessLister processes{{folder / "root/proc", "libnvidia-ml-that-is-not-there.so"}};
    node::MetricHistory history{{}};
    node::MetricSources sources{sampler, folder / "sources.json"};
    node::LogRing log;
    std::unique_ptr<node::CaptureEngine> engine = makeEngine(folder.path(), sampler);
    node::AlertRules alerts{
        sampler,
        {folder / "alerts.json", [this](const proto::AlertRule& rule) { return node::actOnAlert(*engine, targets.list(), rule); }, {}, {}}};
    node::NodeService service{{*engine,
                               targets,
                               profiles,
                               profiler,
                               reports,
                               retention,
                               nsysExports,
                               sampler,
                               history,
                               sources,
                               alerts,
                               nullptr,
                               "no GPU",
                               readiness,
                               processes,
                               log,
                               {}}};
    std::unique_ptr<grpc::Server> server;
    std::shared_ptr<grpc::Channel> channel;
    std::set<std::string> answered;
    std::vector<const google::protobuf::MethodDescriptor*> methods = test::nodeMethods();
    std::vector<std::string> names{kReport, "t1", "c1", "w1", "auto", "unix:" + (folder / "node.sock").string(), "../outside.gantry"};
};

NodeUnderFuzz::NodeUnderFuzz()
{
    spdlog::set_level(spdlog::level::off);
    m_parts = std::make_unique<Parts>();
    test::writeFile(m_parts->folder / "outside.gantry", kSecret);
    m_parts->targets.setEngine(m_parts->engine.get());
    proto::LaunchRequest request;
    request.argv = {kProgram}; // as "t1": what is stopped and started again
    request.inject = false;
    GANTRY_FUZZ_CHECK(m_parts->targets.launch(request));
    grpc::ServerBuilder builder;
    builder.AddListeningPort(m_parts->names[5], grpc::InsecureServerCredentials());
    builder.RegisterService(&m_parts->service);
    m_parts->server = builder.BuildAndStart();
    GANTRY_FUZZ_CHECK(m_parts->server);
    m_parts->channel = grpc::CreateChannel(m_parts->names[5], grpc::InsecureChannelCredentials());
}

NodeUnderFuzz::~NodeUnderFuzz()
{
    m_parts->service.shutDown();
    m_parts->server->Shutdown(std::chrono::system_clock::now() + 2s);
    m_parts->targets.setEngine(nullptr);
}

const std::vector<const google::protobuf::MethodDescriptor*>& NodeUnderFuzz::methods() const
{
    return m_parts->methods;
}

const std::vector<std::string>& NodeUnderFuzz::names() const
{
    return m_parts->names;
}

std::string NodeUnderFuzz::goodRequest(const google::protobuf::MethodDescriptor& method)
{
    if (method.name() == "StartCapture") {
        v1::StartCaptureRequest request;
        request.set_target_id("t1");
        request.set_await_ns(1'000'000); // there is no process to capture
        request.set_duration_ns(1'000'000);
        return request.SerializeAsString();
    }
    if (method.name() == "LaunchTarget") {
        v1::LaunchTargetRequest request;
        request.add_argv(kProgram);
        return request.SerializeAsString();
    }
    if (method.input_type() == v1::StopTargetRequest::descriptor()) {
        v1::StopTargetRequest request;
        request.set_id("t1");
        return request.SerializeAsString();
    }
    if (method.name() == "WatchCapture") {
        v1::WatchCaptureRequest request;
        request.set_capture_id("c1");
        return request.SerializeAsString();
    }
    if (method.name() == "KeepReport" || method.name() == "FetchReport" || method.name() == "DeleteReport") {
        v1::DeleteReportRequest request; // the name is the first field of all of them
        request.set_name(kReport);
        return request.SerializeAsString();
    }
    return {};
}

const std::set<std::string>& NodeUnderFuzz::answered() const
{
    return m_parts->answered;
}

void NodeUnderFuzz::call(const google::protobuf::MethodDescriptor& method, const std::string& bytes)
{
    test::writeFile(m_parts->folder / "reports" / kReport, "a report"); // it may have been deleted
    std::vector<std::string> messages{bytes};
    if (method.client_streaming())
        messages = {bytes.substr(0, bytes.size() / 2), bytes.substr(bytes.size() / 2), bytes};
    // Streams that have no end of their own are left after a moment.
    const auto timeout = method.server_streaming() ? 20ms : 20'000ms;
    const auto answer = test::RawCaller(m_parts->channel).call(method.name(), messages, test::versionMetadata(), timeout, 3);
    const bool isFailure = answer.status.error_code() == grpc::StatusCode::UNKNOWN ||
                           answer.status.error_code() == grpc::StatusCode::UNAVAILABLE ||
                           answer.status.error_message().find("gantryd failed") != std::string::npos ||
                           (answer.status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && !method.server_streaming());
    if (isFailure)
        std::fprintf(stderr, "%s: %d %s\n", method.name().c_str(), answer.status.error_code(), answer.status.error_message().c_str());
    GANTRY_FUZZ_CHECK(!isFailure);
    if (answer.status.ok())
        m_parts->answered.insert(method.name());
}

void NodeUnderFuzz::check()
{
    const auto answer = test::RawCaller(m_parts->channel).call("ListTargets", {""}, test::versionMetadata(), 20s);
    GANTRY_FUZZ_CHECK(answer.status.ok() && answer.messages == 1);
    GANTRY_FUZZ_CHECK(test::readFile(m_parts->folder / "outside.gantry") == kSecret);
    // The reports, the state, the socket of the service and that of targets, and the file above: nothing else was made.
    GANTRY_FUZZ_CHECK(std::distance(fs::directory_iterator(m_parts->folder.path()), {}) == 5);
}

} // namespace gantry::fuzz
