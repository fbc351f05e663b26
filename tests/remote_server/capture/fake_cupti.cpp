#include "tests/remote_server/capture/fake_cupti.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <utility>

namespace gantry::capture {
namespace {

/// The buffer that is being filled; the test and the library's threads come here.
struct Activities
{
    std::mutex mutex;
    std::uint8_t* buffer = nullptr;
    std::size_t size = 0, used = 0;
    CUpti_BuffersCallbackRequestFunc request = nullptr;
    CUpti_BuffersCallbackCompleteFunc complete = nullptr;
};

Activities& activities()
{
    static Activities state;
    return state;
}

/// Of the subscription: the library's control thread comes here beside the test.
std::mutex& subscriptionMutex()
{
    static std::mutex mutex;
    return mutex;
}

constexpr std::size_t kHead = sizeof(std::uint64_t); // before each record in a buffer: how long it is

} // namespace

void recordActivity(const void* record, std::size_t bytes)
{
    if (!fakeCupti().kinds.contains(static_cast<const CUpti_Activity*>(record)->kind))
        return;
    const std::lock_guard lock(activities().mutex);
    Activities& now = activities();
    std::size_t maxRecords = 0;
    if (!now.buffer)
        now.request(&now.buffer, &now.size, &maxRecords);
    const std::uint64_t padded = (bytes + 7) / 8 * 8;
    std::memcpy(now.buffer + now.used, &padded, kHead);
    std::memcpy(now.buffer + now.used + kHead, record, bytes);
    now.used += kHead + padded;
}

void loadModule(CUpti_CallbackId event, std::uint32_t moduleId, std::size_t bytes)
{
    CUpti_ModuleResourceData module{moduleId, bytes, nullptr};
    CUpti_ResourceData data{};
    data.resourceDescriptor = &module;
    if (fakeCupti().callbacks.contains({CUPTI_CB_DOMAIN_RESOURCE, event}))
        fakeCupti().callback(nullptr, CUPTI_CB_DOMAIN_RESOURCE, event, &data);
}

FakeCupti& fakeCupti()
{
    static FakeCupti state;
    return state;
}

bool hasSubscriber()
{
    const std::lock_guard lock(subscriptionMutex());
    return fakeCupti().isSubscribed;
}

std::atomic<int>& finalizations()
{
    static std::atomic<int> count{0};
    return count;
}

constexpr CUpti_CallbackId kWholeDomain = 0; ///< all functions

/// Who wants to know of calls of the function; null: nobody.
static CUpti_CallbackFunc listener(CUpti_CallbackId function)
{
    const std::lock_guard lock(subscriptionMutex());
    const auto& enabled = fakeCupti().callbacks;
    const bool isWanted =
        enabled.contains({CUPTI_CB_DOMAIN_DRIVER_API, function}) || enabled.contains({CUPTI_CB_DOMAIN_DRIVER_API, kWholeDomain});
    return isWanted ? fakeCupti().callback : nullptr;
}

void callDriver(CUpti_CallbackId function)
{
    CUpti_CallbackData data{};
    for (const CUpti_ApiCallbackSite site : {CUPTI_API_ENTER, CUPTI_API_EXIT}) {
        data.callbackSite = site;
        if (const CUpti_CallbackFunc told = listener(function))
            told(nullptr, CUPTI_CB_DOMAIN_DRIVER_API, function, &data);
    }
}

} // namespace gantry::capture

using gantry::capture::activities;
using gantry::capture::fakeCupti;
using gantry::capture::kHead;
using gantry::capture::subscriptionMutex;

// The functions that the capture library needs, as cupti.h declares them.
extern "C" {

CUptiResult cuptiGetVersion(std::uint32_t* version)
{
    *version = CUPTI_API_VERSION;
    return CUPTI_SUCCESS;
}
CUptiResult cuptiGetResultString(CUptiResult, const char** text)
{
    *text = "an error of the fake";
    return CUPTI_SUCCESS;
}
CUptiResult cuptiSubscribe(CUpti_SubscriberHandle* subscriber, CUpti_CallbackFunc callback, void*)
{
    const std::lock_guard lock(subscriptionMutex());
    *subscriber = nullptr;
    fakeCupti().callback = callback;
    return std::exchange(fakeCupti().isSubscribed, true) ? CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED : CUPTI_SUCCESS;
}
CUptiResult cuptiUnsubscribe(CUpti_SubscriberHandle)
{
    const std::lock_guard lock(subscriptionMutex());
    fakeCupti().isSubscribed = false;
    return CUPTI_SUCCESS;
}
CUptiResult cuptiEnableCallback(std::uint32_t enable, CUpti_SubscriberHandle, CUpti_CallbackDomain domain, CUpti_CallbackId function)
{
    const std::lock_guard lock(subscriptionMutex());
    if (enable)
        fakeCupti().callbacks.insert({domain, function});
    else
        fakeCupti().callbacks.erase({domain, function});
    return CUPTI_SUCCESS;
}
CUptiResult cuptiEnableDomain(std::uint32_t enable, CUpti_SubscriberHandle subscriber, CUpti_CallbackDomain domain)
{
    return cuptiEnableCallback(enable, subscriber, domain, gantry::capture::kWholeDomain);
}
CUptiResult cuptiFinalize()
{
    const std::lock_guard lock(subscriptionMutex());
    fakeCupti() = {};
    ++gantry::capture::finalizations();
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc request, CUpti_BuffersCallbackCompleteFunc complete)
{
    const std::lock_guard lock(activities().mutex);
    activities().request = request;
    activities().complete = complete;
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityEnable(CUpti_ActivityKind kind)
{
    fakeCupti().kinds.insert(kind);
    fakeCupti().everEnabled.push_back(kind);
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityEnableAndDump(CUpti_ActivityKind kind)
{
    return cuptiActivityEnable(kind);
}
CUptiResult cuptiActivityDisable(CUpti_ActivityKind kind)
{
    fakeCupti().kinds.erase(kind);
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityFlushAll(std::uint32_t)
{
    const std::lock_guard lock(activities().mutex);
    if (fakeCupti().emptyFlushes > 0) {
        --fakeCupti().emptyFlushes;
        return CUPTI_SUCCESS;
    }
    if (std::uint8_t* buffer = std::exchange(activities().buffer, nullptr))
        activities().complete(nullptr, 0, buffer, activities().size, std::exchange(activities().used, 0));
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityGetNextRecord(std::uint8_t* buffer, std::size_t validBytes, CUpti_Activity** record)
{
    std::size_t at = 0;
    if (*record) {
        const auto* last = reinterpret_cast<const std::uint8_t*>(*record);
        std::uint64_t bytes = 0;
        std::memcpy(&bytes, last - kHead, kHead);
        at = static_cast<std::size_t>(last - buffer) + bytes;
    }
    if (at >= validBytes)
        return CUPTI_ERROR_MAX_LIMIT_REACHED;
    *record = reinterpret_cast<CUpti_Activity*>(buffer + at + kHead);
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityGetNumDroppedRecords(CUcontext, std::uint32_t, std::size_t* dropped)
{
    *dropped = 0;
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivitySetAttribute(CUpti_ActivityAttribute, std::size_t*, void*)
{
    return CUPTI_SUCCESS;
}
CUptiResult cuptiGetThreadIdType(CUpti_ActivityThreadIdType* type)
{
    *type = fakeCupti().threadIdType;
    return CUPTI_SUCCESS;
}
CUptiResult cuptiSetThreadIdType(CUpti_ActivityThreadIdType type)
{
    fakeCupti().threadIdType = type;
    return CUPTI_SUCCESS;
}
CUptiResult cuptiGetCallbackName(CUpti_CallbackDomain, std::uint32_t, const char** name)
{
    *name = "a function";
    return CUPTI_SUCCESS;
}

} // extern "C"
