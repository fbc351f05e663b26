#pragma once

#include <cstdint>

/// The C interface of libgantry_backend_cuda.so: the only part that links the CUDA runtime and cuBLAS, loaded when there is a GPU.
/// Functions return 0, or 1 with a sentence in `error` (of errorBytes, NUL-terminated). One thread per instance.
extern "C" {

struct GantryCudaShape
{
    int layers, hidden, heads, ffn, vocabulary, positions;
};

/// Host pointers, float, row-major [out][in]; arrays have `layers` entries.
struct GantryCudaWeights
{
    const float *tokens, *positions;
    const float *const *qkv, *const *qkvBias, *const *attentionOut, *const *attentionOutBias, *const *up, *const *upBias, *const *down, *const *downBias;
};

struct GantryCudaApi
{
    int version; ///< kGantryCudaVersion
    int (*deviceCount)(char* error, int errorBytes); ///< number of devices, or -1
    /// Copies the weights to a device once, as FP16; shared by its instances.
    int (*loadModel)(const GantryCudaShape* shape, const GantryCudaWeights* weights, int device, void** model, char* error, int errorBytes);
    void (*unloadModel)(void* model);
    /// An instance: its own stream, cuBLAS handle and buffers for up to maxTokens tokens of maxBatch sequences.
    int (*createInstance)(void* model, int maxBatch, int maxTokens, int pinnedOutput, void** instance, char* error, int errorBytes);
    void (*destroyInstance)(void* instance);
    /// ids and mask: [batch · sequence], already padded.
    int (*copyIn)(void* instance, const std::int32_t* ids, const std::int32_t* mask, int batch, int sequence, char* error, int errorBytes);
    /// Runs the encoder; calls onLayer(context, layer) before and onLayer(context, -1) after each layer's launches.
    int (*infer)(void* instance, void (*onLayer)(void*, int), void* context, char* error, int errorBytes);
    /// Copies the hidden states out as FP32 and waits for the stream; *output stays valid until the next copyOut.
    int (*copyOut)(void* instance, const float** output, char* error, int errorBytes);
};

constexpr int kGantryCudaVersion = 1;

/// dlsym name: "gantryCudaApi".
typedef const GantryCudaApi* (*GantryCudaApiFunction)();
}
