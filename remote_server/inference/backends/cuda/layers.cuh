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

/// The values of a row that one of `Threads` threads has, read once: what is done with them in several passes is done in registers. Of
/// rows longer than Threads · Kept the rest is read again.
template <int Threads, int Kept, typename Value>
class RowInRegisters
{
public:
    __device__ RowInRegisters(int n, Value value) : m_n(n), m_value(value), m_first(threadIdx.x % Threads)
    {
#pragma unroll
        for (int i = 0; i < Kept; ++i)
            if (const int at = m_first + Threads * i; at < n)
                m_kept[i] = value(at);
    }

    /// Calls visit(index, value) for each of the thread's values.
    template <typename Visit>
    __device__ void forEach(Visit visit) const
    {
#pragma unroll
        for (int i = 0; i < Kept; ++i)
            if (const int at = m_first + Threads * i; at < m_n)
                visit(at, m_kept[i]);
        for (int at = m_first + Threads * Kept; at < m_n; at += Threads)
            visit(at, m_value(at));
    }

private:
    const int m_n;
    const Value m_value;
    const int m_first;
    float m_kept[Kept];
};

constexpr int kRowThreads = 128; // of a block that has one row

/// Normalises the row that `value(i)` gives and writes it. Called by all kRowThreads threads of a block.
template <typename T, typename Value>
__device__ void normaliseRow(int n, float epsilon, Value value, T* out)
{
    const RowInRegisters<kRowThreads, 8, Value> row(n, value);
    float sum = 0, squares = 0;
    row.forEach([&](int, float x) { sum += x; });
    const float mean = blockReduce<Sum>(sum) / n;
    row.forEach([&](int, float x) { squares += (x - mean) * (x - mean); });
    const float scale = rsqrtf(blockReduce<Sum>(squares) / n + epsilon);
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
