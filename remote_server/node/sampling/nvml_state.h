#pragma once

#include "remote_server/node/sampling/nvml_library.h"
#include "remote_server/node/sampling/sample_source.h"

#include <map>
#include <string>

namespace gantry::node {

/// The rest of what nvidia-smi prints of a GPU, beside what changes with each kernel: clocks and what holds them down, fan, memory's load
/// and temperature, memory errors, energy. Each is optional; what changes slowly, or takes long, is asked once a second. One thread at a
/// time.
class NvmlState
{
public:
    /// `library` outlives it.
    explicit NvmlState(const NvmlLibrary& library);

    /// Begins a round of all GPUs.
    void beginRound();
    void sample(void* device, const std::map<std::string, std::string>& labels, SampleRound& round);

private:
    void sampleSlowly(void* device, const std::map<std::string, std::string>& labels, SampleRound& round) const;
    void sampleThrottling(void* device, const std::map<std::string, std::string>& labels, SampleRound& round) const;

    struct Field;
    int (*m_getClock)(void*, int, unsigned*) = nullptr;
    int (*m_getFan)(void*, unsigned*) = nullptr;
    int (*m_getState)(void*, int*) = nullptr;
    int (*m_getReasons)(void*, unsigned long long*) = nullptr;
    int (*m_getEnergy)(void*, unsigned long long*) = nullptr;
    int (*m_getErrors)(void*, int, int, unsigned long long*) = nullptr;
    int (*m_getFields)(void*, int, Field*) = nullptr;
    TimestampNs m_lastSlow = 0; ///< round of what is asked once a second; 0: none yet
    bool m_isSlow = false;
};

} // namespace gantry::node
