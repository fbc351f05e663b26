#pragma once

#include "remote_server/inference/cuda_memory.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::inference_server {

/// A part of a registered region: where a tensor lies that a request names instead of carrying it.
struct SharedPlace
{
    std::string region;
    std::uint64_t offset = 0; ///< bytes from the beginning of the region
    std::uint64_t bytes = 0;
};

/// Bytes of a region that stay reachable while this lives, whoever unregisters the region meanwhile. Any thread.
class SharedBytes
{
public:
    virtual ~SharedBytes() = default;
    /// All of them. Errors: BadInput when the object behind the region has become shorter.
    [[nodiscard]] virtual Result<std::string> read() const = 0;
    /// The first of them; `data` is not longer than they are. Errors: as above.
    [[nodiscard]] virtual Result<void> write(std::string_view data) const = 0;
};

/// The regions of POSIX shared memory and of GPU memory that clients registered: Triton's shared memory extensions. System regions are read
/// and written as files and never mapped: a client that shrinks its object makes requests fail, and does not kill the server with SIGBUS.
/// Any thread.
class SharedMemory
{
public:
    struct SystemRegion
    {
        std::string name, key;               ///< key: as of shm_open(3)
        std::uint64_t offset = 0, bytes = 0; ///< within the object
    };
    struct CudaRegion
    {
        std::string name;
        std::uint64_t device = 0, bytes = 0;
    };

    /// Errors: Internal when the object cannot be opened, BadInput when it is shorter than offset + bytes, Busy when the name is taken.
    [[nodiscard]] Result<void> registerSystem(const SystemRegion& region);
    /// `handle`: a cudaIpcMemHandle_t. Errors: BadInput, also where there is no GPU; Busy when the name is taken.
    [[nodiscard]] Result<void> registerCuda(const CudaRegion& region, std::string_view handle);
    /// An empty name: all. A name that is not registered is no error, as in Triton.
    void unregisterSystem(const std::string& name);
    void unregisterCuda(const std::string& name);
    /// By name; an empty name: all. Errors: NotFound.
    [[nodiscard]] Result<std::vector<SystemRegion>> systemRegions(const std::string& name) const;
    [[nodiscard]] Result<std::vector<CudaRegion>> cudaRegions(const std::string& name) const;

    /// Errors: NotFound (no such region), BadInput (the place is not within it).
    [[nodiscard]] Result<std::shared_ptr<const SharedBytes>> find(const SharedPlace& place) const;

private:
    struct System
    {
        SystemRegion region;
        std::shared_ptr<const int> file; ///< closes it
    };
    struct Cuda
    {
        CudaRegion region;
        std::shared_ptr<const CudaMemory> memory;
    };
    [[nodiscard]] Result<void> checkFree(const std::string& name) const;

    mutable std::mutex m_mutex; ///< everything below
    std::map<std::string, System> m_system;
    std::map<std::string, Cuda> m_cuda;
};

} // namespace gantry::inference_server
