// gantryd: the node daemon. Puts the parts together, listens, and waits for a signal or for idleness.

#include "remote_server/node/alerts/alert_actions.h"
#include "remote_server/node/alerts/alert_rules.h"
#include "remote_server/node/certificates.h"
#include "remote_server/node/engines/capture_engines.h"
#include "remote_server/node/engines/kineto_tool.h"
#include "remote_server/node/engines/nsys_tool.h"
#include "remote_server/node/engines/triton_tool.h"
#include "remote_server/node/history/metric_history.h"
#include "remote_server/node/listen_options.h"
#include "remote_server/node/log_ring.h"
#include "remote_server/node/log_sink.h"
#include "remote_server/node/metrics_endpoint.h"
#include "remote_server/node/node_info.h"
#include "remote_server/node/node_service.h"
#include "remote_server/node/nsys_exports.h"
#include "remote_server/node/process_environment.h"
#include "remote_server/node/rehearsal/fault_proxy.h"
#include "remote_server/node/rehearsal/rehearsal.h"
#include "remote_server/node/sampling/host_io_sampler.h"
#include "remote_server/node/sampling/host_sampler.h"
#include "remote_server/node/sampling/metric_sources.h"
#include "remote_server/node/stdio_relay.h"
#include "remote_server/node/target_facts.h"
#include "remote_server/node/target_registry.h"
#include "remote_server/proto/grpc_log.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <mutex>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

using namespace gantry;
using namespace gantry::node;

struct Arguments
{
    ListenOptions listen;
    std::string reportFolder;
    std::string captureLibrary;
    std::string nsys;
    std::string targetProfiles;
    std::string idleExit;
    std::string readyFile;
    std::string logLevel = "info";
    std::string rehearsal, rehearsalStart, rehearsalFaults;
    std::uint64_t historyMiB = 1024; ///< of metrics, on disk
    bool isPinned = false;
    bool isRelay = false; ///< --stdio
};

/// A rehearsal's are not put among those of real captures.
std::string defaultReportFolder(bool isRehearsal)
{
    const char* data = std::getenv("XDG_DATA_HOME");
    const char* home = std::getenv("HOME");
    const std::string folder = data && *data ? std::string(data) : std::string(home ? home : "/tmp") + "/.local/share";
    return folder + (isRehearsal ? "/gantry/rehearsed-reports" : "/gantry/reports");
}

/// The library beside this program: in ../lib of an installed bundle or of a build folder.
std::string findCaptureLibrary()
{
    std::error_code error;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
    const auto library = self.parent_path().parent_path() / "lib" / "libgantry_capture.so";
    return std::filesystem::exists(library, error) ? library.string() : std::string();
}

/// Another program of this bundle; empty: it is not there.
std::filesystem::path findBeside(const char* program)
{
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / program;
    return std::filesystem::exists(path, error) ? path : std::filesystem::path();
}

/// A folder of this bundle; empty: it is not there.
std::filesystem::path findFolder(const char* name)
{
    std::error_code error;
    const auto path = std::filesystem::read_symlink("/proc/self/exe", error).parent_path().parent_path() / name;
    return std::filesystem::is_directory(path, error) ? path : std::filesystem::path();
}

void setUpLog(LogRing& ring, const std::string& level)
{
    auto toRing = std::make_shared<LogRingSink>(ring);
    auto toTerminal = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("gantryd", spdlog::sinks_init_list{toRing, toTerminal}));
    spdlog::set_level(spdlog::level::from_str(level));
}

Result<std::chrono::nanoseconds> parseIdle(const std::string& text)
{
    if (text.empty())
        return std::chrono::nanoseconds::max();
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const std::string unit = end;
    const double scale = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3600 : 0;
    constexpr double kLongestSeconds = 10.0 * 365 * 24 * 3600;
    if (!(value > 0) || scale == 0 || !(value * scale <= kLongestSeconds)) // written so that "nan" and "inf" do not pass
        return Error{ErrorCode::BadInput, "--idle-exit needs a time such as 30s, 10m or 2h, not \"" + text + "\"", {}};
    return std::chrono::nanoseconds(static_cast<std::int64_t>(value * scale * 1e9));
}

constexpr std::int64_t kWarnDaysBeforeExpiry = 30;
constexpr std::chrono::hours kLookForExpiryEvery{24};

/// Once a day, from now on.
class ExpiryWatch
{
public:
    explicit ExpiryWatch(std::string certificate) : m_certificate(std::move(certificate)) {}

    void look()
    {
        const auto now = std::chrono::steady_clock::now();
        if (m_certificate.empty() || now < m_next)
            return;
        m_next = now + kLookForExpiryEvery;
        if (const auto left = daysLeft(m_certificate); left && *left < 0)
            spdlog::error("the certificate {} has expired: clients cannot connect before gantryd is started with another one",
                          m_certificate);
        else if (left && *left < kWarnDaysBeforeExpiry)
            spdlog::warn("the certificate {} expires in {} days: make another with `gantryd certs init`", m_certificate, *left);
    }

private:
    std::string m_certificate;
    std::chrono::steady_clock::time_point m_next = std::chrono::steady_clock::now();
};

/// The Triton server that a capture names: a target that has an endpoint and runs, or HOST:PORT of one that was started by hand.
Result<TritonServer> tritonServerOf(const TargetRegistry& targets, const std::string& id)
{
    if (id.find(':') != std::string::npos)
        return TritonServer{id, 0};
    GANTRY_TRY(const proto::Target target, targets.find(id));
    if (target.grpcAddress.empty())
        return Error{ErrorCode::BadInput,
                     "target " + id + " was launched without --grpc-address: gantryd does not know where its server answers",
                     {}};
    if (!targets.isRunning(id))
        return Error{ErrorCode::TargetGone, "target " + id + " has ended", {}};
    return TritonServer{target.grpcAddress, target.pid};
}

/// Also what records on behalf of nobody who is connected, as a flight recorder does.
bool isCapturing(const CaptureEngine& engine)
{
    const auto captures = engine.captures();
    return std::any_of(captures.begin(), captures.end(), [](const proto::CaptureStatus& status) { return !status.isFinished(); });
}

/// Where reports go: made if need be, for this user alone.
Result<std::filesystem::path> prepareReportFolder(const Arguments& arguments)
{
    std::error_code error;
    const std::filesystem::path reportFolder = std::filesystem::absolute(
        arguments.reportFolder.empty() ? defaultReportFolder(!arguments.rehearsal.empty()) : arguments.reportFolder);
    const bool isNew = std::filesystem::create_directories(reportFolder, error);
    if (error)
        return Error{ErrorCode::CannotWrite, "cannot make the report folder " + reportFolder.string() + ": " + error.message(), {}};
    struct stat folder
    {
    };
    if (isNew)
        chmod(reportFolder.c_str(), 0700);
    else if (stat(reportFolder.c_str(), &folder) == 0 && (folder.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        spdlog::warn("others can write to the report folder {}: `chmod go-w` it, unless that is meant", reportFolder.string());
    return reportFolder;
}

/// Listens, through `faults` where there are some, and returns after a signal or when nobody has called for so long. `isTargetRunning`
/// keeps it from the latter.
Result<void> serve(const Arguments& arguments, const Endpoint& endpoint, NodeService& service, CaptureEngine& engine,
                   const std::function<bool()>& isTargetRunning, const FaultWatch* faults = nullptr)
{
    grpc::ServerBuilder builder;
    int port = 0;
    if (!faults)
        builder.AddListeningPort(endpoint.address, endpoint.credentials, &port);
    builder.RegisterService(&service);
    builder.SetMaxReceiveMessageSize(64 << 20);
    builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 2);
    builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 20'000); // a client whose machine is gone ends its calls
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
    // Clients that come through SSH or a command read nothing without a call, and must not be given up for that: node_channel.cpp.
    builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 0);
    builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0); // a second daemon on the port would get half of the calls
    const mode_t mask = umask(0177);                         // the socket is for this user alone
    const auto server = builder.BuildAndStart();
    umask(mask);
    if (!server || (endpoint.isTcp && port == 0))
        return Error{ErrorCode::Unreachable, "cannot listen on " + endpoint.address + ": is another program using it?", {}};
    std::unique_ptr<FaultProxy> proxy;
    if (faults) {
        GANTRY_TRY(proxy, FaultProxy::create(endpoint.address.substr(std::strlen("unix:")), *faults,
                                             [&](int fd) { grpc::AddInsecureChannelFromFd(server.get(), fd); }));
    }
    const std::string shown = endpoint.isTcp ? endpoint.host + ":" + std::to_string(port) : endpoint.address;
    spdlog::info("gantryd {} listens on {}", GANTRY_VERSION, shown);
    if (!arguments.readyFile.empty())
        GANTRY_CHECK(writeReadyFile(arguments.readyFile, shown, endpoint.tokenFile));

    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    GANTRY_TRY(const auto idleLimit, parseIdle(arguments.idleExit));
    const timespec second{1, 0};
    for (ExpiryWatch expiry(arguments.listen.tlsCertificate); expiry.look(), sigtimedwait(&ends, nullptr, &second) < 0;)
        if (!arguments.isPinned && service.idleTime() > idleLimit && !isTargetRunning() && !isCapturing(engine)) {
            spdlog::info("nobody has called for {}: ending", arguments.idleExit);
            break;
        }
    spdlog::info("gantryd ends");
    if (const auto stopped = engine.stop(""); stopped) {
        const timespec now{0, 0}; // a second signal: no more waiting for the report
        for (auto status = engine.status(stopped->captureId); status && !status->isFinished() && sigtimedwait(&ends, nullptr, &now) < 0;)
            status = engine.waitForChange(stopped->captureId, *status, std::chrono::milliseconds(100));
    }
    service.shutDown();
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(2));
    return {};
}

/// A client fetches the reports of a series when it has ended.
bool isOfRunningCapture(const CaptureEngine& engine, const std::string& report)
{
    const auto captures = engine.captures();
    return std::any_of(captures.begin(), captures.end(), [&](const proto::CaptureStatus& capture) {
        return !capture.isFinished() &&
               std::find(capture.reportNames.begin(), capture.reportNames.end(), report) != capture.reportNames.end();
    });
}

MetricHistory::Options historyOptions(const Arguments& arguments, const std::filesystem::path& reportFolder)
{
    MetricHistory::Options options;
    if (arguments.historyMiB > 0)
        options.path = reportFolder / MetricHistory::kFileName;
    options.maxBytes = arguments.historyMiB << 20;
    options.bootId = bootId();
    return options;
}

Result<void> run(const Arguments& arguments, LogRing& log)
{
    GANTRY_CHECK(parseIdle(arguments.idleExit));
    GANTRY_TRY(const Endpoint endpoint, prepareEndpoint(arguments.listen));
    GANTRY_TRY(const std::filesystem::path reportFolder, prepareReportFolder(arguments));

    Sampler sampler;
    sampler.addSource("host", std::make_unique<HostSampler>());
    sampler.addSource("host.io", std::make_unique<HostIoSampler>());
    auto nvml = Nvml::open();
    std::string noGpuReason;
    const Nvml* gpus = nullptr;
    if (nvml) {
        gpus = nvml->get();
        sampler.addSource("gpu", std::move(*nvml));
    } else {
        noGpuReason = nvml.error().message;
        spdlog::info("{}", noGpuReason);
    }

    MetricHistory history(historyOptions(arguments, reportFolder));
    const AttachedSink historyOfAll(sampler, history);
    MetricSources sources(sampler, reportFolder / MetricSources::kFileName);
    std::unique_ptr<MetricsEndpoint> shown;
    if (!arguments.listen.metrics.empty()) {
        GANTRY_TRY(const MetricsListen listen, prepareMetricsListen(arguments.listen, endpoint.stateFolder));
        GANTRY_TRY(shown, MetricsEndpoint::listen(listen, {sampler, sources, history}));
        spdlog::info("metrics for Prometheus: http{}://{}:{}/metrics, with the token of {}", listen.tlsKey.empty() ? "" : "s", listen.host,
                     shown->port(), listen.tokenFile);
    }

    const auto captureSocket = std::filesystem::path(endpoint.stateFolder) / "capture.sock";
    const std::string library =
        arguments.captureLibrary.empty() ? findCaptureLibrary() : std::filesystem::absolute(arguments.captureLibrary).string();
    std::mutex engineMutex;
    CaptureEngine* captureEngine = nullptr; // engineMutex; that a profiler tells of its failure, and whose reports are not deleted
    ReportStore reports(reportFolder);
    ReportRetention::Options retentionOptions;
    retentionOptions.isOfRunningCapture = [&](const std::string& name) {
        const std::lock_guard lock(engineMutex);
        return captureEngine && isOfRunningCapture(*captureEngine, name);
    };
    ReportRetention retention(reports, std::move(retentionOptions));
    importing::NsysPlaces nsysPlaces = importing::NsysPlaces::ofThisMachine();
    if (!arguments.nsys.empty())
        nsysPlaces.program = std::filesystem::absolute(arguments.nsys);
    const importing::NsysPlaces knownNsysPlaces = nsysPlaces;
    // With the reports, where there is room: the state folder is often in memory.
    NsysExports nsysExports({reportFolder, nsysPlaces});
    const TargetProfiles profiles = TargetProfiles::read(
        arguments.targetProfiles.empty() ? findFolder("share/gantry/target_profiles") : std::filesystem::path(arguments.targetProfiles));
    TargetRegistry* launched = nullptr; // which the tool asks about targets, and which asks it for their commands
    NsysTool nsys({std::move(nsysPlaces), [&](const std::string& id) { return launched->nsysSession(id); },
                   [&](const std::string& id) { return launched->isRunning(id); }});
    auto kinetoFabric = KinetoFabric::create();
    if (!kinetoFabric)
        spdlog::warn("PyTorch's profiler cannot be used: {}", kinetoFabric.error().text());
    TargetRegistry targets(
        {library, captureSocket, &sampler,
         [&](const proto::LaunchRequest& request, const std::string& session) { return nsys.launchCommand(request, session); },
         [&](const std::string& session) { nsys.endSession(session); },
         kinetoFabric ? (*kinetoFabric)->environment() : std::map<std::string, std::string>(), &profiles});
    launched = &targets;
    std::optional<KinetoTool> kineto;
    if (kinetoFabric)
        kineto.emplace(KinetoTool::Options{[&](const std::string& id) { return targets.find(id); },
                                           [&](const std::string& id) { return targets.isRunning(id); }},
                       **kinetoFabric);
    TritonTool triton({[&](const std::string& id) { return tritonServerOf(targets, id); }, &sampler});
    TargetProfiler profiler([&](const std::string& captureId, const Error& failure) {
        const std::lock_guard lock(engineMutex);
        if (captureEngine)
            (void)captureEngine->fail(captureId, failure);
    });
    CaptureEngine::Options options;
    options.socketPath = captureSocket;
    options.reportFolder = reportFolder;
    options.metrics = &sampler;
    options.gpuSampler = findBeside("gantry-gpu-sampler");
    if (gpus)
        for (const proto::GpuInfo& gpu : gpus->gpus())
            if (gpu.problem.empty())
                options.gpus.push_back(static_cast<int>(gpu.index));
    options.nodeSnapshot = [&] { return snapshotRows(describeNode(gpus, noGpuReason, reportFolder)); };
    options.targetName = [&](const std::string& id) { return targets.nameOf(id); };
    options.targetFacts = [&](const std::string& id) {
        const std::vector<proto::Target> all = targets.list();
        const auto found = std::find_if(all.begin(), all.end(), [&](const proto::Target& target) { return target.id == id; });
        return found == all.end() ? std::map<std::string, std::string>() : targetFacts(*found);
    };
    options.isTargetRunning = [&](const std::string& id) { return targets.isRunning(id); };
    options.stopTarget = [&](const std::string& id) { targets.terminate(id); };
    options.companion = [&](const proto::CaptureRequest& request) -> Result<std::shared_ptr<WindowCompanion>> {
        if (!request.hasServerTrace)
            return std::shared_ptr<WindowCompanion>();
        GANTRY_TRY(const TritonServer server, tritonServerOf(targets, request.targetId));
        GANTRY_TRY(auto tracer, TritonTracer::begin(server));
        return std::shared_ptr<WindowCompanion>(std::move(tracer));
    };
    options.startProfiler = [&](const std::string& captureId, const std::string& target) { profiler.start(captureId, target); };
    options.stopProfiler = [&](const std::string& captureId) { profiler.stop(captureId); };
    options.onReport = [&](const std::string& name) {
        spdlog::info("report {} is complete", name);
        retention.applySoon();
    };
    ToolEngine::Options toolOptions{proto::EngineKind::Nsys, reportFolder,       options.nodeSnapshot,
                                    options.targetName,      options.stopTarget, options.onReport};
    GANTRY_TRY(auto native, CaptureEngine::create(std::move(options)));
    const auto engine = std::make_unique<CaptureEngines>(std::move(native));
    engine->add(proto::EngineKind::Nsys, std::make_unique<ToolEngine>(toolOptions, nsys));
    if (kineto) {
        toolOptions.kind = proto::EngineKind::Kineto;
        engine->add(toolOptions.kind, std::make_unique<ToolEngine>(toolOptions, *kineto));
    }
    toolOptions.kind = proto::EngineKind::ServerTrace;
    engine->add(toolOptions.kind, std::make_unique<ToolEngine>(toolOptions, triton));
    targets.setEngine(engine.get());
    {
        const std::lock_guard lock(engineMutex);
        captureEngine = engine.get();
    }

    ReadinessInputs inputs;
    inputs.reportFolder = reportFolder;
    inputs.captureLibrary = library;
    inputs.gpuSampler = findBeside("gantry-gpu-sampler");
    inputs.nsysPlaces = knownNsysPlaces;
    inputs.environment = currentEnvironment();
    Readiness readiness(std::move(inputs));
    ProcessLister processes;
    AlertRules alerts(sampler, {reportFolder / AlertRules::kFileName,
                                [&](const proto::AlertRule& rule) -> Result<std::string> {
                                    GANTRY_CHECK(retention.roomForCapture());
                                    return actOnAlert(*engine, targets.list(), rule);
                                },
                                {},
                                {}});
    NodeService service({*engine, targets, profiles, profiler, reports, retention, nsysExports, sampler, history, sources, alerts, gpus,
                         noGpuReason, readiness, processes, log, endpoint.token});
    const auto served = serve(arguments, endpoint, service, *engine, [&] { return targets.anyRunning() || alerts.watchesAny(); });
    targets.setEngine(nullptr);
    const std::lock_guard lock(engineMutex);
    captureEngine = nullptr; // profilers that are still to be stopped outlive it
    return served;
}

/// The same with a recording in the place of this machine.
Result<void> rehearse(const Arguments& arguments, LogRing& log)
{
    GANTRY_CHECK(parseIdle(arguments.idleExit));
    if (!arguments.rehearsalFaults.empty() && !arguments.listen.tcp.empty())
        return Error{ErrorCode::BadInput, "--rehearse-faults needs a unix socket: leave --listen away", {}};
    GANTRY_TRY(const DurationNs start, parseRehearsalStart(arguments.rehearsalStart));
    GANTRY_TRY(const Endpoint endpoint, prepareEndpoint(arguments.listen));
    GANTRY_TRY(const std::filesystem::path reportFolder, prepareReportFolder(arguments));
    GANTRY_TRY(const auto rehearsal, Rehearsal::create({arguments.rehearsal, start, arguments.rehearsalFaults, reportFolder, &log}));
    ReportStore reports(reportFolder);
    NsysExports nsysExports({reportFolder, {}});
    const TargetProfiles profiles;
    TargetProfiler profiler([](const std::string&, const Error&) {}); // is never asked: see Targets::profilerCalls()
    ReportRetention::Options retentionOptions;
    retentionOptions.diskRoom = [&](const std::filesystem::path& folder) { return rehearsal->diskRoom(folder); };
    retentionOptions.isOfRunningCapture = [&](const std::string& name) { return isOfRunningCapture(rehearsal->engine(), name); };
    ReportRetention retention(reports, std::move(retentionOptions));
    Readiness readiness({}); // the rehearsal speaks in the place of these two
    ProcessLister processes;
    MetricHistory::Options inMemory;
    inMemory.bootId = bootId();
    MetricHistory history(std::move(inMemory));
    const AttachedSink historyOfAll(rehearsal->sampler(), history);
    MetricSources sources(rehearsal->sampler(), {});
    AlertRules alerts(
        rehearsal->sampler(),
        {{}, [&](const proto::AlertRule& rule) { return actOnAlert(rehearsal->engine(), rehearsal->targets().list(), rule); }, {}, {}});
    NodeService service({rehearsal->engine(),
                         rehearsal->targets(),
                         profiles,
                         profiler,
                         reports,
                         retention,
                         nsysExports,
                         rehearsal->sampler(),
                         history,
                         sources,
                         alerts,
                         nullptr,
                         {},
                         readiness,
                         processes,
                         log,
                         endpoint.token,
                         rehearsal.get()});
    spdlog::info("plays the recording {}: {}", arguments.rehearsal, rehearsal->info().recording);
    return serve(
        arguments, endpoint, service, rehearsal->engine(), [] { return false; }, rehearsal->faults());
}

int initCertificates(const CertificateRequest& request)
{
    if (const auto made = makeCertificates(request); !made) {
        std::fprintf(stderr, "gantryd: %s\n", made.error().text().c_str());
        return exitStatus(made.error().code);
    }
    const std::string folder = request.folder.string();
    std::printf("On this node:   gantryd --listen %s:8800 --tls-cert %s/node.pem --tls-key %s/node.key --tls-client-ca %s/ca.pem\n"
                "On your desk, with ca.pem, client.pem, client.key and gantryd's token file, which nobody else may read:\n"
                "                gantry --node 'grpcs://%s:8800?ca=ca.pem&cert=client.pem&key=client.key&token-file=token'\n"
                "ca.key signs further certificates; keep it where nobody else can read it.\n",
                request.hosts.front().c_str(), folder.c_str(), folder.c_str(), folder.c_str(), request.hosts.front().c_str());
    return 0;
}

} // namespace

int main(int argc, char** argv)
{
    proto::routeGrpcLog([](const std::string& line) { spdlog::debug("{}", line); });
    CLI::App app{"gantryd: captures GPU inference servers on this node and serves what it captured.\n"
                 "By default it listens on a unix socket that only this user can reach."};
    Arguments arguments;
    app.add_option("--socket", arguments.listen.socket, "unix socket to listen on (default $XDG_RUNTIME_DIR/gantry/gantryd.sock)");
    auto* listen =
        app.add_option("--listen", arguments.listen.tcp,
                       "HOST:PORT to listen on instead: loopback with a token, anything else only with TLS; port 0 takes a free one");
    app.add_option("--token-file", arguments.listen.tokenFile,
                   "file with the token that TCP clients must show; made when it does not exist");
    app.add_option("--tls-cert", arguments.listen.tlsCertificate, "certificate (PEM)");
    app.add_option("--tls-key", arguments.listen.tlsKey, "its private key (PEM)");
    app.add_option("--tls-client-ca", arguments.listen.tlsClientAuthority, "require client certificates signed by this authority (PEM)");
    app.add_option("--report-folder", arguments.reportFolder, "where reports are kept (default ~/.local/share/gantry/reports)");
    app.add_option("--capture-library", arguments.captureLibrary, "libgantry_capture.so (default: ../lib beside this program)")
        ->check(CLI::ExistingFile);
    app.add_option("--nsys", arguments.nsys,
                   "nsys that exports reports of Nsight Systems for clients (default: that of PATH, /opt/nvidia or /usr/local/cuda)")
        ->check(CLI::ExistingFile);
    app.add_option("--target-profiles", arguments.targetProfiles,
                   "folder of what is known of inference engines (default: ../share/gantry/target_profiles beside this program)")
        ->check(CLI::ExistingDirectory);
    app.add_option("--metrics-listen", arguments.listen.metrics,
                   "HOST:PORT where a Prometheus reads /metrics with the token of metrics-token beside the socket; beyond loopback only "
                   "with --tls-cert and --tls-key");
    app.add_option("--history-mib", arguments.historyMiB,
                   "MiB that the history of metrics may take beside the reports (default 1024); 0: it is kept in memory, and less of it")
        ->check(CLI::Range(0, 1 << 20));
    app.add_option("--idle-exit", arguments.idleExit,
                   "end when for this time nobody has called, no target runs and nothing is captured, e.g. 10m");
    app.add_flag("--pinned", arguments.isPinned, "stay in spite of --idle-exit");
    app.add_flag("--stdio", arguments.isRelay,
                 "carry gRPC between standard input and output and this user's gantryd, for addresses such as `exec:kubectl exec -i POD -- "
                 "gantryd --stdio`; where none runs one is started in the background with the other options given, and --idle-exit 10m")
        ->excludes(listen);
    auto* rehearsing = app.add_option("--rehearse", arguments.rehearsal,
                                      "play a session that `gantryctl node record` has recorded, in the place of this machine");
    rehearsing->check(CLI::ExistingDirectory);
    app.add_option("--rehearse-start", arguments.rehearsalStart, "where in it to begin, e.g. 12s")->needs(rehearsing);
    app.add_option("--rehearse-faults", arguments.rehearsalFaults,
                   "file with what goes wrong, read again when it changes: latency=200ms loss=5% cut-after=3s stall=2s disk-full=on crash "
                   "clock=+5s version=1")
        ->needs(rehearsing);
    app.add_option("--ready-file", arguments.readyFile, "write the address here once listening");
    app.add_option("--log-level", arguments.logLevel, "trace, debug, info, warn or error")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
    CertificateRequest certificates{".", {}, 365};
    auto* certs = app.add_subcommand("certs", "certificates for --listen beyond this machine")->require_subcommand(1);
    auto* init = certs->add_subcommand("init", "makes an authority, once, and a certificate for this node and one for its clients");
    init->add_option("--host", certificates.hosts, "name or address under which clients reach this node; several")->required();
    init->add_option("--folder", certificates.folder, "where they are put (default: here)");
    init->add_option("--days", certificates.days, "how long they are good (default 365)");
    app.footer("Exit status: 0 ended, 64 usage, 65 bad value of an option, 69 cannot listen, 73 cannot write, 75 another gantryd runs "
               "there, 77 not permitted.");
    app.set_version_flag("--version", GANTRY_VERSION);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 64; // EX_USAGE
    }
    if (init->parsed())
        return initCertificates(certificates);
    if (arguments.isRelay) {
        std::vector<std::string> forDaemon(argv, argv + argc);
        std::erase(forDaemon, "--stdio");
        return relayStdio(arguments.listen, std::move(forDaemon));
    }
    // Blocked before any thread exists, so that only the main thread sees them.
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); // a report beyond `ulimit -f` is one that cannot be written, not the end of the daemon

    // Held to the end of the process: giving gRPC back while the poller of a cut fetch is still about takes up to 10 s (gRPC 1.51).
    grpc_init();
    LogRing log;
    setUpLog(log, arguments.logLevel);
    const auto result = arguments.rehearsal.empty() ? run(arguments, log) : rehearse(arguments, log);
    if (!result)
        std::fprintf(stderr, "gantryd: %s\n", result.error().text().c_str());
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("end")); // the ring ends before the logger does
    return result ? 0 : exitStatus(result.error().code);
}
