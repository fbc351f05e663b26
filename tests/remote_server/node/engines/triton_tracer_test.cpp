#include "remote_server/node/engines/triton_tracer.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/report_assembler.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_loader.h"

#include "inference/grpc_service.grpc.pb.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A server whose tracer behaves as that of tritonserver 2.51 was seen to: what it traced is appended to its file when settings are set,
/// and the array in the file is never closed.
class FakeTriton final : public inference::GRPCInferenceService::Service
{
public:
    explicit FakeTriton(std::string file) { m_settings["trace_file"] = {std::move(file)}; }

    grpc::Status TraceSetting(grpc::ServerContext*, const inference::TraceSettingRequest* request,
                              inference::TraceSettingResponse* response) override
    {
        const std::lock_guard lock(m_mutex);
        for (const auto& [name, value] : request->settings())
            m_settings[name].assign(value.value().begin(), value.value().end());
        if (!request->settings().empty())
            write();
        for (const auto& [name, values] : m_settings)
            (*response->mutable_settings())[name].mutable_value()->Add(values.begin(), values.end());
        return grpc::Status::OK;
    }

    /// A request came and went: traced where the settings say so.
    void serve(std::int64_t start, std::int64_t end)
    {
        const std::lock_guard lock(m_mutex);
        if (m_settings["trace_level"] != std::vector<std::string>{"TIMESTAMPS"} ||
            m_settings["trace_rate"] != std::vector<std::string>{"1"})
            return;
        const int id = ++m_lastId;
        m_traced += fmt::format(R"({}{{"id":{},"model_name":"bert","model_version":1}})", m_hasFile || !m_traced.empty() ? "," : "[", id);
        const auto stamp = [&](const char* name, std::int64_t time) {
            m_traced += fmt::format(R"(,{{"id":{},"timestamps":[{{"name":"{}","ns":{}}}]}})", id, name, time);
        };
        stamp("REQUEST_START", start);
        stamp("QUEUE_START", start + 10);
        stamp("COMPUTE_START", start + 100);
        stamp("COMPUTE_INPUT_END", start + 110);
        stamp("COMPUTE_OUTPUT_START", end - 20);
        stamp("COMPUTE_END", end - 10);
        stamp("REQUEST_END", end);
    }

    [[nodiscard]] std::vector<std::string> setting(const std::string& name)
    {
        const std::lock_guard lock(m_mutex);
        return m_settings[name];
    }
    void set(const std::string& name, std::vector<std::string> values)
    {
        const std::lock_guard lock(m_mutex);
        m_settings[name] = std::move(values);
    }

private:
    void write()
    {
        if (m_traced.empty())
            return;
        std::ofstream(m_settings["trace_file"].front(), m_hasFile ? std::ios::app : std::ios::trunc) << m_traced;
        m_hasFile = true;
        m_traced.clear();
    }

    std::mutex m_mutex; ///< everything below
    std::map<std::string, std::vector<std::string>> m_settings{
        {"trace_level", {"OFF"}}, {"trace_rate", {"1000"}}, {"trace_count", {"-1"}}, {"log_frequency", {"50"}}, {"trace_mode", {"triton"}}};
    std::string m_traced;
    int m_lastId = 0;
    bool m_hasFile = false;
};

class TracingAServer : public testing::Test
{
protected:
    void SetUp() override
    {
        grpc::ServerBuilder builder;
        int port = 0;
        builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
        builder.RegisterService(&triton);
        server = builder.BuildAndStart();
        ASSERT_TRUE(server);
        address = "127.0.0.1:" + std::to_string(port);
    }
    void TearDown() override { server->Shutdown(std::chrono::system_clock::now()); }

    [[nodiscard]] std::shared_ptr<const trace::Trace> reportOf(TritonTracer& tracer, std::int64_t open, std::int64_t close)
    {
        WindowCapture window;
        window.openMonotonicNs = open;
        window.closeMonotonicNs = close;
        window.openRealtimeNs = utcNow();
        tracer.addTo(window);
        note = window.meta.contains(report::meta::kNote) ? window.meta[report::meta::kNote] : "";
        const fs::path path = folder / "report.gantry";
        EXPECT_TRUE(assembleReport(window, path));
        const auto trace = trace::loadTrace(path);
        EXPECT_TRUE(trace);
        return trace ? *trace : nullptr;
    }

    test::TemporaryFolder folder;
    std::string note;
    FakeTriton triton{(folder / "trace.json").string()};
    std::unique_ptr<grpc::Server> server;
    std::string address;
};

TEST_F(TracingAServer, TracesEveryRequestAndLeavesTheServerAsItWas)
{
    {
        const auto tracer = TritonTracer::begin({address, 0});
        ASSERT_TRUE(tracer) << tracer.error().text();
        EXPECT_EQ(triton.setting("trace_level"), std::vector<std::string>{"TIMESTAMPS"});
        EXPECT_EQ(triton.setting("trace_rate"), std::vector<std::string>{"1"});
        EXPECT_EQ(triton.setting("log_frequency"), std::vector<std::string>{"0"}) << "all in one file";
    }
    EXPECT_EQ(triton.setting("trace_level"), std::vector<std::string>{"OFF"});
    EXPECT_EQ(triton.setting("trace_rate"), std::vector<std::string>{"1000"});
    EXPECT_EQ(triton.setting("trace_count"), std::vector<std::string>{"-1"});
    EXPECT_EQ(triton.setting("log_frequency"), std::vector<std::string>{"50"});
}

TEST_F(TracingAServer, PutsTheRequestsOfTheWindowOnItsClock)
{
    const auto tracer = TritonTracer::begin({address, 0});
    ASSERT_TRUE(tracer);
    constexpr std::int64_t kOpen = 5'000'000'000'000;
    triton.serve(kOpen - 90'000, kOpen - 80'000); // before it
    triton.serve(kOpen + 1'000, kOpen + 9'000);
    triton.serve(kOpen + 20'000, kOpen + 31'000);
    triton.serve(kOpen + 2'000'000, kOpen + 2'100'000); // after it
    const auto trace = reportOf(**tracer, kOpen, kOpen + 1'000'000);
    ASSERT_TRUE(trace);
    EXPECT_EQ(note, "");
    ASSERT_EQ(trace->requests.size(), 2u);
    EXPECT_EQ(trace->requests[0].time.start, 1'000);
    EXPECT_EQ(trace->requests[1].time.end, 31'000);
    EXPECT_EQ(trace->window.duration(), 1'000'000);
}

TEST_F(TracingAServer, GivesEachOfSeveralWindowsItsRequests)
{
    const auto tracer = TritonTracer::begin({address, 0});
    ASSERT_TRUE(tracer);
    constexpr std::int64_t kOpen = 5'000'000'000'000;
    triton.serve(kOpen + 10, kOpen + 500);
    triton.serve(kOpen + 1'100, kOpen + 1'500); // the second window's, traced before the first one's report is made
    EXPECT_EQ(reportOf(**tracer, kOpen, kOpen + 1'000)->requests.size(), 1u);
    triton.serve(kOpen + 1'600, kOpen + 1'900);
    EXPECT_EQ(reportOf(**tracer, kOpen + 1'000, kOpen + 2'000)->requests.size(), 2u);
}

TEST_F(TracingAServer, LeavesOutWhatAnEarlierRunLeftInTheFile)
{
    constexpr std::int64_t kOpen = 5'000'000'000'000;
    test::writeFile(folder / "trace.json",
                    R"([{"id":1,"model_name":"old","model_version":1},{"id":1,"timestamps":[{"name":"REQUEST_START","ns":7}]})");
    const auto tracer = TritonTracer::begin({address, 0});
    ASSERT_TRUE(tracer);
    triton.serve(kOpen + 10, kOpen + 500); // which begins the file anew
    const auto trace = reportOf(**tracer, kOpen, kOpen + 1'000);
    ASSERT_EQ(trace->requests.size(), 1u);
    EXPECT_EQ(trace->requests[0].time.start, 10);
}

TEST_F(TracingAServer, SaysThatNoRequestWasTraced)
{
    const auto tracer = TritonTracer::begin({address, 0});
    ASSERT_TRUE(tracer);
    const auto trace = reportOf(**tracer, 1'000, 2'000);
    ASSERT_TRUE(trace);
    EXPECT_EQ(trace->requests.size(), 0u);
    EXPECT_THAT(note, HasSubstr("traced no request in the window"));
}

TEST_F(TracingAServer, SaysWhatToDoWithAServerThatCannotTraceToAFile)
{
    triton.set("trace_file", {""});
    const auto without = TritonTracer::begin({address, 0});
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(without.error().message, HasSubstr("start it with --trace-config triton,file=PATH"));
    EXPECT_EQ(triton.setting("trace_level"), std::vector<std::string>{"OFF"}) << "it was left alone";
    triton.set("trace_file", {(folder / "no/such/folder.json").string()});
    EXPECT_THAT(TritonTracer::check({address, 0}).error().message, HasSubstr("which gantryd does not see"));
    triton.set("trace_mode", {"opentelemetry"});
    EXPECT_THAT(TritonTracer::check({address, 0}).error().message, HasSubstr("to a collector"));
    server->Shutdown(std::chrono::system_clock::now());
    EXPECT_EQ(TritonTracer::check({address, 0}).error().code, ErrorCode::Unreachable);
}

} // namespace
} // namespace gantry::node
