#include "remote_server/inference/cuda_memory.h"

#include <cstring>
#include <dlfcn.h>
#include <fmt/format.h>

namespace gantry::inference_server {
namespace {

/// cuda.h: struct CUipcMemHandle_st { char reserved[CU_IPC_HANDLE_SIZE]; }
struct Handle
{
    char reserved[64];
};
constexpr unsigned kLazyPeerAccess = 1; // cuda.h: CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS

/// What is used of the driver's interface (cuda.h; the suffixes are of the versions of its functions). Each returns a CUresult, 0 = fine.
struct Driver
{
    int (*init)(unsigned flags);
    int (*deviceCount)(int* count);
    int (*device)(int* device, int ordinal);
    int (*retainContext)(void** context, int device);
    int (*releaseContext)(int device);
    int (*pushContext)(void* context);
    int (*popContext)(void** context);
    int (*openHandle)(std::uint64_t* address, Handle handle, unsigned flags);
    int (*closeHandle)(std::uint64_t address);
    int (*addressRange)(std::uint64_t* base, std::size_t* size, std::uint64_t address);
    int (*copyToHost)(void* to, std::uint64_t from, std::size_t bytes);
    int (*copyToDevice)(std::uint64_t to, const void* from, std::size_t bytes);
    int (*errorText)(int result, const char** text);
};

Result<Driver> loadDriver()
{
    void* library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL); // never closed: the driver has threads of its own
    if (!library)
        return Error{ErrorCode::Unsupported, "no CUDA driver on this machine (libcuda.so.1): GPU memory cannot be shared", {}};
    Driver driver{};
    const auto load = [&](auto& function, const char* name) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
        return function != nullptr;
    };
    const bool isComplete = load(driver.init, "cuInit") && load(driver.deviceCount, "cuDeviceGetCount") &&
                            load(driver.device, "cuDeviceGet") && load(driver.retainContext, "cuDevicePrimaryCtxRetain") &&
                            load(driver.releaseContext, "cuDevicePrimaryCtxRelease_v2") &&
                            load(driver.pushContext, "cuCtxPushCurrent_v2") && load(driver.popContext, "cuCtxPopCurrent_v2") &&
                            load(driver.openHandle, "cuIpcOpenMemHandle_v2") && load(driver.closeHandle, "cuIpcCloseMemHandle") &&
                            load(driver.addressRange, "cuMemGetAddressRange_v2") && load(driver.copyToHost, "cuMemcpyDtoH_v2") &&
                            load(driver.copyToDevice, "cuMemcpyHtoD_v2") && load(driver.errorText, "cuGetErrorString");
    if (!isComplete)
        return Error{ErrorCode::Unsupported, "the CUDA driver (libcuda.so.1) lacks functions to share GPU memory: it is too old", {}};
    if (const int result = driver.init(0); result != 0)
        return Error{ErrorCode::Unsupported, fmt::format("no GPU can be used here (cuInit: {})", result), {}};
    return driver;
}

const Result<Driver>& driver()
{
    static const Result<Driver> kDriver = loadDriver();
    return kDriver;
}

Error failure(ErrorCode code, const char* call, int result)
{
    const char* text = nullptr;
    if (driver()->errorText(result, &text) != 0 || !text)
        text = "unknown error";
    return {code, fmt::format("{}: {} ({})", call, text, result), {}};
}

/// Makes a context current for this thread while it lives.
class CurrentContext
{
public:
    explicit CurrentContext(void* context) { driver()->pushContext(context); }
    CurrentContext(const CurrentContext&) = delete;
    CurrentContext& operator=(const CurrentContext&) = delete;
    ~CurrentContext()
    {
        void* popped = nullptr;
        driver()->popContext(&popped);
    }
};

/// Opens the handle in the current context and checks what is behind it.
Result<std::uint64_t> openMemory(const Handle& handle, std::uint64_t bytes)
{
    std::uint64_t address = 0, base = 0;
    if (const int result = driver()->openHandle(&address, handle, kLazyPeerAccess); result != 0)
        return failure(ErrorCode::BadInput, "invalid args: cuIpcOpenMemHandle", result);
    std::size_t size = 0;
    if (driver()->addressRange(&base, &size, address) != 0 || address - base > size || bytes > size - (address - base)) {
        driver()->closeHandle(address);
        return Error{ErrorCode::BadInput, fmt::format("invalid args: {} bytes are asked for of an allocation of {}", bytes, size), {}};
    }
    return address;
}

} // namespace

Result<std::shared_ptr<const CudaMemory>> CudaMemory::open(std::string_view handle, std::uint64_t device, std::uint64_t bytes)
{
    Handle raw{};
    if (handle.size() != sizeof raw.reserved)
        return Error{
            ErrorCode::BadInput, fmt::format("invalid args: a raw handle has {} bytes, got {}", sizeof raw.reserved, handle.size()), {}};
    std::memcpy(raw.reserved, handle.data(), handle.size());
    if (!driver())
        return driver().error();
    int count = 0, number = 0;
    driver()->deviceCount(&count);
    if (device >= static_cast<std::uint64_t>(count) || driver()->device(&number, static_cast<int>(device)) != 0)
        return Error{ErrorCode::BadInput, fmt::format("invalid args: there is no GPU {}, this machine has {}", device, count), {}};
    void* context = nullptr;
    if (const int result = driver()->retainContext(&context, number); result != 0)
        return failure(ErrorCode::Unsupported, "cuDevicePrimaryCtxRetain", result);
    const CurrentContext current(context);
    auto address = openMemory(raw, bytes);
    if (!address) {
        driver()->releaseContext(number);
        return std::move(address).error();
    }
    return std::shared_ptr<const CudaMemory>(new CudaMemory(number, context, *address));
}

CudaMemory::~CudaMemory()
{
    {
        const CurrentContext current(m_context);
        driver()->closeHandle(m_address);
    }
    driver()->releaseContext(m_device);
}

Result<std::string> CudaMemory::read(std::uint64_t offset, std::uint64_t bytes) const
{
    const CurrentContext current(m_context);
    std::string data(bytes, '\0');
    if (const int result = driver()->copyToHost(data.data(), m_address + offset, bytes); result != 0)
        return failure(ErrorCode::Internal, "cannot copy from shared GPU memory: cuMemcpyDtoH", result);
    return data;
}

Result<void> CudaMemory::write(std::uint64_t offset, std::string_view data) const
{
    const CurrentContext current(m_context);
    if (const int result = driver()->copyToDevice(m_address + offset, data.data(), data.size()); result != 0)
        return failure(ErrorCode::Internal, "cannot copy to shared GPU memory: cuMemcpyHtoD", result);
    return {};
}

} // namespace gantry::inference_server
