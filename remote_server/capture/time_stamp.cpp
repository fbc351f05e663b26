#include "remote_server/capture/time_stamp.h"

#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/prctl.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

namespace gantry::capture {

bool g_countsTicks = false;

namespace {

constexpr int kTries = 50;

std::int64_t g_firstTicks = 0, g_firstMonotonicNs = 0; ///< taken together when the clock was chosen

#ifdef __x86_64__
/// Intel SDM 3B, "Invariant TSC"; AMD APM 3, CPUID Fn8000_0007: the counter runs at one rate in all power states.
bool isCounterInvariant()
{
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
    return __get_cpuid(0x80000007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1u << 8)) != 0;
}

/// The kernel compares the counters of all processors and takes another clock when they differ. kvm-clock is that counter scaled.
bool doesKernelTrustCounter()
{
    char text[32];
    const int fd = open("/sys/devices/system/clocksource/clocksource0/current_clocksource", O_RDONLY | O_CLOEXEC);
    const ssize_t size = fd < 0 ? 0 : read(fd, text, sizeof text);
    if (fd >= 0)
        close(fd);
    const std::string_view name(text, size > 0 ? static_cast<std::size_t>(size) : 0);
    return name == "tsc\n" || name == "kvm-clock\n";
}

bool isCounterReadable()
{
    int mode = PR_TSC_SIGSEGV;
    return prctl(PR_GET_TSC, &mode) == 0 && mode == PR_TSC_ENABLE;
}
#endif

} // namespace

void chooseClock()
{
#ifdef __x86_64__
    g_countsTicks = isCounterInvariant() && doesKernelTrustCounter() && isCounterReadable();
#endif
    const records::ClockRecord first = clockSample();
    g_firstTicks = first.ticks;
    g_firstMonotonicNs = first.monotonicNs;
}

records::ClockRecord clockSample()
{
    records::ClockRecord best{};
    best.bracketNs = INT64_MAX;
    for (int i = 0; i < kTries; ++i) {
        const std::int64_t before = clockNs(CLOCK_MONOTONIC);
        const std::int64_t realtime = clockNs(CLOCK_REALTIME);
        const std::int64_t counted = g_countsTicks ? ticks() : 0;
        const std::int64_t raw = clockNs(CLOCK_MONOTONIC_RAW);
        const std::int64_t after = clockNs(CLOCK_MONOTONIC);
        if (after - before < best.bracketNs)
            best = {{}, before + (after - before) / 2, realtime, raw, after - before, counted, 0};
    }
    // For what lies outside of the samples, as when the process is killed: between two of them they say the rate themselves.
    if (g_countsTicks && g_firstTicks != 0 && best.monotonicNs > g_firstMonotonicNs)
        best.ticksPerSecond = static_cast<std::int64_t>(static_cast<double>(best.ticks - g_firstTicks) * 1e9 /
                                                        static_cast<double>(best.monotonicNs - g_firstMonotonicNs));
    return best;
}

} // namespace gantry::capture
