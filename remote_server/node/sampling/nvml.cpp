#include "remote_server/node/sampling/nvml.h"

#include "remote_server/node/sampling/nvml_library.h"

#include <spdlog/spdlog.h>

namespace gantry::node {
namespace {

// Layouts from nvml.h.
struct Utilization
{
    unsigned gpu, memory;
};
struct Memory
{
    unsigned long long total, free, used;
};
struct PciInfo
{
    char busIdLegacy[16];
    unsigned domain, bus, device, pciDeviceId, pciSubSystemId;
    char busId[32];
};

} // namespace

struct Nvml::Api
{
    std::unique_ptr<NvmlLibrary> nvml;
    int (*getName)(void*, char*, unsigned) = nullptr;
    int (*getUuid)(void*, char*, unsigned) = nullptr;
    int (*getPciInfo)(void*, PciInfo*) = nullptr;
    int (*getCapability)(void*, int*, int*) = nullptr;
    int (*getMemory)(void*, Memory*) = nullptr;
    int (*getUtilization)(void*, Utilization*) = nullptr;
    int (*getPower)(void*, unsigned*) = nullptr;
    int (*getPowerLimit)(void*, unsigned*) = nullptr;
    int (*getClock)(void*, int, unsigned*) = nullptr;
    int (*getTemperature)(void*, int, unsigned*) = nullptr;
};

Nvml::Nvml() : m_api(std::make_unique<Api>()) {}

Nvml::~Nvml()
{
    m_gpm.reset(); // its samples are NVML's, which ends with m_api
}

Result<std::unique_ptr<Nvml>> Nvml::open(const std::string& library)
{
    std::unique_ptr<Nvml> nvml(new Nvml);
    Api& api = *nvml->m_api;
    GANTRY_TRY(api.nvml, NvmlLibrary::open(library));
    api.nvml->find(api.getName, "nvmlDeviceGetName");
    api.nvml->find(api.getUuid, "nvmlDeviceGetUUID");
    api.nvml->find(api.getPciInfo, "nvmlDeviceGetPciInfo_v3");
    api.nvml->find(api.getCapability, "nvmlDeviceGetCudaComputeCapability");
    api.nvml->find(api.getMemory, "nvmlDeviceGetMemoryInfo");
    api.nvml->find(api.getUtilization, "nvmlDeviceGetUtilizationRates");
    api.nvml->find(api.getPower, "nvmlDeviceGetPowerUsage");
    api.nvml->find(api.getPowerLimit, "nvmlDeviceGetEnforcedPowerLimit");
    api.nvml->find(api.getClock, "nvmlDeviceGetClockInfo");
    api.nvml->find(api.getTemperature, "nvmlDeviceGetTemperature");
    nvml->m_driverVersion = api.nvml->driverVersion();
    if (const int version = api.nvml->cudaVersion(); version > 0)
        nvml->m_cudaVersion = cudaVersionText(version);
    for (const NvmlLibrary::Device& device : api.nvml->devices()) {
        nvml->m_gpus.push_back(device.handle ? nvml->describe(device.index, device.handle) : proto::GpuInfo());
        nvml->m_gpus.back().index = device.index;
        nvml->m_gpus.back().problem = device.problem;
        nvml->m_devices.push_back(device.handle);
        if (!device.handle)
            spdlog::error("GPU {}: {}", device.index, device.problem);
    }
    nvml->m_state = std::make_unique<NvmlState>(*api.nvml);
    nvml->m_gpm = NvmlGpm::open(api.nvml->handle(), nvml->m_devices);
    return nvml;
}

proto::GpuInfo Nvml::describe(unsigned index, void* device) const
{
    const Api& api = *m_api;
    char text[96] = {};
    proto::GpuInfo gpu;
    gpu.index = index;
    if (api.getName && api.getName(device, text, sizeof text) == 0)
        gpu.name = text;
    if (api.getUuid && api.getUuid(device, text, sizeof text) == 0)
        gpu.uuid = text;
    if (PciInfo pci{}; api.getPciInfo && api.getPciInfo(device, &pci) == 0)
        gpu.pciBusId = pci.busId;
    if (api.getCapability)
        api.getCapability(device, &gpu.computeMajor, &gpu.computeMinor);
    if (Memory memory{}; api.getMemory && api.getMemory(device, &memory) == 0)
        gpu.memoryTotalBytes = memory.total;
    return gpu;
}

std::vector<proto::GpuInfo> Nvml::gpus() const
{
    const std::lock_guard lock(m_mutex);
    return m_gpus;
}

/// Asks for its memory, which every GPU tells; says once that it is lost, and that it is back.
bool Nvml::answers(std::size_t place)
{
    if (!m_devices[place])
        return false;
    Memory memory{};
    const int status = m_api->getMemory ? m_api->getMemory(m_devices[place], &memory) : NvmlLibrary::kSuccess;
    const std::string problem = NvmlLibrary::isLoss(status) ? m_api->nvml->problemOf(status) : std::string();
    const std::lock_guard lock(m_mutex);
    proto::GpuInfo& gpu = m_gpus[place];
    if (problem.empty() && !gpu.problem.empty())
        spdlog::warn("GPU {} answers again", gpu.index);
    else if (!problem.empty() && gpu.problem.empty())
        spdlog::error("GPU {} is lost: {}; its metrics end here", gpu.index, problem);
    gpu.problem = problem;
    return problem.empty();
}

void Nvml::sample(SampleRound& round)
{
    m_state->beginRound();
    for (std::size_t place = 0; place < m_devices.size(); ++place)
        if (answers(place))
            sampleDevice(place, round);
}

void Nvml::sampleDevice(std::size_t place, SampleRound& round)
{
    const Api& api = *m_api;
    void* device = m_devices[place];
    const std::map<std::string, std::string> labels{{"gpu", std::to_string(m_gpus[place].index)}};
    const auto gauge = [&](const char* name, const char* unit, const char* help, double value) {
        round.report(name, labels, unit, metrics::SeriesKind::Gauge, help, value);
    };
    if (Utilization u{}; api.getUtilization && api.getUtilization(device, &u) == 0 && u.gpu <= 100) {
        gauge("gpu_utilization_ratio", "ratio",
              "Share of the driver's sampling period in which at least one kernel ran; not how full the GPU was", u.gpu / 100.0);
        gauge("gpu_memory_utilization_ratio", "ratio", "Share of that period in which memory was read or written", u.memory / 100.0);
    }
    if (Memory m{}; api.getMemory && api.getMemory(device, &m) == 0) {
        gauge("gpu_memory_used_bytes", "bytes", "GPU memory in use", static_cast<double>(m.used));
        gauge("gpu_memory_total_bytes", "bytes", "GPU memory", static_cast<double>(m.total));
    }
    if (unsigned milliwatts = 0; api.getPower && api.getPower(device, &milliwatts) == 0)
        gauge("gpu_power_w", "W", "Power draw of the board", milliwatts / 1000.0);
    if (unsigned milliwatts = 0; api.getPowerLimit && api.getPowerLimit(device, &milliwatts) == 0)
        gauge("gpu_power_limit_w", "W", "Power that the driver lets the board draw", milliwatts / 1000.0);
    if (unsigned megahertz = 0; api.getClock && api.getClock(device, 1, &megahertz) == 0) // 1: SM
        gauge("gpu_sm_clock_hz", "Hz", "SM clock", megahertz * 1e6);
    if (unsigned celsius = 0; api.getTemperature && api.getTemperature(device, 0, &celsius) == 0)
        gauge("gpu_temperature_c", "°C", "GPU temperature", celsius);
    m_state->sample(device, labels, round);
    if (m_gpm)
        m_gpm->sample(place, labels, round);
}

} // namespace gantry::node
