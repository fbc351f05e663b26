#include "tests/remote_server/inference/serve_process.h"
#include "tests/support/collecting_sink.h"
#include "trace_model/import/iteration_log.h"
#include "trace_model/records/request_phase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;
namespace convention = records::nvtx_convention;

wire::ModelInferRequest sixTokens()
{
    wire::ModelInferRequest request;
    request.set_model_name("d");
    const auto add = [&](const char* name, const std::vector<std::int32_t>& values) {
        auto* input = request.add_inputs();
        input->set_name(name);
        input->set_datatype("INT32");
        input->add_shape(static_cast<std::int64_t>(values.size()));
        request.add_raw_input_contents(values.data(), values.size() * sizeof(std::int32_t));
    };
    add("INPUT_IDS", {1, 2, 3});
    add("MAX_TOKENS", {6});
    return request;
}

TEST(GantryServe, WritesALineForEachIterationAndTellsNvtxItsMembers)
{
    TestRepository models;
    models.add("d", R"(
        backend: "decoder"
        instance_group { count: 1 kind: KIND_CPU }
        parameters { key: "layers" value { string_value: "1" } }
        parameters { key: "hidden" value { string_value: "16" } }
        parameters { key: "heads" value { string_value: "2" } }
        parameters { key: "vocabulary" value { string_value: "60" } })");
    const test::TemporaryFolder folder;
    std::map<std::string, std::string> environment;
#ifdef NVTX_LISTENER
    environment = {{"NVTX_INJECTION64_PATH", NVTX_LISTENER}, {"NVTX_LISTENER_LOG", folder / "nvtx"}};
#endif
    ServeProcess serve(models, environment, {"--iteration-log", folder / "iterations", "--profile-iterations", "0,3-4"});
    wire::ModelInferResponse response;
    ASSERT_TRUE(infer(serve.stub(), sixTokens(), response).ok());
    EXPECT_EQ(int32Output(response, 0).size(), 6u);
    EXPECT_EQ(serve.terminate(), 0);

    test::CollectingSink sink;
    const auto read = importing::readIterationLog(folder / "iterations", sink, {});
    ASSERT_TRUE(read) << read.error().text();
    std::vector<std::uint64_t> iterations;
    for (const auto& range : sink.all(&test::CollectedRows::ranges))
        iterations.push_back(range.payload.value());
    EXPECT_THAT(iterations, testing::ElementsAre(0, 1, 2, 3, 4, 5));
#ifdef NVTX_LISTENER
    std::ifstream log(folder / "nvtx");
    int members = 0, executions = 0;
    for (std::string line; std::getline(log, line);) {
        members += line.find(std::string(" ") + convention::kDomain + " " + convention::kMember + " ") != std::string::npos;
        executions += line.find(std::string(" ") + convention::kDomain + " " + convention::kExecute + " ") != std::string::npos &&
                      line.find("push ") != std::string::npos;
    }
    EXPECT_EQ(members, 6) << "the request is a member of each";
    EXPECT_EQ(executions, 6);
#endif
}

TEST(GantryServe, RefusesIterationsThatAreNone)
{
    const test::ProcessResult result = runServe({"--model-repository", "/nonexistent", "--profile-iterations", "0,x"});
    EXPECT_EQ(result.exitStatus, 65);
    EXPECT_THAT(result.err, testing::HasSubstr("--profile-iterations: \"x\" names no iterations"));
}

} // namespace
} // namespace gantry::inference_server
