#pragma once

#include "remote_server/inference/model.h"
#include "remote_server/inference/request_ranges.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace gantry::inference_server {

class InflightBatcher;

/// The inputs of a batch and where its outputs go; one entry for each request, in order.
struct BatchItem
{
    const std::vector<Tensor>* inputs = nullptr;
    std::vector<Tensor>* outputs = nullptr;
    /// Where a decoupled model's responses go, one by one, instead of into `outputs`; `final` says that none follows. False: nobody
    /// takes them any more, and no other is to be made. Null for a model that answers once.
    std::function<bool(std::vector<Tensor> outputs, bool final)> respond = nullptr;
};

/// Where an instance runs.
struct InstancePlace
{
    std::string name = {};       ///< the instance's: what its stream is called
    int index = 0;               ///< among all instances of the model
    std::optional<int> gpu = {}; ///< as the configuration says; nothing: wherever the backend likes, or the CPU
};

/// One instance of a model. Its three steps run in order on the instance's own thread, once for each batch.
class Backend
{
public:
    virtual ~Backend() = default;
    [[nodiscard]] virtual Result<void> computeInput(const std::vector<BatchItem>& batch) = 0;
    [[nodiscard]] virtual Result<void> computeInfer(const std::vector<BatchItem>& batch) = 0;
    [[nodiscard]] virtual Result<void> computeOutput(const std::vector<BatchItem>& batch) = 0;
    /// Where requests join and leave between iterations, which then take the place of the steps above: these are for warm-ups alone.
    /// Null: requests execute in batches.
    [[nodiscard]] virtual InflightBatcher* inflight() { return nullptr; }
    /// Page-locked host memory that the instance holds, in bytes.
    [[nodiscard]] virtual std::uint64_t pinnedBytes() const { return 0; }
    /// CUPTI's number of the instance's stream, where it has one.
    [[nodiscard]] virtual std::optional<std::uint32_t> streamId() const { return std::nullopt; }
};

/// Makes the instances of one model and holds what they share (weights).
class BackendFactory
{
public:
    virtual ~BackendFactory() = default;
    /// Whether one request's inputs can be computed; datatypes and shapes are as configured already. Asked before the request is
    /// queued, since later it would fail the whole batch. Errors: BadInput. Any thread.
    [[nodiscard]] virtual Result<void> check(const std::vector<Tensor>& inputs) const = 0;
    [[nodiscard]] virtual Result<std::unique_ptr<Backend>> createInstance(const InstancePlace& place, RequestRanges& ranges) = 0;
    /// "cpu" or "gpu", for people.
    [[nodiscard]] virtual std::string platform() const = 0;
    /// Where there is an instance each for a group that names no GPU, as Triton has it; empty on the CPU.
    [[nodiscard]] virtual std::vector<int> gpus() const { return {}; }
};

struct BackendOptions
{
    bool allowGpu = true;
    bool pinnedOutputs = false; ///< GPU: outputs are copied to page-locked host memory instead of pageable
};

/// Factory for the `backend` of a configuration: "add_sub", "bert", "decoder" or "identity". Errors: Unsupported (no such
/// backend), BadInput.
[[nodiscard]] Result<std::unique_ptr<BackendFactory>> createBackendFactory(const inference::ModelConfig& config, const BackendOptions& options);

/// Adds what a configuration leaves out and its backend knows: inputs, outputs and, unless the configuration says it, max_batch_size
/// with dynamic batching. Triton's default is 4 rows.
void autoComplete(inference::ModelConfig& config, bool saysMaxBatchSize);

} // namespace gantry::inference_server
