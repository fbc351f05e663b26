#include "remote_server/proto/convert.h"

#include <gtest/gtest.h>

#include <string>

namespace gantry::proto {
namespace {

TEST(Convert, KeepsEveryFieldOfATarget)
{
    Target target;
    target.id = "t1";
    target.name = "serve";
    target.argv = {"gantry-serve", "--model-repository", "models"};
    target.pid = 77;
    target.state = TargetState::Killed;
    target.exitCode = 3;
    target.exitSignal = 9;
    target.startedUtcNs = 1'700'000'000'000'000'001;
    target.adopted = true;
    target.processes = {{77, "/bin/serve", true, false}, {78, "/bin/worker", false, true}};
    target.grpcAddress = "127.0.0.1:8001";
    target.metricsUrl = "http://127.0.0.1:8002/metrics";
    target.models = {{"bert", "1", "READY", "gantry_bert"}};
    target.message = "ended by SIGKILL";
    target.engine = EngineKind::Kineto;
    target.profile = "vllm";
    target.profilerUrl = "http://127.0.0.1:8000";

    const Target back = fromWire(toWire(target));
    EXPECT_EQ(back.id, target.id);
    EXPECT_EQ(back.name, target.name);
    EXPECT_EQ(back.argv, target.argv);
    EXPECT_EQ(back.pid, target.pid);
    EXPECT_EQ(back.state, target.state);
    EXPECT_EQ(back.exitCode, target.exitCode);
    EXPECT_EQ(back.exitSignal, target.exitSignal);
    EXPECT_EQ(back.startedUtcNs, target.startedUtcNs);
    EXPECT_TRUE(back.adopted);
    ASSERT_EQ(back.processes.size(), 2U);
    EXPECT_TRUE(back.processes[0].captureAttached);
    EXPECT_FALSE(back.processes[0].cudaLoaded);
    EXPECT_EQ(back.processes[1].executable, "/bin/worker");
    EXPECT_EQ(back.grpcAddress, target.grpcAddress);
    EXPECT_EQ(back.metricsUrl, target.metricsUrl);
    ASSERT_EQ(back.models.size(), 1U);
    EXPECT_EQ(back.models[0].platform, "gantry_bert");
    EXPECT_EQ(back.message, target.message);
    EXPECT_EQ(back.engine, EngineKind::Kineto);
    EXPECT_EQ(back.profile, target.profile);
    EXPECT_EQ(back.profilerUrl, target.profilerUrl);
    const TargetProfileInfo profile = fromWire(toWire(TargetProfileInfo{"vllm", "vLLM", false, true, {"a note."}}));
    EXPECT_EQ(profile.name + profile.title, "vllmvLLM");
    EXPECT_TRUE(profile.hasProfiler && !profile.takesIterations);
    EXPECT_EQ(profile.notes, std::vector<std::string>{"a note."});
}

TEST(Convert, KeepsEveryFieldOfACaptureStatus)
{
    CaptureStatus status;
    status.captureId = "c5";
    status.targetId = "t2";
    status.state = CaptureState::Assembling;
    status.holder = "alice@desk: gantry";
    status.elapsedNs = 1;
    status.durationNs = 2;
    status.events = 3;
    status.bytes = 4;
    status.dropped = 5;
    status.message = "m";
    status.reportName = "r.gantry";
    status.error = "cannot_write";
    status.openCostNs = 6;
    status.closeCostNs = 7;
    status.targetExited = true;
    status.commands = {"nsys start --session=s", "nsys stop --session=s"};
    status.step = "importing, 54 %";
    status.engine = EngineKind::Nsys;
    status.cost.during = report::CostSpan{2'000'000'000, 200, {}, 5, 6};
    status.cost.ratio = -0.25;
    status.cost.whyNoAfter = "the next window began";
    status.isCostPending = true;
    status.costReport = "r.gantry";
    status.saveWhen = "p99 queue > 5ms";
    status.ruleSaves = 8;
    status.ruleSavesAtMost = 9;
    status.saveState = "watching: 1.2 ms";

    const CaptureStatus back = fromWire(toWire(status));
    EXPECT_EQ(back.captureId, "c5");
    EXPECT_EQ(back.targetId, "t2");
    EXPECT_EQ(back.state, CaptureState::Assembling);
    EXPECT_EQ(back.holder, status.holder);
    EXPECT_EQ(back.elapsedNs, 1);
    EXPECT_EQ(back.durationNs, 2);
    EXPECT_EQ(back.events, 3U);
    EXPECT_EQ(back.bytes, 4U);
    EXPECT_EQ(back.dropped, 5U);
    EXPECT_EQ(back.message, "m");
    EXPECT_EQ(back.reportName, "r.gantry");
    EXPECT_EQ(back.error, "cannot_write");
    EXPECT_EQ(back.openCostNs, 6);
    EXPECT_EQ(back.closeCostNs, 7);
    EXPECT_TRUE(back.targetExited);
    EXPECT_EQ(back.commands, status.commands);
    EXPECT_EQ(back.step, status.step);
    EXPECT_EQ(back.engine, EngineKind::Nsys);
    EXPECT_EQ(back.cost, status.cost);
    EXPECT_TRUE(back.isCostPending);
    EXPECT_EQ(back.costReport, "r.gantry");
    EXPECT_EQ(back.saveWhen, status.saveWhen);
    EXPECT_EQ(back.ruleSaves, 8U);
    EXPECT_EQ(back.ruleSavesAtMost, 9U);
    EXPECT_EQ(back.saveState, status.saveState);
}

TEST(Convert, KeepsWhatOtherEnginesAreAskedFor)
{
    LaunchRequest launch;
    launch.engine = EngineKind::Nsys;
    launch.nsys = {{"cuda", "osrt"}, "node", true, true};
    launch.isPlanOnly = true;
    const LaunchRequest launched = fromWire(toWire(launch));
    EXPECT_EQ(launched.engine, EngineKind::Nsys);
    EXPECT_EQ(launched.nsys, launch.nsys);
    EXPECT_TRUE(launched.isPlanOnly);

    CaptureRequest request;
    request.engine = EngineKind::ServerTrace;
    request.nsys = {"process-tree", "system-wide", "0,1", 20'000};
    request.isPlanOnly = true;
    request.hasServerTrace = true;
    const CaptureRequest captured = fromWire(toWire(request));
    EXPECT_EQ(captured.engine, EngineKind::ServerTrace);
    EXPECT_EQ(captured.nsys, request.nsys);
    EXPECT_TRUE(captured.isPlanOnly);
    EXPECT_TRUE(captured.hasServerTrace);
}

TEST(Convert, NamesEveryEngineAsACommandLineDoes)
{
    for (const EngineKind engine : {EngineKind::Native, EngineKind::Nsys, EngineKind::Kineto, EngineKind::ServerTrace})
        EXPECT_EQ(engineFromName(name(engine)), engine);
    EXPECT_EQ(engineFromName("perf"), std::nullopt);
}

TEST(Convert, KeepsEveryFieldOfANode)
{
    NodeInfo info;
    info.hostName = "gpu-07";
    info.os = "Debian GNU/Linux 12";
    info.kernel = "Linux 6.1";
    info.cpuModel = "Xeon";
    info.cpuCount = 96;
    info.memoryTotalBytes = 1ULL << 40;
    info.gpus = {{3, "H100", "GPU-1", "0000:01:00.0", 80'000'000'000, 9, 0, "it fell off the bus"}};
    info.noGpuReason = "no GPU: none";
    info.driverVersion = "580.65";
    info.cudaDriverVersion = "13.0";
    info.daemonVersion = "0.1";
    info.reportFolder = "/home/a/reports";
    info.diskFreeBytes = 5;
    info.nsysPath = "/opt/nvidia/nsight-systems/2025.1.1/bin/nsys";
    info.nsysVersion = "2025.1.1.110";
    info.recording = "H100, BERT-base";
    info.userName = "alice";

    const NodeInfo back = fromWire(toWire(info));
    EXPECT_EQ(back.hostName, info.hostName);
    EXPECT_EQ(back.os, info.os);
    EXPECT_EQ(back.kernel, info.kernel);
    EXPECT_EQ(back.cpuModel, info.cpuModel);
    EXPECT_EQ(back.cpuCount, 96U);
    EXPECT_EQ(back.memoryTotalBytes, info.memoryTotalBytes);
    ASSERT_EQ(back.gpus.size(), 1U);
    EXPECT_EQ(back.gpus[0].index, 3U);
    EXPECT_EQ(back.gpus[0].name, "H100");
    EXPECT_EQ(back.gpus[0].uuid, "GPU-1");
    EXPECT_EQ(back.gpus[0].pciBusId, "0000:01:00.0");
    EXPECT_EQ(back.gpus[0].memoryTotalBytes, 80'000'000'000U);
    EXPECT_EQ(back.gpus[0].computeMajor, 9);
    EXPECT_EQ(back.gpus[0].computeMinor, 0);
    EXPECT_EQ(back.gpus[0].problem, "it fell off the bus");
    EXPECT_EQ(back.noGpuReason, info.noGpuReason);
    EXPECT_EQ(back.driverVersion, info.driverVersion);
    EXPECT_EQ(back.cudaDriverVersion, info.cudaDriverVersion);
    EXPECT_EQ(back.daemonVersion, info.daemonVersion);
    EXPECT_EQ(back.reportFolder, info.reportFolder);
    EXPECT_EQ(back.diskFreeBytes, 5U);
    EXPECT_EQ(back.nsysPath, info.nsysPath);
    EXPECT_EQ(back.nsysVersion, info.nsysVersion);
    EXPECT_EQ(back.recording, info.recording);
    EXPECT_EQ(back.userName, "alice");
}

TEST(Convert, KeepsEveryFieldOfTheRequestsOfAClient)
{
    LaunchRequest launch;
    launch.name = "serve";
    launch.argv = {"gantry-serve", ""};
    launch.environment = {{"A", "b=c"}, {"EMPTY", ""}};
    launch.workingDirectory = "/srv";
    launch.grpcAddress = "127.0.0.1:8001";
    launch.metricsUrl = "http://127.0.0.1:8002/metrics";
    launch.inject = false;
    launch.pythonFunctions = "[{}]";
    launch.profile = "auto";
    launch.iterations = "100-150";
    const LaunchRequest launched = fromWire(toWire(launch));
    EXPECT_EQ(launched.name, launch.name);
    EXPECT_EQ(launched.argv, launch.argv);
    EXPECT_EQ(launched.environment, launch.environment);
    EXPECT_EQ(launched.workingDirectory, launch.workingDirectory);
    EXPECT_EQ(launched.grpcAddress, launch.grpcAddress);
    EXPECT_EQ(launched.metricsUrl, launch.metricsUrl);
    EXPECT_FALSE(launched.inject);
    EXPECT_EQ(launched.pythonFunctions, launch.pythonFunctions);
    EXPECT_EQ(launched.profile, "auto");
    EXPECT_EQ(launched.iterations, "100-150");

    CaptureRequest capture;
    capture.targetId = "t1";
    capture.durationNs = 2'000'000'000;
    capture.maxRequests = 20;
    capture.content.kernels = false;
    capture.content.contextSwitches = true;
    capture.content.metrics = false;
    capture.label = "before";
    capture.clientName = "alice@desk: gantry";
    capture.drivesProfiler = true;
    capture.kept = 2;
    capture.keptOf = 10;
    capture.saveWhen = {"queue > 5ms", 1, 2, 3, 4, 5};
    capture.session = "s1";
    capture.sessionNodes = 4;
    const CaptureRequest captured = fromWire(toWire(capture));
    EXPECT_EQ(captured.targetId, capture.targetId);
    EXPECT_EQ(captured.durationNs, capture.durationNs);
    EXPECT_EQ(captured.maxRequests, 20U);
    EXPECT_FALSE(captured.content.kernels);
    EXPECT_TRUE(captured.content.contextSwitches);
    EXPECT_FALSE(captured.content.metrics);
    EXPECT_TRUE(captured.content.nvtx && captured.content.memcpy && captured.content.runtimeApi && captured.content.driverApi &&
                captured.content.synchronization && captured.content.overhead);
    EXPECT_EQ(captured.label, capture.label);
    EXPECT_EQ(captured.clientName, capture.clientName);
    EXPECT_EQ(captured.saveWhen, capture.saveWhen);
    EXPECT_TRUE(captured.drivesProfiler);
    EXPECT_EQ(captured.kept, 2U);
    EXPECT_EQ(captured.keptOf, 10U);
    EXPECT_EQ(captured.session, "s1");
    EXPECT_EQ(captured.sessionNodes, 4U);
    EXPECT_EQ(fromWire(v1::StartCaptureRequest()).saveWhen.lastNs, 5'000'000'000) << "what a client leaves out";
}

TEST(Convert, KeepsEverySwitchOfWhatIsRecordedApart)
{
    constexpr bool CaptureContent::*kSwitches[] = {
        &CaptureContent::nvtx,       &CaptureContent::kernels,  &CaptureContent::memcpy,      &CaptureContent::runtimeApi,
        &CaptureContent::driverApi,  &CaptureContent::overhead, &CaptureContent::metrics,     &CaptureContent::synchronization,
        &CaptureContent::apiQueries, &CaptureContent::modules,  &CaptureContent::wholeGraphs, &CaptureContent::memoryAllocations};
    for (std::size_t only = 0; only < std::size(kSwitches); ++only) {
        CaptureRequest capture;
        for (std::size_t i = 0; i < std::size(kSwitches); ++i)
            capture.content.*kSwitches[i] = i == only;
        const CaptureRequest captured = fromWire(toWire(capture));
        for (std::size_t i = 0; i < std::size(kSwitches); ++i)
            EXPECT_EQ(captured.content.*kSwitches[i], i == only) << i << " of " << only;
    }
}

TEST(Convert, KeepsEveryFieldOfAReportAndOfAGreeting)
{
    const ReportInfo report = fromWire(toWire(ReportInfo{"r.gantry", 1, "aa", 2, "serve", 3, "label", "two nodes", true, 4}));
    EXPECT_EQ(report.name, "r.gantry");
    EXPECT_EQ(report.sizeBytes, 1U);
    EXPECT_EQ(report.sha256, "aa");
    EXPECT_EQ(report.createdUtcNs, 2);
    EXPECT_EQ(report.targetName, "serve");
    EXPECT_EQ(report.durationNs, 3);
    EXPECT_EQ(report.label, "label");
    EXPECT_EQ(report.session, "two nodes");
    EXPECT_TRUE(report.isKept);
    EXPECT_EQ(report.beginUtcNs, 4);
    const HelloInfo hello = fromWire(toWire(HelloInfo{7, "0.1", "gpu-07", "boot", 5}));
    EXPECT_EQ(hello.protocolVersion, 7U);
    EXPECT_EQ(hello.daemonVersion, "0.1");
    EXPECT_EQ(hello.hostName, "gpu-07");
    EXPECT_EQ(hello.bootId, "boot");
    EXPECT_EQ(hello.startedUtcNs, 5);
}

TEST(Convert, ReadsAbsentCaptureContentAsEverything)
{
    v1::StartCaptureRequest wire;
    EXPECT_TRUE(fromWire(wire).content.kernels);
    EXPECT_TRUE(fromWire(wire).content.metrics);
    wire.mutable_content()->set_nvtx(true);
    EXPECT_TRUE(fromWire(wire).content.nvtx);
    EXPECT_FALSE(fromWire(wire).content.kernels);
}

TEST(Convert, ReadsAnEnumeratorOfANewerPeerAsUnknown)
{
    v1::CaptureStatus status;
    status.set_state(static_cast<v1::CaptureState>(99));
    EXPECT_EQ(fromWire(status).state, CaptureState::Unknown);
    v1::Target target;
    target.set_state(static_cast<v1::TargetState>(99));
    EXPECT_EQ(fromWire(target).state, TargetState::Unknown);
}

TEST(Convert, KeepsDefinitionsAndSamplesOfABatch)
{
    MetricsBatch batch;
    batch.sequence = 4;
    batch.droppedSamples = 9;
    batch.definitions = {{7, "nv_inference_count", "count", metrics::SeriesKind::Counter, {{"model", "bert"}}, "help"}};
    batch.samples = {{7, 123, 0.5}};
    batch.nodeMonoNs = 11;
    batch.nodeUtcNs = 12;

    const MetricsBatch back = fromWire(toWire(batch));
    EXPECT_EQ(back.sequence, 4U);
    EXPECT_EQ(back.droppedSamples, 9U);
    ASSERT_EQ(back.definitions.size(), 1U);
    EXPECT_EQ(back.definitions[0].kind, metrics::SeriesKind::Counter);
    EXPECT_EQ(back.definitions[0].labels.at("model"), "bert");
    ASSERT_EQ(back.samples.size(), 1U);
    EXPECT_EQ(back.samples[0].time, 123);
    EXPECT_EQ(back.samples[0].value, 0.5);
    EXPECT_EQ(back.nodeMonoNs, 11);
    EXPECT_EQ(back.nodeUtcNs, 12);
}

TEST(Convert, ReplacesWhatIsNotUtf8InALogLineAndKeepsTheRest)
{
    // A message with a string that is not UTF-8 would be refused as a whole by the receiver.
    LogLine line;
    line.text = "caf\xC3\xA9 \xFF \xC0\x80 \xED\xA0\x80 \xE2\x82";
    const v1::LogLine wire = toWire(line);
    EXPECT_EQ(wire.text(),
              "caf\xC3\xA9 \xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD\xEF\xBF\xBD");
    v1::LogLine parsed;
    EXPECT_TRUE(parsed.ParseFromString(wire.SerializeAsString()));
}

TEST(Convert, FindsEveryErrorCodeByItsName)
{
    for (int value = 0; value <= static_cast<int>(ErrorCode::Internal); ++value) {
        const auto code = static_cast<ErrorCode>(value);
        EXPECT_EQ(errorCodeFromName(name(code)), code);
        EXPECT_NE(statusCode(code), grpc::StatusCode::OK);
    }
    EXPECT_FALSE(errorCodeFromName("no_such_code"));
}

TEST(Convert, ReadsAStatusThatGrpcItselfMadeByItsCode)
{
    const grpc::ClientContext context;
    EXPECT_EQ(toError(grpc::Status(grpc::StatusCode::UNAVAILABLE, "x"), context).code, ErrorCode::Unreachable);
    EXPECT_EQ(toError(grpc::Status(grpc::StatusCode::UNAUTHENTICATED, "x"), context).code, ErrorCode::NotPermitted);
    EXPECT_EQ(toError(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "x"), context).code, ErrorCode::VersionMismatch);
    EXPECT_EQ(toError(grpc::Status(grpc::StatusCode::UNKNOWN, "x"), context).message, "x");
}

} // namespace
} // namespace gantry::proto
