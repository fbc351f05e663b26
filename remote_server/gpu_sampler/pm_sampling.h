#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace gantry::gpu_sampler {

/// Hardware counters of one GPU at a fixed rate, through CUPTI's PM sampling: of the whole device, whoever uses it, in one pass. One
/// client has it at a time. CUPTI and the driver are opened by name. One thread.
class PmSampling
{
public:
    struct Metric
    {
        std::string name, unit, help; ///< as a series: "gpu_sm_active_ratio", "ratio"
        std::string source;           ///< CUPTI's name
        double factor = 1;            ///< from CUPTI's value
        bool isPerSample = false;     ///< a count in the sample's span, to be made a rate
    };

    /// Starts sampling as many of the known metrics as fit into one pass and can be read at that rate. Errors, as sentences with the next
    /// step: Unsupported (no driver, CUPTI or such GPU), NotPermitted, Busy.
    [[nodiscard]] static Result<std::unique_ptr<PmSampling>> start(int device, std::int64_t periodNs);
    virtual ~PmSampling() = default;

    [[nodiscard]] virtual const std::vector<Metric>& metrics() const = 0;

    /// Hands out some of what the hardware has gathered: times of CLOCK_REALTIME, a value for each metric. True: there is more. Call it
    /// every few milliseconds. The first sample, which spans from long before the start, is left out.
    [[nodiscard]] virtual Result<bool>
    read(const std::function<void(std::int64_t startNs, std::int64_t endNs, std::span<const double> values)>& onSample) = 0;
    /// The last samples are still handed out by read().
    virtual void stop() = 0;
    /// Samples that the hardware took and nobody read in time, by the gaps between the others.
    [[nodiscard]] virtual std::uint64_t lost() const = 0;
};

} // namespace gantry::gpu_sampler
