#pragma once

#include "remote_server/node/sampling/sample_source.h"

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gantry::node {

/// How busy the parts of a GPU were since the last sample, as NVML's GPU performance monitoring tells it on Hopper and later: for
/// everybody, and beside a profiler that has the hardware counters. One thread at a time.
class NvmlGpm
{
public:
    /// `library`: NVML, started, as dlopen() gave it; it outlives this. A device may be null: one that does not answer. Null: none of the
    /// GPUs supports it, or the driver is too old.
    [[nodiscard]] static std::unique_ptr<NvmlGpm> open(void* library, const std::vector<void*>& devices);
    ~NvmlGpm();

    /// Nothing on the first call: two samples make a value. `device`: by its place in those of open().
    void sample(std::size_t device, const std::map<std::string, std::string>& labels, SampleRound& round);

private:
    struct Api;
    struct Device
    {
        void* handle = nullptr;
        void* last = nullptr; ///< samples of GPM; null: not supported
        void* next = nullptr;
        bool hasLast = false;
    };

    NvmlGpm();
    void prepare(Device& device) const;

    std::unique_ptr<Api> m_api;
    std::vector<Device> m_devices;
};

} // namespace gantry::node
