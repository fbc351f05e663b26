#include "tests/remote_server/inference/raw_client.h"
#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <nlohmann/json.hpp>

#include <cstring>
#include <fcntl.h>
#include <future>
#include <numeric>
#include <sys/mman.h>
#include <unistd.h>

namespace gantry::inference_server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kInfer = "/v2/models/add_sub/infer";
constexpr const char* kHeaderLength = "Inference-Header-Content-Length";

json tensor(const std::string& name, const json& more)
{
    json object = {{"name", name}, {"datatype", "INT32"}, {"shape", {1, 4}}};
    object.update(more);
    return object;
}

json inputs()
{
    return {tensor("INPUT0", {{"data", {1, 2, 3, 4}}}), tensor("INPUT1", {{"data", {{5, 6, 7, 8}}}})};
}

std::string int32Bytes(const std::vector<std::int32_t>& values)
{
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::int32_t)};
}

class Http : public testing::Test
{
protected:
    explicit Http(ModelControl control = ModelControl::None)
    {
        m_repository.addAddSub("add_sub");
        m_repository.addAddSub("patient", "dynamic_batching { max_queue_delay_microseconds: 60000000 preferred_batch_size: 2 }");
        m_repository.add("float", R"(
            backend: "add_sub"
            input [ { name: "A" data_type: TYPE_FP32 dims: -1 }, { name: "B" data_type: TYPE_FP32 dims: -1 } ]
            output [ { name: "SUM" data_type: TYPE_FP32 dims: -1 }, { name: "DIFFERENCE" data_type: TYPE_FP32 dims: -1 } ])");
        m_repository.add("text", R"(
            backend: "identity"
            max_batch_size: 1
            input { name: "TEXT" data_type: TYPE_STRING dims: -1 }
            output { name: "TEXT" data_type: TYPE_STRING dims: -1 })");
        m_server = std::make_unique<TestServer>(m_repository, control);
        m_client = std::make_unique<httplib::Client>("127.0.0.1", m_server->httpPort());
        m_client->set_keep_alive(true);
    }

    /// Status and body of an answer; the server must give one.
    struct Answer
    {
        int status = 0;
        std::string body;
        httplib::Headers headers;
        [[nodiscard]] json document() const { return json::parse(body); }
        [[nodiscard]] std::string error() const { return std::to_string(status) + " " + document().at("error").get<std::string>(); }
    };
    static Answer answerOf(const httplib::Result& result)
    {
        if (!result)
            throw std::runtime_error("no answer: " + httplib::to_string(result.error()));
        return {result->status, result->body, result->headers};
    }
    Answer get(const std::string& path) { return answerOf(m_client->Get(path)); }
    Answer post(const std::string& path, const std::string& body = {}, const httplib::Headers& headers = {})
    {
        return answerOf(m_client->Post(path, headers, body, "application/json"));
    }
    Answer infer(const json& request) { return post(kInfer, request.dump()); }
    Answer inferBinary(const json& request, const std::string& bytes)
    {
        const std::string header = request.dump();
        return post(kInfer, header + bytes, {{kHeaderLength, std::to_string(header.size())}});
    }
    std::string refused(const json& input) { return infer({{"inputs", {input, inputs()[1]}}}).error(); }

    TestRepository m_repository;
    std::unique_ptr<TestServer> m_server;
    std::unique_ptr<httplib::Client> m_client;
};

TEST_F(Http, SaysWhatItIsAndThatItIsReady)
{
    EXPECT_EQ(get("/v2/health/live").status, 200);
    EXPECT_EQ(get("/v2/health/ready").status, 200);
    EXPECT_EQ(get("/v2").document()["name"], "gantry-serve");
    EXPECT_THAT(get("/v2").document()["extensions"].dump(), HasSubstr("\"binary_tensor_data\""));
    m_server->calls().beginShutdown();
    EXPECT_EQ(get("/v2/health/live").status, 200);
    EXPECT_EQ(get("/v2/health/ready").status, 400);
}

TEST_F(Http, TellsUnknownAddressesFromWrongMethods)
{
    for (const char* path : {"/", "/v2/", "/v2/nothing", "/v2/health", "/v2/models", "/v2/models/add_sub/nothing",
                             "/v2/models/add_sub/versions/x", "/v2/repository/models/add_sub/nothing", "/metrics"})
        EXPECT_EQ(get(path).error(), "404 Not Found") << path;
    for (const char* path : {"/v2", "/v2/health/live", "/v2/models/add_sub", "/v2/models/add_sub/config", "/v2/systemsharedmemory/status"})
        EXPECT_EQ(post(path).error(), "405 Method Not Allowed") << path;
    for (const char* path : {kInfer, "/v2/repository/index", "/v2/systemsharedmemory/unregister"})
        EXPECT_EQ(get(path).error(), "405 Method Not Allowed") << path;
}

TEST_F(Http, DescribesModelsWithNumbersAsNumbers)
{
    const json metadata = get("/v2/models/add_sub").document();
    EXPECT_EQ(metadata["versions"], json::array({"1"}));
    EXPECT_EQ(metadata["inputs"][0], json({{"name", "INPUT0"}, {"datatype", "INT32"}, {"shape", {-1, 4}}}));
    EXPECT_EQ(get("/v2/models/add_sub/versions/1").document(), metadata);
    const json config = get("/v2/models/patient/config").document();
    EXPECT_EQ(config["max_batch_size"], 8);
    EXPECT_EQ(config["input"][0]["data_type"], "TYPE_INT32");
    EXPECT_EQ(config["input"][0]["dims"], json::array({4}));
    EXPECT_EQ(config["dynamic_batching"]["max_queue_delay_microseconds"], 60000000);
    EXPECT_FALSE(config.contains("response_cache")) << "what is not set is absent";
    ASSERT_EQ(infer({{"inputs", inputs()}}).status, 200);
    const json stats = get("/v2/models/add_sub/stats").document()["model_stats"];
    ASSERT_EQ(stats.size(), 1u);
    EXPECT_EQ(stats[0]["inference_count"], 1);
    EXPECT_GT(stats[0]["inference_stats"]["success"]["ns"].get<std::uint64_t>(), 0u);
    EXPECT_EQ(get("/v2/models/stats").document()["model_stats"].size(), 4u);
}

TEST_F(Http, NamesUnknownModelsAndVersions)
{
    EXPECT_EQ(get("/v2/models/nope").error(), "404 Request for unknown model: 'nope' is not found");
    EXPECT_EQ(get("/v2/models/add_sub/versions/7").error(), "404 Request for unknown model: 'add_sub' version 7 is not found");
    EXPECT_EQ(get("/v2/models/nope/config").error(), "404 Request for unknown model: 'nope' is not found");
    EXPECT_EQ(get("/v2/models/nope/stats").error(), "400 requested model 'nope' is not available");
    EXPECT_EQ(get("/v2/models/add_sub/versions/7/stats").error(), "400 requested model version is not available for model 'add_sub'");
    EXPECT_EQ(get("/v2/models/nope/ready").error(), "400 Model version not ready");
    EXPECT_EQ(get("/v2/models/add_sub/ready").status, 200);
    EXPECT_EQ(post("/v2/models/nope/infer", json({{"inputs", inputs()}}).dump()).error(),
              "404 Request for unknown model: 'nope' is not found");
    EXPECT_THAT(get("/v2/models/add_sub/versions/99999999999999999999").error(), HasSubstr("version should be an integral value"));
}

TEST_F(Http, InfersFromAndToJson)
{
    const Answer answer = infer({{"id", "a \"b\""}, {"inputs", inputs()}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_EQ(answer.body,
              R"({"id":"a \"b\"","model_name":"add_sub","model_version":"1","outputs":[{"name":"OUTPUT0","datatype":"INT32","shape":[1,4],)"
              R"("data":[6,8,10,12]},{"name":"OUTPUT1","datatype":"INT32","shape":[1,4],"data":[-4,-4,-4,-4]}]})");
    EXPECT_EQ(answer.headers.count(kHeaderLength), 0u);
}

TEST_F(Http, InfersFromAndToBinaryTensors)
{
    std::vector<std::int32_t> values(8);
    std::iota(values.begin(), values.end(), 0);
    const json binary = {{"parameters", {{"binary_data_size", 16}}}};
    const Answer answer =
        inferBinary({{"inputs", {tensor("INPUT0", binary), tensor("INPUT1", binary)}},
                     {"outputs", {{{"name", "OUTPUT0"}, {"parameters", {{"binary_data", true}}}}, {{"name", "OUTPUT1"}}}}},
                    int32Bytes(values));
    ASSERT_EQ(answer.status, 200) << answer.body;
    const std::size_t length = std::stoul(answer.headers.find(kHeaderLength)->second);
    const json header = json::parse(answer.body.substr(0, length));
    EXPECT_EQ(header["outputs"][0]["parameters"]["binary_data_size"], 16);
    EXPECT_FALSE(header["outputs"][0].contains("data"));
    EXPECT_EQ(header["outputs"][1]["data"], json({-4, -4, -4, -4}));
    EXPECT_EQ(answer.body.substr(length), int32Bytes({4, 6, 8, 10}));

    const Answer all = infer({{"inputs", inputs()}, {"parameters", {{"binary_data_output", true}}}});
    EXPECT_EQ(all.body.substr(std::stoul(all.headers.find(kHeaderLength)->second)), int32Bytes({6, 8, 10, 12, -4, -4, -4, -4}));
}

TEST_F(Http, WritesFloatsThatJsonDoesNotKnowAsTritonDoes)
{
    const json request = {{"inputs",
                           {{{"name", "A"}, {"datatype", "FP32"}, {"shape", {3}}, {"data", {1.5, 1e40, -1e40}}},
                            {{"name", "B"}, {"datatype", "FP32"}, {"shape", {3}}, {"data", {0.25, 1e40, 0}}}}}};
    const Answer answer = post("/v2/models/float/infer", request.dump());
    EXPECT_THAT(answer.body, HasSubstr(R"("data":[1.75,Infinity,-Infinity])"));
    EXPECT_THAT(answer.body, HasSubstr(R"("data":[1.25,NaN,-Infinity])"));
}

TEST_F(Http, NamesWhatIsWrongWithARequest)
{
    const auto change = [](const json& more) { return tensor("INPUT0", more); };
    EXPECT_THAT(post(kInfer, "{").error(), HasSubstr("400 failed to parse the request JSON buffer: "));
    EXPECT_THAT(post(kInfer, "[]").error(), HasSubstr("it must be an object"));
    EXPECT_EQ(infer({{"id", 5}, {"inputs", inputs()}}).error(), "400 Unable to parse 'id': it must be a string");
    EXPECT_EQ(infer(json::object()).error(), "400 Unable to parse 'inputs': it is missing");
    EXPECT_THAT(infer({{"inputs", {inputs()[0]}}}).error(), HasSubstr("missing required input(s) ['INPUT1']"));
    EXPECT_EQ(refused(change({{"shape", {1, -4}}, {"data", {1}}})),
              "400 input 'INPUT0': Unable to parse 'shape': its elements must be integers that are not negative");
    EXPECT_THAT(refused(change({{"shape", {1, 5}}, {"data", {1, 2, 3, 4, 5}}})), HasSubstr("unexpected shape for input 'INPUT0'"));
    EXPECT_EQ(refused(change({{"data", {1, 2, 3}}})),
              "400 input 'INPUT0': Unable to parse 'data': Shape does not match true shape of 'data' "
              "field: [1,4] needs 4 elements, there are 3");
    EXPECT_EQ(refused(change({{"data", {1, 2, 3, "x"}}})), "400 input 'INPUT0': Unable to parse 'data': its elements must be integers");
    EXPECT_EQ(refused(change({{"data", {1, 2, 3, 2147483648}}})),
              "400 input 'INPUT0': Unable to parse 'data': 2147483648 does not fit INT32");
    EXPECT_EQ(refused(change({{"datatype", "INT33"}, {"data", {1, 2, 3, 4}}})), "400 invalid datatype for input INPUT0");
    EXPECT_EQ(refused(change({{"datatype", "FP32"}, {"data", {1, 2, 3, 4}}})),
              "400 [request id: <id_unknown>] inference input 'INPUT0' data-type is 'FP32', but model 'add_sub' expects 'INT32'");
    EXPECT_THAT(refused(change(json::object())), HasSubstr("But no field is set"));
    EXPECT_THAT(refused(change({{"data", {1, 2, 3, 4}}, {"parameters", {{"binary_data_size", 16}}}})),
                HasSubstr("But set 'data' 'binary_data_size'"));
    EXPECT_THAT(infer({{"inputs", inputs()}, {"outputs", {{{"name", "OUTPUT9"}}}}}).error(),
                HasSubstr("unexpected inference output 'OUTPUT9'"));
    EXPECT_THAT(infer({{"inputs", inputs()}, {"parameters", {{"a", json::array()}}}}).error(), HasSubstr("parameter 'a' has invalid type"));
    const json many = {{"shape", {9, 4}}, {"data", std::vector<int>(36, 1)}};
    EXPECT_THAT(infer({{"inputs", {tensor("INPUT0", many), tensor("INPUT1", many)}}}).error(),
                HasSubstr("inference request batch-size must be <= 8 for 'add_sub'"));
    EXPECT_EQ(infer({{"inputs", inputs()}}).status, 200) << "the server lives";
}

TEST_F(Http, NamesWhatIsWrongWithBinarySizes)
{
    const std::string bytes(32, '\0');
    const auto sizes = [&](const json& first, const json& second, const std::string& data) {
        return inferBinary({{"inputs",
                             {tensor("INPUT0", {{"parameters", {{"binary_data_size", first}}}}),
                              tensor("INPUT1", {{"parameters", {{"binary_data_size", second}}}})}}},
                           data)
            .error();
    };
    EXPECT_EQ(sizes(16, 16, bytes.substr(1)), "400 unexpected size for input 'INPUT1', expecting 1 additional bytes for model 'add_sub'");
    EXPECT_EQ(sizes(16, 16, bytes + "xx"), "400 unexpected additional input data for model 'add_sub'");
    EXPECT_THAT(sizes(20, 12, bytes), HasSubstr("input byte size mismatch for input 'INPUT0' for model 'add_sub'. Expected 16, got 20"));
    EXPECT_EQ(sizes(-1, 16, bytes), "400 input 'INPUT0': Unable to parse 'binary_data_size': it must be an integer that is not negative");
    EXPECT_THAT(sizes(UINT64_MAX, UINT64_MAX, bytes), HasSubstr("expecting 18446744073709551583 additional bytes"));
    for (const char* length : {"-5", "abc", "100000", "1x"})
        EXPECT_THAT(post(kInfer, "{}", {{kHeaderLength, length}}).error(),
                    HasSubstr("400 inference header size should be in range (0, 2), got: "))
            << length;
}

TEST_F(Http, RefusesABodyThatIsTooLarge)
{
    const Answer answer = post(kInfer, std::string((64 << 20) + 1, ' '));
    EXPECT_THAT(answer.error(), HasSubstr("413 the request's body is larger than the server takes"));
}

// What was announced was bounded, and 1.4 MB of gzip became 300 MiB.
TEST_F(Http, RefusesABodyThatUnpacksToMoreThanItTakes)
{
    m_client->set_compress(true);
    EXPECT_THAT(post(kInfer, std::string((64 << 20) + 1, ' ')).error(),
                HasSubstr("413 the request's body is larger than the server takes"));
}

// Copies of such a value overflowed the stack.
TEST_F(Http, RefusesValuesThatAreNestedTooDeep)
{
    const std::string deep = std::string(300'000, '[') + std::string(300'000, ']');
    for (const std::string& body : {R"({"inputs":[],"parameters":{"a":)" + deep + "}}", R"({"inputs":[],"outputs":)" + deep + "}"})
        EXPECT_THAT(post(kInfer, body).error(),
                    HasSubstr("400 failed to parse the request JSON buffer: values are nested deeper than 100"));
    EXPECT_THAT(post("/v2/trace/setting", R"({"trace_rate":)" + deep + "}").error(), HasSubstr("nested deeper than 100"));
}

// As `curl -X POST` asks: the server waited for a body until the connection ended.
TEST_F(Http, ARequestThatAnnouncesNoBodyHasNone)
{
    const RawClient client(m_server->httpPort());
    ASSERT_TRUE(client.send("POST /v2/repository/index HTTP/1.1\r\nHost: x\r\n\r\n"));
    EXPECT_EQ(client.receive(15, 20), "HTTP/1.1 200 OK") << "within less than the server's patience";
}

/// An object of shared memory with INT32 numbers from 0 on.
class SharedNumbers
{
public:
    explicit SharedNumbers(std::size_t count) : m_key("/gantry-test-" + std::to_string(getpid())), m_bytes(count * 4)
    {
        m_file = shm_open(m_key.c_str(), O_CREAT | O_RDWR, 0600);
        std::vector<std::int32_t> values(count);
        std::iota(values.begin(), values.end(), 0);
        if (m_file < 0 || pwrite(m_file, values.data(), m_bytes, 0) != static_cast<ssize_t>(m_bytes))
            throw std::runtime_error("no shared memory here");
    }
    SharedNumbers(const SharedNumbers&) = delete;
    SharedNumbers& operator=(const SharedNumbers&) = delete;
    ~SharedNumbers()
    {
        close(m_file);
        shm_unlink(m_key.c_str());
    }
    [[nodiscard]] const std::string& key() const { return m_key; }
    [[nodiscard]] std::vector<std::int32_t> values() const
    {
        std::vector<std::int32_t> values(m_bytes / 4);
        EXPECT_EQ(pread(m_file, values.data(), m_bytes, 0), static_cast<ssize_t>(m_bytes));
        return values;
    }
    void resize(std::size_t bytes) const { ASSERT_EQ(ftruncate(m_file, static_cast<off_t>(bytes)), 0); }

private:
    std::string m_key;
    std::size_t m_bytes;
    int m_file;
};

json place(std::uint64_t bytes, std::uint64_t offset, const std::string& region = "r")
{
    return {{"parameters", {{"shared_memory_region", region}, {"shared_memory_byte_size", bytes}, {"shared_memory_offset", offset}}}};
}

TEST_F(Http, ReadsInputsFromAndWritesOutputsToSharedMemory)
{
    const SharedNumbers numbers(16);
    const std::string base = "/v2/systemsharedmemory/region/r/";
    EXPECT_EQ(post(base + "register", json({{"key", "/gantry-test-none"}, {"byte_size", 64}}).dump()).error(),
              "500 Unable to open shared memory region: '/gantry-test-none': No such file or directory");
    using Place = std::pair<std::uint64_t, std::uint64_t>;
    for (const auto& [offset, bytes] : {Place(0, 65), Place(8, 64), Place(0, 0), Place(UINT64_MAX, 2)})
        EXPECT_THAT(post(base + "register", json({{"key", numbers.key()}, {"offset", offset}, {"byte_size", bytes}}).dump()).error(),
                    HasSubstr("400 failed to register shared memory region 'r': invalid args"));
    ASSERT_EQ(post(base + "register", json({{"key", numbers.key()}, {"byte_size", 64}}).dump()).status, 200);
    EXPECT_EQ(post(base + "register", json({{"key", numbers.key()}, {"byte_size", 64}}).dump()).error(),
              "400 shared memory region 'r' already in manager");
    EXPECT_EQ(get(base + "status").document(), json::parse(R"([{"name":"r","key":")" + numbers.key() + R"(","offset":0,"byte_size":64}])"));

    json output = place(16, 32);
    output["name"] = "OUTPUT0";
    const json given = {tensor("INPUT0", place(16, 0)), tensor("INPUT1", place(16, 16))};
    const Answer answer = infer({{"inputs", given}, {"outputs", {output}}});
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_FALSE(answer.document()["outputs"][0].contains("data"));
    EXPECT_THAT(numbers.values(), testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 4, 6, 8, 10, 12, 13, 14, 15));

    EXPECT_THAT(refused(tensor("INPUT0", place(16, 0, "other"))),
                HasSubstr("404 [request id: <id_unknown>] Unable to find shared memory region: 'other'"));
    EXPECT_THAT(refused(tensor("INPUT0", place(16, 56))), HasSubstr("Invalid offset + byte size for shared memory region: 'r'"));
    EXPECT_THAT(refused(tensor("INPUT0", place(16, UINT64_MAX))), HasSubstr("Invalid offset for shared memory region: 'r'"));
    output["parameters"]["shared_memory_byte_size"] = 8;
    EXPECT_THAT(infer({{"inputs", given}, {"outputs", {output}}}).error(), HasSubstr("should be at least 16 bytes to hold the results"));

    numbers.resize(20); // a server that had mapped it would be killed by SIGBUS now
    EXPECT_THAT(infer({{"inputs", given}}).error(), HasSubstr("the shared memory object of region 'r' has become shorter"));
    EXPECT_EQ(post("/v2/systemsharedmemory/unregister").status, 200);
    EXPECT_EQ(get("/v2/systemsharedmemory/status").body, "[]");
    EXPECT_EQ(get(base + "status").error(), "404 Unable to find system shared memory region: 'r'");
}

// A request took the memory for all the bytes that it named, and was refused then because its tensor has fewer.
TEST_F(Http, SharedMemoryOfAnotherSizeThanItsTensorIsNotRead)
{
    constexpr std::uint64_t kHuge = 1ull << 45; // 32 TiB, of which none is there
    SharedNumbers numbers(16);
    numbers.resize(kHuge);
    ASSERT_EQ(post("/v2/systemsharedmemory/region/r/register", json({{"key", numbers.key()}, {"byte_size", kHuge}}).dump()).status, 200);
    EXPECT_EQ(
        refused(tensor("INPUT0", place(kHuge, 0))),
        "400 [request id: <id_unknown>] input byte size mismatch for input 'INPUT0' for model 'add_sub'. Expected 16, got 35184372088832");
    const json text = {{"name", "TEXT"}, {"datatype", "BYTES"}, {"shape", {1, 4}}, {"parameters", place(kHuge, 0)["parameters"]}};
    EXPECT_THAT(
        post("/v2/models/text/infer", json({{"inputs", {text}}}).dump()).error(),
        HasSubstr("expected 4 string elements for inference input 'TEXT' for model 'text', which do not take the 35184372088832 bytes"));
}

TEST_F(Http, SaysThatThereIsNoSuchGpuMemory)
{
    const std::string base = "/v2/cudasharedmemory/region/c/";
    EXPECT_EQ(get("/v2/cudasharedmemory/status").body, "[]");
    EXPECT_EQ(post(base + "register", R"({"raw_handle":{"b64":"AAAA"},"device_id":0,"byte_size":64})").error(),
              "400 'raw_handle' must be a valid base64 encoded cudaIpcMemHandle_t");
    const std::string handle(86, 'A'); // 64 bytes
    EXPECT_THAT(post(base + "register", R"({"raw_handle":{"b64":")" + handle + R"("},"device_id":999,"byte_size":64})").error(),
                HasSubstr("400 failed to register shared memory region 'c': "));
    EXPECT_EQ(post(base + "unregister").status, 200);
}

TEST_F(Http, AClientThatGoesAwayTakesItsQueuedRequestWithIt)
{
    const std::string body = json({{"inputs", inputs()}}).dump();
    RawClient client(m_server->httpPort());
    ASSERT_TRUE(client.send("POST /v2/models/patient/infer HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body));
    const auto values = [&] { return m_server->inference().find("patient", {})->statistics().values(); };
    ASSERT_TRUE(test::eventually([&] { return values().pending == 1; }));
    client.close();
    EXPECT_TRUE(test::eventually([&] { return values().pending == 0; })) << "it would have waited for a minute";
    EXPECT_EQ(values().failedBy[static_cast<std::size_t>(FailureReason::Cancelled)], 1u);
    EXPECT_EQ(values().inferences, 0u);
}

TEST_F(Http, AnswersManyConnectionsAtOnce)
{
    std::vector<std::future<int>> answers;
    for (int i = 0; i < 40; ++i)
        answers.push_back(std::async(std::launch::async, [&] {
            httplib::Client client("127.0.0.1", m_server->httpPort());
            client.set_keep_alive(true);
            int ok = 0;
            for (int request = 0; request < 20; ++request)
                if (const auto result = client.Post(kInfer, json({{"inputs", inputs()}}).dump(), "application/json");
                    result && result->status == 200)
                    ++ok;
            return ok;
        }));
    for (auto& answer : answers)
        EXPECT_EQ(answer.get(), 20);
    EXPECT_EQ(m_server->statistics("add_sub").inference_count(), 800u);
}

TEST_F(Http, ReadsAndSetsTheLogAndTheTracer)
{
    EXPECT_EQ(get("/v2/logging").error(), "501 log settings are not supported") << "this server was given none";
    EXPECT_EQ(get("/v2/trace/setting").document()["trace_level"], json::array({"OFF"}));
    EXPECT_THAT(post("/v2/trace/setting", R"({"trace_level":["TIMESTAMPS"]})").error(),
                HasSubstr("400 Attempting to set invalid trace setting"))
        << "there is no file";
    EXPECT_EQ(post("/v2/trace/setting", R"({"trace_rate":"7"})").document()["trace_rate"], "7");
    EXPECT_EQ(post("/v2/models/add_sub/trace/setting", R"({"trace_rate":"3"})").document()["trace_rate"], "3");
    EXPECT_EQ(get("/v2/trace/setting").document()["trace_rate"], "7");
    EXPECT_EQ(post("/v2/models/add_sub/trace/setting", R"({"trace_rate":null})").document()["trace_rate"], "7");
    EXPECT_EQ(get("/v2/models/nope/trace/setting").error(), "400 Request for unknown model : nope");
    EXPECT_EQ(post("/v2/trace/setting", R"({"trace_file":"/x"})").error(),
              "501 trace file location can not be updated through network protocol");
    EXPECT_THAT(post("/v2/trace/setting", R"({"trace_rate":"x"})").error(), HasSubstr("400 Unable to parse 'trace_rate', got: x"));
}

class ExplicitHttp : public Http
{
protected:
    ExplicitHttp() : Http(ModelControl::Explicit) {}
};

TEST_F(ExplicitHttp, LoadsAndUnloadsModels)
{
    EXPECT_EQ(post(kInfer, json({{"inputs", inputs()}}).dump()).status, 404);
    ASSERT_EQ(post("/v2/repository/models/add_sub/load").status, 200);
    EXPECT_EQ(infer({{"inputs", inputs()}}).status, 200);
    EXPECT_EQ(post("/v2/repository/index", R"({"ready":true})").document(),
              json::parse(R"([{"name":"add_sub","version":"1","state":"READY"}])"));
    ASSERT_EQ(post("/v2/repository/models/add_sub/unload").status, 200);
    EXPECT_EQ(infer({{"inputs", inputs()}}).error(), "404 Request for unknown model: 'add_sub' has no available versions");
    EXPECT_THAT(post("/v2/repository/models/nope/load").error(), HasSubstr("failed to load 'nope'"));
    EXPECT_EQ(post("/v2/repository/models/add_sub/load", R"({"parameters":{"what":"x"}})").error(),
              "400 unrecognized load parameter 'what'.");
    EXPECT_THAT(post("/v2/repository/models/add_sub/load", R"({"parameters":{"config":"{"}})").error(),
                HasSubstr("400 load parameter 'config': "));
    EXPECT_EQ(post("/v2/repository/models/add_sub/load", R"({"parameters":{"file:1/x":"*"}})").error(),
              "400 load parameter 'file:1/x' must be base64");
    EXPECT_THAT(post("/v2/repository/index", "{").error(), HasSubstr("failed to parse the request JSON buffer"));
}

} // namespace
} // namespace gantry::inference_server
