#include "tests/remote_server/inference/serving_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;
using testing::Each;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

class Infer : public testing::Test
{
protected:
    Infer()
    {
        m_repository.addAddSub("add_sub");
        m_repository.addTinyBert("bert");
        m_repository.add("broken", "backend: \"add_sub\" max_batch_size: -1");
        m_repository.add("float_add_sub", R"(
            backend: "add_sub"
            input [ { name: "A" data_type: TYPE_FP32 dims: -1 }, { name: "B" data_type: TYPE_FP32 dims: -1 } ]
            output [ { name: "SUM" data_type: TYPE_FP32 dims: -1 }, { name: "DIFFERENCE" data_type: TYPE_FP32 dims: -1 } ])");
        m_repository.add("long_add_sub", R"(
            backend: "add_sub"
            input [ { name: "A" data_type: TYPE_INT64 dims: 2 }, { name: "B" data_type: TYPE_INT64 dims: 2 } ]
            output [ { name: "SUM" data_type: TYPE_INT64 dims: 2 }, { name: "DIFFERENCE" data_type: TYPE_INT64 dims: 2 } ])");
        m_repository.add("other_backend", R"(
            backend: "onnxruntime" input { name: "A" data_type: TYPE_FP32 dims: 1 } output { name: "B" data_type: TYPE_FP32 dims: 1 })");
        m_server = std::make_unique<TestServer>(m_repository);
    }

    grpc::Status send(const wire::ModelInferRequest& request) { return infer(m_server->stub(), request, m_response); }

    std::string refusal(const wire::ModelInferRequest& request)
    {
        const grpc::Status status = send(request);
        EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
        const std::string prefix = "[request id: " + (request.id().empty() ? "<id_unknown>" : request.id()) + "] ";
        const std::string& sentence = status.error_message();
        return sentence.starts_with(prefix) ? sentence.substr(prefix.size()) : sentence;
    }

    TestRepository m_repository;
    std::unique_ptr<TestServer> m_server;
    wire::ModelInferResponse m_response;
};

TEST_F(Infer, AddsAndSubtractsRawContents)
{
    const grpc::Status status = send(addSubRequest("add_sub", 5, 3));
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(m_response.id(), "from-the-test");
    EXPECT_EQ(m_response.model_name(), "add_sub");
    EXPECT_EQ(m_response.model_version(), "1");
    ASSERT_EQ(m_response.outputs_size(), 2);
    EXPECT_EQ(m_response.outputs(0).name(), "OUTPUT0");
    EXPECT_EQ(m_response.outputs(0).datatype(), "INT32");
    EXPECT_THAT(m_response.outputs(0).shape(), ElementsAre(1, 4));
    EXPECT_THAT(int32Output(m_response, 0), ElementsAre(8, 8, 8, 8));
    EXPECT_THAT(int32Output(m_response, 1), ElementsAre(2, 2, 2, 2));
}

TEST_F(Infer, TakesTypedContentsToo)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.clear_raw_input_contents();
    for (int i = 0; i < 2; ++i)
        for (const int value : {1, 2, 3, 4})
            request.mutable_inputs(i)->mutable_contents()->add_int_contents(value);
    ASSERT_TRUE(send(request).ok());
    EXPECT_THAT(int32Output(m_response, 0), ElementsAre(2, 4, 6, 8));
    EXPECT_THAT(int32Output(m_response, 1), Each(0));
}

TEST_F(Infer, CalculatesInFloatsWhereTheModelHasThem)
{
    wire::ModelInferRequest request;
    request.set_model_name("float_add_sub");
    for (const char* name : {"A", "B"}) {
        auto* input = request.add_inputs();
        input->set_name(name);
        input->set_datatype("FP32");
        input->add_shape(3);
        for (const float value : {1.5f, -2.25f, std::numeric_limits<float>::infinity()})
            input->mutable_contents()->add_fp32_contents(value);
    }
    ASSERT_TRUE(send(request).ok());
    EXPECT_THAT(m_response.outputs(0).shape(), ElementsAre(3)) << "no batch dimension without max_batch_size";
    EXPECT_THAT(floatOutput(m_response, 0), ElementsAre(3.0f, -4.5f, std::numeric_limits<float>::infinity()));
    EXPECT_TRUE(std::isnan(floatOutput(m_response, 1)[2]));
}

TEST_F(Infer, AnswersOnlyTheOutputsAskedFor)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.add_outputs()->set_name("OUTPUT1");
    ASSERT_TRUE(send(request).ok());
    ASSERT_EQ(m_response.outputs_size(), 1);
    EXPECT_EQ(m_response.outputs(0).name(), "OUTPUT1");
    EXPECT_THAT(int32Output(m_response, 0), Each(2));
}

TEST_F(Infer, WrapsAroundLikeTheMachineDoes)
{
    ASSERT_TRUE(send(addSubRequest("add_sub", INT32_MAX, 1)).ok());
    EXPECT_THAT(int32Output(m_response, 0), Each(INT32_MIN));
    ASSERT_TRUE(send(addSubRequest("add_sub", INT32_MIN, 1)).ok());
    EXPECT_THAT(int32Output(m_response, 1), Each(INT32_MAX));
}

/// Says the rows of a request of one row several times.
void setRows(wire::ModelInferRequest& request, int rows)
{
    for (int i = 0; i < request.inputs_size(); ++i) {
        request.mutable_inputs(i)->set_shape(0, rows);
        const std::string row = request.raw_input_contents(i);
        for (int copy = 1; copy < rows; ++copy)
            request.mutable_raw_input_contents(i)->append(row);
    }
}

TEST_F(Infer, ARequestMayBringSeveralRowsAndCountsAsManyInferences)
{
    wire::ModelInferRequest request = addSubRequest("add_sub", 5, 3);
    setRows(request, 8);
    ASSERT_TRUE(send(request).ok());
    EXPECT_THAT(m_response.outputs(0).shape(), ElementsAre(8, 4));
    EXPECT_EQ(int32Output(m_response, 0), std::vector<std::int32_t>(32, 8));
    const auto stats = m_server->statistics("add_sub");
    EXPECT_EQ(stats.inference_count(), 8u);
    EXPECT_EQ(stats.inference_stats().success().count(), 1u);
    ASSERT_EQ(stats.batch_stats_size(), 1);
    EXPECT_EQ(stats.batch_stats(0).batch_size(), 8u);
}

TEST_F(Infer, RowsOfOneRequestAreComputedAsThoseOfSeveral)
{
    ASSERT_TRUE(send(bertRequest("bert", {3, 1, 4})).ok());
    const std::vector<float> one = floatOutput(m_response, 0);
    wire::ModelInferRequest request = bertRequest("bert", {3, 1, 4});
    setRows(request, 2);
    ASSERT_TRUE(send(request).ok());
    EXPECT_THAT(m_response.outputs(0).shape(), ElementsAre(2, 3, 8));
    const std::vector<float> two = floatOutput(m_response, 0);
    ASSERT_EQ(two.size(), 2 * one.size());
    for (std::size_t i = 0; i < two.size(); ++i)
        EXPECT_NEAR(two[i], one[i % one.size()], 1e-5) << i;
}

TEST_F(Infer, RefusesWrongShapesTypesAndSizesInASentence)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.mutable_inputs(0)->set_shape(1, 5);
    EXPECT_EQ(refusal(request),
              "unexpected shape for input 'INPUT0' for model 'add_sub'. Expected [-1,4], got [1,5]. The first dimension is the "
              "batch's, since the model has a max_batch_size");

    request = addSubRequest("add_sub");
    request.mutable_inputs(0)->set_shape(0, 2);
    EXPECT_EQ(refusal(request), "input byte size mismatch for input 'INPUT0' for model 'add_sub'. Expected 32, got 16");

    request = addSubRequest("add_sub");
    setRows(request, 9);
    EXPECT_EQ(refusal(request), "inference request batch-size must be <= 8 for 'add_sub'");

    request = addSubRequest("add_sub");
    request.mutable_inputs(1)->set_shape(0, 2);
    request.set_raw_input_contents(1, std::string(32, '\0'));
    EXPECT_EQ(refusal(request), "input 'INPUT1' batch size does not match other inputs for 'add_sub'");

    request = addSubRequest("add_sub");
    request.mutable_inputs(0)->clear_shape();
    request.mutable_inputs(0)->add_shape(4);
    EXPECT_THAT(refusal(request), HasSubstr("got [4]"));

    request = addSubRequest("add_sub");
    request.mutable_inputs(1)->set_datatype("FP32");
    EXPECT_EQ(refusal(request), "inference input 'INPUT1' data-type is 'FP32', but model 'add_sub' expects 'INT32'");
    request.mutable_inputs(1)->set_datatype("");
    EXPECT_THAT(refusal(request), HasSubstr("data-type is '<invalid>'"));

    request = addSubRequest("add_sub");
    request.mutable_raw_input_contents(0)->pop_back();
    EXPECT_EQ(refusal(request), "input byte size mismatch for input 'INPUT0' for model 'add_sub'. Expected 16, got 15");

    request = addSubRequest("add_sub");
    request.clear_raw_input_contents();
    request.mutable_inputs(0)->mutable_contents()->add_fp32_contents(1); // not where INT32 values go
    EXPECT_EQ(refusal(request), "unexpected explicit tensor data for input tensor 'INPUT0' for model 'add_sub' of type 'FP32', expected "
                                "datatype 'INT32'");
}

TEST_F(Infer, NamesTheRequestThatIsRefused)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.mutable_inputs(1)->set_name("INPUT0");
    EXPECT_EQ(send(request).error_message(), "[request id: from-the-test] input 'INPUT0' already exists in request");
    request.clear_id();
    EXPECT_THAT(send(request).error_message(), testing::StartsWith("[request id: <id_unknown>] "));
}

TEST_F(Infer, ClassifiesAnOutputWhenAskedTo)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.set_raw_input_contents(0, std::string("\1\0\0\0\4\0\0\0\2\0\0\0\4\0\0\0", 16));
    auto* output = request.add_outputs();
    output->set_name("OUTPUT0");
    (*output->mutable_parameters())["classification"].set_int64_param(3);
    ASSERT_TRUE(send(request).ok());
    EXPECT_EQ(m_response.outputs(0).datatype(), "BYTES");
    EXPECT_THAT(m_response.outputs(0).shape(), ElementsAre(1, 3));
    EXPECT_EQ(m_response.raw_output_contents(0), std::string("\3\0\0\0"
                                                             "7:1"
                                                             "\3\0\0\0"
                                                             "7:3"
                                                             "\3\0\0\0"
                                                             "5:2",
                                                             21))
        << "of equal ones the first";
}

TEST_F(Infer, RefusesParametersOfTheWrongKind)
{
    const auto refused = [&](const std::string& name, const auto& set) {
        wire::ModelInferRequest request = addSubRequest("add_sub");
        set((*request.mutable_parameters())[name]);
        return refusal(request);
    };
    EXPECT_THAT(refused("priority", [](auto& value) { value.set_string_param("3"); }),
                HasSubstr("invalid value type for 'priority' parameter"));
    EXPECT_THAT(refused("timeout", [](auto& value) { value.set_int64_param(-1); }),
                HasSubstr("invalid value type for 'timeout' parameter"));
    EXPECT_THAT(refused("sequence_id", [](auto& value) { value.set_bool_param(true); }), HasSubstr("'sequence_id' parameter"));
    EXPECT_THAT(refused("triton_other", [](auto& value) { value.set_bool_param(true); }), HasSubstr("are reserved for Triton usage"));
    wire::ModelInferRequest request = addSubRequest("add_sub");
    (*request.mutable_parameters())["of the client"].set_double_param(1.5);
    EXPECT_TRUE(send(request).ok()) << "others are the client's own";
}

TEST_F(Infer, RefusesMissingAndUnknownInputs)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.mutable_inputs()->RemoveLast();
    request.mutable_raw_input_contents()->RemoveLast();
    EXPECT_EQ(refusal(request),
              "expected 2 inputs but got 1 inputs for model 'add_sub'. Got input(s) ['INPUT0'], but missing required input(s) "
              "['INPUT1']. Please provide all required input(s).");

    request = addSubRequest("add_sub");
    *request.add_inputs() = request.inputs(0);
    request.mutable_inputs(2)->set_name("INPUT9");
    request.add_raw_input_contents();
    EXPECT_EQ(refusal(request), "unexpected inference input 'INPUT9' for model 'add_sub'");
}

// The last of two inputs of one name was taken, and an output that does not exist gave a response without outputs.
TEST_F(Infer, RefusesRepeatedInputsAndUnknownOutputs)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    *request.add_inputs() = request.inputs(0);
    request.add_raw_input_contents(request.raw_input_contents(0));
    EXPECT_EQ(refusal(request), "input 'INPUT0' already exists in request");

    request = addSubRequest("add_sub");
    request.add_outputs()->set_name("OUTPUT9");
    EXPECT_EQ(refusal(request), "unexpected inference output 'OUTPUT9' for model 'add_sub'");
}

TEST_F(Infer, RefusesAMixOfRawAndTypedContents)
{
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.mutable_inputs(0)->mutable_contents()->add_int_contents(1);
    EXPECT_THAT(refusal(request), HasSubstr("contents field must not be specified when using raw_input_contents"));

    request = addSubRequest("add_sub");
    request.mutable_raw_input_contents()->RemoveLast();
    EXPECT_EQ(refusal(request), "unable to find data for input tensor 'INPUT1' for model 'add_sub' in request.");

    request = addSubRequest("add_sub");
    request.add_raw_input_contents("more");
    EXPECT_EQ(refusal(request), "expected 2 raw_input_contents, got 3");
}

TEST_F(Infer, RefusesHugeEmptyAndNegativeShapesWithoutAllocatingThem)
{
    wire::ModelInferRequest request = bertRequest("bert", {1});
    for (const std::int64_t length : {INT64_MAX, std::int64_t{1} << 32, std::int64_t{0}, std::int64_t{-1}, INT64_MIN}) {
        request.mutable_inputs(0)->set_shape(1, length);
        EXPECT_THAT(refusal(request), HasSubstr("unexpected shape for input 'input_ids'")) << length;
    }
}

// Whatever came was taken into memory, up to 2 GiB.
TEST_F(Infer, AMessageOfMoreThan64MiBIsRefused)
{
    wire::ModelInferRequest request = addSubRequest("m");
    request.set_id(std::string(65 << 20, 'x'));
    const grpc::Status status = send(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(), HasSubstr("vs. 67108864)"));
}

TEST_F(Infer, DoesNotKnowOtherModelsAndVersions)
{
    const grpc::Status status = send(addSubRequest("nope"));
    EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(status.error_message(), "Request for unknown model: 'nope' is not found");
    wire::ModelInferRequest request = addSubRequest("add_sub");
    request.set_model_version("7");
    EXPECT_EQ(send(request).error_code(), grpc::StatusCode::NOT_FOUND);
    request.set_model_version("1");
    EXPECT_TRUE(send(request).ok());
    EXPECT_EQ(send(addSubRequest("broken")).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Infer, BertGivesTheSameForASequenceAloneAndPaddedByTheMask)
{
    wire::ModelInferResponse alone, padded;
    ASSERT_TRUE(infer(m_server->stub(), bertRequest("bert", {4, 8, 15}), alone).ok());
    const grpc::Status status = infer(m_server->stub(), bertRequest("bert", {4, 8, 15, 1, 1}, {1, 1, 1, 0, 0}), padded);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_THAT(alone.outputs(0).shape(), ElementsAre(1, 3, 8));
    EXPECT_THAT(padded.outputs(0).shape(), ElementsAre(1, 5, 8));
    EXPECT_EQ(alone.outputs(0).datatype(), "FP32");
    const auto left = floatOutput(alone, 0), right = floatOutput(padded, 0);
    ASSERT_EQ(left.size(), 3u * 8);
    ASSERT_EQ(right.size(), 5u * 8);
    for (std::size_t i = 0; i < left.size(); ++i)
        EXPECT_NEAR(left[i], right[i], 1e-5f);
}

TEST_F(Infer, BertRefusesTokensAndLengthsThatItCannotTake)
{
    EXPECT_EQ(refusal(bertRequest("bert", {1, 50})), "token id 50 of 'input_ids' is outside the vocabulary of 50");
    EXPECT_EQ(refusal(bertRequest("bert", {-1})), "token id -1 of 'input_ids' is outside the vocabulary of 50");
    EXPECT_EQ(refusal(bertRequest("bert", std::vector<std::int64_t>(13, 1))),
              "'input_ids' has a sequence of 13 tokens: it must have between 1 and 12");
    EXPECT_EQ(refusal(bertRequest("bert", {1, 2}, {1})), "'attention_mask' must have the shape of 'input_ids'");
    EXPECT_EQ(m_server->statistics("bert").inference_stats().fail().count(), 4u) << "each of them once";
}

// A token id outside the vocabulary failed every request of the batch, also those of other clients.
TEST(InferBatch, ABadRequestDoesNotFailTheOthersOfItsBatch)
{
    TestRepository repository;
    repository.addTinyBert("bert", "dynamic_batching { preferred_batch_size: 4 max_queue_delay_microseconds: 100000 }");
    TestServer server(repository);
    std::vector<wire::ModelInferRequest> requests(4, bertRequest("bert", {1, 2}));
    requests[2] = bertRequest("bert", {1, 999});
    const auto statuses = inferAtOnce(server.stub(), requests);
    for (std::size_t i = 0; i < statuses.size(); ++i)
        EXPECT_EQ(statuses[i].error_code(), i == 2 ? grpc::StatusCode::INVALID_ARGUMENT : grpc::StatusCode::OK)
            << statuses[i].error_message();
}

TEST_F(Infer, MetadataAndConfigurationDescribeTheModel)
{
    grpc::ClientContext metadataContext, configContext, unknownContext, unknownConfigContext;
    wire::ModelMetadataRequest metadataRequest;
    metadataRequest.set_name("bert");
    wire::ModelMetadataResponse metadata;
    ASSERT_TRUE(m_server->stub().ModelMetadata(&metadataContext, metadataRequest, &metadata).ok());
    EXPECT_EQ(metadata.name(), "bert");
    EXPECT_EQ(metadata.platform(), "bert");
    EXPECT_THAT(metadata.versions(), ElementsAre("1"));
    ASSERT_EQ(metadata.inputs_size(), 2);
    EXPECT_EQ(metadata.inputs(0).name(), "input_ids");
    EXPECT_EQ(metadata.inputs(0).datatype(), "INT64");
    EXPECT_THAT(metadata.inputs(0).shape(), ElementsAre(-1, -1));
    EXPECT_THAT(metadata.outputs(0).shape(), ElementsAre(-1, -1, 8));

    wire::ModelConfigRequest configRequest;
    configRequest.set_name("bert");
    wire::ModelConfigResponse config;
    ASSERT_TRUE(m_server->stub().ModelConfig(&configContext, configRequest, &config).ok());
    EXPECT_EQ(config.config().name(), "bert");
    EXPECT_EQ(config.config().max_batch_size(), 8);
    EXPECT_EQ(config.config().parameters().at("vocabulary").string_value(), "50");

    metadataRequest.set_name("nope");
    configRequest.set_name("nope");
    EXPECT_EQ(m_server->stub().ModelMetadata(&unknownContext, metadataRequest, &metadata).error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_EQ(m_server->stub().ModelConfig(&unknownConfigContext, configRequest, &config).error_code(), grpc::StatusCode::NOT_FOUND);
}

TEST_F(Infer, TheServerSaysWhatItIsAndWhetherItLivesAndIsReady)
{
    const auto ready = [&] {
        grpc::ClientContext context;
        wire::ServerReadyResponse response;
        EXPECT_TRUE(m_server->stub().ServerReady(&context, {}, &response).ok());
        return response.ready();
    };
    const auto live = [&] {
        grpc::ClientContext context;
        wire::ServerLiveResponse response;
        EXPECT_TRUE(m_server->stub().ServerLive(&context, {}, &response).ok());
        return response.live();
    };
    EXPECT_TRUE(live());
    EXPECT_FALSE(ready()) << "some of its models are broken";
    m_server = std::make_unique<TestServer>(m_repository, ServerOptions{.strictReadiness = false});
    EXPECT_TRUE(ready());
    grpc::ClientContext context;
    wire::ServerMetadataResponse metadata;
    ASSERT_TRUE(m_server->stub().ServerMetadata(&context, {}, &metadata).ok());
    EXPECT_EQ(metadata.name(), "gantry-serve");
    EXPECT_EQ(metadata.version(), GANTRY_VERSION);
    EXPECT_THAT(metadata.extensions(), testing::Contains("statistics"));

    m_server->calls().beginShutdown();
    EXPECT_TRUE(live());
    EXPECT_FALSE(ready());
}

TEST_F(Infer, ServesTheOthersWhenAModelIsBroken)
{
    grpc::ClientContext indexContext, readyIndexContext;
    wire::RepositoryIndexResponse index;
    ASSERT_TRUE(m_server->stub().RepositoryIndex(&indexContext, {}, &index).ok());
    std::map<std::string, std::pair<std::string, std::string>> models;
    for (const auto& model : index.models())
        models[model.name()] = {model.state(), model.reason()};
    ASSERT_EQ(models.size(), 6u);
    for (const char* name : {"add_sub", "bert", "float_add_sub"})
        EXPECT_EQ(models[name].first, "READY") << models[name].second;
    for (const char* name : {"broken", "long_add_sub", "other_backend"})
        EXPECT_EQ(models[name].first, "UNAVAILABLE") << name;
    EXPECT_THAT(models["broken"].second, HasSubstr("max_batch_size: it is negative"));
    EXPECT_THAT(models["long_add_sub"].second, HasSubstr("must all be TYPE_INT32 or all TYPE_FP32"))
        << "INT64 was added as if it were floats";
    EXPECT_THAT(models["other_backend"].second, HasSubstr("there is no backend \"onnxruntime\""));

    wire::RepositoryIndexRequest onlyReady;
    onlyReady.set_ready(true);
    ASSERT_TRUE(m_server->stub().RepositoryIndex(&readyIndexContext, onlyReady, &index).ok());
    EXPECT_EQ(index.models_size(), 3);

    const auto ready = [&](const std::string& name, const std::string& version) {
        grpc::ClientContext context;
        wire::ModelReadyRequest request;
        request.set_name(name);
        request.set_version(version);
        wire::ModelReadyResponse response;
        EXPECT_TRUE(m_server->stub().ModelReady(&context, request, &response).ok());
        return response.ready();
    };
    EXPECT_TRUE(ready("bert", ""));
    EXPECT_TRUE(ready("bert", "1"));
    EXPECT_FALSE(ready("bert", "2"));
    EXPECT_FALSE(ready("broken", ""));
    EXPECT_FALSE(ready("nope", ""));
}

} // namespace
} // namespace gantry::inference_server
