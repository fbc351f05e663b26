#include "tests/remote_server/inference/serve_process.h"
#include "trace_model/records/request_phase.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <future>
#include <sstream>

namespace gantry::inference_server {
namespace {

namespace wire = ::inference;
namespace convention = records::nvtx_convention;
using testing::HasSubstr;

TEST(GantryServe, ServesMetricsAndHealthOverHttp)
{
    TestRepository models;
    models.addAddSub("m");
    ServeProcess serve(models);
    wire::ModelInferResponse response;
    for (int i = 0; i < 7; ++i)
        ASSERT_TRUE(infer(serve.stub(), addSubRequest("m"), response).ok());
    EXPECT_THAT(serve.get("/metrics"), HasSubstr("nv_inference_request_success{model=\"m\",version=\"1\"} 7\n"));
    EXPECT_EQ(serve.get("/v2/health/live"), "");
    EXPECT_EQ(serve.get("/v2/health/ready"), "");
    EXPECT_EQ(serve.get("/nothing"), "no answer");
    EXPECT_EQ(serve.terminate(SIGINT), 0);
}

TEST(GantryServe, ServesHttpAndTheMachinesMetricsUnlessToldNotTo)
{
    TestRepository models;
    models.addAddSub("m");
    ServeProcess serve(models, {}, {"--metrics-interval-ms", "20"});
    const auto metadata = httplib::Client("127.0.0.1", serve.httpPort()).Get("/v2/models/m");
    ASSERT_TRUE(metadata);
    EXPECT_EQ(nlohmann::json::parse(metadata->body)["name"], "m");
    EXPECT_TRUE(test::eventually([&] { return serve.get("/metrics").find("\nnv_cpu_utilization ") != std::string::npos; }));
    EXPECT_THAT(serve.get("/metrics"), HasSubstr("\nnv_cpu_memory_total_bytes "));
    EXPECT_EQ(serve.terminate(), 0);

    ServeProcess without(models, {}, {"--allow-http", "false", "--allow-cpu-metrics", "false"});
    EXPECT_EQ(without.httpPort(), 0);
    EXPECT_THAT(without.get("/metrics"), testing::Not(HasSubstr("nv_cpu_")));
    EXPECT_EQ(without.terminate(), 0);
}

TEST(GantryServe, AnswersWhatIsInFlightBeforeSigtermEndsIt)
{
    TestRepository models;
    models.addAddSub("patient", "dynamic_batching { max_queue_delay_microseconds: 1000000 }");
    ServeProcess serve(models);
    auto answers = std::async(std::launch::async, [&] { return inferAtOnce(serve.stub(), std::vector(3, addSubRequest("patient"))); });
    // They wait for company, a second long; a test that is later than that finds them answered, which is as well.
    static_cast<void>(test::eventually([&] {
        const std::string metrics = serve.get("/metrics");
        return metrics.find("nv_inference_pending_request_count{model=\"patient\",version=\"1\"} 3\n") != std::string::npos ||
               metrics.find("nv_inference_count{model=\"patient\",version=\"1\"} 3\n") != std::string::npos;
    }));
    EXPECT_EQ(serve.terminate(), 0);
    for (const grpc::Status& status : answers.get())
        EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST(GantryServe, AMessageThatIsTooLargeIsRefusedAndTheNextIsNot)
{
    TestRepository models;
    models.addAddSub("m");
    ServeProcess serve(models, {}, {"--grpc-max-input-size", "1000"});
    wire::ModelInferRequest large = addSubRequest("m");
    large.set_id(std::string(1000, 'x'));
    wire::ModelInferResponse response;
    const grpc::Status refused = infer(serve.stub(), large, response);
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(refused.error_message(), HasSubstr("larger than max (" + std::to_string(large.ByteSizeLong()) + " vs. 1000)"));
    EXPECT_TRUE(infer(serve.stub(), addSubRequest("m"), response).ok());
}

TEST(GantryServe, EndsWithADocumentedStatusWhenItCannotStart)
{
    const auto missing =
        runServe({"--model-repository", "/dev/null/nonexistent", "--grpc-port", "0", "--http-port", "0", "--metrics-port", "0"});
    EXPECT_EQ(missing.exitStatus, exitStatus(ErrorCode::NotFound));
    EXPECT_THAT(missing.err, HasSubstr("gantry-serve: there is no model repository /dev/null/nonexistent"));
    EXPECT_EQ(runServe({"--no-such-flag"}).exitStatus, 64);
    EXPECT_EQ(runServe({"--grpc-port", "0"}).exitStatus, 64);
    EXPECT_EQ(runServe({"--model-repository", "/", "--grpc-port", "65536"}).exitStatus, 64);
    const auto version = runServe({"--version"});
    EXPECT_EQ(version.exitStatus, 0);
    EXPECT_THAT(version.out, HasSubstr(GANTRY_VERSION));
}

// Each of these was ignored.
TEST(GantryServe, RefusesFlagsThatWouldHaveNoEffectAndSaysWhatToWrite)
{
    TestRepository models;
    models.addAddSub("m");
    const auto errorOf = [&](std::vector<std::string> flags) {
        flags.insert(flags.begin(), {"--model-repository", models.path(), "--grpc-port", "0", "--http-port", "0", "--metrics-port", "0",
                                     "--cpu-only", "--ready-file", "/dev/null/nonexistent/ready"});
        return runServe(flags).err;
    };
    EXPECT_THAT(errorOf({"--load-model", "m"}), HasSubstr("--load-model m goes with --model-control-mode explicit"));
    EXPECT_THAT(errorOf({"--model-control-mode", "explicit", "--load-model", "nosuch"}), HasSubstr("failed to load 'nosuch'"));
    EXPECT_THAT(errorOf({"--rate-limit-resource", "R"}), HasSubstr("it has the form NAME:COUNT"));
    EXPECT_THAT(errorOf({"--rate-limit-resource", "R:1"}), HasSubstr("write --rate-limit execution_count too"));
}

TEST(GantryServe, TheHelpSaysWhatIsTakenWithoutAFlag)
{
    const std::string help = runServe({"--help"}).out;
    for (const char* flag : {"--grpc-max-input-size", "--grpc-port", "--exit-timeout-secs", "--model-control-mode", "--strict-readiness"}) {
        const std::size_t at = help.find(flag);
        ASSERT_NE(at, std::string::npos) << flag;
        EXPECT_NE(help.substr(at, help.find('\n', at) - at).find('='), std::string::npos) << help.substr(at, 80);
    }
    EXPECT_THAT(help, HasSubstr("=67108864"));
    EXPECT_THAT(help, HasSubstr("--strict-readiness BOOLEAN=true"));
    EXPECT_THAT(help, HasSubstr("histogram_latencies (default true"));
}

// It hung: the thread of /metrics was waited for and never told to end.
TEST(GantryServe, EndsWhenItCannotWriteTheReadyFile)
{
    TestRepository models;
    models.addAddSub("m");
    const auto result = runServe({"--model-repository", models.path(), "--grpc-port", "0", "--http-port", "0", "--metrics-port", "0",
                                  "--cpu-only", "--ready-file", "/dev/null/nonexistent/ready"});
    EXPECT_EQ(result.exitStatus, exitStatus(ErrorCode::CannotWrite));
    EXPECT_THAT(result.err, HasSubstr("gantry-serve: cannot write /dev/null/nonexistent/ready"));
}

// Both ports were shared with the server that had them: each of the two then got some of the requests.
TEST(GantryServe, SaysWhichPortIsTaken)
{
    TestRepository models;
    models.addAddSub("m");
    ServeProcess first(models);
    const auto second = [&](int grpcPort, int metricsPort) {
        // It would not stay up: its ready file cannot be written.
        return runServe({"--model-repository", models.path(), "--cpu-only", "--http-port", "0", "--grpc-port", std::to_string(grpcPort),
                         "--metrics-port", std::to_string(metricsPort), "--ready-file", "/dev/null/nonexistent/ready"});
    };
    const auto sameGrpc = second(first.grpcPort(), 0);
    EXPECT_EQ(sameGrpc.exitStatus, exitStatus(ErrorCode::CannotWrite));
    EXPECT_THAT(sameGrpc.err, HasSubstr("cannot listen on port " + std::to_string(first.grpcPort()) + " for gRPC: is it in use?"));
    const auto sameHttp = runServe({"--model-repository", models.path(), "--cpu-only", "--grpc-port", "0", "--metrics-port", "0",
                                    "--http-port", std::to_string(first.httpPort()), "--ready-file", "/dev/null/nonexistent/ready"});
    EXPECT_EQ(sameHttp.exitStatus, exitStatus(ErrorCode::CannotWrite));
    EXPECT_THAT(sameHttp.err, HasSubstr("cannot listen on port " + std::to_string(first.httpPort()) + " for HTTP"));
    const auto sameMetrics = second(0, first.metricsPort());
    EXPECT_EQ(sameMetrics.exitStatus, exitStatus(ErrorCode::CannotWrite));
    EXPECT_THAT(sameMetrics.err, HasSubstr("cannot listen on port " + std::to_string(first.metricsPort()) + " for metrics: is it in use?"));
}

#ifdef NVTX_LISTENER

/// A call to NVTX as nvtx_listener.cpp wrote it down.
struct Call
{
    std::string thread, text;
};

class Nvtx : public testing::Test
{
protected:
    /// Serves `model` while `use` runs, then ends it and reads what it told NVTX.
    void serve(const std::function<void(wire::GRPCInferenceService::Stub&)>& use)
    {
        const test::TemporaryFolder folder;
        ServeProcess process(m_models, {{"NVTX_INJECTION64_PATH", NVTX_LISTENER}, {"NVTX_LISTENER_LOG", folder / "log"}});
        use(process.stub());
        ASSERT_EQ(process.terminate(), 0);
        std::ifstream file(folder / "log");
        for (std::string line; std::getline(file, line);)
            m_calls.push_back({line.substr(0, line.find(' ')), line.substr(line.find(' ') + 1)});
    }

    [[nodiscard]] std::vector<Call> callsWith(const std::string& beginning) const
    {
        std::vector<Call> found;
        std::copy_if(m_calls.begin(), m_calls.end(), std::back_inserter(found),
                     [&](const Call& call) { return call.text.starts_with(beginning); });
        return found;
    }

    /// Texts of the calls of a thread, without `beginning` where they have it.
    [[nodiscard]] std::vector<std::string> textsOf(const std::string& thread) const
    {
        std::vector<std::string> texts;
        for (const Call& call : m_calls)
            if (call.thread == thread)
                texts.push_back(call.text);
        return texts;
    }

    /// Place of a call among all; -1 when there is none.
    [[nodiscard]] int placeOf(const std::string& text) const
    {
        const auto found = std::find_if(m_calls.begin(), m_calls.end(), [&](const Call& call) { return call.text == text; });
        return found == m_calls.end() ? -1 : static_cast<int>(found - m_calls.begin());
    }

    [[nodiscard]] std::string all() const
    {
        std::ostringstream text;
        for (const Call& call : m_calls)
            text << call.thread << ' ' << call.text << '\n';
        return text.str();
    }

    TestRepository m_models;
    std::vector<Call> m_calls;
};

const std::string kDomain = convention::kDomain;

/// The last word of "start gantry.serve request 7 category 1 registered" before " category".
std::string payloadOf(const Call& call)
{
    const std::string before = call.text.substr(0, call.text.find(" category "));
    return before.substr(before.rfind(' ') + 1);
}

TEST_F(Nvtx, ARequestIsToldByTheConvention)
{
    m_models.addTinyBert("bert");
    serve([](wire::GRPCInferenceService::Stub& stub) {
        wire::ModelInferRequest request = bertRequest("bert", {1, 2});
        request.set_id("mine");
        wire::ModelInferResponse response;
        ASSERT_TRUE(infer(stub, request, response).ok());
    });
    EXPECT_NE(placeOf("category " + kDomain + " 1 bert:1"), -1) << all();
    const auto requests = callsWith("start " + kDomain + " " + convention::kRequest + " ");
    ASSERT_EQ(requests.size(), 1u) << all();
    const std::string id = payloadOf(requests[0]);
    const auto executions = callsWith("push " + kDomain + " " + convention::kExecute + " ");
    ASSERT_EQ(executions.size(), 1u) << all();
    const std::string batch = payloadOf(executions[0]);

    // On the instance's thread, which has the instance's name.
    const std::string instance = executions[0].thread;
    EXPECT_EQ(textsOf(instance), (std::vector<std::string>{
                                     "thread " + instance + " bert_0_0",
                                     "push gantry.serve execute " + batch + " category 1 registered",
                                     "end queue " + id,
                                     "mark gantry.serve member " + id + " category 0 registered",
                                     "push gantry.serve compute_input " + batch + " category 1 registered",
                                     "pop",
                                     "push gantry.serve compute_infer " + batch + " category 1 registered",
                                     "push gantry.serve layer 0 category 0 registered",
                                     "pop",
                                     "push gantry.serve layer 1 category 0 registered",
                                     "pop",
                                     "pop",
                                     "push gantry.serve compute_output " + batch + " category 1 registered",
                                     "pop",
                                     "mark gantry.serve member_done " + id + " category 0 registered",
                                     "mark gantry.serve execute_done " + batch + " category 1 registered",
                                     "pop",
                                     "mark gantry.serve request_done " + id + " category 1 registered",
                                     "end request " + id,
                                 }))
        << all();

    // On the thread that took the request.
    EXPECT_EQ(textsOf(requests[0].thread), (std::vector<std::string>{
                                               "start gantry.serve request " + id + " category 1 registered",
                                               "mark gantry.serve client_id:mine " + id + " category 0 ascii",
                                               "start gantry.serve queue " + id + " category 1 registered",
                                           }))
        << all();
}

TEST_F(Nvtx, ABatchNamesItsMembers)
{
    m_models.addAddSub("m", "dynamic_batching { max_queue_delay_microseconds: 60000000 }"); // batches of 8
    serve([](wire::GRPCInferenceService::Stub& stub) {
        for (const grpc::Status& status : inferAtOnce(stub, std::vector(16, addSubRequest("m"))))
            EXPECT_TRUE(status.ok()) << status.error_message();
    });
    std::vector<std::string> started;
    for (const Call& request : callsWith("start gantry.serve request "))
        started.push_back(payloadOf(request));
    EXPECT_EQ(started.size(), 16u);

    std::vector<std::string> members, batches;
    std::size_t membersOfBatch = 0;
    bool inBatch = false;
    const auto executions = callsWith("push gantry.serve execute ");
    ASSERT_EQ(executions.size(), 2u) << all();
    for (const Call& call : m_calls) {
        if (call.text.starts_with("push gantry.serve execute ")) {
            batches.push_back(payloadOf(call));
            membersOfBatch = 0;
            inBatch = true;
        } else if (call.text.starts_with("mark gantry.serve member ")) {
            EXPECT_TRUE(inBatch) << "a member stands inside its batch's execution, before its phases";
            EXPECT_EQ(call.thread, executions[0].thread);
            members.push_back(payloadOf(call));
            ++membersOfBatch;
        } else if (call.text.starts_with("push gantry.serve compute_input ")) {
            EXPECT_EQ(membersOfBatch, 8u);
            EXPECT_EQ(payloadOf(call), batches.back());
            inBatch = false;
        }
    }
    EXPECT_NE(batches[0], batches[1]);
    EXPECT_THAT(members, testing::UnorderedElementsAreArray(started)) << "each request in one batch";
    for (const std::string& id : started) {
        EXPECT_LT(placeOf("end queue " + id), placeOf("end request " + id)) << all();
        EXPECT_NE(placeOf("end queue " + id), -1);
    }
    EXPECT_EQ(callsWith("end unknown").size(), 0u);
    EXPECT_EQ(callsWith("mark gantry.serve failed").size(), 0u);
}

TEST_F(Nvtx, ARequestThatFailsIsMarkedBeforeItEnds)
{
    m_models.addAddSub("m", "dynamic_batching { max_queue_delay_microseconds: 500000 default_queue_policy { max_queue_size: 1 } }");
    std::size_t rejected = 0;
    serve([&](wire::GRPCInferenceService::Stub& stub) {
        wire::ModelInferRequest request = addSubRequest("m");
        request.clear_id();
        for (const grpc::Status& status : inferAtOnce(stub, std::vector(9, request)))
            rejected += status.error_code() == grpc::StatusCode::UNAVAILABLE;
    });
    const auto failed = callsWith("mark gantry.serve failed ");
    EXPECT_GT(failed.size(), 0u);
    EXPECT_EQ(failed.size(), rejected);
    for (const Call& mark : failed) {
        const std::string id = payloadOf(mark);
        EXPECT_LT(placeOf(mark.text), placeOf("end request " + id)) << all();
        EXPECT_EQ(callsWith("start gantry.serve queue " + id + " ").size(), 0u) << "it was never queued";
    }
    EXPECT_EQ(callsWith("mark gantry.serve client_id:").size(), 0u) << "none was sent";
}

#endif

} // namespace
} // namespace gantry::inference_server
