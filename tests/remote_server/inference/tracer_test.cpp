#include "remote_server/inference/tracer.h"

#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/child_process.h"
#include "tests/support/collecting_sink.h"
#include "trace_model/import/triton_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>

namespace gantry::inference_server {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::string textOf(const std::filesystem::path& file)
{
    std::ostringstream text;
    text << std::ifstream(file, std::ios::binary).rdbuf();
    return text.str();
}

/// The traces of a file: for each id the activities in the order of the file.
std::map<int, std::vector<std::string>> tracesOf(const std::filesystem::path& file)
{
    std::map<int, std::vector<std::string>> traces;
    for (const json& object : json::parse(textOf(file))) {
        std::vector<std::string>& trace = traces[object.at("id").get<int>()];
        for (const json& stamp : object.value("timestamps", json::array()))
            trace.push_back(stamp.at("name").get<std::string>());
        if (object.contains("activity"))
            trace.push_back(object["activity"].get<std::string>() + " " + object["tensor"]["name"].get<std::string>() + " [" +
                            object["tensor"]["data"].get<std::string>() + "]");
    }
    return traces;
}

ModelDescription model(const std::string& name)
{
    ModelDescription description;
    description.name = name;
    return description;
}

class TracerTest : public testing::Test
{
protected:
    /// Begins and ends requests; how many were traced.
    static int request(Tracer& tracer, int count, const std::string& name = "m")
    {
        int traced = 0;
        for (int i = 0; i < count; ++i)
            if (const auto trace = tracer.begin(model(name), "r")) {
                trace->stamp("REQUEST_START", 1000 + i);
                ++traced;
            }
        return traced;
    }
    static std::string value(const Tracer& tracer, const std::string& setting, const std::string& ofModel = {})
    {
        return tracer.settings(ofModel).at(setting).front();
    }

    test::TemporaryFolder m_folder;
    TraceConfig m_config{{.timestamps = true, .rate = 1}, (m_folder / "trace.json").string()};
};

TEST_F(TracerTest, WritesTritonsJsonThatTheReaderReads)
{
    {
        Tracer tracer(m_config);
        const auto trace = tracer.begin(model("m \"q\""), "id\n\"1\"");
        ASSERT_TRUE(trace);
        RequestTimes times;
        times.start = 1'000'000;
        times.queueStart = 1'000'100;
        times.computeStart = 1'000'200;
        times.inputEnd = 1'000'300;
        times.outputStart = 1'000'400;
        times.computeEnd = 1'000'500;
        times.end = 1'000'600;
        trace->stampPhases(times);
        trace->addTensors("TENSOR_QUEUE_INPUT", {{"x", inference::TYPE_INT32, {1}, std::string("\1\0\0\0", 4)}});
    }
    const std::string text = textOf(m_folder / "trace.json");
    EXPECT_EQ(text.substr(0, text.find("},") + 1), R"([{"id":1,"model_name":"m \"q\"","model_version":1,"request_id":"id\n\"1\""})");
    EXPECT_THAT(text, HasSubstr(R"(,{"id":1,"timestamps":[{"name":"QUEUE_START","ns":1000100}]},)"));
    EXPECT_THAT(text, testing::Not(HasSubstr("TENSOR"))) << "tensors were not asked for";
    test::CollectingSink sink;
    ASSERT_TRUE(importing::parseTritonTrace(text, sink, {}));
    ASSERT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(sink.text(sink.requests[0].model), "m \"q\"");
}

TEST_F(TracerTest, TracesEverySoManyRequestsAndNoMoreThanAskedFor)
{
    m_config.settings.rate = 3;
    m_config.settings.count = 2;
    Tracer tracer(m_config);
    EXPECT_EQ(request(tracer, 5), 1);
    EXPECT_EQ(value(tracer, "trace_count"), "1") << "what is left";
    EXPECT_EQ(request(tracer, 30), 1);
    EXPECT_EQ(value(tracer, "trace_count"), "0");
    ASSERT_TRUE(tracer.change({}, {{"trace_rate", {"1"}}}));
    EXPECT_EQ(value(tracer, "trace_count"), "2") << "counting begins anew";
    EXPECT_EQ(request(tracer, 5), 2);
}

TEST_F(TracerTest, AModelHasSettingsOfItsOwnUntilTheyAreCleared)
{
    Tracer tracer(m_config);
    ASSERT_TRUE(tracer.change("quiet", {{"trace_level", {"OFF"}}}));
    EXPECT_EQ(request(tracer, 2, "quiet"), 0);
    EXPECT_EQ(request(tracer, 2, "m"), 2);
    ASSERT_TRUE(tracer.change({}, {{"trace_rate", {"2"}}}));
    EXPECT_EQ(value(tracer, "trace_rate", "quiet"), "2") << "what it does not set itself is inherited";
    EXPECT_EQ(value(tracer, "trace_level", "quiet"), "OFF");
    ASSERT_TRUE(tracer.change("quiet", {{"trace_level", {}}}));
    EXPECT_EQ(request(tracer, 2, "quiet"), 1);
}

TEST_F(TracerTest, RefusesValuesThatAreNoneAndChangesNothingThen)
{
    Tracer tracer(m_config);
    const auto refused = [&](const SettingValues& values) {
        const auto result = tracer.change({}, values);
        return result ? std::string("accepted") : result.error().text();
    };
    EXPECT_EQ(refused({{"trace_count", {"5"}}, {"trace_rate", {"x"}}}), "Unable to parse 'trace_rate', got: x");
    EXPECT_EQ(value(tracer, "trace_count"), "-1");
    EXPECT_THAT(refused({{"trace_rate", {"0"}}}), HasSubstr("out of range [ 1, 4294967295 ]"));
    EXPECT_THAT(refused({{"trace_count", {"-2"}}}), HasSubstr("out of range [ -1, 2147483647 ]"));
    EXPECT_THAT(refused({{"trace_count", {"99999999999999999999"}}}), HasSubstr("out of range"));
    EXPECT_EQ(refused({{"trace_rate", {"1", "2"}}}), "expect only 1 value for 'trace_rate'");
    EXPECT_EQ(refused({{"trace_level", {"OFF", "TIMESTAMPS"}}}), "Expect only one trace level 'OFF' is specified");
    EXPECT_THAT(refused({{"trace_level", {"ALL"}}}), HasSubstr("got: ALL; it is OFF, TIMESTAMPS or TENSORS"));
    EXPECT_THAT(refused({{"trace_file", {"/x"}}}), HasSubstr("can not be updated"));
    EXPECT_THAT(refused({{"colour", {"red"}}}), HasSubstr("there is no trace setting 'colour'"));
}

TEST_F(TracerTest, WritesFilesOfSoManyTracesEachAndTheRestWhenSettingsChange)
{
    m_config.settings.logFrequency = 2;
    Tracer tracer(m_config);
    EXPECT_EQ(request(tracer, 5), 5);
    ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(m_folder / "trace.json.1"); }));
    EXPECT_FALSE(std::filesystem::exists(m_folder / "trace.json.2"));
    ASSERT_TRUE(tracer.change({}, {{"log_frequency", {"0"}}}));
    ASSERT_TRUE(test::eventually([&] { return std::filesystem::exists(m_folder / "trace.json.2"); }));
    EXPECT_EQ(tracesOf(m_folder / "trace.json.0").size(), 2u);
    EXPECT_EQ(tracesOf(m_folder / "trace.json.1").size(), 2u);
}

// All of them stayed in memory until the last one came, which a large log_frequency puts off for ever.
TEST_F(TracerTest, AFileOfManyTracesIsBegunBeforeTheyAreAllThere)
{
    m_config.settings.logFrequency = 1'000'000;
    const std::filesystem::path file = m_config.file + ".0";
    int traced = 0;
    {
        Tracer tracer(m_config);
        EXPECT_TRUE(test::eventually([&] {
            traced += request(tracer, 1000);
            std::error_code none;
            return std::filesystem::exists(file) && std::filesystem::file_size(file, none) > 0;
        }));
        EXPECT_EQ(tracer.dropped(), 0u);
    }
    EXPECT_LT(traced, 1'000'000);
    EXPECT_EQ(tracesOf(file).size(), static_cast<std::size_t>(traced));
    EXPECT_FALSE(std::filesystem::exists(m_config.file + ".1"));
}

TEST_F(TracerTest, CountsWhatCannotBeWritten)
{
    m_config.file = "/dev/null/none/trace.json";
    Tracer tracer(m_config);
    EXPECT_EQ(request(tracer, 3), 3);
    EXPECT_TRUE(test::eventually([&] { return tracer.dropped() == 3; }));
}

TEST_F(TracerTest, FlagsAreThoseOfTritonserver)
{
    TraceConfig config;
    for (const char* flag :
         {"triton,file=/t.json", "level=TIMESTAMPS", "level=TENSORS", "rate=7", "count=9", "triton,log-frequency=3", "mode=triton"})
        ASSERT_TRUE(applyTraceFlag(flag, config)) << flag;
    EXPECT_EQ(config.file, "/t.json");
    EXPECT_TRUE(config.settings.timestamps && config.settings.tensors);
    EXPECT_EQ(config.settings.rate, 7u);
    EXPECT_EQ(config.settings.count, 9);
    EXPECT_EQ(config.settings.logFrequency, 3u);
    for (const char* flag : {"file", "colour=red", "rate=0", "mode=opentelemetry", "opentelemetry,url=x"})
        EXPECT_FALSE(applyTraceFlag(flag, config)) << flag;
}

// All that a server traces of requests, over both protocols, joined by the times of its scheduler.
TEST_F(TracerTest, AServerTracesItsRequestsOverGrpcStreamsAndTensors)
{
    TestRepository repository;
    repository.addAddSub("add_sub");
    m_config.settings.tensors = true;
    {
        TestServer server(repository, ModelControl::None, {.trace = m_config, .metrics = {}});
        ::inference::ModelInferResponse response;
        ASSERT_TRUE(infer(server.stub(), addSubRequest("add_sub", 5, 3), response).ok());
        grpc::ClientContext context;
        const auto stream = server.stub().ModelStreamInfer(&context);
        ASSERT_TRUE(stream->Write(addSubRequest("add_sub", 1, 1)));
        stream->WritesDone();
        ::inference::ModelStreamInferResponse streamed;
        ASSERT_TRUE(stream->Read(&streamed));
        ASSERT_TRUE(stream->Finish().ok());
    }
    const auto traces = tracesOf(m_folder / "trace.json");
    ASSERT_EQ(traces.size(), 2u);
    for (const auto& [id, activities] : traces)
        for (const char* name : {"REQUEST_START", "QUEUE_START", "COMPUTE_START", "COMPUTE_INPUT_END", "COMPUTE_OUTPUT_START",
                                 "COMPUTE_END", "REQUEST_END", "INFER_RESPONSE_COMPLETE", "GRPC_SEND_START", "GRPC_SEND_END"})
            EXPECT_THAT(activities, Contains(name)) << id;
    EXPECT_THAT(traces.at(1), Contains("TENSOR_QUEUE_INPUT INPUT1 [3,3,3,3]"));
    EXPECT_THAT(traces.at(1), Contains("TENSOR_BACKEND_OUTPUT OUTPUT0 [8,8,8,8]"));
    EXPECT_THAT(traces.at(2), Contains("GRPC_WAITREAD_START")) << "a stream knows when it began to wait";
}

} // namespace
} // namespace gantry::inference_server
