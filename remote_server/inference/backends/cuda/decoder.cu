#include "remote_server/inference/backends/cuda/decoder.cuh"

namespace gantry::cuda {
namespace {

constexpr float kEpsilon = 1e-5f; // GPT-2's layer_norm_epsilon
constexpr int kAttentionThreads = 128;

/// The rows of a step, which are tokens, in device memory.
struct Rows
{
    const int *ids, *positions, *pieceOf, *tables;
    int blocksPerPiece, tokensPerBlock;

    /// Where the cache of a layer has a position of a row's sequence, in tokens.
    __device__ std::size_t slot(int row, int position) const
    {
        const int block = tables[static_cast<std::size_t>(pieceOf[row]) * blocksPerPiece + position / tokensPerBlock];
        return static_cast<std::size_t>(block) * tokensPerBlock + position % tokensPerBlock;
    }
};

template <typename T>
__global__ void embed(Rows rows, const T* tokens, const T* positions, T* hidden, int n)
{
    const int row = blockIdx.x;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        hidden[static_cast<std::size_t>(row) * n + i] = fromFloat<T>(toFloat(tokens[static_cast<std::size_t>(rows.ids[row]) * n + i]) +
                                                                     toFloat(positions[static_cast<std::size_t>(rows.positions[row]) * n + i]));
}

/// Of the rows that `from` names, or of all where it is null.
template <typename T>
__global__ void normalise(const T* hidden, const int* from, T* out, int n)
{
    const T* in = hidden + static_cast<std::size_t>(from ? from[blockIdx.x] : blockIdx.x) * n;
    normaliseRow(n, kEpsilon, [=](int i) { return toFloat(in[i]); }, out + static_cast<std::size_t>(blockIdx.x) * n);
}

/// hidden[row] += update[row] + bias; a block for each row.
template <typename T>
__global__ void addBiased(T* hidden, const T* update, const T* bias, int n)
{
    const T* row = update + static_cast<std::size_t>(blockIdx.x) * n;
    T* to = hidden + static_cast<std::size_t>(blockIdx.x) * n;
    for (int i = threadIdx.x; i < n; i += blockDim.x)
        to[i] = fromFloat<T>(toFloat(to[i]) + toFloat(row[i]) + toFloat(bias[i]));
}

/// Puts the keys and values of the rows into the cache: [slot][key, value], as they lie behind the query in qkv.
template <typename T>
__global__ void keepKeysAndValues(Rows rows, const T* qkv, T* cache, int n)
{
    const int row = blockIdx.x;
    const T* from = qkv + static_cast<std::size_t>(row) * 3 * n + n;
    T* to = cache + rows.slot(row, rows.positions[row]) * 2 * n;
    for (int i = threadIdx.x; i < 2 * n; i += blockDim.x)
        to[i] = from[i];
}

/// Block (row, head): looks at the sequence's keys and values up to the row itself. Dynamic shared memory: a score for each position.
template <typename T>
__global__ void attend(Rows rows, const T* qkv, const T* cache, T* context, int n, int size)
{
    extern __shared__ float scores[];
    const int row = blockIdx.x, head = blockIdx.y, count = rows.positions[row] + 1;
    const T* query = qkv + static_cast<std::size_t>(row) * 3 * n + head * size;
    const float scale = rsqrtf(static_cast<float>(size));
    float most = Largest::kNothing, sum = 0;
    for (int p = threadIdx.x; p < count; p += blockDim.x) {
        const T* key = cache + rows.slot(row, p) * 2 * n + head * size;
        float product = 0;
        for (int i = 0; i < size; ++i)
            product += toFloat(query[i]) * toFloat(key[i]);
        scores[p] = product * scale;
        most = fmaxf(most, scores[p]);
    }
    most = blockReduce<Largest>(most);
    for (int p = threadIdx.x; p < count; p += blockDim.x) {
        scores[p] = __expf(scores[p] - most);
        sum += scores[p];
    }
    sum = blockReduce<Sum>(sum); // all scores are written behind this
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
        float value = 0;
        for (int p = 0; p < count; ++p)
            value += scores[p] * toFloat(cache[rows.slot(row, p) * 2 * n + n + head * size + i]);
        context[static_cast<std::size_t>(row) * n + head * size + i] = fromFloat<T>(value / sum);
    }
}

/// Block piece: the id with the highest logit, the lowest of equals.
template <typename T>
__global__ void pickHighest(const T* logits, int* ids, int vocabulary)
{
    const T* row = logits + static_cast<std::size_t>(blockIdx.x) * vocabulary;
    float most = -INFINITY;
    int best = vocabulary;
    for (int i = threadIdx.x; i < vocabulary; i += blockDim.x)
        if (toFloat(row[i]) > most) {
            most = toFloat(row[i]);
            best = i;
        }
    __shared__ float values[kThreads];
    __shared__ int indices[kThreads];
    values[threadIdx.x] = most;
    indices[threadIdx.x] = best;
    for (int half = kThreads / 2; half > 0; half /= 2) {
        __syncthreads();
        const int other = threadIdx.x + half;
        if (threadIdx.x < half && (values[other] > values[threadIdx.x] ||
                                   (values[other] == values[threadIdx.x] && indices[other] < indices[threadIdx.x]))) {
            values[threadIdx.x] = values[other];
            indices[threadIdx.x] = indices[other];
        }
    }
    if (threadIdx.x == 0)
        ids[blockIdx.x] = min(indices[0], vocabulary - 1); // all logits NaN: some token
}

template <typename T>
class DecoderOf final : public Decoder
{
public:
    DecoderOf(const Weights<T>& weights, int device, cublasComputeType_t computeType, const GantryCudaDecoderOptions& options)
        : m_weights(weights), m_options(options), m_queue(device, computeType, options.name)
    {
        const std::size_t slots = static_cast<std::size_t>(options.blocks) * options.tokensPerBlock;
        m_layerCache = slots * 2 * weights.shape.hidden;
        m_cache = Memory<T>(m_layerCache * weights.shape.layers);
    }

    std::uint32_t streamId() const override { return m_queue.streamId(); }

    void begin(const GantryCudaStep& step) override
    {
        m_queue.use();
        m_queue.wait(); // for what a step that failed has left, before buffers may go
        m_step = step;
        const GantryCudaShape& s = m_weights.shape;
        const std::size_t rows = step.rows, pieces = step.pieces, h = s.hidden;
        m_numbers.ensure(3 * rows + pieces + pieces * step.blocksPerPiece);
        for (Memory<T>* memory : {&m_hidden, &m_normalised, &m_context, &m_projected})
            memory->ensure(rows * h);
        m_qkv.ensure(rows * 3 * h);
        m_ffn.ensure(rows * s.ffn);
        m_logits.ensure(pieces * s.vocabulary);
        m_ids.ensure(pieces);
        int* at = m_numbers.get();
        const auto put = [&](const std::int32_t* from, std::size_t count) {
            CHECKED(cudaMemcpyAsync(at, from, count * sizeof(int), cudaMemcpyHostToDevice, m_queue.stream()));
            return std::exchange(at, at + count);
        };
        m_rows.ids = put(step.ids, rows);
        m_rows.positions = put(step.positions, rows);
        m_rows.pieceOf = put(step.pieceOf, rows);
        m_lastRows = put(step.lastRows, pieces);
        m_rows.tables = put(step.tables, pieces * step.blocksPerPiece);
        m_rows.blocksPerPiece = step.blocksPerPiece;
        m_rows.tokensPerBlock = m_options.tokensPerBlock;
        embed<<<step.rows, kThreads, 0, m_queue.stream()>>>(m_rows, m_weights.tokens.get(), m_weights.positions.get(), m_hidden.get(), s.hidden);
        CHECKED(cudaGetLastError());
    }

    void runLayer(int index) override
    {
        const GantryCudaShape& s = m_weights.shape;
        const Layer<T>& layer = m_weights.layers.at(index);
        const cudaStream_t stream = m_queue.stream();
        const int rows = m_step.rows, h = s.hidden, size = h / s.heads;
        T* cache = m_cache.get() + m_layerCache * index;
        normalise<<<rows, kRowThreads, 0, stream>>>(m_hidden.get(), nullptr, m_normalised.get(), h);
        linear(m_queue, m_normalised.get(), layer.qkv, m_qkv.get(), rows, 3 * h, h, h);
        addBias<<<rows, kThreads, 0, stream>>>(m_qkv.get(), layer.qkvBias.get(), 3 * h);
        keepKeysAndValues<<<rows, kThreads, 0, stream>>>(m_rows, m_qkv.get(), cache, h);
        attend<<<dim3(rows, s.heads), kAttentionThreads, s.positions * sizeof(float), stream>>>(m_rows, m_qkv.get(), cache, m_context.get(), h, size);
        CHECKED(cudaGetLastError());
        linear(m_queue, m_context.get(), layer.attentionOut, m_projected.get(), rows, h, h, h);
        addBiased<<<rows, kThreads, 0, stream>>>(m_hidden.get(), m_projected.get(), layer.attentionOutBias.get(), h);
        normalise<<<rows, kRowThreads, 0, stream>>>(m_hidden.get(), nullptr, m_normalised.get(), h);
        linear(m_queue, m_normalised.get(), layer.up, m_ffn.get(), rows, s.ffn, h, h);
        addBiasGelu<<<rows, kThreads, 0, stream>>>(m_ffn.get(), layer.upBias.get(), s.ffn);
        linear(m_queue, m_ffn.get(), layer.down, m_projected.get(), rows, h, s.ffn, s.ffn);
        addBiased<<<rows, kThreads, 0, stream>>>(m_hidden.get(), m_projected.get(), layer.downBias.get(), h);
        CHECKED(cudaGetLastError());
    }

    void nextTokens(std::int32_t* ids) override
    {
        const GantryCudaShape& s = m_weights.shape;
        const cudaStream_t stream = m_queue.stream();
        normalise<<<m_step.pieces, kRowThreads, 0, stream>>>(m_hidden.get(), m_lastRows, m_normalised.get(), s.hidden);
        linear(m_queue, m_normalised.get(), m_weights.tokens, m_logits.get(), m_step.pieces, s.vocabulary, s.hidden, s.hidden);
        pickHighest<<<m_step.pieces, kThreads, 0, stream>>>(m_logits.get(), m_ids.get(), s.vocabulary);
        CHECKED(cudaGetLastError());
        m_queue.copyOut(ids, m_ids, m_step.pieces);
        m_queue.wait();
    }

private:
    const Weights<T>& m_weights;
    const GantryCudaDecoderOptions m_options;
    std::size_t m_layerCache = 0; ///< values of a layer
    Memory<T> m_cache;            ///< [layer][slot][key, value]
    Memory<int> m_numbers, m_ids; ///< the first: the rows', the last rows and the tables
    Memory<T> m_hidden, m_normalised, m_context, m_projected, m_qkv, m_ffn, m_logits;
    Rows m_rows{};
    const int* m_lastRows = nullptr;
    GantryCudaStep m_step{};
    Queue m_queue; ///< behind the buffers: its end waits for the stream
};

} // namespace

template <typename T>
std::unique_ptr<Decoder> makeDecoder(const Weights<T>& weights, int device, cublasComputeType_t computeType, const GantryCudaDecoderOptions& options)
{
    return std::make_unique<DecoderOf<T>>(weights, device, computeType, options);
}

template std::unique_ptr<Decoder> makeDecoder(const Weights<__half>&, int, cublasComputeType_t, const GantryCudaDecoderOptions&);
template std::unique_ptr<Decoder> makeDecoder(const Weights<float>&, int, cublasComputeType_t, const GantryCudaDecoderOptions&);

} // namespace gantry::cuda
