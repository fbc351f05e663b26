#pragma once

#include "remote_server/inference/backends/cuda/layers.cuh"

#include <memory>

namespace gantry::cuda {

/// A decoder-only transformer with a paged KV cache on one GPU. What its functions do, plugin.h says.
class Decoder
{
public:
    virtual ~Decoder() = default;
    virtual std::uint32_t streamId() const = 0;
    virtual void begin(const GantryCudaStep& step) = 0;
    virtual void runLayer(int layer) = 0;
    virtual void nextTokens(std::int32_t* ids) = 0;
};

/// The weights must outlive it. T: __half or float.
template <typename T>
std::unique_ptr<Decoder> makeDecoder(const Weights<T>& weights, int device, cublasComputeType_t computeType, const GantryCudaDecoderOptions& options);

} // namespace gantry::cuda
