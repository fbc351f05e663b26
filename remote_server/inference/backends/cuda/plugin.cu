#include "remote_server/inference/backends/cuda/plugin.h"

#include "remote_server/inference/backends/cuda/decoder.cuh"
#include "remote_server/inference/backends/cuda/encoder.cuh"

#include <cstdio>

// The C interface over the backend's parts: types are chosen here, and exceptions stop here.

using namespace gantry::cuda;

namespace {

/// Weights of one precision on one device.
class Model
{
public:
    virtual ~Model() = default;
    virtual std::unique_ptr<Encoder> encoder(const GantryCudaEncoderOptions& options) const = 0;
    virtual std::unique_ptr<Decoder> decoder(const GantryCudaDecoderOptions& options) const = 0;
};

template <typename T>
class ModelOf final : public Model
{
public:
    ModelOf(const GantryCudaShape& shape, const GantryCudaWeights& weights, int device, cublasComputeType_t computeType)
        : m_device(device), m_computeType(computeType), m_weights(shape, weights)
    {
    }
    std::unique_ptr<Encoder> encoder(const GantryCudaEncoderOptions& options) const override
    {
        return makeEncoder(m_weights, m_device, m_computeType, options);
    }
    std::unique_ptr<Decoder> decoder(const GantryCudaDecoderOptions& options) const override
    {
        return makeDecoder(m_weights, m_device, m_computeType, options);
    }

private:
    const int m_device;
    const cublasComputeType_t m_computeType;
    const Weights<T> m_weights;
};

std::unique_ptr<Model> makeModel(const GantryCudaShape& shape, const GantryCudaWeights& weights, int precision, int device)
{
    CHECKED(cudaSetDevice(device));
    if (precision == GANTRY_CUDA_FP16)
        return std::make_unique<ModelOf<__half>>(shape, weights, device, CUBLAS_COMPUTE_32F);
    return std::make_unique<ModelOf<float>>(shape, weights, device, precision == GANTRY_CUDA_TF32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F);
}

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

int loadModel(const GantryCudaShape* shape, const GantryCudaWeights* weights, int precision, int device, void** model, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { *model = makeModel(*shape, *weights, precision, device).release(); });
}

void unloadModel(void* model)
{
    delete static_cast<Model*>(model);
}

int createEncoder(void* model, const GantryCudaEncoderOptions* options, void** encoder, std::uint32_t* streamId, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] {
        auto made = static_cast<Model*>(model)->encoder(*options);
        *streamId = made->streamId();
        *encoder = made.release();
    });
}

void destroyEncoder(void* encoder)
{
    delete static_cast<Encoder*>(encoder);
}

int copyIn(void* encoder, const std::int32_t* ids, const std::int32_t* mask, int batch, int sequence, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Encoder*>(encoder)->copyIn(ids, mask, batch, sequence); });
}

int infer(void* encoder, void (*onLayer)(void*, int), void* context, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Encoder*>(encoder)->infer(onLayer, context); });
}

int copyOut(void* encoder, const float** hidden, const float** pooled, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Encoder*>(encoder)->copyOut(hidden, pooled); });
}

int createDecoder(void* model, const GantryCudaDecoderOptions* options, void** decoder, std::uint32_t* streamId, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] {
        auto made = static_cast<Model*>(model)->decoder(*options);
        *streamId = made->streamId();
        *decoder = made.release();
    });
}

void destroyDecoder(void* decoder)
{
    delete static_cast<Decoder*>(decoder);
}

int beginStep(void* decoder, const GantryCudaStep* step, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Decoder*>(decoder)->begin(*step); });
}

int runLayer(void* decoder, int layer, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Decoder*>(decoder)->runLayer(layer); });
}

int nextTokens(void* decoder, std::int32_t* ids, char* error, int errorBytes)
{
    return guarded(error, errorBytes, [&] { static_cast<Decoder*>(decoder)->nextTokens(ids); });
}

} // namespace

extern "C" __attribute__((visibility("default"))) const GantryCudaApi* gantryCudaApi()
{
    static const GantryCudaApi api{kGantryCudaVersion, deviceCount, loadModel, unloadModel, createEncoder, destroyEncoder, copyIn, infer, copyOut,
                                   createDecoder, destroyDecoder, beginStep, runLayer, nextTokens};
    return &api;
}
