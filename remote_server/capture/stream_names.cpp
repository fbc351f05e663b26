#include "remote_server/capture/stream_names.h"

#include <dlfcn.h>

namespace gantry::capture {
namespace {

// As cuda.h declares them, whose types are opaque handles; the driver's calls return 0 when they succeed.
using Stream = const void*;
using Context = void*;

struct Driver
{
    int (*streamGetId)(Stream, unsigned long long*) = nullptr;
    int (*streamGetContext)(Stream, Context*) = nullptr;
    int (*pushContext)(Context) = nullptr;
    int (*popContext)(Context*) = nullptr;
    int (*contextGetDevice)(int*) = nullptr;

    [[nodiscard]] bool isComplete() const { return streamGetId && streamGetContext && pushContext && popContext && contextGetDevice; }
};

template <typename Function>
void resolve(void* library, const char* name, Function& function)
{
    function = reinterpret_cast<Function>(dlsym(library, name));
}

Driver loadedDriver()
{
    Driver driver;
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD); // who has a stream has it
    if (!library)
        return driver;
    resolve(library, "cuStreamGetId", driver.streamGetId);
    resolve(library, "cuStreamGetCtx", driver.streamGetContext);
    resolve(library, "cuCtxPushCurrent_v2", driver.pushContext);
    resolve(library, "cuCtxPopCurrent_v2", driver.popContext);
    resolve(library, "cuCtxGetDevice", driver.contextGetDevice);
    return driver;
}

} // namespace

bool findStream(const void* handle, StreamPlace& place)
{
    const Driver driver = loadedDriver(); // each time: streams are named once
    unsigned long long id = 0;
    Context context = nullptr;
    if (!driver.isComplete() || driver.streamGetId(handle, &id) != 0 || driver.streamGetContext(handle, &context) != 0 ||
        driver.pushContext(context) != 0)
        return false;
    int device = 0;
    const bool isKnown = driver.contextGetDevice(&device) == 0;
    driver.popContext(&context);
    place = {static_cast<std::uint32_t>(device), static_cast<std::uint32_t>(id)};
    return isKnown;
}

} // namespace gantry::capture
