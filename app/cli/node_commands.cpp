#include "app/cli/capture_steps.h"
#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/engine_options.h"
#include "app/cli/metrics_block.h"
#include "app/cli/node_record.h"
#include "app/cli/target_launch.h"
#include "app/remote/log_filter.h"
#include "trace_model/import/nsys_output.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace gantry::cli {
namespace {

constexpr std::chrono::milliseconds kLogQuiet{500};
constexpr DurationNs kLongestRecording = 600'000'000'000;
constexpr const char* kCaptureSocketName = "capture.sock"; // of the capture libraries, beside gantryd's own

nlohmann::json nodeJson(const proto::NodeInfo& info)
{
    nlohmann::json gpus = nlohmann::json::array();
    for (const proto::GpuInfo& gpu : info.gpus)
        gpus.push_back(
            {{"index", gpu.index},
             {"name", gpu.name},
             {"uuid", gpu.uuid},
             {"memory_total_bytes", gpu.memoryTotalBytes > 0 ? nlohmann::json(gpu.memoryTotalBytes) : nlohmann::json()},
             {"compute_capability",
              gpu.computeMajor > 0 ? nlohmann::json(fmt::format("{}.{}", gpu.computeMajor, gpu.computeMinor)) : nlohmann::json()},
             {"problem", orNull(gpu.problem)}});
    return {{"host_name", info.hostName},
            {"os", info.os},
            {"kernel", info.kernel},
            {"cpu_model", info.cpuModel},
            {"cpu_count", info.cpuCount},
            {"memory_total_bytes", info.memoryTotalBytes},
            {"gpus", gpus},
            {"no_gpu_reason", orNull(info.noGpuReason)},
            {"driver_version", orNull(info.driverVersion)},
            {"cuda_driver_version", orNull(info.cudaDriverVersion)},
            {"daemon_version", info.daemonVersion},
            {"user_name", orNull(info.userName)},
            {"report_folder", info.reportFolder},
            {"disk_free_bytes", info.diskFreeBytes ? nlohmann::json(*info.diskFreeBytes) : nlohmann::json()},
            {"nsys_path", orNull(info.nsysPath)},
            {"nsys_version", orNull(info.nsysVersion)},
            {"recording", orNull(info.recording)}};
}

void sayGpu(const proto::GpuInfo& gpu)
{
    say("gpu {}     ", gpu.index);
    if (!gpu.name.empty())
        say("{} · {} · compute capability {}.{}", gpu.name, formatBytes(gpu.memoryTotalBytes), gpu.computeMajor, gpu.computeMinor);
    if (!gpu.problem.empty())
        say("{}{}: see `gantryctl node check`", gpu.name.empty() ? "" : " · ", gpu.problem);
    say("\n");
}

int info(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto info = (*client)->nodeInfo();
    if (!info)
        return report(info.error(), common);
    const auto clock = (*client)->sampleClock();
    if (common.json) {
        nlohmann::json document = nodeJson(*info);
        document["clock_error_ns"] = clock ? nlohmann::json(clock->errorNs) : nlohmann::json();
        print(document);
        return 0;
    }
    say("node      {} · gantryd {} of {} · {}\n", info->hostName, info->daemonVersion, info->userName.empty() ? "–" : info->userName,
        info->os);
    if (info->isRehearsal())
        say("recording {}: nothing of this is measured now\n", info->recording);
    say("cpu       {} × {} · {} memory\n", info->cpuCount, info->cpuModel, formatBytes(info->memoryTotalBytes));
    if (info->gpus.empty())
        say("gpu       {}\n", info->noGpuReason);
    for (const proto::GpuInfo& gpu : info->gpus)
        sayGpu(gpu);
    say("reports   {}{}\n", info->reportFolder, info->diskFreeBytes ? " · " + formatBytes(*info->diskFreeBytes) + " free" : std::string());
    say("nsys      {}\n", info->nsysPath.empty()      ? "not installed: the node cannot export .nsys-rep files"
                          : info->nsysVersion.empty() ? info->nsysPath
                                                      : info->nsysVersion + " · " + info->nsysPath);
    if (clock)
        say("clock     ±{}\n", formatDuration(clock->errorNs));
    return 0;
}

/// One node for `node list`: who answers at a socket.
struct LocalNode
{
    std::string address;
    Result<std::shared_ptr<app::NodeClient>> client;
};

std::vector<LocalNode> localNodes()
{
    // gantryd puts its socket where --socket says, by default beside the default socket: those are all this machine can know of.
    const std::filesystem::path standard = app::defaultSocketPath();
    std::vector<std::filesystem::path> sockets;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(standard.parent_path(), error), end; !error && entry != end; entry.increment(error))
        if (entry->is_socket(error) && entry->path().filename() != kCaptureSocketName)
            sockets.push_back(entry->path());
    std::sort(sockets.begin(), sockets.end());
    std::vector<LocalNode> nodes;
    for (const std::filesystem::path& socket : sockets) {
        const std::string address = "unix:" + socket.string();
        nodes.push_back({address, connect({address, false, nullptr})});
    }
    return nodes;
}

int list(const CommonOptions& common)
{
    std::vector<LocalNode> nodes;
    if (common.node.empty())
        nodes = localNodes();
    else
        nodes.push_back({common.node, connect(common)});
    nlohmann::json document = nlohmann::json::array();
    for (const LocalNode& node : nodes) {
        const bool answers = node.client.hasValue();
        const proto::HelloInfo hello = answers ? (*node.client)->hello() : proto::HelloInfo{};
        document.push_back({{"address", node.address},
                            {"reachable", answers},
                            {"host_name", orNull(hello.hostName)},
                            {"daemon_version", orNull(hello.daemonVersion)},
                            {"error", answers ? nlohmann::json() : nlohmann::json(node.client.error().text())}});
        if (!common.json)
            say("{}  {}\n", node.address,
                answers ? fmt::format("{} · gantryd {}", hello.hostName, hello.daemonVersion) : node.client.error().text());
    }
    if (common.json)
        print(document);
    else if (nodes.empty())
        say("no gantryd runs on this machine for this user: start one with `gantryd`\n");
    return 0;
}

/// Each sample as a line of JSON. `series` is what the batches before it defined.
void printSamples(const proto::MetricsBatch& batch, std::map<std::uint32_t, metrics::SeriesDefinition>& series)
{
    for (const metrics::SeriesDefinition& definition : batch.definitions)
        series[definition.id] = definition;
    for (const metrics::Sample& sample : batch.samples) {
        const metrics::SeriesDefinition& definition = series[sample.seriesId];
        printLine({{"name", definition.name},
                   {"unit", definition.unit},
                   {"labels", definition.labels},
                   {"utc_ns", batch.nodeUtcNs - (batch.nodeMonoNs - sample.time)},
                   {"mono_ns", sample.time},
                   {"value", sample.value}});
    }
}

int watch(const CommonOptions& common, DurationNs length)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    MetricsBlock block;
    TimestampNs first = 0;
    std::map<std::uint32_t, metrics::SeriesDefinition> series;
    const auto result = (*client)->streamMetrics(
        1,
        [&](const proto::MetricsBatch& batch) {
            block.add(batch);
            if (common.json)
                printSamples(batch, series);
            else
                sayLines(block.text());
            std::fflush(stdout);
            if (first == 0)
                first = block.newest();
            // In the node's time: the first block is there however short the time is.
            if (length > 0 && first > 0 && block.newest() - first >= length)
                stop.request_stop();
        },
        stop.get_token());
    return result ? 0 : report(result.error(), common);
}

int listTargets(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto targets = (*client)->targets();
    if (!targets)
        return report(targets.error(), common);
    if (common.json) {
        nlohmann::json document = nlohmann::json::array();
        for (const proto::Target& target : *targets)
            document.push_back(toJson(target));
        print(document);
        return 0;
    }
    if (targets->empty())
        say("no targets: launch one with `gantryctl target launch -- COMMAND`\n");
    for (const proto::Target& target : *targets)
        printTarget(target);
    return 0;
}

int launch(const CommonOptions& common, const LaunchOptions& options, const EngineOptions& engine, const std::string& wait)
{
    proto::LaunchRequest request = options.launchRequest();
    if (const auto applied = engine.apply(request); !applied)
        return reportUsage(applied.error().text(), common);
    DurationNs waitNs = 0;
    if (!wait.empty()) {
        const auto parsed = parseDuration(wait);
        if (!parsed)
            return reportUsage(parsed.error().text(), common);
        waitNs = *parsed;
    }
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    auto target = (*client)->launch(request);
    if (target && request.isPlanOnly) {
        if (common.json)
            print({{"engine", proto::name(request.engine)}, {"commands", {importing::commandText(target->argv)}}});
        else
            say("{}\n", importing::commandText(target->argv));
        return 0;
    }
    if (target && waitNs > 0) {
        std::stop_source stop;
        const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
        target = waitForTarget(**client, target->id, std::chrono::nanoseconds(waitNs), stop.get_token());
    }
    if (!target)
        return report(target.error(), common);
    if (common.json)
        print(toJson(*target));
    else
        printTarget(*target);
    return 0;
}

void printLogLine(const proto::LogLine& line, const CommonOptions& common)
{
    if (common.json)
        printLine({{"utc_ns", line.utcNs}, {"level", name(line.level)}, {"text", line.text}, {"dropped_lines", line.droppedLines}});
    else
        say("{}\n", line.text);
}

struct LogOptions
{
    std::uint32_t lines = 100;
    bool follow = false;
    std::string level, text;
};

int tailLog(const CommonOptions& common, const std::string& id, const LogOptions& options)
{
    app::LogFilter filter(app::logLevelNamed(options.level).value_or(proto::LogLevel::Unknown), options.text);
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    std::stop_source stop;
    const InterruptScope interrupts(common.interrupts, [&](int) { stop.request_stop(); });
    // The stream has no end of its own: without --follow it ends when nothing has come for a moment.
    std::mutex mutex;
    std::condition_variable_any changed;
    bool heard = true;
    std::jthread quiet;
    if (!options.follow)
        quiet = std::jthread([&](std::stop_token ended) {
            std::unique_lock lock(mutex);
            while (heard && !ended.stop_requested()) {
                heard = false;
                changed.wait_for(lock, ended, kLogQuiet, [] { return false; });
            }
            stop.request_stop();
        });
    const auto result = (*client)->tailLog(
        id, options.lines,
        [&](const proto::LogLine& line) {
            if (filter.shows(line))
                printLogLine(line, common);
            const std::lock_guard lock(mutex);
            heard = true;
        },
        stop.get_token());
    return result ? 0 : report(result.error(), common);
}

enum class StopThen
{
    End,
    Restart
};

int stopTarget(const CommonOptions& common, const std::string& id, const std::string& grace, StopThen then)
{
    DurationNs graceNs = 0;
    if (!grace.empty()) {
        const auto parsed = parseDuration(grace);
        if (!parsed)
            return reportUsage(parsed.error().text(), common);
        graceNs = *parsed;
    }
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto target = then == StopThen::Restart ? (*client)->restartTarget(id, graceNs) : (*client)->stopTarget(id, graceNs);
    if (!target)
        return report(target.error(), common);
    if (common.json)
        print(toJson(*target));
    else
        printTarget(*target);
    return 0;
}

int stopCapture(const CommonOptions& common, const std::string& id)
{
    const auto client = connect(common);
    const auto stopped = client ? (*client)->stopCapture(id) : Result<proto::CaptureStatus>(client.error());
    if (!stopped)
        return report(stopped.error(), common);
    if (common.json)
        print(toJson(*stopped));
    else
        say("{} ends: {}\n", stopped->captureId, name(stopped->state));
    return 0;
}

int captures(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    auto all = (*client)->captures();
    if (!all)
        return report(all.error(), common);
    std::erase_if(*all, [](const proto::CaptureStatus& status) { return status.isFinished(); });
    if (common.json) {
        nlohmann::json list = nlohmann::json::array();
        for (const proto::CaptureStatus& status : *all)
            list.push_back(toJson(status));
        print(list);
    } else if (all->empty()) {
        say("nobody captures on this node\n");
    } else {
        sayLines(captureTable(*all));
    }
    return 0;
}

int listProfiles(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto profiles = (*client)->targetProfiles();
    if (!profiles)
        return report(profiles.error(), common);
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const proto::TargetProfileInfo& profile : *profiles)
            all.push_back({{"name", profile.name},
                           {"title", profile.title},
                           {"takes_iterations", profile.takesIterations},
                           {"has_profiler", profile.hasProfiler},
                           {"notes", profile.notes}});
        print(all);
        return 0;
    }
    if (profiles->empty())
        say("this node has no target profiles: gantryd was started without its share/gantry/target_profiles\n");
    for (const proto::TargetProfileInfo& profile : *profiles) {
        const std::string can = std::string(profile.hasProfiler ? "capture --profiler" : "") +
                                (profile.hasProfiler && profile.takesIterations ? ", " : "") +
                                (profile.takesIterations ? "--iterations-range" : "");
        say("{:<14} {:<24} {}\n", profile.name, profile.title, can);
        for (const std::string& note : profile.notes)
            say("               {}\n", note);
    }
    return 0;
}

void addRecordCommand(CLI::App& node, CommonOptions& common, Action& action)
{
    auto* recording =
        node.add_subcommand("record", "Record what the node says into a folder that `gantryd --rehearse` plays on any machine");
    auto options = std::make_shared<RecordOptions>();
    auto time = std::make_shared<std::string>();
    recording->add_option("--for", *time, "how long, e.g. 60s; 10 minutes at most")->required();
    recording->add_option("-o,--output", options->folder, "folder to make")->required();
    recording->add_option("--title", options->title, "what is recorded, shown wherever it is played");
    recording->footer("Node, targets, models, live metrics and logs; and the reports of captures that end meanwhile, so capture a few.");
    recording->callback([&, options, time] {
        action = [&, options, time] {
            const auto length = parseDuration(*time);
            if (!length)
                return reportUsage(length.error().text(), common);
            if (*length > kLongestRecording)
                return reportUsage("--for: a recording takes 10 minutes at most", common);
            options->length = *length;
            return recordNode(common, *options);
        };
    });
}

} // namespace

void addNodeCommands(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* node = app.add_subcommand("node", "What the node is and how it is doing");
    node->require_subcommand(1);
    node->add_subcommand("info", "Host, GPUs, driver, disk, clock")->callback([&] { action = [&] { return info(common); }; });
    node->add_subcommand("list", "The nodes of this machine (or the one of --node) and whether they answer")->callback([&] {
        action = [&] { return list(common); };
    });
    node->add_subcommand("captures", "Who captures on the node, what waits, and recorders that run")->callback([&] {
        action = [&] { return captures(common); };
    });
    addNodeCheckCommand(*node, common, action);
    addNodeProcessesCommand(*node, common, action);
    auto captureId = std::make_shared<std::string>();
    auto* stopping =
        node->add_subcommand("stop-capture", "End a capture, whoever started it: its open window becomes a report, no other follows");
    stopping->add_option("id", *captureId, "as `gantryctl node captures` shows it")->required();
    stopping->callback([&, captureId] { action = [&, captureId] { return stopCapture(common, *captureId); }; });
    auto* watching = node->add_subcommand("watch", "Live metrics until interrupted, a block a second (--json: an object a sample)");
    auto length = std::make_shared<std::string>();
    watching->add_option("--for", *length, "end with the first block after this time, e.g. 10s");
    watching->callback([&, length] {
        action = [&, length] {
            const auto time = length->empty() ? Result<DurationNs>(DurationNs{0}) : parseDuration(*length);
            return time ? watch(common, *time) : reportUsage(time.error().text(), common);
        };
    });
    addRecordCommand(*node, common, action);
}

void addTargetCommands(CLI::App& app, CommonOptions& common, Action& action)
{
    auto* target = app.add_subcommand("target", "Processes that can be captured");
    target->require_subcommand(1);
    target->add_subcommand("list", "All targets of the node")->callback([&] { action = [&] { return listTargets(common); }; });
    target->add_subcommand("profiles", "Inference engines that the node knows, and how their own profilers open windows")->callback([&] {
        action = [&] { return listProfiles(common); };
    });
    auto options = std::make_shared<LaunchOptions>();
    auto wait = std::make_shared<std::string>();
    auto* launching = target->add_subcommand("launch", "Start a program with the capture library: gantryctl target launch -- COMMAND ARG…");
    options->addTo(*launching);
    auto engine = std::make_shared<EngineOptions>();
    engine->addTo(*launching, true, false);
    launching->add_option("--wait-ready", *wait, "wait until it is ready, at most this long, e.g. 60s");
    launching->add_option("command", options->request.argv, "the program and its arguments, after --")->required();
    launching->footer("It runs on the node, without a shell, and goes on until it ends or `gantryctl target stop`.\n\n"
                      "  gantryctl target launch --name triton --grpc-address 127.0.0.1:8001 --wait-ready 60s -- tritonserver "
                      "--model-repository /models\n"
                      "  gantryctl target launch --profile auto -- vllm serve Qwen/Qwen3-0.6B");
    launching->callback(
        [&, options, engine, wait] { action = [&, options, engine, wait] { return launch(common, *options, *engine, *wait); }; });
    auto id = std::make_shared<std::string>();
    auto grace = std::make_shared<std::string>();
    for (const StopThen then : {StopThen::End, StopThen::Restart}) {
        const bool isRestart = then == StopThen::Restart;
        auto* stopping =
            isRestart ? target->add_subcommand("restart", "End a target that gantryd launched, if it runs, and launch it again as it was "
                                                          "launched; it gets a new id")
                      : target->add_subcommand("stop", "End a target that gantryd launched: SIGTERM, then SIGKILL");
        stopping->add_option("id", *id, "its id, e.g. t1")->required();
        stopping->add_option("--grace", *grace, "time between SIGTERM and SIGKILL (default 10s)");
        stopping->callback([&, id, grace, then] { action = [&, id, grace, then] { return stopTarget(common, *id, *grace, then); }; });
    }
    auto log = std::make_shared<LogOptions>();
    auto* logging = target->add_subcommand("log", "What a target that gantryd launched has written; without an id, gantryd's own log");
    logging->add_option("id", *id, "its id, e.g. t1");
    logging->add_option("--lines", log->lines, "how many of the last lines are looked at")->capture_default_str();
    logging->add_flag("--follow", log->follow, "go on until interrupted");
    logging->add_option("--level", log->level, "only lines of this level or above, as they say it themselves")
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
    logging->add_option("--grep", log->text, "only lines with this text, in capital or small letters");
    logging->callback([&, id, log] { action = [&, id, log] { return tailLog(common, *id, *log); }; });
}

} // namespace gantry::cli
