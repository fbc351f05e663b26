#pragma once

#include <cstdint>

/// The C interface of libgantry_backend_cuda.so: the only part that links the CUDA runtime and cuBLAS, loaded when there is a GPU.
/// Functions return 0, or 1 with a sentence in `error` (of errorBytes, NUL-terminated). An instance is used by one thread.
extern "C" {

/// Of weights and activations; products add up in FP32.
enum GantryCudaPrecision
{
    GANTRY_CUDA_FP16,
    GANTRY_CUDA_FP32,
    GANTRY_CUDA_TF32 ///< FP32 whose products are rounded to TF32
};

struct GantryCudaShape
{
    int layers, hidden, heads, ffn, vocabulary, positions;
};

/// Host pointers, float, row-major [out][in]; arrays have `layers` entries.
struct GantryCudaWeights
{
    const float *tokens, *positions;
    const float *const *qkv, *const *qkvBias, *const *attentionOut, *const *attentionOutBias, *const *up, *const *upBias, *const *down, *const *downBias;
    const float *pooler, *poolerBias;
};

/// An instance of an encoder: its own stream, cuBLAS handle and buffers.
struct GantryCudaEncoderOptions
{
    int maxBatch, maxTokens;         ///< sequences, and tokens of them all
    int pinnedInput, pinnedOutput;   ///< copy through page-locked host memory, else from and to pageable
    int graphs;                      ///< replay a CUDA graph for each shape of batch that comes again
    int hiddenStates, pooled;        ///< what copyOut gives
    const char* name;                ///< of the stream, for profilers (NVTX)
};

/// An instance of a decoder: its own stream, cuBLAS handle, KV cache and buffers.
struct GantryCudaDecoderOptions
{
    int blocks, tokensPerBlock;
    const char* name;
};

/// An iteration of a decoder. Host pointers.
struct GantryCudaStep
{
    int rows, pieces, blocksPerPiece;
    const std::int32_t* ids;       ///< [rows]
    const std::int32_t* positions; ///< [rows]
    const std::int32_t* pieceOf;   ///< [rows]
    const std::int32_t* lastRows;  ///< [pieces]
    const std::int32_t* tables;    ///< [pieces][blocksPerPiece]: blocks of each piece's sequence
};

struct GantryCudaApi
{
    int version; ///< kGantryCudaVersion
    int (*deviceCount)(char* error, int errorBytes); ///< number of devices, or -1
    /// Copies the weights to a device once, in the precision's type; shared by its instances.
    int (*loadModel)(const GantryCudaShape* shape, const GantryCudaWeights* weights, int precision, int device, void** model, char* error, int errorBytes);
    void (*unloadModel)(void* model);

    /// *streamId: the number that CUPTI has for its stream.
    int (*createEncoder)(void* model, const GantryCudaEncoderOptions* options, void** encoder, std::uint32_t* streamId, char* error, int errorBytes);
    void (*destroyEncoder)(void* encoder);
    /// ids and mask: [batch · sequence], already padded; they stay valid until copyOut.
    int (*copyIn)(void* encoder, const std::int32_t* ids, const std::int32_t* mask, int batch, int sequence, char* error, int errorBytes);
    /// Runs the encoder; calls onLayer(context, layer) before and onLayer(context, -1) after each layer's launches, except where a
    /// graph launches them all.
    int (*infer)(void* encoder, void (*onLayer)(void*, int), void* context, char* error, int errorBytes);
    /// Copies what the options asked for out as FP32 and waits for the stream; both stay valid until the next copyOut, null if not asked for.
    int (*copyOut)(void* encoder, const float** hidden, const float** pooled, char* error, int errorBytes);

    int (*createDecoder)(void* model, const GantryCudaDecoderOptions* options, void** decoder, std::uint32_t* streamId, char* error, int errorBytes);
    void (*destroyDecoder)(void* decoder);
    /// A step: begin, each layer in order, then nextTokens, which waits for the stream and writes an id for each piece. The step's
    /// arrays stay valid until nextTokens.
    int (*beginStep)(void* decoder, const GantryCudaStep* step, char* error, int errorBytes);
    int (*runLayer)(void* decoder, int layer, char* error, int errorBytes);
    int (*nextTokens)(void* decoder, std::int32_t* ids, char* error, int errorBytes);
};

constexpr int kGantryCudaVersion = 2;

/// dlsym name: "gantryCudaApi".
typedef const GantryCudaApi* (*GantryCudaApiFunction)();
}
