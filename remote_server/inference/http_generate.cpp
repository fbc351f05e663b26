#include "remote_server/inference/http_generate.h"

#include "remote_server/inference/client_json.h"
#include "remote_server/inference/http_codec.h"
#include "remote_server/inference/http_server.h"
#include "remote_server/inference/infer_codec.h"
#include "remote_server/inference/json_tensor.h"
#include "remote_server/inference/protocol_status.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fmt/format.h>
#include <httplib.h>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace gantry::inference_server {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::chrono::milliseconds kLookForClient{50};
constexpr std::size_t kMostWaitingBytes = 64 << 20; // of events that wait to be sent

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

/// The shape that nested arrays have, by their first elements; one element without an array.
std::vector<std::int64_t> shapeOf(const json& value)
{
    std::vector<std::int64_t> shape;
    for (const json* part = &value; part->is_array(); part = &part->front()) {
        shape.push_back(static_cast<std::int64_t>(part->size()));
        if (part->empty())
            break;
    }
    return shape.empty() ? std::vector<std::int64_t>{1} : shape;
}

json inputOf(const inference::ModelInput& input, const json& value, bool batches)
{
    std::vector<std::int64_t> shape = shapeOf(value);
    if (batches)
        shape.insert(shape.begin(), 1);
    return {{"name", input.name()},
            {"datatype", datatypeName(input.data_type())},
            {"shape", shape},
            {"data", value.is_array() ? value : json::array({value})}};
}

/// The request in the form that the infer endpoint takes.
Result<InferRequest> requestOf(const std::string& body, const std::string& version, const ModelDescription& model)
{
    GANTRY_TRY(const json object, parseClientJson(body));
    if (!object.is_object())
        return bad("the body must be a JSON object with the names of the model's inputs and their values");
    json request = {{"inputs", json::array()}, {"parameters", json::object()}};
    const auto& inputs = model.config.input();
    for (const auto& [name, value] : object.items()) {
        const auto input = std::find_if(inputs.begin(), inputs.end(), [&, key = name](const auto& one) { return one.name() == key; });
        if (input != inputs.end())
            request["inputs"].push_back(inputOf(*input, value, model.config.max_batch_size() > 0));
        else if (name == "id")
            request["id"] = value;
        else if (name == "parameters" && value.is_object())
            request["parameters"].update(value);
        else if (value.is_primitive() && !value.is_null())
            request["parameters"][name] = value;
        else
            return bad(
                fmt::format("'{}' is no input of model '{}', and no text, number or boolean that could be a parameter", name, model.name));
    }
    GANTRY_TRY(InferRequest parsed, requestFromHttp(request.dump(), std::nullopt, model.name));
    parsed.model = model.name;
    parsed.version = version;
    return parsed;
}

/// An output's elements.
Result<ordered_json> elementsOf(const AnsweredOutput& output)
{
    std::string text;
    GANTRY_CHECK(appendJsonElements(text, output.data, datatypeFromName(output.datatype)).context("output '" + output.name + "'"));
    auto elements = ordered_json::parse("[" + text + "]", nullptr, false);
    if (elements.is_discarded()) // Infinity and NaN
        return bad(fmt::format("output '{}' has numbers that JSON does not know: ask for it with infer, as binary data", output.name));
    return elements;
}

/// The elements of each output, by name, after those of responses before it.
Result<void> addOutputs(const InferCall& call, std::vector<Tensor> tensors, const SharedMemory& memory, ordered_json& outputs)
{
    GANTRY_TRY(const InferAnswer answer, answerOf(call.request, call.model->description(), std::move(tensors), memory));
    for (const AnsweredOutput& output : answer.outputs) {
        GANTRY_TRY(ordered_json elements, elementsOf(output));
        ordered_json& all = outputs[output.name];
        for (ordered_json& element : elements)
            all.push_back(std::move(element));
    }
    return {};
}

std::string documentOf(const InferCall& call, const ordered_json& outputs)
{
    ordered_json document;
    if (!call.request.id.empty())
        document["id"] = call.request.id;
    document["model_name"] = call.model->description().name;
    document["model_version"] = call.model->description().version;
    for (const auto& [name, elements] : outputs.items())
        document[name] = elements.size() == 1 ? elements.front() : elements;
    return document.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// What the model's thread makes and the connection's takes.
class Responses
{
public:
    struct Next
    {
        std::vector<Tensor> outputs;
        std::optional<Result<void>> end; ///< no other follows
    };

    /// False: too much waits to be taken.
    [[nodiscard]] bool add(std::vector<Tensor> outputs)
    {
        const std::lock_guard lock(m_mutex);
        for (const Tensor& output : outputs)
            m_bytes += output.data.size();
        m_next.push_back({std::move(outputs), std::nullopt});
        m_changed.notify_all();
        return m_bytes <= kMostWaitingBytes;
    }
    void end(const Result<void>& result)
    {
        const std::lock_guard lock(m_mutex);
        m_next.push_back({{}, result});
        m_changed.notify_all();
    }
    /// Waits for it, and looks every now and then whether the client is still there.
    [[nodiscard]] Next take(const InferCall& call)
    {
        std::unique_lock lock(m_mutex);
        while (!m_changed.wait_for(lock, kLookForClient, [this] { return !m_next.empty(); })) {
            lock.unlock();
            if (HttpConnection::isGone())
                call.cancel();
            lock.lock();
        }
        Next next = std::move(m_next.front());
        m_next.pop_front();
        for (const Tensor& output : next.outputs)
            m_bytes -= output.data.size();
        return next;
    }

private:
    std::mutex m_mutex; ///< everything below
    std::condition_variable m_changed;
    std::deque<Next> m_next;
    std::size_t m_bytes = 0;
};

/// A request that executes.
struct Generating
{
    std::shared_ptr<InferCall> call;
    std::shared_ptr<Responses> responses;
};

Result<Generating> begin(ProtocolCalls& calls, const std::string& model, const std::string& version, const std::string& body)
{
    GANTRY_TRY(InferCall prepared, prepareCall(calls, {model, version, {}},
                                               [&](const ModelDescription& description) { return requestOf(body, version, description); }));
    const Generating running{std::make_shared<InferCall>(std::move(prepared)), std::make_shared<Responses>()};
    std::unique_ptr<InferJob> job = std::move(running.call->job);
    job->respond = [responses = running.responses, cancelled = running.call->cancelled](InferJob&, std::vector<Tensor> outputs, bool) {
        if (!outputs.empty() && !responses->add(std::move(outputs)))
            cancelled->store(true, std::memory_order_relaxed); // it executes: there is nothing to take out of the queue
    };
    job->done = [responses = running.responses, &calls, trace = running.call->trace](InferJob& finished, const Result<void>& result) {
        recordEnd(calls, finished, result, trace.get());
        if (result && !finished.outputs.empty())
            static_cast<void>(responses->add(std::move(finished.outputs)));
        responses->end(result);
    };
    running.call->model->enqueue(std::move(job));
    return running;
}

std::string event(const std::string& document)
{
    return "data: " + document + "\n\n";
}

/// The text of the next event; nothing more to come: `isLast`.
std::string nextEvent(const Generating& running, const SharedMemory& memory, bool& isLast)
{
    Responses::Next next = running.responses->take(*running.call);
    isLast = next.end.has_value();
    if (isLast)
        return *next.end ? std::string() : event(errorJson(next.end->error().text()));
    ordered_json outputs = ordered_json::object();
    const auto added = addOutputs(*running.call, std::move(next.outputs), memory, outputs);
    return event(added ? documentOf(*running.call, outputs) : errorJson(added.error().text()));
}

} // namespace

Result<std::string> generate(ProtocolCalls& calls, const std::string& model, const std::string& version, const std::string& body)
{
    GANTRY_TRY(const Generating running, begin(calls, model, version, body));
    ordered_json outputs = ordered_json::object();
    Result<void> added;
    for (;;) {
        Responses::Next next = running.responses->take(*running.call);
        if (next.end) {
            GANTRY_CHECK(*next.end);
            GANTRY_CHECK(added);
            return documentOf(*running.call, outputs);
        }
        if (added)
            added = addOutputs(*running.call, std::move(next.outputs), calls.sharedMemory(), outputs);
    }
}

Result<void> generateStream(ProtocolCalls& calls, const std::string& model, const std::string& version, const std::string& body,
                            httplib::Response& response)
{
    GANTRY_TRY(const Generating running, begin(calls, model, version, body));
    response.set_header("Cache-Control", "no-cache");
    const auto hasEnded = std::make_shared<bool>(false);
    // All events in one call: between two of them the library would leave the stream where the server is told to end.
    const auto send = [running, hasEnded, &calls](std::size_t, httplib::DataSink& sink) {
        while (!*hasEnded) {
            const std::string text = nextEvent(running, calls.sharedMemory(), *hasEnded);
            if (!text.empty() && !sink.write(text.data(), text.size()))
                return false;
        }
        sink.done();
        return true;
    };
    // However it ends: what executes uses `calls` until then.
    const auto finish = [running, hasEnded](bool) {
        if (*hasEnded)
            return;
        running.call->cancel();
        while (!running.responses->take(*running.call).end) {
        }
    };
    response.set_chunked_content_provider("text/event-stream", send, finish);
    return {};
}

} // namespace gantry::inference_server
