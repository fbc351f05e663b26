// Kernels of transformer layers over FP16 or FP32 activations, and the products of cuBLAS in their row-major order.
#pragma once

#include "remote_server/inference/backends/cuda/device.cuh"

namespace gantry::cuda {

constexpr int kThreads = 256;

template <typename T>
struct Scalar;
template <>
struct Scalar<__half>
{
    static constexpr cudaDataType_t kType = CUDA_R_16F;
};
template <>
struct Scalar<float>
{
    static constexpr cudaDataType_t kType = CUDA_R_32F;
};

__host__ __device__ inline float toFloat(__half value) { return __half2float(value); }
__host__ __device__ inline float toFloat(float value) { return value; }
template <typename T>
__host__ __device__ T fromFloat(float value);
template <>
__host__ __device__ inline __half fromFloat<__half>(float value) { return __float2half(value); }
template <>
__host__ __device__ inline float fromFloat<float>(float value) { return value; }

struct Sum
{
    static constexpr float kNothing = 0.0f;
    __device__ static float of(float a, float b) { return a + b; }
};
struct Largest
{
    static constexpr float kNothing = -1e30f;
    __device__ static float of(float a, float b) { return fmaxf(a, b); }
};

/// Of the whole warp, whose lanes all get it.
template <typename Operation>
__device__ float warpReduce(float value)
{
    for (int offset = 16; offset > 0; offset /= 2)
        value = Operation::of(value, __shfl_xor_sync(0xFFFFFFFFu, value, offset));
    return value;
}

/// Of the whole block, whose threads all get it.
template <typename Operation>
__device__ float blockReduce(float value)
{
    __shared__ float partial[32];
    value = warpReduce<Operation>(value);
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? partial[threadIdx.x % 32] : Operation::kNothing;
    value = warpReduce<Operation>(value);
    __syncthreads(); // before partial is written again
    return value;
}

constexpr int kPerLane = 32; // values that a lane keeps of a row: in registers

/// A row of up to kPerLane values for each lane of a warp, read once: what is done with it in several passes is done in registers.
/// Longer rows have the rest read again.
template <typename Value>
class WarpRow
{
public:
    __device__ WarpRow(int n, Value value) : m_n(n), m_value(value), m_lane(threadIdx.x % 32)
    {
#pragma unroll
        for (int i = 0; i < kPerLane; ++i)
            if (const int at = m_lane + 32 * i; at < n)
                m_kept[i] = value(at);
    }

    /// Calls visit(index, value) for each of the lane's values.
    template <typename Visit>
    __device__ void forEach(Visit visit) const
    {
#pragma unroll
        for (int i = 0; i < kPerLane; ++i)
            if (const int at = m_lane + 32 * i; at < m_n)
                visit(at, m_kept[i]);
        for (int at = m_lane + 32 * kPerLane; at < m_n; at += 32)
            visit(at, m_value(at));
    }

private:
    const int m_n;
    const Value m_value;
    const int m_lane;
    float m_kept[kPerLane];
};

/// The row that this thread's warp has of `rows`, or nothing: then it is -1. Blocks of kRowThreads.
constexpr int kRowThreads = 128;
__device__ inline int rowOfWarp(int rows)
{
    const int row = static_cast<int>(blockIdx.x * (kRowThreads / 32) + threadIdx.x / 32);
    return row < rows ? row : -1;
}
inline unsigned blocksForRows(int rows)
{
    return static_cast<unsigned>((rows + kRowThreads / 32 - 1) / (kRowThreads / 32));
}

/// Normalises the row that `value(i)` gives and writes it. Called by a whole warp.
template <typename T, typename Value>
__device__ void normaliseRow(int n, float epsilon, Value value, T* out)
{
    const WarpRow<Value> row(n, value);
    float sum = 0, squares = 0;
    row.forEach([&](int, float x) { sum += x; });
    const float mean = warpReduce<Sum>(sum) / n;
    row.forEach([&](int, float x) { squares += (x - mean) * (x - mean); });
    const float scale = rsqrtf(warpReduce<Sum>(squares) / n + epsilon);
    row.forEach([&](int i, float x) { out[i] = fromFloat<T>((x - mean) * scale); });
}

/// values[row][i] = of(values[row][i] + bias[i]); a block for each row.
template <typename T, typename Of>
__device__ void addBiasToRow(T* values, const T* bias, int n, Of of)
{
    T* row = values + static_cast<std::size_t>(blockIdx.x) * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        row[i] = fromFloat<T>(of(toFloat(row[i]) + toFloat(bias[i])));
}

template <typename T>
__global__ void addBias(T* values, const T* bias, int n)
{
    addBiasToRow(values, bias, n, [](float x) { return x; });
}

/// The exact GELU of BERT and GPT-2's original: x · Φ(x).
template <typename T>
__global__ void addBiasGelu(T* values, const T* bias, int n)
{
    addBiasToRow(values, bias, n, [](float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); });
}

inline unsigned blocksFor(std::size_t count)
{
    return static_cast<unsigned>((count + kThreads - 1) / kThreads);
}

/// out[rows][n] = in[rows][k] · weights[n][k]ᵀ; cuBLAS counts columns first, so the operands change places.
template <typename T>
void linear(const Queue& queue, const T* in, const Memory<T>& weights, T* out, int rows, int n, int k, int inStride)
{
    const float one = 1, zero = 0;
    constexpr cudaDataType_t type = Scalar<T>::kType;
    CHECKED(cublasGemmEx(queue.blas(), CUBLAS_OP_T, CUBLAS_OP_N, n, rows, k, &one, weights.get(), type, k, in, type, inStride, &zero, out, type,
                         n, queue.computeType(), CUBLAS_GEMM_DEFAULT));
}

template <typename T>
Memory<T> upload(const float* values, std::size_t count)
{
    std::vector<T> converted(count);
    for (std::size_t i = 0; i < count; ++i)
        converted[i] = fromFloat<T>(values[i]);
    Memory<T> memory(count);
    CHECKED(cudaMemcpy(memory.get(), converted.data(), count * sizeof(T), cudaMemcpyHostToDevice));
    return memory;
}

template <typename T>
struct Layer
{
    Memory<T> qkv, qkvBias, attentionOut, attentionOutBias, up, upBias, down, downBias;
};

/// Weights on a device.
template <typename T>
struct Weights
{
    GantryCudaShape shape;
    Memory<T> tokens, positions, pooler, poolerBias;
    std::vector<Layer<T>> layers;

    Weights(const GantryCudaShape& s, const GantryCudaWeights& w) : shape(s)
    {
        const std::size_t h = s.hidden, f = s.ffn;
        tokens = upload<T>(w.tokens, h * s.vocabulary);
        positions = upload<T>(w.positions, h * s.positions);
        if (w.pooler) {
            pooler = upload<T>(w.pooler, h * h);
            poolerBias = upload<T>(w.poolerBias, h);
        }
        for (int i = 0; i < s.layers; ++i)
            layers.push_back({upload<T>(w.qkv[i], 3 * h * h), upload<T>(w.qkvBias[i], 3 * h), upload<T>(w.attentionOut[i], h * h),
                              upload<T>(w.attentionOutBias[i], h), upload<T>(w.up[i], f * h), upload<T>(w.upBias[i], f),
                              upload<T>(w.down[i], h * f), upload<T>(w.downBias[i], h)});
    }
};

} // namespace gantry::cuda
