#include "remote_server/inference/http_endpoints.h"

#include "remote_server/inference/http_calls.h"
#include "remote_server/inference/http_codec.h"
#include "remote_server/inference/http_generate.h"
#include "remote_server/inference/http_server.h"
#include "remote_server/inference/infer_codec.h"
#include "remote_server/inference/proto_json.h"
#include "remote_server/inference/protocol_status.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <httplib.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

namespace gantry::inference_server {
namespace {

using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kLookForClient{50};
constexpr const char* kHeaderLength = "Inference-Header-Content-Length";

/// Why a request is answered by no handler.
enum class Miss
{
    Path,
    Method
};

/// Fills the response, or says why it is none of this server's.
using Answer = std::optional<Miss>;

Answer reply(httplib::Response& response, const Error& error)
{
    response.status = httpStatusOf(error);
    response.set_content(errorJson(error.text()), "application/json");
    return {};
}

Answer reply(httplib::Response& response, const Result<void>& result)
{
    if (!result)
        return reply(response, result.error());
    response.set_content("", "application/json");
    return {};
}

Answer reply(httplib::Response& response, const Result<ordered_json>& result)
{
    if (!result)
        return reply(response, result.error());
    response.set_content(result->dump(-1, ' ', false, ordered_json::error_handler_t::replace), "application/json");
    return {};
}

template <typename Message>
Answer reply(httplib::Response& response, const Result<Message>& result)
{
    return result ? reply(response, Result<ordered_json>(jsonOf(*result))) : reply(response, result.error());
}

Answer replyReady(httplib::Response& response, bool ready, const char* sentence)
{
    if (ready) {
        response.set_content("", "text/plain");
        return {};
    }
    response.status = 400; // as Triton
    response.set_content(errorJson(sentence), "application/json");
    return {};
}

/// The answer of a job that another thread makes.
class Awaited
{
public:
    void set(InferJob& finished, const Result<void>& result)
    {
        const std::lock_guard lock(m_mutex);
        m_outputs = std::move(finished.outputs);
        m_result = result;
        m_changed.notify_all();
    }
    /// Looks every now and then whether the client is still there.
    [[nodiscard]] Result<std::vector<Tensor>> wait(const InferCall& call)
    {
        std::unique_lock lock(m_mutex);
        while (!m_changed.wait_for(lock, kLookForClient, [this] { return m_result.has_value(); })) {
            lock.unlock();
            if (HttpConnection::isGone())
                call.cancel();
            lock.lock();
        }
        if (!*m_result)
            return m_result->error();
        return std::move(m_outputs);
    }

private:
    std::mutex m_mutex; ///< everything below
    std::condition_variable m_changed;
    std::optional<Result<void>> m_result;
    std::vector<Tensor> m_outputs;
};

/// The request of a body, of which as much is JSON as its header says.
Result<InferRequest> requestOf(const httplib::Request& http, const std::string& version, const ModelDescription& model)
{
    if (model.config.model_transaction_policy().decoupled())
        return Error{ErrorCode::Unsupported, "HTTP end point doesn't support models with decoupled transaction policy", {}};
    std::optional<std::uint64_t> headerLength;
    if (http.has_header(kHeaderLength)) {
        GANTRY_TRY(headerLength, headerLengthOf(http.get_header_value(kHeaderLength), http.body.size()));
    }
    GANTRY_TRY(InferRequest request,
               headerLength == 0 ? requestFromRawBody(http.body, model) : requestFromHttp(http.body, headerLength, model.name));
    request.model = model.name;
    request.version = version;
    return request;
}

/// Executes a request and waits for it.
Result<HttpAnswer> infer(const httplib::Request& http, ProtocolCalls& calls, const std::string& model, const std::string& version)
{
    const std::int64_t received = std::chrono::steady_clock::now().time_since_epoch().count();
    GANTRY_TRY(InferCall call, prepareCall(calls, {model, version, {}},
                                           [&](const ModelDescription& description) { return requestOf(http, version, description); }));
    const auto awaited = std::make_shared<Awaited>();
    call.job->done = [awaited, &calls, trace = call.trace](InferJob& finished, const Result<void>& result) {
        recordEnd(calls, finished, result, trace.get());
        if (trace)
            trace->addTensors("TENSOR_BACKEND_OUTPUT", finished.outputs);
        awaited->set(finished, result);
    };
    if (call.trace) {
        call.trace->stamp("HTTP_RECV_START", HttpConnection::requestBegan());
        call.trace->stamp("HTTP_RECV_END", received);
        HttpConnection::whenSent([trace = call.trace](std::int64_t start, std::int64_t end) {
            trace->stamp("HTTP_SEND_START", start);
            trace->stamp("HTTP_SEND_END", end);
        });
    }
    call.model->enqueue(std::move(call.job));
    GANTRY_TRY(std::vector<Tensor> outputs, awaited->wait(call));
    GANTRY_TRY(const InferAnswer answer, answerOf(call.request, call.model->description(), std::move(outputs), calls.sharedMemory()));
    return answerToHttp(answer, call.request);
}

/// The endpoints, by the parts of a path behind /v2.
class Endpoints
{
public:
    explicit Endpoints(ProtocolCalls& calls) : m_calls(calls) {}

    Answer answer(const httplib::Request& request, httplib::Response& response) const
    {
        const std::vector<std::string> path = partsOf(request.path);
        const bool isGet = request.method == "GET" || request.method == "HEAD";
        if (path.empty() || path.front() != "v2" || path.back().empty())
            return Miss::Path;
        if (path.size() == 1)
            return isGet ? reply(response, Result<ordered_json>(jsonOf(ProtocolCalls::serverMetadata()))) : Answer(Miss::Method);
        if (path[1] == "health" && path.size() == 3)
            return health(path[2], isGet, response);
        if (path[1] == "models" && path.size() >= 3)
            return models(path, isGet, request, response);
        if (path[1] == "repository")
            return repository(path, request, response);
        if (path[1] == "systemsharedmemory" || path[1] == "cudasharedmemory")
            return sharedMemory(path, isGet, request, response);
        if (path[1] == "trace" && path.size() == 3 && path[2] == "setting")
            return trace({}, isGet, request, response);
        if (path[1] == "logging" && path.size() == 2)
            return isGet || request.method == "POST" ? reply(response, httpLogSettings(m_calls, isGet ? "" : request.body))
                                                     : Answer(Miss::Method);
        return Miss::Path;
    }

    Answer health(const std::string& what, bool isGet, httplib::Response& response) const
    {
        if (what != "live" && what != "ready")
            return Miss::Path;
        return isGet ? replyReady(response, what == "live" || m_calls.isReady(), "Server not ready") : Answer(Miss::Method);
    }

private:
    static std::vector<std::string> partsOf(const std::string& path)
    {
        std::vector<std::string> parts;
        for (std::size_t begin = 1; begin <= path.size();) {
            const std::size_t end = std::min(path.find('/', begin), path.size());
            parts.push_back(path.substr(begin, end - begin));
            begin = end + 1;
        }
        if (path.ends_with('/'))
            parts.emplace_back(); // no endpoint ends with it
        return parts;
    }

    Answer models(const std::vector<std::string>& path, bool isGet, const httplib::Request& request, httplib::Response& response) const
    {
        const std::string& model = path[2];
        if (path.size() == 3 && model == "stats")
            return isGet ? reply(response, m_calls.statistics({}, {})) : Answer(Miss::Method);
        if (path.size() == 5 && path[3] == "trace" && path[4] == "setting")
            return trace(model, isGet, request, response);
        const bool hasVersion = path.size() >= 5 && path[3] == "versions";
        const std::string version = hasVersion ? path[4] : std::string();
        if (hasVersion && !std::all_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; }))
            return Miss::Path;
        const std::size_t rest = hasVersion ? 5 : 3;
        if (path.size() == rest)
            return isGet ? reply(response, m_calls.modelMetadata(model, version)) : Answer(Miss::Method);
        return path.size() == rest + 1 ? ofModel(path[rest], model, version, isGet, request, response) : Answer(Miss::Path);
    }

    Answer ofModel(const std::string& what, const std::string& model, const std::string& version, bool isGet,
                   const httplib::Request& request, httplib::Response& response) const
    {
        if (what == "infer") {
            if (request.method != "POST")
                return Miss::Method;
            const Result<HttpAnswer> answer = infer(request, m_calls, model, version);
            if (!answer)
                return reply(response, answer.error());
            if (answer->headerLength)
                response.set_header(kHeaderLength, std::to_string(*answer->headerLength));
            response.set_content(answer->body, answer->headerLength ? "application/octet-stream" : "application/json");
            return {};
        }
        if (what == "generate" || what == "generate_stream")
            return request.method == "POST" ? generating(what == "generate_stream", model, version, request, response)
                                            : Answer(Miss::Method);
        if (what != "ready" && what != "config" && what != "stats")
            return Miss::Path;
        if (!isGet)
            return Miss::Method;
        if (what == "stats")
            return reply(response, m_calls.statistics(model, version));
        if (what == "config") {
            const auto config = m_calls.modelConfig(model, version);
            return config ? reply(response, Result<ordered_json>(jsonOf(config->config()))) : reply(response, config.error());
        }
        const auto ready = m_calls.isModelReady(model, version);
        return ready ? replyReady(response, *ready, "Model version not ready") : reply(response, ready.error());
    }

    Answer generating(bool streams, const std::string& model, const std::string& version, const httplib::Request& request,
                      httplib::Response& response) const
    {
        if (streams) {
            const auto begun = generateStream(m_calls, model, version, request.body, response);
            return begun ? Answer() : reply(response, begun.error());
        }
        const auto document = generate(m_calls, model, version, request.body);
        if (!document)
            return reply(response, document.error());
        response.set_content(*document, "application/json");
        return {};
    }

    Answer repository(const std::vector<std::string>& path, const httplib::Request& request, httplib::Response& response) const
    {
        const bool isIndex = path.size() == 3 && path[2] == "index";
        const bool isModel = path.size() == 5 && path[2] == "models" && (path[4] == "load" || path[4] == "unload");
        if (!isIndex && !isModel)
            return Miss::Path;
        if (request.method != "POST")
            return Miss::Method;
        if (isIndex)
            return reply(response, httpIndex(m_calls, request.body));
        return reply(response, path[4] == "load" ? httpLoad(m_calls, path[3], request.body) : httpUnload(m_calls, path[3], request.body));
    }

    Answer sharedMemory(const std::vector<std::string>& path, bool isGet, const httplib::Request& request,
                        httplib::Response& response) const
    {
        const bool isCuda = path[1] == "cudasharedmemory", hasRegion = path.size() == 5 && path[2] == "region";
        const std::string region = hasRegion ? path[3] : std::string();
        const std::string& what = path.back();
        if ((!hasRegion && path.size() != 3) || (what != "status" && what != "unregister" && !(what == "register" && hasRegion)))
            return Miss::Path;
        if (isGet != (what == "status"))
            return Miss::Method;
        if (what == "status")
            return reply(response, isCuda ? httpCudaStatus(m_calls, region) : httpSystemStatus(m_calls, region));
        if (what == "register")
            return reply(response,
                         isCuda ? httpCudaRegister(m_calls, region, request.body) : httpSystemRegister(m_calls, region, request.body));
        if (isCuda)
            m_calls.sharedMemory().unregisterCuda(region);
        else
            m_calls.sharedMemory().unregisterSystem(region);
        return reply(response, Result<void>());
    }

    Answer trace(const std::string& model, bool isGet, const httplib::Request& request, httplib::Response& response) const
    {
        if (!isGet && request.method != "POST")
            return Miss::Method;
        return reply(response, httpTraceSetting(m_calls, model, isGet ? "" : request.body));
    }

    ProtocolCalls& m_calls;
};

void replyMiss(httplib::Response& response, const Answer& miss)
{
    if (miss)
        response.status = *miss == Miss::Path ? 404 : 405;
}

} // namespace

void addHttpEndpoints(httplib::Server& server, ProtocolCalls& calls)
{
    const auto handler = [endpoints = Endpoints(calls)](const httplib::Request& request, httplib::Response& response) {
        replyMiss(response, endpoints.answer(request, response));
    };
    const auto withBody = [handler](const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& read) {
        httplib::Request whole = request;
        if (HttpConnection::readBody(read, whole.body, response.status))
            handler(whole, response);
    };
    server.Get(".*", handler).Post(".*", withBody).Put(".*", withBody).Patch(".*", withBody).Delete(".*", handler);
}

void addHealthEndpoints(httplib::Server& server, ProtocolCalls& calls)
{
    server.Get("/v2/health/([a-z]*)", [endpoints = Endpoints(calls)](const httplib::Request& request, httplib::Response& response) {
        replyMiss(response, endpoints.health(request.matches[1], true, response));
    });
}

} // namespace gantry::inference_server
