#include "remote_server/node/engines/triton_tracer.h"

#include "remote_server/node/report_assembler.h"
#include "trace_model/report/meta_keys.h"

#include "inference/grpc_service.grpc.pb.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <grpcpp/grpcpp.h>
#include <spdlog/spdlog.h>
#include <thread>
#include <utility>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kAnswerPatience{5};
// The server writes what it has when the last request that began under the old settings has ended.
constexpr std::chrono::milliseconds kQuiet{200}, kLook{20};
constexpr std::chrono::seconds kLongestWrite{5};
constexpr std::size_t kRemembered = 256;
// A daemon that is killed leaves the tracer on: it ends by itself after so many requests.
constexpr const char* kMostRequests = "1000000";

std::string valueOf(const std::map<std::string, std::vector<std::string>>& settings, const char* name)
{
    const auto found = settings.find(name);
    return found == settings.end() || found->second.empty() ? std::string() : found->second.front();
}

std::uint64_t sizeOf(const fs::path& file)
{
    std::error_code error;
    const std::uint64_t size = fs::file_size(file, error);
    return error ? 0 : size;
}

std::string bytesOf(const fs::path& file, std::uint64_t begin, std::uint64_t end)
{
    std::string bytes(end - begin, '\0');
    std::ifstream stream(file, std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(begin));
    stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
    return bytes;
}

} // namespace

Result<TritonTracer::Settings> TritonTracer::exchange(const std::string& grpcAddress, const Settings& settings)
{
    const auto stub = inference::GRPCInferenceService::NewStub(grpc::CreateChannel(grpcAddress, grpc::InsecureChannelCredentials()));
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kAnswerPatience);
    inference::TraceSettingRequest request;
    for (const auto& [name, values] : settings)
        request.mutable_settings()->operator[](name).mutable_value()->Add(values.begin(), values.end());
    inference::TraceSettingResponse response;
    const grpc::Status status = stub->TraceSetting(&context, request, &response);
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED)
        return Error{ErrorCode::Unsupported,
                     "the server at " + grpcAddress +
                         " has no request tracer that can be set: it is no Triton Inference Server, or one without "
                         "its trace extension" +
                         (status.error_message().empty() ? "" : " (" + status.error_message() + ")"),
                     {}};
    if (!status.ok())
        return Error{
            ErrorCode::Unreachable, "the server at " + grpcAddress + " did not take trace settings: " + status.error_message(), {}};
    Settings now;
    for (const auto& [name, value] : response.settings())
        now[name].assign(value.value().begin(), value.value().end());
    return now;
}

Result<fs::path> TritonTracer::traceFile(const TritonServer& server, const Settings& settings)
{
    const std::string advice = ": start it with --trace-config triton,file=PATH --trace-config level=OFF";
    if (const std::string mode = valueOf(settings, "trace_mode"); !mode.empty() && mode != "triton")
        return Error{
            ErrorCode::Unsupported, "the server sends its traces to a collector (trace mode " + mode + "), not to a file" + advice, {}};
    const fs::path path = valueOf(settings, "trace_file");
    if (path.empty())
        return Error{ErrorCode::Unsupported, "the server has no file to trace to" + advice, {}};
    const std::string process = "/proc/" + std::to_string(server.pid);
    std::error_code error;
    if (path.is_relative() && server.pid == 0)
        return Error{ErrorCode::Unsupported,
                     "the server traces to " + path.string() + ", relative to a folder that gantryd does not know" + advice,
                     {}};
    if (path.is_relative())
        return fs::path(process) / "cwd" / path;
    // One in a container names a file there.
    const fs::path inside = fs::path(process) / "root" / path.relative_path();
    if (server.pid != 0 && fs::is_directory(inside.parent_path(), error))
        return inside;
    if (!fs::is_directory(path.parent_path(), error))
        return Error{ErrorCode::Unsupported,
                     "the server traces to " + path.string() +
                         ", which gantryd does not see: run gantryd where the server runs, or let it "
                         "trace to a folder of this node",
                     {}};
    return path;
}

Result<void> TritonTracer::check(const TritonServer& server)
{
    GANTRY_TRY(const Settings now, exchange(server.grpcAddress, {}));
    GANTRY_CHECK(traceFile(server, now));
    return {};
}

TritonTracer::TritonTracer(TritonServer server, Settings before, fs::path file)
    : m_server(std::move(server)), m_before(std::move(before)), m_file(std::move(file)), m_read(sizeOf(m_file))
{
    m_lastBytes = bytesOf(m_file, m_read - std::min<std::uint64_t>(m_read, kRemembered), m_read);
}

Result<std::shared_ptr<TritonTracer>> TritonTracer::begin(TritonServer server)
{
    GANTRY_TRY(Settings before, exchange(server.grpcAddress, {}));
    GANTRY_TRY(fs::path file, traceFile(server, before));
    auto tracer = std::shared_ptr<TritonTracer>(new TritonTracer(std::move(server), std::move(before), std::move(file)));
    GANTRY_CHECK(tracer->switchOn());
    return tracer;
}

/// Also when it is on: settings that are set anew have what was traced under the old ones written.
Result<void> TritonTracer::switchOn() const
{
    GANTRY_TRY(
        const Settings now,
        exchange(m_server.grpcAddress,
                 {{"trace_level", {"TIMESTAMPS"}}, {"trace_rate", {"1"}}, {"trace_count", {kMostRequests}}, {"log_frequency", {"0"}}}));
    if (valueOf(now, "trace_level") != "TIMESTAMPS")
        return Error{ErrorCode::Unsupported, "the server at " + m_server.grpcAddress + " does not let its tracer be switched on", {}};
    return {};
}

TritonTracer::~TritonTracer()
{
    Settings restored;
    for (const char* name : {"trace_level", "trace_rate", "trace_count", "log_frequency"})
        if (const auto found = m_before.find(name); found != m_before.end())
            restored.insert(*found);
    if (const auto done = exchange(m_server.grpcAddress, restored); !done)
        spdlog::warn("the tracer of the server at {} stays on: {}", m_server.grpcAddress, done.error().text());
}

Result<std::string> TritonTracer::take()
{
    const std::lock_guard lock(m_mutex);
    const std::uint64_t before = sizeOf(m_file);
    if (const auto flushed = switchOn(); !flushed && sizeOf(m_file) <= m_read) // a server that has ended wrote it then
        return flushed.error();
    const auto deadline = std::chrono::steady_clock::now() + kLongestWrite;
    auto lastGrowth = std::chrono::steady_clock::now();
    for (std::uint64_t size = before;
         std::chrono::steady_clock::now() < deadline && std::chrono::steady_clock::now() < lastGrowth + kQuiet;) {
        std::this_thread::sleep_for(kLook);
        if (const std::uint64_t now = sizeOf(m_file); now != size) {
            size = now;
            lastGrowth = std::chrono::steady_clock::now();
        }
    }
    const std::uint64_t end = sizeOf(m_file);
    if (end < m_read || bytesOf(m_file, m_read - m_lastBytes.size(), m_read) != m_lastBytes)
        m_read = 0;
    std::string taken = bytesOf(m_file, m_read, end);
    m_read += taken.size();
    m_lastBytes = bytesOf(m_file, m_read - std::min<std::uint64_t>(m_read, kRemembered), m_read);
    // A file that begins where another one was cut off: the reader takes fragments wherever they stand.
    std::string both = m_lastTaken + taken;
    m_lastTaken = std::move(taken);
    return both;
}

void TritonTracer::addTo(WindowCapture& window)
{
    window.serverPid = m_server.pid;
    const auto taken = take();
    if (taken && taken->find("\"id\"") != std::string::npos) {
        window.serverTrace = *taken;
        return;
    }
    std::string& note = window.meta[report::meta::kNote];
    note += (note.empty() ? "" : "; ") +
            (taken ? "the Triton server traced no request in the window: models may have trace settings of their own"
                   : "the Triton server's requests are missing: " + taken.error().message);
}

} // namespace gantry::node
