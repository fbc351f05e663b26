#include "remote_server/node/sampling/nvml_state.h"

#include "remote_server/node/clock.h"

#include <array>
#include <utility>

namespace gantry::node {
namespace {

constexpr DurationNs kSlowEvery = 900'000'000; // once a second, of whatever samples ten times
constexpr int kMemoryClock = 2;          // nvmlClockType_t
constexpr int kUncorrected = 1, kVolatile = 0;
constexpr unsigned kMemoryTemperatureField = 82; // NVML_FI_DEV_MEMORY_TEMP
constexpr int kUnknownState = 32;                // NVML_PSTATE_UNKNOWN

// nvmlClocksEventReasons: those that hold the clocks down.
constexpr std::array<std::pair<unsigned long long, const char*>, 6> kReasons = {{{0x04, "power cap"},
                                                                                {0x08, "hardware slowdown"},
                                                                                {0x10, "sync boost"},
                                                                                {0x20, "software thermal"},
                                                                                {0x40, "hardware thermal"},
                                                                                {0x80, "power brake"}}};

} // namespace

// nvmlFieldValue_t
struct NvmlState::Field
{
    unsigned id = 0, scope = 0;
    long long timestamp = 0, latency = 0;
    int valueType = 0, status = 0;
    union
    {
        double real;
        unsigned whole;
        unsigned long long large;
    } value{};
};

NvmlState::NvmlState(const NvmlLibrary& library)
{
    library.find(m_getClock, "nvmlDeviceGetClockInfo");
    library.find(m_getFan, "nvmlDeviceGetFanSpeed");
    library.find(m_getState, "nvmlDeviceGetPerformanceState");
    library.find(m_getReasons, "nvmlDeviceGetCurrentClocksEventReasons");
    if (!m_getReasons)
        library.find(m_getReasons, "nvmlDeviceGetCurrentClocksThrottleReasons");
    library.find(m_getEnergy, "nvmlDeviceGetTotalEnergyConsumption");
    library.find(m_getErrors, "nvmlDeviceGetTotalEccErrors");
    library.find(m_getFields, "nvmlDeviceGetFieldValues");
}

void NvmlState::beginRound()
{
    const TimestampNs now = monotonicNow();
    m_isSlow = m_lastSlow == 0 || now - m_lastSlow >= kSlowEvery;
    if (m_isSlow)
        m_lastSlow = now;
}

void NvmlState::sample(void* device, const std::map<std::string, std::string>& labels, SampleRound& round)
{
    if (unsigned megahertz = 0; m_getClock && m_getClock(device, kMemoryClock, &megahertz) == 0)
        round.report("gpu_memory_clock_hz", labels, "Hz", metrics::SeriesKind::Gauge, "Memory clock", megahertz * 1e6);
    sampleThrottling(device, labels, round);
    if (m_isSlow)
        sampleSlowly(device, labels, round);
}

void NvmlState::sampleThrottling(void* device, const std::map<std::string, std::string>& labels, SampleRound& round) const
{
    unsigned long long reasons = 0;
    if (!m_getReasons || m_getReasons(device, &reasons) != 0)
        return;
    for (const auto& [bit, reason] : kReasons) {
        auto withReason = labels;
        withReason["reason"] = reason;
        round.report("gpu_throttled", withReason, "ratio", metrics::SeriesKind::Gauge, "1: this holds the clocks down", (reasons & bit) != 0 ? 1 : 0);
    }
}

void NvmlState::sampleSlowly(void* device, const std::map<std::string, std::string>& labels, SampleRound& round) const
{
    const auto gauge = [&](const char* name, const char* unit, const char* help, double value) {
        round.report(name, labels, unit, metrics::SeriesKind::Gauge, help, value);
    };
    // 4 ms on an H100 (driver 580), where most others take one microsecond.
    if (unsigned long long millijoules = 0; m_getEnergy && m_getEnergy(device, &millijoules) == 0)
        round.report("gpu_energy_j", labels, "J", metrics::SeriesKind::Counter, "Energy used since the driver was loaded",
                     static_cast<double>(millijoules) / 1000.0);
    if (unsigned percent = 0; m_getFan && m_getFan(device, &percent) == 0)
        gauge("gpu_fan_ratio", "ratio", "Speed that the fan is told to have", percent / 100.0);
    if (int state = 0; m_getState && m_getState(device, &state) == 0 && state != kUnknownState)
        gauge("gpu_performance_state", "count", "P-state: 0 is the fastest", state);
    if (unsigned long long errors = 0; m_getErrors && m_getErrors(device, kUncorrected, kVolatile, &errors) == 0)
        round.report("gpu_memory_errors_uncorrected_total", labels, "count", metrics::SeriesKind::Counter,
                     "Memory errors that ECC found and could not correct, since the driver was loaded", static_cast<double>(errors));
    Field field;
    field.id = kMemoryTemperatureField;
    if (m_getFields && m_getFields(device, 1, &field) == 0 && field.status == 0 && field.value.whole > 0)
        gauge("gpu_memory_temperature_c", "°C", "GPU memory temperature", field.value.whole);
}

} // namespace gantry::node
