#include "remote_server/inference/grpc_codec.h"
#include "remote_server/inference/http_codec.h"
#include "remote_server/inference/infer_codec.h"
#include "tests/fuzz/fuzz_target.h"

#include <google/protobuf/text_format.h>
#include <nlohmann/json.hpp>

#include <cstring>

namespace gantry {
namespace {

using namespace inference_server;

/// A model that batches rows of numbers, with a text that may be left out.
const ModelDescription& model()
{
    static const ModelDescription kModel = [] {
        ModelDescription description;
        description.name = std::string(1, 'm'); // g++ 12 warns of a literal here
        const bool parsed = google::protobuf::TextFormat::ParseFromString(R"(
            max_batch_size: 8
            input [ { name: "A" data_type: TYPE_INT32 dims: [ -1, 2 ] }, { name: "B" data_type: TYPE_FP32 dims: 2 },
                    { name: "T" data_type: TYPE_STRING dims: -1 optional: true } ]
            output [ { name: "A" data_type: TYPE_INT32 dims: [ -1, 2 ] }, { name: "B" data_type: TYPE_FP32 dims: 2 },
                     { name: "T" data_type: TYPE_STRING dims: -1 } ])",
                                                                          &description.config);
        GANTRY_FUZZ_CHECK(parsed);
        return description;
    }();
    return kModel;
}

/// What a backend may rely on.
void checkJob(const InferJob& job)
{
    GANTRY_FUZZ_CHECK(job.rows >= 1 && job.rows <= 8);
    GANTRY_FUZZ_CHECK(job.inputs.size() == 2 || job.inputs.size() == 3);
    for (const Tensor& input : job.inputs) {
        std::uint64_t elements = 1;
        for (const std::int64_t dimension : input.shape) {
            GANTRY_FUZZ_CHECK(dimension > 0);
            elements *= static_cast<std::uint64_t>(dimension);
        }
        GANTRY_FUZZ_CHECK(static_cast<std::uint64_t>(input.shape.front()) == job.rows);
        GANTRY_FUZZ_CHECK(input.type == inference::TYPE_STRING ? input.data.size() >= elements * 4 : input.data.size() == elements * 4);
    }
}

/// Takes a request as far as a server does, with a model that gives back what it gets.
void serve(Result<InferRequest> request)
{
    const SharedMemory memory;
    if (!request) {
        GANTRY_FUZZ_CHECK(!request.error().text().empty());
        return;
    }
    const auto job = jobFromRequest(*request, model(), memory);
    if (!job) {
        GANTRY_FUZZ_CHECK(job.error().code == ErrorCode::BadInput || job.error().code == ErrorCode::NotFound);
        return;
    }
    checkJob(**job);
    const auto answer = answerOf(*request, model(), (*job)->inputs, memory);
    const auto http = answer ? answerToHttp(*answer, *request) : answer.error();
    if (!http)
        return;
    const std::string header = http->body.substr(0, http->headerLength.value_or(http->body.size()));
    if (header.find("NaN") == std::string::npos && header.find("Infinity") == std::string::npos) // Triton's, and no JSON
        GANTRY_FUZZ_CHECK(nlohmann::json::accept(header));
}

/// JSON, and behind it the bytes of its three tensors.
std::string binaryRequest()
{
    constexpr std::string_view kJson =
        R"({"inputs":[{"name":"A","datatype":"INT32","shape":[1,1,2],"parameters":{"binary_data_size":8}},)"
        R"({"name":"B","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}},)"
        R"({"name":"T","datatype":"BYTES","shape":[1,1],"parameters":{"binary_data_size":5}}],)"
        R"("outputs":[{"name":"B","parameters":{"classification":1}},{"name":"T","parameters":{"binary_data":true}}]})";
    constexpr std::string_view kTensors("\1\0\0\0\2\0\0\0\0\0\200\77\0\0\0\100\1\0\0\0x", 21);
    std::string body;
    for (const std::string_view part : {kJson, kTensors})
        body.append(part);
    return body;
}

} // namespace

std::vector<std::string> fuzz::seeds()
{
    return {
        R"({"id":"1","inputs":[{"name":"A","datatype":"INT32","shape":[2,1,2],"data":[[1,2],[3,-4]]},)"
        R"({"name":"B","datatype":"FP32","shape":[2,2],"data":[1.5,2e3,0,-1]}],)"
        R"("parameters":{"priority":1,"timeout":5,"mine":"x"},"outputs":[{"name":"A"}]})",
        R"({"inputs":[{"name":"A","datatype":"INT32","shape":[1,1,2],)"
        R"("parameters":{"shared_memory_region":"r","shared_memory_byte_size":8,"shared_memory_offset":0}}]})",
        binaryRequest(),
    };
}

} // namespace gantry

/// The bytes as a body of HTTP, once all JSON and once with JSON up to its last brace, and as a message of gRPC.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gantry;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    serve(requestFromHttp(body, {}, "m"));
    const std::size_t brace = body.rfind('}');
    if (brace != std::string_view::npos)
        serve(requestFromHttp(body, brace + 1, "m"));
    serve(requestFromRawBody(body, model()));
    inference::ModelInferRequest wire;
    if (wire.ParseFromArray(data, static_cast<int>(size)))
        serve(requestFromProto(wire));
    return 0;
}
