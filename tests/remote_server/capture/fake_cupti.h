#pragma once

#include <cupti.h>

#include <set>

namespace gantry::capture {

/// What CUPTI's clients have set in this process. It records nothing.
struct FakeCupti
{
    bool isSubscribed = false;
    std::set<CUpti_ActivityKind> kinds; ///< enabled
    CUpti_ActivityThreadIdType threadIdType = CUPTI_ACTIVITY_THREAD_ID_TYPE_DEFAULT;
};

[[nodiscard]] FakeCupti& fakeCupti();

} // namespace gantry::capture
