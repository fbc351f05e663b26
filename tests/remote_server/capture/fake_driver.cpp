#include "tests/remote_server/capture/fake_driver.h"

#include <vector>

namespace {

std::vector<std::uintptr_t> g_contexts; // device + 1

} // namespace

int gantry::capture::fakeContextsPushed()
{
    return static_cast<int>(g_contexts.size());
}

extern "C" {

CUresult cuStreamGetId(CUstream stream, unsigned long long* id)
{
    *id = reinterpret_cast<std::uintptr_t>(stream) & 0xfff;
    return *id == 0 ? CUDA_ERROR_INVALID_CONTEXT : CUDA_SUCCESS;
}
CUresult cuStreamGetCtx(CUstream stream, CUcontext* context)
{
    *context = reinterpret_cast<CUcontext>((reinterpret_cast<std::uintptr_t>(stream) >> 12) + 1);
    return CUDA_SUCCESS;
}
CUresult cuCtxPushCurrent(CUcontext context) // _v2 by a macro of cuda.h
{
    g_contexts.push_back(reinterpret_cast<std::uintptr_t>(context));
    return CUDA_SUCCESS;
}
CUresult cuCtxPopCurrent(CUcontext* context)
{
    *context = reinterpret_cast<CUcontext>(g_contexts.back());
    g_contexts.pop_back();
    return CUDA_SUCCESS;
}
CUresult cuCtxGetDevice(CUdevice* device)
{
    *device = static_cast<CUdevice>(g_contexts.back() - 1);
    return CUDA_SUCCESS;
}
}
