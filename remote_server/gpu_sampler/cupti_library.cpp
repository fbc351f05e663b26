#include "remote_server/gpu_sampler/cupti_library.h"

#include <dlfcn.h>

namespace gantry::gpu_sampler {

void* openFirst(std::initializer_list<const char*> names)
{
    for (const char* name : names)
        if (void* library = dlopen(name, RTLD_NOW | RTLD_GLOBAL))
            return library;
    return nullptr;
}

void* openCupti()
{
    return openFirst(
        {"libcupti.so.13", "libcupti.so.12", "/usr/local/cuda/lib64/libcupti.so", "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so"});
}

CuptiFound findCupti()
{
    void* library = openCupti();
    void* symbol = library ? dlsym(library, "cuptiGetVersion") : nullptr;
    if (!symbol)
        return {};
    CuptiFound found;
    if (reinterpret_cast<int (*)(std::uint32_t*)>(symbol)(&found.version) != 0)
        return {};
    if (Dl_info where{}; dladdr(symbol, &where) && where.dli_fname)
        found.path = where.dli_fname;
    return found;
}

} // namespace gantry::gpu_sampler
