#pragma once

#include <cupti.h>

#include <set>
#include <utility>

namespace gantry::capture {

/// What CUPTI's clients have set in this process. It records nothing, and calls back when a test says that the application called.
struct FakeCupti
{
    bool isSubscribed = false;
    CUpti_CallbackFunc callback = nullptr;
    std::set<std::pair<CUpti_CallbackDomain, CUpti_CallbackId>> callbacks; ///< enabled
    std::set<CUpti_ActivityKind> kinds;                                    ///< enabled
    CUpti_ActivityThreadIdType threadIdType = CUPTI_ACTIVITY_THREAD_ID_TYPE_DEFAULT;
};

[[nodiscard]] FakeCupti& fakeCupti();

/// The application calls this function of the driver, which returns.
void callDriver(CUpti_CallbackId function);

} // namespace gantry::capture
