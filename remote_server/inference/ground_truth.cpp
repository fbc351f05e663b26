#include "remote_server/inference/ground_truth.h"

#include <cerrno>
#include <ctime>
#include <fmt/format.h>
#include <iterator>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace gantry::inference_server {
namespace {

// Some seconds of 10,000 requests a second, and 20 MB.
constexpr std::size_t kMostWaiting = 1 << 16;

std::int64_t nowNs(clockid_t clock)
{
    timespec time{};
    clock_gettime(clock, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

/// A JSON string. Clients choose their ids: bytes that are no UTF-8 become question marks, as does what a line cannot hold.
std::string jsonString(std::string_view text)
{
    std::string result = "\"";
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        if (c == '"' || c == '\\')
            result += {'\\', text[at]};
        else if (c < 0x20 || c >= 0x7F)
            result += fmt::format("\\u{:04x}", c < 0x20 ? c : static_cast<unsigned char>('?'));
        else
            result += text[at];
    }
    return result + '"';
}

/// null for what did not happen: 0 in RequestTimes.
std::string timeOrNull(std::int64_t time)
{
    return time == 0 ? "null" : std::to_string(time);
}

} // namespace

Result<std::unique_ptr<GroundTruthLog>> GroundTruthLog::create(const std::filesystem::path& path)
{
    std::FILE* file = std::fopen(path.c_str(), "we");
    if (!file)
        return Error{ErrorCode::CannotWrite, errnoError(errno, "writing the ground truth to " + path.string()).message, {}};
    fmt::print(file, "{{\"clock\":\"monotonic\",\"realtime_minus_monotonic_ns\":{},\"pid\":{}}}\n",
               nowNs(CLOCK_REALTIME) - nowNs(CLOCK_MONOTONIC), getpid());
    return std::unique_ptr<GroundTruthLog>(new GroundTruthLog(file));
}

GroundTruthLog::GroundTruthLog(std::FILE* file) : m_file(file), m_writer([this](const std::stop_token& stop) { write(stop); }) {}

GroundTruthLog::~GroundTruthLog()
{
    m_writer.request_stop();
    m_writer.join();
    fmt::print(m_file.get(), "{{\"requests\":{},\"dropped\":{}}}\n", m_counts.requests, m_counts.dropped);
}

void GroundTruthLog::add(const InferJob& job, bool succeeded)
{
    {
        const std::lock_guard lock(m_mutex);
        ++m_counts.requests;
        if (m_waiting.size() >= kMostWaiting) {
            ++m_counts.dropped;
            return;
        }
        m_waiting.push_back({job.id, job.rows, job.priority, job.batchId, job.clientId, job.model->name, job.model->version, job.instance,
                             job.threadId, job.streamId, job.times, job.cacheHit, succeeded, job.failure});
        if (m_waiting.size() > 1)
            return; // the writer knows already
    }
    m_changed.notify_one();
}

GroundTruthLog::Counts GroundTruthLog::counts() const
{
    const std::lock_guard lock(m_mutex);
    return m_counts;
}

void GroundTruthLog::write(const std::stop_token& stop)
{
    std::vector<Entry> entries;
    for (;;) {
        {
            std::unique_lock lock(m_mutex);
            m_changed.wait(lock, stop, [this] { return !m_waiting.empty(); });
            if (m_waiting.empty())
                return;
            entries.swap(m_waiting);
        }
        for (const Entry& entry : entries)
            writeEntry(entry);
        std::fflush(m_file.get());
        entries.clear();
    }
}

void GroundTruthLog::writeEntry(const Entry& e)
{
    const auto orNull = [](bool there, const std::string& text) { return there ? text : "null"; };
    const RequestTimes& t = e.times;
    std::string line = fmt::format(
        "{{\"request\":{},\"client_id\":{},\"model\":{},\"version\":{},\"rows\":{},\"priority\":{},\"batch\":{},\"instance\":{},"
        "\"thread\":{},\"stream\":{}",
        e.request, orNull(!e.clientId.empty(), jsonString(e.clientId)), jsonString(e.model), jsonString(e.version), e.rows, e.priority,
        orNull(e.batch != 0, std::to_string(e.batch)), orNull(!e.instance.empty(), jsonString(e.instance)),
        orNull(e.thread != 0, std::to_string(e.thread)), e.stream ? std::to_string(*e.stream) : "null");
    const std::pair<const char*, std::int64_t> times[] = {
        {"start", t.start},
        {"lookup_start", t.lookupStart},
        {"lookup_end", t.lookupEnd},
        {"queue_start", t.queueStart},
        {"compute_start", t.computeStart},
        {"compute_input_end", t.inputEnd},
        {"compute_output_start", t.outputStart},
        {"compute_end", t.computeEnd},
        {"insert_start", t.insertStart},
        {"insert_end", t.insertEnd},
        {"end", t.end},
    };
    for (const auto& [name, time] : times)
        line += fmt::format(",\"{}_ns\":{}", name, timeOrNull(time));
    fmt::print(m_file.get(), "{},\"cache_hit\":{},\"outcome\":{}}}\n", line, e.cacheHit,
               e.succeeded ? "\"ok\"" : jsonString(name(e.failure)));
}

} // namespace gantry::inference_server
