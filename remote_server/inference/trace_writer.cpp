#include "remote_server/inference/trace_writer.h"

#include "remote_server/inference/json_tensor.h"

#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <pthread.h>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {
namespace {

// A trace takes about 1 KiB: a second of 60,000 requests/s may wait for the disk.
constexpr std::size_t kMostQueuedBytes = 64 << 20;
// What a file that is not complete yet keeps in memory: log_frequency may be as large as a client likes.
constexpr std::size_t kMostPartBytes = 1 << 20;
// How long traces are gathered before they are written: a reader that changed the settings waits for them (see TritonTracer).
constexpr std::chrono::milliseconds kGather{50};

std::string quoted(const std::string& text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

/// "1,2,3": the elements as Triton writes them, in a string.
std::string elementsOf(const Tensor& tensor)
{
    std::string text;
    return appendJsonElements(text, tensor.data, tensor.type) ? text : std::string("<not shown>");
}

} // namespace

RequestTrace::RequestTrace(std::uint64_t id, const ModelDescription& model, std::string requestId, bool hasTimestamps, bool hasTensors)
    : m_id(id),
      m_model(model.name),
      m_version(model.version),
      m_requestId(std::move(requestId)),
      m_hasTimestamps(hasTimestamps),
      m_hasTensors(hasTensors)
{
}

void RequestTrace::stamp(const char* activity, std::int64_t ns)
{
    if (!m_hasTimestamps)
        return;
    const std::lock_guard lock(m_mutex);
    m_stamps.push_back({activity, ns});
}

void RequestTrace::stamp(const char* activity)
{
    stamp(activity, std::chrono::steady_clock::now().time_since_epoch().count()); // CLOCK_MONOTONIC
}

void RequestTrace::stampPhases(const RequestTimes& times)
{
    for (const auto& [activity, ns] : {std::pair("REQUEST_START", times.start), std::pair("QUEUE_START", times.queueStart),
                                       std::pair("COMPUTE_START", times.computeStart), std::pair("COMPUTE_INPUT_END", times.inputEnd),
                                       std::pair("COMPUTE_OUTPUT_START", times.outputStart), std::pair("COMPUTE_END", times.computeEnd),
                                       std::pair("REQUEST_END", times.end)})
        if (ns != 0)
            stamp(activity, ns);
}

void RequestTrace::addTensors(const char* activity, const std::vector<Tensor>& tensors)
{
    if (!m_hasTensors)
        return;
    std::string text;
    for (const Tensor& tensor : tensors)
        text += fmt::format(R"(,{{"id":{},"activity":"{}","tensor":{{"name":{},"data":{},"shape":"{}","dtype":"{}"}}}})", m_id, activity,
                            quoted(tensor.name), quoted(elementsOf(tensor)), fmt::join(tensor.shape, ","), datatypeName(tensor.type));
    const std::lock_guard lock(m_mutex);
    m_tensors += text;
}

std::string RequestTrace::json() const
{
    const std::lock_guard lock(m_mutex);
    std::string text = fmt::format(R"({{"id":{},"model_name":{},"model_version":{},"request_id":{}}})", m_id, quoted(m_model), m_version,
                                   quoted(m_requestId));
    for (const Stamp& stamp : m_stamps)
        text += fmt::format(R"(,{{"id":{},"timestamps":[{{"name":"{}","ns":{}}}]}})", m_id, stamp.activity, stamp.ns);
    return text + m_tensors;
}

std::size_t RequestTrace::bytes() const
{
    const std::lock_guard lock(m_mutex);
    return sizeof *this + m_model.size() + m_requestId.size() + m_stamps.size() * sizeof(Stamp) + m_tensors.size();
}

TraceWriter::TraceWriter(std::filesystem::path file) : m_path(std::move(file)), m_thread([this](const std::stop_token& stop) { run(stop); })
{
}

TraceWriter::~TraceWriter()
{
    m_thread.request_stop();
    m_thread.join();
    for (auto& [series, part] : m_parts)
        writePart(part, "]");
    if (m_isBegun)
        m_stream << "]";
    if (m_dropped > 0)
        spdlog::warn("{} requests are missing in the trace {}", m_dropped.load(), m_path.string());
}

void TraceWriter::write(std::unique_ptr<RequestTrace> trace, std::uint64_t series, std::uint32_t perFile)
{
    const std::size_t bytes = trace->bytes();
    {
        const std::lock_guard lock(m_mutex);
        if (m_queuedBytes + bytes <= kMostQueuedBytes) {
            m_queuedBytes += bytes;
            m_queue.push_back({std::move(trace), series, perFile, bytes});
            if (m_queue.size() == 1)
                m_changed.notify_all();
            return;
        }
    }
    lose(1, "they come faster than they can be written");
}

void TraceWriter::endSeries(std::uint64_t series)
{
    const std::lock_guard lock(m_mutex);
    m_queue.push_back({nullptr, series, 0, 0});
    m_changed.notify_all();
}

void TraceWriter::run(const std::stop_token& stop)
{
    pthread_setname_np(pthread_self(), "trace writer");
    std::unique_lock lock(m_mutex);
    while (!stop.stop_requested() || !m_queue.empty()) {
        m_changed.wait(lock, stop, [this] { return !m_queue.empty(); });
        m_changed.wait_for(lock, stop, kGather, [] { return false; });
        std::deque<Entry> entries = std::move(m_queue);
        m_queue.clear();
        lock.unlock();
        save(std::move(entries));
        lock.lock();
    }
}

void TraceWriter::save(std::deque<Entry> entries)
{
    std::string text;
    std::uint64_t traces = 0;
    std::size_t bytes = 0;
    for (Entry& entry : entries) {
        bytes += entry.bytes;
        if (entry.trace && entry.perFile == 0) {
            text += (text.empty() ? "" : ",") + entry.trace->json();
            ++traces;
            continue;
        }
        Part& part = m_parts[entry.series];
        if (entry.trace)
            addToPart(part, entry.trace->json());
        if (!entry.trace || part.traces >= entry.perFile) {
            writePart(part, "]");
            m_parts.erase(entry.series);
        }
    }
    append(text, traces);
    const std::lock_guard lock(m_mutex);
    m_queuedBytes -= bytes;
}

void TraceWriter::append(const std::string& text, std::uint64_t traces)
{
    if (text.empty())
        return;
    if (!m_isBegun)
        m_stream.open(m_path, std::ios::binary | std::ios::trunc);
    m_stream << (m_isBegun ? "," : "[") << text << std::flush;
    m_isBegun = m_isBegun || m_stream.good();
    if (!m_stream) {
        lose(traces, "cannot write " + m_path.string());
        m_stream.clear();
    }
}

void TraceWriter::addToPart(Part& part, const std::string& text)
{
    part.text += (part.traces == 0 ? "[" : ",") + text;
    ++part.traces;
    ++part.unwritten;
    if (part.text.size() >= kMostPartBytes)
        writePart(part, "");
}

void TraceWriter::writePart(Part& part, const char* end)
{
    if (part.traces == 0)
        return;
    if (part.path.empty()) {
        part.path = m_path.string() + "." + std::to_string(m_nextPart++);
        part.stream.open(part.path, std::ios::binary | std::ios::trunc);
    }
    part.stream << part.text << end << std::flush;
    if (!part.stream) // nor will anything else be written to it: nobody could read a file with a gap
        lose(part.unwritten, "cannot write " + part.path);
    part.text.clear();
    part.unwritten = 0;
}

void TraceWriter::lose(std::uint64_t traces, const std::string& why)
{
    if (m_dropped.fetch_add(traces) == 0)
        spdlog::warn("traces of requests are dropped: {}", why);
}

} // namespace gantry::inference_server
