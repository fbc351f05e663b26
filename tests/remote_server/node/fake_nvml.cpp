// A small NVML with two GPUs: one that reports everything, and one that, as a MIG device or an old board, does not support some
// of it or answers out of range. While the file that GANTRY_FAKE_NVML_LOST names exists, the second has fallen off the bus. Layouts are
// those of nvml.h.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <unistd.h>

namespace {

constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;
constexpr int kNoPermission = 4;
constexpr int kNotFound = 6;
constexpr int kInsufficientSize = 7;
constexpr int kGpuIsLost = 15;
char g_first, g_second;

bool isFirst(const void* device)
{
    return device == &g_first;
}

bool isLost(const void* device)
{
    const char* file = std::getenv("GANTRY_FAKE_NVML_LOST");
    return !isFirst(device) && file && access(file, F_OK) == 0;
}

} // namespace

extern "C" {

struct FakeMemory
{
    unsigned long long total, free, used;
};
struct FakeUtilization
{
    unsigned gpu, memory;
};

int nvmlInit_v2()
{
    return kSuccess;
}
int nvmlShutdown()
{
    return kSuccess;
}
int nvmlDeviceGetCount_v2(unsigned* count)
{
    *count = 2;
    return kSuccess;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device)
{
    *device = index == 0 ? &g_first : &g_second;
    return isLost(*device) ? kGpuIsLost : kSuccess;
}

const char* nvmlErrorString(int status)
{
    return status == kGpuIsLost ? "GPU is lost" : "some error";
}

int nvmlSystemGetDriverVersion(char* text, unsigned size)
{
    std::snprintf(text, size, "580.65.06");
    return kSuccess;
}

int nvmlSystemGetCudaDriverVersion_v2(int* version)
{
    *version = 13000;
    return kSuccess;
}

int nvmlDeviceGetName(void* device, char* text, unsigned size)
{
    std::snprintf(text, size, isFirst(device) ? "Fake H100" : "Fake A2");
    return isLost(device) ? kGpuIsLost : kSuccess;
}

int nvmlDeviceGetUUID(void* device, char* text, unsigned size)
{
    std::snprintf(text, size, isFirst(device) ? "GPU-1" : "GPU-2");
    return kSuccess;
}

int nvmlDeviceGetCudaComputeCapability(void*, int* major, int* minor)
{
    *major = 9;
    *minor = 0;
    return kSuccess;
}

int nvmlDeviceGetMemoryInfo(void* device, FakeMemory* memory)
{
    *memory = {1000, 400, 600};
    return isLost(device) ? kGpuIsLost : kSuccess;
}

int nvmlDeviceGetUtilizationRates(void* device, FakeUtilization* rates)
{
    *rates = {isFirst(device) ? 25U : 0xFFFFFFFFU, 10};
    return kSuccess;
}

int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts)
{
    *milliwatts = 123456;
    return isFirst(device) ? kSuccess : kNotSupported;
}

int nvmlDeviceGetClockInfo(void*, int type, unsigned* megahertz)
{
    *megahertz = type == 1 ? 1980 : 1;
    return kSuccess;
}

struct FakeGpmSupport
{
    unsigned version, isSupported;
};
struct FakeGpmMetric
{
    unsigned id;
    int status;
    double value;
    const char* names[3];
};
struct FakeGpmMetrics
{
    unsigned version, count;
    void *first, *second;
    FakeGpmMetric metrics[1]; // and more
};

int nvmlGpmQueryDeviceSupport(void* device, FakeGpmSupport* support)
{
    support->isSupported = isFirst(device);
    return kSuccess;
}
int nvmlGpmSampleAlloc(void** sample)
{
    *sample = new int(0);
    return kSuccess;
}
int nvmlGpmSampleFree(void* sample)
{
    delete static_cast<int*>(sample);
    return kSuccess;
}
int nvmlGpmSampleGet(void* device, void* sample)
{
    static int s_round = 0;
    *static_cast<int*>(sample) = ++s_round;
    return isFirst(device) ? kSuccess : kNotSupported;
}
/// 40 % between two samples that follow each other, 2 MiB/s of PCIe, and no NVLink.
int nvmlGpmMetricsGet(FakeGpmMetrics* asked)
{
    const bool isInOrder = *static_cast<int*>(asked->second) == *static_cast<int*>(asked->first) + 1;
    for (unsigned i = 0; i < asked->count; ++i) {
        FakeGpmMetric& metric = asked->metrics[i];
        metric.status = metric.id >= 60 ? kNotSupported : kSuccess;
        metric.value = metric.id >= 20 ? 2 : isInOrder ? 40 : -1;
    }
    return kSuccess;
}

// The state of the first is as it should be; the second is sick.
int nvmlDeviceGetTotalEccErrors(void* device, int type, int counter, unsigned long long* errors)
{
    if (std::getenv("GANTRY_FAKE_NVML_NO_ECC"))
        return kNotSupported;
    *errors = !isFirst(device) && type == 1 ? (counter == 0 ? 2 : 7) : 0;
    return kSuccess;
}
int nvmlDeviceGetRemappedRows(void* device, unsigned* corrected, unsigned* uncorrected, unsigned* isPending, unsigned* hasFailed)
{
    *corrected = *uncorrected = *hasFailed = 0;
    *isPending = isFirst(device) ? 0 : 1;
    return kSuccess;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(void* device, unsigned long long* reasons) // the older of its two names
{
    *reasons = isFirst(device) ? 1 : 0x40;
    return kSuccess;
}
int nvmlDeviceGetPowerManagementDefaultLimit(void*, unsigned* milliwatts)
{
    *milliwatts = 700'000;
    return kSuccess;
}
int nvmlDeviceGetEnforcedPowerLimit(void* device, unsigned* milliwatts)
{
    *milliwatts = isFirst(device) ? 700'000 : 400'000;
    return kSuccess;
}
int nvmlDeviceGetMigMode(void* device, unsigned* current, unsigned* pending)
{
    *current = *pending = 1;
    return isFirst(device) ? kNotSupported : kSuccess;
}
int nvmlDeviceGetPersistenceMode(void* device, int* isOn)
{
    *isOn = 1;
    return isFirst(device) ? kSuccess : kNoPermission;
}

// Processes: GANTRY_FAKE_NVML_PID names the one that uses the first GPU, for CUDA and for graphics; one that is gone uses the second.
struct FakeProcess
{
    unsigned pid;
    unsigned long long memory;
    unsigned gpuInstance, computeInstance;
};
struct FakeUse
{
    unsigned pid;
    unsigned long long time;
    unsigned sm, memory, encoder, decoder;
};

unsigned fakePid()
{
    const char* text = std::getenv("GANTRY_FAKE_NVML_PID");
    return text ? static_cast<unsigned>(std::atoi(text)) : 0;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, FakeProcess* processes)
{
    for (const char* file = std::getenv("GANTRY_FAKE_NVML_HANGS"); file && access(file, F_OK) == 0;) // as one in trouble does
        usleep(10'000);
    const unsigned needed = fakePid() == 0 ? 0 : isFirst(device) ? 2 : 1;
    const bool fits = *count >= needed;
    *count = needed;
    if (!fits)
        return kInsufficientSize;
    if (needed > 0)
        processes[0] = {isFirst(device) ? fakePid() : 0x7FFFFFF0U, 512ULL << 20, ~0U, ~0U};
    if (needed > 1)
        processes[1] = {1, ~0ULL, ~0U, ~0U}; // memory that is not told
    return kSuccess;
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(void* device, unsigned* count, FakeProcess* processes)
{
    const unsigned needed = fakePid() != 0 && isFirst(device) ? 1 : 0;
    const bool fits = *count >= needed;
    *count = needed;
    if (!fits)
        return kInsufficientSize;
    if (needed > 0)
        processes[0] = {fakePid(), 512ULL << 20, ~0U, ~0U};
    return kSuccess;
}
/// Two samples of 40 % and 60 % in the last second, and one that is out of range.
int nvmlDeviceGetProcessUtilization(void* device, FakeUse* uses, unsigned* count, unsigned long long)
{
    const unsigned needed = fakePid() != 0 && isFirst(device) ? 3 : 0;
    if (needed == 0)
        return kNotFound;
    const bool fits = *count >= needed;
    *count = needed;
    if (!fits || !uses)
        return kInsufficientSize;
    timespec time{};
    clock_gettime(CLOCK_REALTIME, &time);
    const auto now = static_cast<unsigned long long>(time.tv_sec) * 1'000'000 + static_cast<unsigned long long>(time.tv_nsec) / 1000;
    uses[0] = {fakePid(), now - 100'000, 40, 0, 0, 0};
    uses[1] = {fakePid(), now - 200'000, 60, 0, 0, 0};
    uses[2] = {fakePid(), now - 300'000, 0xFFFFFFFFU, 0, 0, 0};
    return kSuccess;
}

} // extern "C": no nvmlDeviceGetTemperature and no nvmlDeviceGetPciInfo_v3, which every driver version has but a reader must not need
