#pragma once

#include "remote_server/inference/backends/cuda/layers.cuh"

#include <memory>

namespace gantry::cuda {

/// The BERT encoder on one GPU. What its functions do, plugin.h says.
class Encoder
{
public:
    virtual ~Encoder() = default;
    virtual std::uint32_t streamId() const = 0;
    virtual void copyIn(const std::int32_t* ids, const std::int32_t* mask, int batch, int sequence) = 0;
    virtual void infer(void (*onLayer)(void*, int), void* context) = 0;
    virtual void copyOut(const float** hidden, const float** pooled) = 0;
};

/// The weights must outlive it. T: __half or float.
template <typename T>
std::unique_ptr<Encoder> makeEncoder(const Weights<T>& weights, int device, cublasComputeType_t computeType, const GantryCudaEncoderOptions& options);

} // namespace gantry::cuda
