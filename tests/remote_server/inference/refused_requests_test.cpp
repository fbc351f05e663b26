// Requests that a model cannot take: each is counted and written down once, whichever way it came.

#include "tests/remote_server/inference/serving_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <functional>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;
using nlohmann::json;

class RefusedRequests : public testing::Test
{
protected:
    RefusedRequests()
    {
        m_repository.addAddSub("m");
        m_repository.addTinyBert("bert");
        m_repository.add("decoupled", R"(
            backend: "identity"
            input { name: "INPUT0" data_type: TYPE_INT32 dims: -1 }
            output { name: "OUTPUT0" data_type: TYPE_INT32 dims: -1 }
            model_transaction_policy { decoupled: true })");
        m_server = std::make_unique<TestServer>(m_repository, ServerOptions{.groundTruth = m_folder / "truth"});
    }

    void infer(const wire::ModelInferRequest& request)
    {
        wire::ModelInferResponse response;
        EXPECT_FALSE(gantry::inference_server::infer(m_server->stub(), request, response).ok()) << request.ShortDebugString();
    }
    void inferChanged(const std::function<void(wire::ModelInferRequest&)>& change)
    {
        wire::ModelInferRequest request = addSubRequest("m");
        change(request);
        infer(request);
    }
    void post(const std::string& model, const std::string& body)
    {
        const auto answer =
            httplib::Client("127.0.0.1", m_server->httpPort()).Post("/v2/models/" + model + "/infer", body, "application/json");
        ASSERT_TRUE(answer);
        EXPECT_GE(answer->status, 400) << answer->body;
    }

    /// Failures of a model as the statistics, /metrics (reason OTHER) and the ground truth know them. Ends the server.
    std::vector<std::uint64_t> failures(const std::string& model)
    {
        const std::string series = "nv_inference_request_failure{model=\"" + model + "\",reason=\"OTHER\",version=\"1\"} ";
        if (m_metrics.empty())
            m_metrics = m_server->calls().metricsText();
        if (!m_failures.contains(model) && m_server)
            for (const char* one : {"m", "bert", "decoupled"})
                m_failures[one] = m_server->statistics(one).inference_stats().fail().count();
        m_server.reset();
        std::ifstream file(m_folder / "truth");
        std::uint64_t lines = 0;
        for (std::string line; std::getline(file, line);) {
            const json entry = json::parse(line);
            lines += entry.value("model", "") == model && entry.at("outcome") == "OTHER" && entry.at("start_ns") <= entry.at("end_ns");
        }
        const std::size_t at = m_metrics.find(series);
        return {m_failures[model], at == std::string::npos ? 0 : std::stoull(m_metrics.substr(at + series.size())), lines};
    }

    test::TemporaryFolder m_folder;
    TestRepository m_repository;
    std::unique_ptr<TestServer> m_server;
    std::string m_metrics;
    std::map<std::string, std::uint64_t> m_failures;
};

TEST_F(RefusedRequests, OfGrpcAreCountedWithAReasonAndWrittenDownOnceEach)
{
    inferChanged([](auto& request) { request.mutable_inputs(0)->set_shape(1, 3); });
    inferChanged([](auto& request) { request.mutable_inputs(0)->set_shape(1, 0); });
    inferChanged([](auto& request) { request.mutable_inputs(0)->set_datatype("FP32"); });
    inferChanged([](auto& request) { request.mutable_inputs(0)->set_name("WRONG"); });
    inferChanged([](auto& request) {
        request.mutable_inputs()->RemoveLast();
        request.mutable_raw_input_contents()->RemoveLast();
    });
    inferChanged([](auto& request) { request.mutable_raw_input_contents()->RemoveLast(); });
    inferChanged([](auto& request) {
        for (int i : {0, 1}) {
            request.mutable_inputs(i)->set_shape(0, 9);
            request.set_raw_input_contents(i, std::string(9 * 16, '\0'));
        }
    });
    infer(bertRequest("bert", {1, 50}));
    wire::ModelInferRequest once = addSubRequest("decoupled");
    infer(once);
    infer(addSubRequest("unknown"));
    EXPECT_THAT(failures("m"), testing::Each(7u));
    EXPECT_THAT(failures("bert"), testing::Each(1u));
    EXPECT_THAT(failures("decoupled"), testing::Each(1u));
    EXPECT_THAT(failures("unknown"), testing::Each(0u));
}

TEST_F(RefusedRequests, OfHttpAreCountedWithAReasonAndWrittenDownOnceEach)
{
    post("m", "{");
    post("m", R"({"inputs":[]})");
    post("m", R"({"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1,4],"data":[1,2,3]}]})");
    post("decoupled", R"({"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1],"data":[1]}]})");
    post("unknown", "{}");
    EXPECT_THAT(failures("m"), testing::Each(3u));
    EXPECT_THAT(failures("decoupled"), testing::Each(1u));
}

} // namespace
} // namespace gantry::inference_server
