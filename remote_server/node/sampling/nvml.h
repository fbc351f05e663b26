#pragma once

#include "remote_server/node/sampling/nvml_gpm.h"
#include "remote_server/node/sampling/nvml_state.h"
#include "remote_server/node/sampling/sample_source.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// NVML opened at run time (libnvidia-ml.so.1 comes with the driver). Every function but the first few is optional. sample() one thread at
/// a time, the others any thread.
class Nvml : public SampleSource
{
public:
    /// Errors: Unsupported, with the reason as a sentence ("no GPU: …").
    [[nodiscard]] static Result<std::unique_ptr<Nvml>> open(const std::string& library = "libnvidia-ml.so.1");
    ~Nvml() override;

    /// With the problem of each that did not answer when it was sampled last.
    [[nodiscard]] std::vector<proto::GpuInfo> gpus() const;
    [[nodiscard]] const std::string& driverVersion() const { return m_driverVersion; }
    [[nodiscard]] const std::string& cudaVersion() const { return m_cudaVersion; }

    void sample(SampleRound& round) override;
    [[nodiscard]] SourceState state() const override { return {"GPUs (NVML)", {}, 0, {}, {}}; }

private:
    struct Api;
    Nvml();
    [[nodiscard]] proto::GpuInfo describe(unsigned index, void* device) const;
    [[nodiscard]] bool answers(std::size_t place);
    void sampleDevice(std::size_t place, SampleRound& round);

    std::unique_ptr<Api> m_api;
    std::unique_ptr<NvmlGpm> m_gpm; ///< null: not supported
    std::unique_ptr<NvmlState> m_state;
    std::vector<void*> m_devices;   ///< null: it did not answer at the start
    mutable std::mutex m_mutex;     ///< the problems in m_gpus
    std::vector<proto::GpuInfo> m_gpus;
    std::string m_driverVersion, m_cudaVersion;
};

} // namespace gantry::node
