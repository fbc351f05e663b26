// A small NVML with two GPUs: one that reports everything, and one that, as a MIG device or an old board, does not support some
// of it or answers out of range. Layouts are those of nvml.h.

#include <cstdio>
#include <cstring>

namespace {

constexpr int kSuccess = 0;
constexpr int kNotSupported = 3;
char g_first, g_second;

bool isFirst(const void* device)
{
    return device == &g_first;
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
    return kSuccess;
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
    return kSuccess;
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

int nvmlDeviceGetMemoryInfo(void*, FakeMemory* memory)
{
    *memory = {1000, 400, 600};
    return kSuccess;
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

} // extern "C": no nvmlDeviceGetTemperature and no nvmlDeviceGetPciInfo_v3, which every driver version has but a reader must not need
