#include "remote_server/inference/backends/cuda/encoder.cuh"

#include <cstring>
#include <map>

namespace gantry::cuda {
namespace {

constexpr float kEpsilon = 1e-12f;        // BERT's layer_norm_eps
constexpr std::size_t kMostGraphs = 32;   // shapes of batches; those that come later are launched kernel by kernel

template <typename T>
__global__ void embedNormalised(const int* ids, const T* tokens, const T* positions, T* hidden, int sequence, int n)
{
    const T* token = tokens + static_cast<std::size_t>(ids[blockIdx.x]) * n;
    const T* position = positions + static_cast<std::size_t>(blockIdx.x % sequence) * n;
    normaliseRow(n, kEpsilon, [=](int i) { return toFloat(token[i]) + toFloat(position[i]); }, hidden + static_cast<std::size_t>(blockIdx.x) * n);
}

/// out = normalised(hidden + update + bias).
template <typename T>
__global__ void addNormalised(const T* hidden, const T* update, const T* bias, T* out, int n)
{
    const T* h = hidden + static_cast<std::size_t>(blockIdx.x) * n;
    const T* u = update + static_cast<std::size_t>(blockIdx.x) * n;
    normaliseRow(n, kEpsilon, [=](int i) { return toFloat(h[i]) + toFloat(u[i]) + toFloat(bias[i]); }, out + static_cast<std::size_t>(blockIdx.x) * n);
}

/// A warp for each row of scores [batch · heads · sequence][sequence]: there are many, and short ones.
template <int Kept, typename T>
__global__ void maskedSoftmax(T* scores, const int* mask, int rows, int heads, int sequence)
{
    const int row = static_cast<int>(blockIdx.x * (kThreads / 32) + threadIdx.x / 32);
    if (row >= rows)
        return;
    T* out = scores + static_cast<std::size_t>(row) * sequence;
    const int* rowMask = mask + static_cast<std::size_t>(row / (heads * sequence)) * sequence;
    const auto value = [=](int i) { return rowMask[i] ? toFloat(out[i]) : -INFINITY; };
    const RowInRegisters<32, Kept, decltype(value)> values(sequence, value);
    float most = Largest::kNothing, sum = 0;
    values.forEach([&](int, float x) { most = fmaxf(most, x); });
    most = warpReduce<Largest>(most);
    values.forEach([&](int, float x) { sum += __expf(x - most); });
    sum = fmaxf(warpReduce<Sum>(sum), 1e-30f); // nothing may be attended to: shares of 0
    values.forEach([&](int i, float x) { out[i] = fromFloat<T>(__expf(x - most) / sum); });
}

template <typename T>
__global__ void convert(const T* in, float* out, std::size_t count)
{
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count)
        out[i] = toFloat(in[i]);
}

template <typename T>
__global__ void addBiasTanh(const T* in, const T* bias, float* out, int n, std::size_t count)
{
    const std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x;
    if (i < count)
        out[i] = tanhf(toFloat(in[i]) + toFloat(bias[i % n]));
}

/// Where each head of each sequence of a batch begins.
template <typename T>
struct Heads
{
    const T **query, **key, **value;
    T **scores, **context;
};

template <typename T>
__global__ void pointToHeads(Heads<T> heads, const T* qkv, T* scores, T* context, int count, int sequence, int n, int perHead)
{
    const int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= count)
        return;
    const int perRow = n / perHead;
    const std::size_t row = static_cast<std::size_t>(i / perRow) * sequence, column = static_cast<std::size_t>(i % perRow) * perHead;
    heads.query[i] = qkv + row * 3 * n + column;
    heads.key[i] = heads.query[i] + n;
    heads.value[i] = heads.key[i] + n;
    heads.scores[i] = scores + static_cast<std::size_t>(i) * sequence * sequence;
    heads.context[i] = context + row * n + column;
}

/// FP32 in host memory that copies to and from a GPU use.
class HostFloats
{
public:
    void resize(std::size_t count, bool pinned)
    {
        if (pinned)
            m_pinned = Memory<float>(count, Memory<float>::Kind::Pinned);
        else
            m_pageable.resize(count);
    }
    float* get() { return m_pinned.get() ? m_pinned.get() : m_pageable.empty() ? nullptr : m_pageable.data(); }

private:
    Memory<float> m_pinned;
    std::vector<float> m_pageable;
};

class Graph
{
public:
    explicit Graph(cudaGraph_t graph)
    {
        const cudaError_t status = cudaGraphInstantiate(&m_executable, graph, 0);
        cudaGraphDestroy(graph);
        CHECKED(status);
    }
    Graph(Graph&& other) noexcept : m_executable(std::exchange(other.m_executable, nullptr)) {}
    ~Graph()
    {
        if (m_executable)
            cudaGraphExecDestroy(m_executable);
    }
    void launch(const Queue& queue) const { CHECKED(cudaGraphLaunch(m_executable, queue.stream())); }

private:
    cudaGraphExec_t m_executable = nullptr;
};

template <typename T>
class EncoderOf final : public Encoder
{
public:
    EncoderOf(const Weights<T>& weights, int device, cublasComputeType_t computeType, const GantryCudaEncoderOptions& options)
        : m_weights(weights), m_options(options), m_queue(device, computeType, options.name)
    {
        const GantryCudaShape& s = weights.shape;
        const std::size_t tokens = options.maxTokens, h = s.hidden, heads = static_cast<std::size_t>(options.maxBatch) * s.heads;
        m_ids = Memory<int>(tokens);
        m_mask = Memory<int>(tokens);
        if (options.pinnedInput)
            m_staged = Memory<int>(2 * tokens, Memory<int>::Kind::Pinned);
        for (Memory<T>* memory : {&m_hidden, &m_other, &m_context, &m_projected})
            *memory = Memory<T>(tokens * h);
        m_qkv = Memory<T>(tokens * 3 * h);
        m_ffn = Memory<T>(tokens * s.ffn);
        m_scores = Memory<T>(heads * s.positions * s.positions);
        m_pointers = Memory<const T*>(5 * heads);
        const T** p = m_pointers.get();
        m_heads = {p, p + heads, p + 2 * heads, const_cast<T**>(p + 3 * heads), const_cast<T**>(p + 4 * heads)};
        if (options.hiddenStates) {
            m_output = Memory<float>(tokens * h);
            m_hostOutput.resize(tokens * h, options.pinnedOutput);
        }
        if (options.pooled) {
            m_pooled = Memory<float>(options.maxBatch * h);
            m_hostPooled.resize(options.maxBatch * h, options.pinnedOutput);
        }
    }

    std::uint32_t streamId() const override { return m_queue.streamId(); }

    void copyIn(const std::int32_t* ids, const std::int32_t* mask, int batch, int sequence) override
    {
        m_queue.use();
        if (batch > m_options.maxBatch || batch * sequence > m_options.maxTokens)
            throw std::runtime_error("the batch has more tokens than the instance was made for");
        const std::size_t count = static_cast<std::size_t>(batch) * sequence;
        if (int* staged = m_staged.get()) {
            m_queue.wait(); // for the copies of a batch that failed
            std::memcpy(staged, ids, count * sizeof *ids);
            std::memcpy(staged + count, mask, count * sizeof *mask);
            ids = staged;
            mask = staged + count;
        }
        m_queue.copyIn(m_ids, ids, count);
        m_queue.copyIn(m_mask, mask, count);
        if (batch == m_batch && sequence == m_sequence)
            return;
        m_batch = batch;
        m_sequence = sequence;
        const GantryCudaShape& s = m_weights.shape;
        const int heads = batch * s.heads;
        pointToHeads<<<blocksFor(heads), kThreads, 0, m_queue.stream()>>>(m_heads, m_qkv.get(), m_scores.get(), m_context.get(), heads, sequence,
                                                                         s.hidden, s.hidden / s.heads);
        CHECKED(cudaGetLastError());
    }

    void infer(void (*onLayer)(void*, int), void* context) override
    {
        m_queue.use();
        const Graph* graph = m_options.graphs ? findGraph() : nullptr;
        if (graph)
            graph->launch(m_queue);
        else
            launchAll([&](int layer) { onLayer(context, layer); });
    }

    void copyOut(const float** hidden, const float** pooled) override
    {
        const std::size_t h = m_weights.shape.hidden;
        if (m_options.hiddenStates)
            m_queue.copyOut(m_hostOutput.get(), m_output, static_cast<std::size_t>(m_batch) * m_sequence * h);
        if (m_options.pooled)
            m_queue.copyOut(m_hostPooled.get(), m_pooled, m_batch * h);
        m_queue.wait();
        *hidden = m_hostOutput.get();
        *pooled = m_hostPooled.get();
    }

private:
    /// The graph of the shape of the batch, made when the shape comes for the first time. Null: there are too many shapes.
    const Graph* findGraph()
    {
        const std::pair<int, int> shape{m_batch, m_sequence};
        if (const auto found = m_graphs.find(shape); found != m_graphs.end())
            return &found->second;
        if (m_graphs.size() >= kMostGraphs)
            return nullptr;
        launchAll([](int) {}); // cuBLAS may do on its first call what cannot be recorded
        cudaGraph_t graph = nullptr;
        CHECKED(cudaStreamBeginCapture(m_queue.stream(), cudaStreamCaptureModeThreadLocal));
        try {
            launchAll([](int) {});
        } catch (...) {
            cudaStreamEndCapture(m_queue.stream(), &graph);
            throw;
        }
        CHECKED(cudaStreamEndCapture(m_queue.stream(), &graph));
        return &m_graphs.emplace(shape, Graph(graph)).first->second;
    }

    template <typename OnLayer>
    void launchAll(OnLayer onLayer)
    {
        const GantryCudaShape& s = m_weights.shape;
        const cudaStream_t stream = m_queue.stream();
        const int rows = m_batch * m_sequence, h = s.hidden;
        embedNormalised<<<rows, kRowThreads, 0, stream>>>(m_ids.get(), m_weights.tokens.get(), m_weights.positions.get(), m_hidden.get(), m_sequence,
                                                          h);
        CHECKED(cudaGetLastError());
        for (int i = 0; i < s.layers; ++i) {
            onLayer(i);
            runLayer(m_weights.layers[i], rows);
            onLayer(-1);
        }
        if (m_options.hiddenStates) {
            const std::size_t count = static_cast<std::size_t>(rows) * h;
            convert<<<blocksFor(count), kThreads, 0, stream>>>(m_hidden.get(), m_output.get(), count);
        }
        if (m_options.pooled) { // of the first token of each sequence
            const std::size_t count = static_cast<std::size_t>(m_batch) * h;
            linear(m_queue, m_hidden.get(), m_weights.pooler, m_projected.get(), m_batch, h, h, m_sequence * h);
            addBiasTanh<<<blocksFor(count), kThreads, 0, stream>>>(m_projected.get(), m_weights.poolerBias.get(), m_pooled.get(), h, count);
        }
        CHECKED(cudaGetLastError());
    }

    void attention()
    {
        const GantryCudaShape& s = m_weights.shape;
        const int size = s.hidden / s.heads, n = m_sequence, stride = 3 * s.hidden, count = m_batch * s.heads;
        const float scale = 1.0f / sqrtf(static_cast<float>(size)), one = 1, zero = 0;
        constexpr cudaDataType_t type = Scalar<T>::kType;
        const auto constant = [](auto** pointers) { return reinterpret_cast<const void* const*>(pointers); };
        const auto writable = [](T** pointers) { return reinterpret_cast<void* const*>(pointers); };
        CHECKED(cublasGemmBatchedEx(m_queue.blas(), CUBLAS_OP_T, CUBLAS_OP_N, n, n, size, &scale, constant(m_heads.key), type, stride,
                                    constant(m_heads.query), type, stride, &zero, writable(m_heads.scores), type, n, count, m_queue.computeType(),
                                    CUBLAS_GEMM_DEFAULT));
        softmax();
        CHECKED(cudaGetLastError());
        CHECKED(cublasGemmBatchedEx(m_queue.blas(), CUBLAS_OP_N, CUBLAS_OP_N, size, n, n, &one, constant(m_heads.value), type, stride,
                                    constant(m_heads.scores), type, n, &zero, writable(m_heads.context), type, s.hidden, count,
                                    m_queue.computeType(), CUBLAS_GEMM_DEFAULT));
    }

    void softmax()
    {
        const int rows = m_batch * m_weights.shape.heads * m_sequence;
        const auto kernel = m_sequence <= 128   ? maskedSoftmax<4, T>
                            : m_sequence <= 256 ? maskedSoftmax<8, T>
                            : m_sequence <= 512 ? maskedSoftmax<16, T>
                                                : maskedSoftmax<32, T>;
        kernel<<<blocksFor(static_cast<std::size_t>(rows) * 32), kThreads, 0, m_queue.stream()>>>(m_scores.get(), m_mask.get(), rows,
                                                                                               m_weights.shape.heads, m_sequence);
    }

    void runLayer(const Layer<T>& layer, int rows)
    {
        const GantryCudaShape& s = m_weights.shape;
        const cudaStream_t stream = m_queue.stream();
        const int h = s.hidden;
        linear(m_queue, m_hidden.get(), layer.qkv, m_qkv.get(), rows, 3 * h, h, h);
        addBias<<<rows, kThreads, 0, stream>>>(m_qkv.get(), layer.qkvBias.get(), 3 * h);
        attention();
        linear(m_queue, m_context.get(), layer.attentionOut, m_projected.get(), rows, h, h, h);
        addNormalised<<<rows, kRowThreads, 0, stream>>>(m_hidden.get(), m_projected.get(), layer.attentionOutBias.get(), m_other.get(), h);
        linear(m_queue, m_other.get(), layer.up, m_ffn.get(), rows, s.ffn, h, h);
        addBiasGelu<<<rows, kThreads, 0, stream>>>(m_ffn.get(), layer.upBias.get(), s.ffn);
        linear(m_queue, m_ffn.get(), layer.down, m_projected.get(), rows, h, s.ffn, s.ffn);
        addNormalised<<<rows, kRowThreads, 0, stream>>>(m_other.get(), m_projected.get(), layer.downBias.get(), m_hidden.get(), h);
        CHECKED(cudaGetLastError());
    }

    const Weights<T>& m_weights;
    const GantryCudaEncoderOptions m_options;
    int m_batch = 0, m_sequence = 0;
    Memory<int> m_ids, m_mask, m_staged;
    Memory<T> m_hidden, m_other, m_qkv, m_context, m_projected, m_ffn, m_scores;
    Memory<const T*> m_pointers;
    Heads<T> m_heads{};
    Memory<float> m_output, m_pooled;
    HostFloats m_hostOutput, m_hostPooled;
    Queue m_queue; ///< behind the buffers: its end waits for the stream
    std::map<std::pair<int, int>, Graph> m_graphs;
};

} // namespace

template <typename T>
std::unique_ptr<Encoder> makeEncoder(const Weights<T>& weights, int device, cublasComputeType_t computeType, const GantryCudaEncoderOptions& options)
{
    return std::make_unique<EncoderOf<T>>(weights, device, computeType, options);
}

template std::unique_ptr<Encoder> makeEncoder(const Weights<__half>&, int, cublasComputeType_t, const GantryCudaEncoderOptions&);
template std::unique_ptr<Encoder> makeEncoder(const Weights<float>&, int, cublasComputeType_t, const GantryCudaEncoderOptions&);

} // namespace gantry::cuda
