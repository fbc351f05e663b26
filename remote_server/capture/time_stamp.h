#pragma once

#include "remote_server/capture/capture_state.h"
#include "trace_model/records/event_records.h"

#include <cstdint>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

/// The clock of NVTX events: the processor's time-stamp counter where the kernel itself trusts it, else CLOCK_MONOTONIC.
namespace gantry::capture {

/// Written once, before the process's first window.
extern bool g_countsTicks;

/// Chooses the clock for the rest of the process's life. Once, by the thread that sets the library up.
void chooseClock();

/// The counter. Only where g_countsTicks.
[[nodiscard]] inline std::int64_t ticks()
{
#ifdef __x86_64__
    return static_cast<std::int64_t>(__rdtsc());
#else
    return 0;
#endif
}

/// Now: ticks where g_countsTicks, else ns of CLOCK_MONOTONIC. clock_gettime, which reads the same counter and converts it, takes 11 ns
/// more. Any thread.
[[nodiscard]] inline std::int64_t timeStamp()
{
    return g_countsTicks ? ticks() : clockNs(CLOCK_MONOTONIC);
}

/// All clocks within the narrowest bracket of a few tries. Any thread.
[[nodiscard]] records::ClockRecord clockSample();

} // namespace gantry::capture
