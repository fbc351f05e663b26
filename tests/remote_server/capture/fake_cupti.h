#pragma once

#include <cupti.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace gantry::capture {

/// What CUPTI's clients have set in this process. It records what a test says that happened, and calls back when a test says that the
/// application called.
struct FakeCupti
{
    bool isSubscribed = false;
    CUpti_CallbackFunc callback = nullptr;
    std::set<std::pair<CUpti_CallbackDomain, CUpti_CallbackId>> callbacks; ///< enabled
    std::set<CUpti_ActivityKind> kinds;                                    ///< enabled
    std::vector<CUpti_ActivityKind> everEnabled;                           ///< in the order in which they were
    int emptyFlushes = 0; ///< how many flushes give back nothing yet
    CUpti_ActivityThreadIdType threadIdType = CUPTI_ACTIVITY_THREAD_ID_TYPE_DEFAULT;
};

[[nodiscard]] FakeCupti& fakeCupti();
/// Whether somebody is subscribed now. Any thread.
[[nodiscard]] bool hasSubscriber();

/// How often CUPTI was taken out of the process so far. Any thread.
[[nodiscard]] std::atomic<int>& finalizations();

/// The application calls this function of the driver, which returns.
void callDriver(CUpti_CallbackId function);

/// The application loads a module of GPU code, or unloads it.
void loadModule(CUpti_CallbackId event, std::uint32_t moduleId, std::size_t bytes);

/// Something happened that CUPTI makes this record of; handed out with the next flush, if its kind is enabled.
void recordActivity(const void* record, std::size_t bytes);

template <typename Record>
void recordActivity(const Record& record)
{
    recordActivity(&record, sizeof record);
}

} // namespace gantry::capture
