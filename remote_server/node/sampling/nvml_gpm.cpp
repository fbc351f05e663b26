#include "remote_server/node/sampling/nvml_gpm.h"

#include <algorithm>
#include <dlfcn.h>
#include <iterator>
#include <utility>

namespace gantry::node {
namespace {

// Layouts and numbers from nvml.h.
struct Support
{
    unsigned version;
    unsigned isSupported;
};
struct MetricOfGpm
{
    unsigned id;
    int status;
    double value;
    const char* names[3];
};
struct Metrics
{
    unsigned version;
    unsigned count;
    void* first;
    void* second;
    MetricOfGpm metrics[512]; // more than NVML_GPM_METRIC_MAX, which grows with the driver
};
constexpr unsigned kVersion = 1;

constexpr double kPercent = 0.01, kMebibyte = 1024.0 * 1024.0;

struct Gauge
{
    unsigned id;
    const char* name;
    const char* unit;
    double scale;
    const char* help;
};

constexpr Gauge kGauges[] = {
    {2, "gpm_sm_active_ratio", "ratio", kPercent, "Share of the SMs that were busy, mean of the time since the last sample (NVML GPM)"},
    {3, "gpm_sm_occupancy_ratio", "ratio", kPercent, "Active warps, of the most there can be (NVML GPM)"},
    {5, "gpm_tensor_active_ratio", "ratio", kPercent, "Share of the time in which the SMs did tensor operations (NVML GPM)"},
    {10, "gpm_dram_ratio", "ratio", kPercent, "DRAM bandwidth, of its peak (NVML GPM)"},
    {20, "gpm_pcie_transmit_bytes_per_second", "bytes/s", kMebibyte, "Bytes sent over PCIe (NVML GPM)"},
    {21, "gpm_pcie_receive_bytes_per_second", "bytes/s", kMebibyte, "Bytes received over PCIe (NVML GPM)"},
    {60, "gpm_nvlink_receive_bytes_per_second", "bytes/s", kMebibyte, "Bytes received over NVLink (NVML GPM)"},
    {61, "gpm_nvlink_transmit_bytes_per_second", "bytes/s", kMebibyte, "Bytes sent over NVLink (NVML GPM)"},
};

} // namespace

struct NvmlGpm::Api
{
    int (*querySupport)(void*, Support*) = nullptr;
    int (*allocate)(void**) = nullptr;
    int (*free)(void*) = nullptr;
    int (*get)(void*, void*) = nullptr;
    int (*getMetrics)(Metrics*) = nullptr;

    template <typename Function>
    static bool load(void* library, Function& function, const char* symbol)
    {
        function = reinterpret_cast<Function>(dlsym(library, symbol));
        return function != nullptr;
    }
    bool load(void* library)
    {
        return load(library, querySupport, "nvmlGpmQueryDeviceSupport") && load(library, allocate, "nvmlGpmSampleAlloc") &&
               load(library, free, "nvmlGpmSampleFree") && load(library, get, "nvmlGpmSampleGet") &&
               load(library, getMetrics, "nvmlGpmMetricsGet");
    }
};

NvmlGpm::NvmlGpm() : m_api(std::make_unique<Api>()) {}

NvmlGpm::~NvmlGpm()
{
    for (const Device& device : m_devices)
        for (void* sample : {device.last, device.next})
            if (sample)
                m_api->free(sample);
}

std::unique_ptr<NvmlGpm> NvmlGpm::open(void* library, const std::vector<void*>& devices)
{
    std::unique_ptr<NvmlGpm> gpm(new NvmlGpm);
    if (!gpm->m_api->load(library))
        return nullptr;
    for (void* handle : devices)
        gpm->prepare(gpm->m_devices.emplace_back(Device{handle}));
    const bool isOfUse = std::any_of(gpm->m_devices.begin(), gpm->m_devices.end(), [](const Device& device) { return device.next; });
    return isOfUse ? std::move(gpm) : nullptr;
}

void NvmlGpm::prepare(Device& device) const
{
    Support support{kVersion, 0};
    if (!device.handle || m_api->querySupport(device.handle, &support) != 0 || !support.isSupported)
        return;
    if (m_api->allocate(&device.last) == 0 && m_api->allocate(&device.next) != 0)
        device.next = nullptr;
}

void NvmlGpm::sample(std::size_t index, const std::map<std::string, std::string>& labels, SampleRound& round)
{
    Device& device = m_devices[index];
    if (!device.next || m_api->get(device.handle, device.next) != 0)
        return;
    if (std::exchange(device.hasLast, true)) {
        Metrics between{kVersion, static_cast<unsigned>(std::size(kGauges)), device.last, device.next, {}};
        for (std::size_t i = 0; i < std::size(kGauges); ++i)
            between.metrics[i].id = kGauges[i].id;
        if (m_api->getMetrics(&between) == 0)
            for (std::size_t i = 0; i < std::size(kGauges); ++i)
                if (const Gauge& gauge = kGauges[i]; between.metrics[i].status == 0)
                    round.report(gauge.name, labels, gauge.unit, metrics::SeriesKind::Gauge, gauge.help,
                                 between.metrics[i].value * gauge.scale);
    }
    std::swap(device.last, device.next);
}

} // namespace gantry::node
