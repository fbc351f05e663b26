#include "remote_server/node/sampling/nvml_library.h"

namespace gantry::node {

NvmlLibrary::~NvmlLibrary()
{
    if (m_isStarted)
        (void)call("nvmlShutdown");
}

Result<std::unique_ptr<NvmlLibrary>> NvmlLibrary::open(const std::string& library)
{
    std::unique_ptr<NvmlLibrary> nvml(new NvmlLibrary);
    nvml->m_handle = dlopen(library.c_str(), RTLD_NOW);
    if (!nvml->m_handle)
        return Error{ErrorCode::Unsupported, "no GPU: the NVIDIA driver's " + library + " is not installed here", {}};
    int (*getCount)(unsigned*) = nullptr;
    int (*getHandle)(unsigned, void**) = nullptr;
    nvml->find(getCount, "nvmlDeviceGetCount_v2");
    nvml->find(getHandle, "nvmlDeviceGetHandleByIndex_v2");
    const int status = nvml->call("nvmlInit_v2");
    if (status == kNotThere || !getCount || !getHandle)
        return Error{ErrorCode::Unsupported, "no GPU: " + library + " lacks the functions of NVML", {}};
    if (status != kSuccess)
        return Error{ErrorCode::Unsupported, "no GPU: NVML does not start (" + nvml->errorText(status) + ")", {}};
    nvml->m_isStarted = true;
    unsigned count = 0;
    if (getCount(&count) != kSuccess || count == 0)
        return Error{ErrorCode::Unsupported, "no GPU: the NVIDIA driver finds none", {}};
    for (unsigned i = 0; i < count; ++i) {
        void* device = nullptr;
        const int answer = getHandle(i, &device);
        if (answer == kSuccess)
            nvml->m_devices.push_back({i, device, {}});
        else if (answer != kNoPermission) // those are of others, as beside a container
            nvml->m_devices.push_back({i, nullptr, nvml->problemOf(answer)});
    }
    if (nvml->m_devices.empty())
        return Error{
            ErrorCode::Unsupported, "no GPU: this user may use none of the " + std::to_string(count) + " that the driver finds", {}};
    return nvml;
}

std::string NvmlLibrary::driverVersion() const
{
    char text[96] = {};
    return call("nvmlSystemGetDriverVersion", static_cast<char*>(text), unsigned{sizeof text}) == kSuccess ? text : std::string();
}

int NvmlLibrary::cudaVersion() const
{
    int version = 0;
    return call("nvmlSystemGetCudaDriverVersion_v2", &version) == kSuccess ? version : 0;
}

std::string NvmlLibrary::errorText(int status) const
{
    const char* (*errorString)(int) = nullptr;
    find(errorString, "nvmlErrorString");
    const char* text = errorString ? errorString(status) : nullptr;
    return text ? text : "unknown error";
}

std::string cudaVersionText(int version)
{
    return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

} // namespace gantry::node
