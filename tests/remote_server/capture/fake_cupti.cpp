#include "tests/remote_server/capture/fake_cupti.h"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace gantry::capture {

FakeCupti& fakeCupti()
{
    static FakeCupti state;
    return state;
}

void callDriver(CUpti_CallbackId function)
{
    CUpti_CallbackData data{};
    for (const CUpti_ApiCallbackSite site : {CUPTI_API_ENTER, CUPTI_API_EXIT}) {
        data.callbackSite = site;
        if (fakeCupti().callbacks.contains({CUPTI_CB_DOMAIN_DRIVER_API, function}))
            fakeCupti().callback(nullptr, CUPTI_CB_DOMAIN_DRIVER_API, function, &data);
    }
}

} // namespace gantry::capture

using gantry::capture::fakeCupti;

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
    *subscriber = nullptr;
    fakeCupti().callback = callback;
    return std::exchange(fakeCupti().isSubscribed, true) ? CUPTI_ERROR_MULTIPLE_SUBSCRIBERS_NOT_SUPPORTED : CUPTI_SUCCESS;
}
CUptiResult cuptiUnsubscribe(CUpti_SubscriberHandle)
{
    fakeCupti().isSubscribed = false;
    return CUPTI_SUCCESS;
}
CUptiResult cuptiEnableCallback(std::uint32_t enable, CUpti_SubscriberHandle, CUpti_CallbackDomain domain, CUpti_CallbackId function)
{
    if (enable)
        fakeCupti().callbacks.insert({domain, function});
    else
        fakeCupti().callbacks.erase({domain, function});
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityRegisterCallbacks(CUpti_BuffersCallbackRequestFunc, CUpti_BuffersCallbackCompleteFunc)
{
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityEnable(CUpti_ActivityKind kind)
{
    fakeCupti().kinds.insert(kind);
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
    return CUPTI_SUCCESS;
}
CUptiResult cuptiActivityGetNextRecord(std::uint8_t*, std::size_t, CUpti_Activity**)
{
    return CUPTI_ERROR_MAX_LIMIT_REACHED;
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
