#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gantry::inference_server {

/// Device memory of another process, opened by its CUDA IPC handle through the driver (libcuda.so.1, looked for at the first use). Any
/// thread.
class CudaMemory
{
public:
    /// `handle`: the 64 bytes of a cudaIpcMemHandle_t, which the driver takes as a CUipcMemHandle. Errors: BadInput (no such handle or
    /// device, fewer bytes behind it), Unsupported (no driver, no GPU).
    [[nodiscard]] static Result<std::shared_ptr<const CudaMemory>> open(std::string_view handle, std::uint64_t device, std::uint64_t bytes);
    CudaMemory(const CudaMemory&) = delete;
    CudaMemory& operator=(const CudaMemory&) = delete;
    ~CudaMemory();

    /// Within the opened bytes, which the caller has checked. Errors: Internal, with the driver's words.
    [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::uint64_t bytes) const;
    [[nodiscard]] Result<void> write(std::uint64_t offset, std::string_view data) const;

private:
    CudaMemory(int device, void* context, std::uint64_t address) : m_device(device), m_context(context), m_address(address) {}

    int m_device;
    void* m_context;         ///< CUcontext: the device's primary one
    std::uint64_t m_address; ///< CUdeviceptr
};

} // namespace gantry::inference_server
