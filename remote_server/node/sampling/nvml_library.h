#pragma once

#include "trace_model/base/result.h"

#include <dlfcn.h>

#include <memory>
#include <string>
#include <vector>

namespace gantry::node {

/// NVML opened at run time (libnvidia-ml.so.1 comes with the driver), started, with handles of its GPUs. NVML itself counts how often it
/// was started, so that several of these may live side by side. Any thread may find functions; what these allow is NVML's matter.
class NvmlLibrary
{
public:
    struct Device
    {
        unsigned index = 0; ///< as NVML counts them
        void* handle = nullptr;
        std::string problem; ///< a sentence, of one that does not answer; its handle is null
    };

    // nvml.h, nvmlReturn_t
    static constexpr int kSuccess = 0, kNotSupported = 3, kNoPermission = 4, kInsufficientSize = 7, kGpuIsLost = 15, kResetRequired = 16,
                         kGpuNotFound = 28;
    static constexpr int kNotThere = -1; ///< the library has no such function

    /// Errors: Unsupported, with the reason as a sentence ("no GPU: …").
    [[nodiscard]] static Result<std::unique_ptr<NvmlLibrary>> open(const std::string& library = "libnvidia-ml.so.1");
    NvmlLibrary(const NvmlLibrary&) = delete;
    NvmlLibrary& operator=(const NvmlLibrary&) = delete;
    ~NvmlLibrary();

    [[nodiscard]] void* handle() const { return m_handle; } ///< of dlopen()
    /// Also those that did not answer when this was opened; not those that this user must not use.
    [[nodiscard]] const std::vector<Device>& devices() const { return m_devices; }
    [[nodiscard]] std::string driverVersion() const; ///< "580.65.06"; empty: it does not say
    [[nodiscard]] int cudaVersion() const;           ///< 13000 is 13.0; 0: it does not say
    [[nodiscard]] std::string errorText(int status) const;
    /// Whether a call failed because the GPU is gone, as one that fell off the bus (Xid 79), rather than for what was asked.
    [[nodiscard]] static constexpr bool isLoss(int status)
    {
        return status == kGpuIsLost || status == kResetRequired || status == kGpuNotFound;
    }
    /// "it does not answer: GPU is lost".
    [[nodiscard]] std::string problemOf(int status) const { return "it does not answer: " + errorText(status); }

    /// Sets `function` to the one of this name, or to null: each is optional.
    template <typename Function>
    void find(Function& function, const char* symbol) const
    {
        function = reinterpret_cast<Function>(dlsym(m_handle, symbol));
    }
    /// Calls the function of this name; kNotThere when the library has none.
    template <typename... Arguments>
    [[nodiscard]] int call(const char* symbol, Arguments... arguments) const
    {
        int (*function)(Arguments...) = nullptr;
        find(function, symbol);
        return function ? function(arguments...) : kNotThere;
    }

private:
    NvmlLibrary() = default;

    void* m_handle = nullptr;
    bool m_isStarted = false;
    std::vector<Device> m_devices;
};

/// "13.0" of 13000.
[[nodiscard]] std::string cudaVersionText(int version);

} // namespace gantry::node
