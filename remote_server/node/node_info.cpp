#include "remote_server/node/node_info.h"

#include "remote_server/node/user_name.h"
#include "trace_model/report/meta_keys.h"

#include <fstream>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <thread>
#include <unistd.h>

namespace gantry::node {
namespace {

/// Value of the first `key` line of a file of "key<separator>value" lines.
std::string valueIn(const char* path, const std::string& key, char separator)
{
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const std::size_t place = line.find(separator);
        if (place == std::string::npos || !line.starts_with(key))
            continue;
        std::string value = line.substr(place + 1);
        std::erase(value, '"');
        value.erase(0, value.find_first_not_of(" \t"));
        return value;
    }
    return {};
}

} // namespace

std::string bootId()
{
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    file >> id;
    return id;
}

std::string hostName()
{
    utsname system{};
    return uname(&system) == 0 ? system.nodename : std::string();
}

proto::NodeInfo describeNode(const Nvml* gpus, const std::string& noGpuReason, const std::filesystem::path& reportFolder)
{
    proto::NodeInfo info;
    utsname system{};
    uname(&system);
    info.hostName = hostName();
    info.kernel = std::string(system.sysname) + " " + system.release;
    info.os = valueIn("/etc/os-release", "PRETTY_NAME", '=');
    info.cpuModel = valueIn("/proc/cpuinfo", "model name", ':');
    info.cpuCount = std::thread::hardware_concurrency();
    struct sysinfo memory
    {
    };
    if (sysinfo(&memory) == 0)
        info.memoryTotalBytes = std::uint64_t{memory.totalram} * memory.mem_unit;
    if (gpus) {
        info.gpus = gpus->gpus();
        info.driverVersion = gpus->driverVersion();
        info.cudaDriverVersion = gpus->cudaVersion();
    } else {
        info.noGpuReason = noGpuReason;
    }
    info.daemonVersion = GANTRY_VERSION;
    static const std::string user = userName(geteuid()); // asked once: a directory server may take its time
    info.userName = user;
    info.reportFolder = reportFolder.string();
    return info;
}

std::map<std::string, std::string> snapshotRows(const proto::NodeInfo& info)
{
    std::map<std::string, std::string> rows{
        {report::meta::kHostName, info.hostName},
        {"GANTRY_OS", info.os},
        {"GANTRY_KERNEL", info.kernel},
        {"GANTRY_CPU", info.cpuModel + " × " + std::to_string(info.cpuCount)},
        {"GANTRY_DAEMON_VERSION", info.daemonVersion},
        {"GANTRY_BOOT_ID", bootId()},
    };
    if (!info.driverVersion.empty())
        rows["GANTRY_DRIVER_VERSION"] = info.driverVersion;
    if (!info.cudaDriverVersion.empty())
        rows["GANTRY_CUDA_DRIVER_VERSION"] = info.cudaDriverVersion;
    if (!info.noGpuReason.empty())
        rows["GANTRY_NO_GPU_REASON"] = info.noGpuReason;
    for (const proto::GpuInfo& gpu : info.gpus)
        rows["GANTRY_GPU_" + std::to_string(gpu.index)] = gpu.problem.empty() ? gpu.name + " " + gpu.uuid : gpu.problem;
    return rows;
}

} // namespace gantry::node
