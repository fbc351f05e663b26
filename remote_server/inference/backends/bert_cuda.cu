// The BERT encoder on one GPU: FP16 weights and activations, FP32 accumulation, cuBLAS for the products, a stream per instance.
// Built by nvcc into libgantry_backend_cuda.so; the C interface is cuda_plugin.h.

#include "remote_server/inference/backends/cuda_plugin.h"

#include <cstdio>
#include <cstring>
#include <cublas_v2.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

void check(cudaError_t status, const char* call)
{
    if (status != cudaSuccess)
        throw std::runtime_error(std::string(call) + ": " + cudaGetErrorString(status));
}

void check(cublasStatus_t status, const char* call)
{
    if (status != CUBLAS_STATUS_SUCCESS)
        throw std::runtime_error(std::string(call) + ": " + cublasGetStatusString(status));
}

#define CHECKED(call) check(call, #call)

/// Device or page-locked host memory, freed with its owner.
template <typename T>
class Memory
{
public:
    enum class Kind { Device, Pinned };
    Memory() = default;
    Memory(std::size_t count, Kind kind) : m_kind(kind)
    {
        if (kind == Kind::Device)
            CHECKED(cudaMalloc(reinterpret_cast<void**>(&m_data), count * sizeof(T)));
        else
            CHECKED(cudaMallocHost(reinterpret_cast<void**>(&m_data), count * sizeof(T)));
    }
    Memory(Memory&& other) noexcept : m_data(other.m_data), m_kind(other.m_kind) { other.m_data = nullptr; }
    Memory& operator=(Memory&& other) noexcept
    {
        std::swap(m_data, other.m_data);
        std::swap(m_kind, other.m_kind);
        return *this;
    }
    ~Memory()
    {
        if (m_data)
            m_kind == Kind::Device ? cudaFree(m_data) : cudaFreeHost(m_data);
    }
    T* get() const { return m_data; }

private:
    T* m_data = nullptr;
    Kind m_kind = Kind::Device;
};

template <typename T>
Memory<T> deviceMemory(std::size_t count)
{
    return Memory<T>(count, Memory<T>::Kind::Device);
}

constexpr int kThreads = 256;

__device__ float blockSum(float value)
{
    __shared__ float partial[32];
    for (int offset = 16; offset > 0; offset /= 2)
        value += __shfl_down_sync(0xFFFFFFFFu, value, offset);
    if (threadIdx.x % 32 == 0)
        partial[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0.0f;
    if (threadIdx.x < 32)
        for (int offset = 16; offset > 0; offset /= 2)
            value += __shfl_down_sync(0xFFFFFFFFu, value, offset);
    if (threadIdx.x == 0)
        partial[0] = value;
    __syncthreads();
    const float sum = partial[0];
    __syncthreads();
    return sum;
}

/// Normalises the row that `value(i)` gives and writes it.
template <typename Value>
__device__ void layerNormRow(int n, Value value, __half* out)
{
    float sum = 0, squares = 0;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        sum += value(i);
    const float mean = blockSum(sum) / n;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        squares += (value(i) - mean) * (value(i) - mean);
    const float scale = rsqrtf(blockSum(squares) / n + 1e-12f);
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        out[i] = __float2half((value(i) - mean) * scale);
}

__global__ void embeddingLayerNorm(const int* ids, const __half* tokens, const __half* positions, __half* hidden, int sequence, int n)
{
    const __half* token = tokens + static_cast<std::size_t>(ids[blockIdx.x]) * n;
    const __half* position = positions + static_cast<std::size_t>(blockIdx.x % sequence) * n;
    layerNormRow(n, [&](int i) { return __half2float(token[i]) + __half2float(position[i]); }, hidden + static_cast<std::size_t>(blockIdx.x) * n);
}

/// hidden = layerNorm(hidden + update + bias). A row is read whole before any of it is written: out goes through a second buffer.
__global__ void addBiasResidualLayerNorm(const __half* hidden, const __half* update, const __half* bias, __half* out, int n)
{
    const __half* h = hidden + static_cast<std::size_t>(blockIdx.x) * n;
    const __half* u = update + static_cast<std::size_t>(blockIdx.x) * n;
    layerNormRow(n, [&](int i) { return __half2float(h[i]) + __half2float(u[i]) + __half2float(bias[i]); }, out + static_cast<std::size_t>(blockIdx.x) * n);
}

__global__ void addBias(__half* values, const __half* bias, int n, std::size_t count)
{
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count)
        values[i] = __float2half(__half2float(values[i]) + __half2float(bias[i % n]));
}

__global__ void addBiasGelu(__half* values, const __half* bias, int n, std::size_t count)
{
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count) {
        const float x = __half2float(values[i]) + __half2float(bias[i % n]);
        values[i] = __float2half(0.5f * x * (1.0f + erff(x * 0.70710678f)));
    }
}

/// One block per row of scores [batch · heads · sequence][sequence].
__global__ void maskedSoftmax(__half* scores, const int* mask, int heads, int sequence)
{
    __half* row = scores + static_cast<std::size_t>(blockIdx.x) * sequence;
    const int* rowMask = mask + static_cast<std::size_t>(blockIdx.x / (heads * sequence)) * sequence;
    float largest = -1e30f;
    for (int i = 0; i < sequence; ++i) // short rows; every thread finds the same maximum
        if (rowMask[i])
            largest = fmaxf(largest, __half2float(row[i]));
    float sum = 0;
    for (int i = threadIdx.x; i < sequence; i += blockDim.x)
        sum += rowMask[i] ? __expf(__half2float(row[i]) - largest) : 0.0f;
    sum = blockSum(sum);
    for (int i = threadIdx.x; i < sequence; i += blockDim.x)
        row[i] = __float2half(rowMask[i] ? __expf(__half2float(row[i]) - largest) / sum : 0.0f);
}

__global__ void toFloat(const __half* in, float* out, std::size_t count)
{
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count)
        out[i] = __half2float(in[i]);
}

unsigned blocksFor(std::size_t count)
{
    return static_cast<unsigned>((count + kThreads - 1) / kThreads);
}

Memory<__half> upload(const float* values, std::size_t count)
{
    std::vector<__half> converted(count);
    for (std::size_t i = 0; i < count; ++i)
        converted[i] = __float2half(values[i]);
    Memory<__half> memory = deviceMemory<__half>(count);
    CHECKED(cudaMemcpy(memory.get(), converted.data(), count * sizeof(__half), cudaMemcpyHostToDevice));
    return memory;
}

struct Layer
{
    Memory<__half> qkv, qkvBias, attentionOut, attentionOutBias, up, upBias, down, downBias;
};

struct Model
{
    GantryCudaShape shape;
    int device;
    Memory<__half> tokens, positions;
    std::vector<Layer> layers;

    Model(const GantryCudaShape& s, const GantryCudaWeights& w, int useDevice) : shape(s), device(useDevice)
    {
        CHECKED(cudaSetDevice(device));
        const std::size_t h = s.hidden, f = s.ffn;
        tokens = upload(w.tokens, h * s.vocabulary);
        positions = upload(w.positions, h * s.positions);
        for (int i = 0; i < s.layers; ++i)
            layers.push_back({upload(w.qkv[i], 3 * h * h), upload(w.qkvBias[i], 3 * h), upload(w.attentionOut[i], h * h), upload(w.attentionOutBias[i], h),
                              upload(w.up[i], f * h), upload(w.upBias[i], f), upload(w.down[i], h * f), upload(w.downBias[i], h)});
    }
};

class Instance
{
public:
    Instance(const Model& model, int maxBatch, int maxTokens, bool pinned) : m_model(model), m_maxTokens(maxTokens)
    {
        CHECKED(cudaSetDevice(model.device));
        CHECKED(cudaStreamCreateWithFlags(&m_stream, cudaStreamNonBlocking));
        CHECKED(cublasCreate(&m_blas));
        CHECKED(cublasSetStream(m_blas, m_stream));
        const GantryCudaShape& s = model.shape;
        const std::size_t tokens = maxTokens, h = s.hidden;
        m_ids = deviceMemory<int>(tokens);
        m_mask = deviceMemory<int>(tokens);
        m_hidden = deviceMemory<__half>(tokens * h);
        m_other = deviceMemory<__half>(tokens * h);
        m_qkv = deviceMemory<__half>(tokens * 3 * h);
        m_context = deviceMemory<__half>(tokens * h);
        m_projected = deviceMemory<__half>(tokens * h);
        m_ffn = deviceMemory<__half>(tokens * s.ffn);
        m_scores = deviceMemory<__half>(static_cast<std::size_t>(maxBatch) * s.heads * s.positions * s.positions);
        m_output = deviceMemory<float>(tokens * h);
        if (pinned)
            m_pinned = Memory<float>(tokens * h, Memory<float>::Kind::Pinned);
        else
            m_pageable.resize(tokens * h);
    }

    ~Instance()
    {
        cudaStreamSynchronize(m_stream);
        cublasDestroy(m_blas);
        cudaStreamDestroy(m_stream);
    }

    void copyIn(const int* ids, const int* mask, int batch, int sequence)
    {
        CHECKED(cudaSetDevice(m_model.device));
        m_batch = batch;
        m_sequence = sequence;
        if (batch * sequence > m_maxTokens)
            throw std::runtime_error("the batch has more tokens than the instance was made for");
        const std::size_t bytes = static_cast<std::size_t>(batch) * sequence * sizeof(int);
        CHECKED(cudaMemcpyAsync(m_ids.get(), ids, bytes, cudaMemcpyHostToDevice, m_stream));
        CHECKED(cudaMemcpyAsync(m_mask.get(), mask, bytes, cudaMemcpyHostToDevice, m_stream));
    }

    void infer(void (*onLayer)(void*, int), void* context)
    {
        const GantryCudaShape& s = m_model.shape;
        const int rows = m_batch * m_sequence;
        embeddingLayerNorm<<<rows, kThreads, 0, m_stream>>>(m_ids.get(), m_model.tokens.get(), m_model.positions.get(), m_hidden.get(), m_sequence, s.hidden);
        CHECKED(cudaGetLastError());
        for (int i = 0; i < s.layers; ++i) {
            onLayer(context, i);
            runLayer(m_model.layers[i], rows);
            onLayer(context, -1);
        }
        const std::size_t count = static_cast<std::size_t>(rows) * s.hidden;
        toFloat<<<blocksFor(count), kThreads, 0, m_stream>>>(m_hidden.get(), m_output.get(), count);
        CHECKED(cudaGetLastError());
    }

    const float* copyOut()
    {
        float* host = m_pinned.get() ? m_pinned.get() : m_pageable.data();
        const std::size_t bytes = static_cast<std::size_t>(m_batch) * m_sequence * m_model.shape.hidden * sizeof(float);
        CHECKED(cudaMemcpyAsync(host, m_output.get(), bytes, cudaMemcpyDeviceToHost, m_stream));
        CHECKED(cudaStreamSynchronize(m_stream));
        return host;
    }

private:
    /// out[rows][n] = in[rows][k] · weights[n][k]ᵀ; cuBLAS counts columns first, so the operands change places.
    void linear(const Memory<__half>& in, const Memory<__half>& weights, Memory<__half>& out, int rows, int n, int k)
    {
        const float one = 1, zero = 0;
        CHECKED(cublasGemmEx(m_blas, CUBLAS_OP_T, CUBLAS_OP_N, n, rows, k, &one, weights.get(), CUDA_R_16F, k, in.get(), CUDA_R_16F, k, &zero,
                             out.get(), CUDA_R_16F, n, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
    }

    void attention()
    {
        const GantryCudaShape& s = m_model.shape;
        const int size = s.hidden / s.heads, n = m_sequence, stride = 3 * s.hidden;
        const float scale = 1.0f / sqrtf(static_cast<float>(size)), one = 1, zero = 0;
        for (int b = 0; b < m_batch; ++b) {
            const __half* q = m_qkv.get() + static_cast<std::size_t>(b) * n * stride;
            __half* scores = m_scores.get() + static_cast<std::size_t>(b) * s.heads * n * n;
            CHECKED(cublasGemmStridedBatchedEx(m_blas, CUBLAS_OP_T, CUBLAS_OP_N, n, n, size, &scale, q + s.hidden, CUDA_R_16F, stride, size, q, CUDA_R_16F,
                                               stride, size, &zero, scores, CUDA_R_16F, n, static_cast<long long>(n) * n, s.heads, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
        }
        maskedSoftmax<<<m_batch * s.heads * n, 64, 0, m_stream>>>(m_scores.get(), m_mask.get(), s.heads, n);
        CHECKED(cudaGetLastError());
        for (int b = 0; b < m_batch; ++b) {
            const __half* v = m_qkv.get() + static_cast<std::size_t>(b) * n * stride + 2 * s.hidden;
            const __half* scores = m_scores.get() + static_cast<std::size_t>(b) * s.heads * n * n;
            __half* out = m_context.get() + static_cast<std::size_t>(b) * n * s.hidden;
            CHECKED(cublasGemmStridedBatchedEx(m_blas, CUBLAS_OP_N, CUBLAS_OP_N, size, n, n, &one, v, CUDA_R_16F, stride, size, scores, CUDA_R_16F, n,
                                               static_cast<long long>(n) * n, &zero, out, CUDA_R_16F, s.hidden, size, s.heads, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
        }
    }

    void runLayer(const Layer& layer, int rows)
    {
        const GantryCudaShape& s = m_model.shape;
        const int h = s.hidden;
        const std::size_t qkvCount = static_cast<std::size_t>(rows) * 3 * h, ffnCount = static_cast<std::size_t>(rows) * s.ffn;
        linear(m_hidden, layer.qkv, m_qkv, rows, 3 * h, h);
        addBias<<<blocksFor(qkvCount), kThreads, 0, m_stream>>>(m_qkv.get(), layer.qkvBias.get(), 3 * h, qkvCount);
        attention();
        linear(m_context, layer.attentionOut, m_projected, rows, h, h);
        addBiasResidualLayerNorm<<<rows, kThreads, 0, m_stream>>>(m_hidden.get(), m_projected.get(), layer.attentionOutBias.get(), m_other.get(), h);
        linear(m_other, layer.up, m_ffn, rows, s.ffn, h);
        addBiasGelu<<<blocksFor(ffnCount), kThreads, 0, m_stream>>>(m_ffn.get(), layer.upBias.get(), s.ffn, ffnCount);
        linear(m_ffn, layer.down, m_projected, rows, h, s.ffn);
        addBiasResidualLayerNorm<<<rows, kThreads, 0, m_stream>>>(m_other.get(), m_projected.get(), layer.downBias.get(), m_hidden.get(), h);
        CHECKED(cudaGetLastError());
    }

    const Model& m_model;
    int m_maxTokens;
    int m_batch = 0, m_sequence = 0;
    cudaStream_t m_stream = nullptr;
    cublasHandle_t m_blas = nullptr;
    Memory<int> m_ids, m_mask;
    Memory<__half> m_hidden, m_other, m_qkv, m_context, m_projected, m_ffn, m_scores;
    Memory<float> m_output, m_pinned;
    std::vector<float> m_pageable;
};

/// Runs a body; exceptions stop at the C interface.
template <typename Body>
int guarded(char* error, int errorBytes, Body body)
{
    try {
        body();
        return 0;
    } catch (const std::exception& exception) {
        std::snprintf(error, static_cast<std::size_t>(errorBytes), "%s", exception.what());
        return 1;
    }
}

int deviceCount(char* error, int errorBytes)
{
    int count = -1;
    guarded(error, errorBytes, [&] { CHECKED(cudaGetDeviceCount(&count)); });
    return count;
}

int loadModel(const GantryCudaShape* shape, const GantryCudaWeights* weights, int device, void** model, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { *model = new Model(*shape, *weights, device); });
}

void unloadModel(void* model)
{
    delete static_cast<Model*>(model);
}

int createInstance(void* model, int maxBatch, int maxTokens, int pinned, void** instance, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { *instance = new Instance(*static_cast<Model*>(model), maxBatch, maxTokens, pinned != 0); });
}

void destroyInstance(void* instance)
{
    delete static_cast<Instance*>(instance);
}

int copyIn(void* instance, const std::int32_t* ids, const std::int32_t* mask, int batch, int sequence, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Instance*>(instance)->copyIn(ids, mask, batch, sequence); });
}

int infer(void* instance, void (*onLayer)(void*, int), void* context, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Instance*>(instance)->infer(onLayer, context); });
}

int copyOut(void* instance, const float** output, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { *output = static_cast<Instance*>(instance)->copyOut(); });
}

} // namespace

extern "C" __attribute__((visibility("default"))) const GantryCudaApi* gantryCudaApi()
{
    static const GantryCudaApi api{kGantryCudaVersion, deviceCount, loadModel, unloadModel, createInstance, destroyInstance, copyIn, infer, copyOut};
    return &api;
}
