#include "app/cli/commands.h"
#include "app/cli/text_table.h"
#include "trace_model/import/nsys_output.h"

#include <fmt/format.h>
#include <optional>

namespace gantry::cli {
namespace {

constexpr std::size_t kLongestCommand = 80;

template <typename Value>
nlohmann::json nullable(const std::optional<Value>& value)
{
    return value ? nlohmann::json(*value) : nlohmann::json();
}

nlohmann::json toJson(const proto::NodeProcess& process)
{
    nlohmann::json gpus = nlohmann::json::array();
    for (const proto::ProcessGpuUse& use : process.gpus)
        gpus.push_back({{"gpu", use.gpu}, {"memory_bytes", nullable(use.memoryBytes)}, {"sm_ratio", nullable(use.smRatio)}});
    return {{"pid", process.pid},
            {"user", orNull(process.user)},
            {"executable", orNull(process.executable)},
            {"argv", process.argv},
            {"started_utc_ns", process.startedUtcNs > 0 ? nlohmann::json(process.startedUtcNs) : nlohmann::json()},
            {"resident_bytes", nullable(process.residentBytes)},
            {"cpu_cores", nullable(process.cpuCores)},
            {"gpus", std::move(gpus)},
            {"target", orNull(process.targetId)}};
}

std::string commandOf(const proto::NodeProcess& process)
{
    return process.argv.empty() ? process.executable : shortened(importing::commandText(process.argv), kLongestCommand);
}

/// A row for each GPU that the process uses, or one without.
void addRows(std::vector<std::vector<std::string>>& rows, const proto::NodeProcess& process)
{
    const auto row = [&](const proto::ProcessGpuUse* use) {
        rows.push_back({std::to_string(process.pid), process.user, process.targetId, use ? std::to_string(use->gpu) : "",
                        use && use->memoryBytes ? formatBytes(*use->memoryBytes) : "",
                        use && use->smRatio ? fmt::format("{:.0f} %", *use->smRatio * 100) : "",
                        process.cpuCores ? fmt::format("{:.2f}", *process.cpuCores) : "",
                        process.residentBytes ? formatBytes(*process.residentBytes) : "", commandOf(process)});
    };
    for (const proto::ProcessGpuUse& use : process.gpus)
        row(&use);
    if (process.gpus.empty())
        row(nullptr);
}

int listProcesses(const CommonOptions& common)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto list = (*client)->processes();
    if (!list)
        return report(list.error(), common);
    noteRecording(**client);
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const proto::NodeProcess& process : list->processes)
            all.push_back(toJson(process));
        print({{"processes", std::move(all)},
               {"no_gpu_use_reason", orNull(list->noGpuUseReason)},
               {"incomplete_reason", orNull(list->incompleteReason)}});
        return 0;
    }
    std::vector<std::vector<std::string>> rows;
    for (const proto::NodeProcess& process : list->processes)
        addRows(rows, process);
    if (rows.empty())
        say("{}no target runs\n", list->noGpuUseReason.empty() ? "no process uses a GPU, and " : "");
    else
        sayLines(alignedTable({"pid", "user", "target", "gpu", "gpu memory", "sm", "cpu cores", "memory", "command"}, rows, ""));
    if (!list->noGpuUseReason.empty())
        say("what uses GPUs is not known: {}\n", list->noGpuUseReason);
    if (!list->incompleteReason.empty())
        say("not all processes: {}\n", list->incompleteReason);
    return 0;
}

} // namespace

void addNodeProcessesCommand(CLI::App& nodeCommands, CommonOptions& common, Action& action)
{
    auto* command = nodeCommands.add_subcommand("processes", "The processes that use a GPU, and those of targets");
    command->footer(
        "sm is the share of the last second in which the process kept multiprocessors busy, as the driver samples it; cpu cores is "
        "since\nsomebody asked last, absent the first time.");
    command->callback([&] { action = [&] { return listProcesses(common); }; });
}

} // namespace gantry::cli
