// What the CUDA backend's parts share: checked calls, memory with an owner, a stream with its cuBLAS handle.
#pragma once

#include "remote_server/inference/backends/cuda/plugin.h"

#include <cstddef>
#include <cublas_v2.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <nvtx3/nvToolsExtCudaRt.h>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace gantry::cuda {

inline void check(cudaError_t status, const char* call)
{
    if (status != cudaSuccess)
        throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(status));
}

inline void check(cublasStatus_t status, const char* call)
{
    if (status != CUBLAS_STATUS_SUCCESS)
        throw std::runtime_error(std::string(call) + ": " + cublasGetStatusString(status));
}

#define CHECKED(call) ::gantry::cuda::check(call, #call)

/// Device or page-locked host memory, freed with its owner.
template <typename T>
class Memory
{
public:
    enum class Kind { Device, Pinned };
    Memory() = default;
    explicit Memory(std::size_t count, Kind kind = Kind::Device) : m_count(count), m_kind(kind)
    {
        void* data = nullptr;
        const std::size_t bytes = count * sizeof(T);
        const cudaError_t status = kind == Kind::Device ? cudaMalloc(&data, bytes) : cudaMallocHost(&data, bytes);
        if (status == cudaErrorMemoryAllocation) {
            cudaGetLastError(); // not to be found again by the next call that looks
            throw std::runtime_error((kind == Kind::Device ? "out of GPU memory: " : "out of page-locked memory: ") +
                                     std::to_string(bytes >> 20) + " MiB more do not fit");
        }
        CHECKED(status);
        m_data = static_cast<T*>(data);
    }
    Memory(Memory&& other) noexcept { swap(other); }
    Memory& operator=(Memory&& other) noexcept
    {
        swap(other);
        return *this;
    }
    ~Memory()
    {
        if (m_data)
            m_kind == Kind::Device ? cudaFree(m_data) : cudaFreeHost(m_data);
    }
    T* get() const { return m_data; }
    std::size_t count() const { return m_count; }

    /// Room for so many; what was in it is lost.
    void ensure(std::size_t count)
    {
        if (count > m_count) {
            Memory().swap(*this); // first, so that both need not fit
            Memory(count).swap(*this);
        }
    }

private:
    void swap(Memory& other) noexcept
    {
        std::swap(m_data, other.m_data);
        std::swap(m_count, other.m_count);
        std::swap(m_kind, other.m_kind);
    }

    T* m_data = nullptr;
    std::size_t m_count = 0;
    Kind m_kind = Kind::Device;
};

/// A stream that profilers know by name, and cuBLAS on it with a workspace of its own, as CUDA graphs need it.
class Queue
{
public:
    Queue(int device, cublasComputeType_t computeType, const char* name) : m_device(device), m_computeType(computeType)
    {
        CHECKED(cudaSetDevice(device));
        CHECKED(cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking));
        nvtxNameCudaStreamA(m_stream, name);
        CHECKED(cublasCreate(&m_blas));
        m_workspace = Memory<char>(kWorkspaceBytes);
        CHECKED(cublasSetStream(m_blas, m_stream));
        CHECKED(cublasSetWorkspace(m_blas, m_workspace.get(), kWorkspaceBytes));
    }
    Queue(const Queue&) = delete;
    ~Queue()
    {
        cudaStreamSynchronize(m_stream);
        cublasDestroy(m_blas);
        cudaStreamDestroy(m_stream);
    }

    /// Makes the device the calling thread's. Instances of several GPUs may share a thread.
    void use() const { CHECKED(cudaSetDevice(m_device)); }
    cudaStream_t stream() const { return m_stream; }
    /// The driver's number of the stream, which is the one that CUPTI has for it (seen with CUDA 13.0).
    std::uint32_t streamId() const
    {
        unsigned long long id = 0;
        CHECKED(cudaStreamGetId(m_stream, &id));
        return static_cast<std::uint32_t>(id);
    }
    cublasHandle_t blas() const { return m_blas; }
    cublasComputeType_t computeType() const { return m_computeType; }
    void wait() const { CHECKED(cudaStreamSynchronize(m_stream)); }

    template <typename T>
    void copyIn(const Memory<T>& to, const T* from, std::size_t count) const
    {
        CHECKED(cudaMemcpyAsync(to.get(), from, count * sizeof(T), cudaMemcpyHostToDevice, m_stream));
    }
    template <typename T>
    void copyOut(T* to, const Memory<T>& from, std::size_t count) const
    {
        CHECKED(cudaMemcpyAsync(to, from.get(), count * sizeof(T), cudaMemcpyDeviceToHost, m_stream));
    }

private:
    static constexpr std::size_t kWorkspaceBytes = 32u << 20; // what cuBLAS recommends for Hopper

    int m_device;
    cublasComputeType_t m_computeType;
    cudaStream_t m_stream = nullptr;
    cublasHandle_t m_blas = nullptr;
    Memory<char> m_workspace;
};

} // namespace gantry::cuda
