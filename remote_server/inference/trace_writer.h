#pragma once

#include "remote_server/inference/infer_job.h"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace gantry::inference_server {

/// What is traced of one request: times of CLOCK_MONOTONIC in ns by the activities of Triton's tracer, and tensors as text. Any thread.
class RequestTrace
{
public:
    RequestTrace(std::uint64_t id, const ModelDescription& model, std::string requestId, bool hasTimestamps, bool hasTensors);

    /// Does nothing when times are not traced. `activity`: a literal such as "HTTP_RECV_START".
    void stamp(const char* activity, std::int64_t ns);
    /// The same, now.
    void stamp(const char* activity);
    /// The phases of a request that has been answered, those that it had.
    void stampPhases(const RequestTimes& times);
    /// Does nothing when tensors are not traced.
    void addTensors(const char* activity, const std::vector<Tensor>& tensors);

    /// The objects of Triton's file, with a comma between each two.
    [[nodiscard]] std::string json() const;
    /// About what it takes in memory.
    [[nodiscard]] std::size_t bytes() const;

private:
    struct Stamp
    {
        const char* activity;
        std::int64_t ns;
    };
    const std::uint64_t m_id;
    const std::string m_model, m_version, m_requestId;
    const bool m_hasTimestamps, m_hasTensors;
    mutable std::mutex m_mutex; ///< everything below
    std::vector<Stamp> m_stamps;
    std::string m_tensors; ///< their objects, each with a comma in front
};

/// Writes traces to the file of --trace-config in Triton's JSON, on a thread of its own. What does not fit its queue is dropped and
/// counted: a disk that is slow does not slow down requests. Any thread.
class TraceWriter
{
public:
    /// Nothing is written to `file` before the first trace; a file of an earlier run is then replaced.
    explicit TraceWriter(std::filesystem::path file);
    ~TraceWriter(); ///< writes what is queued and closes the array

    /// `series`: traces of one series go to the same files; `perFile`: so many to each, which is then FILE.N; 0: all to FILE. A FILE.N
    /// whose traces take much memory until then is begun earlier, and closed when it has them all.
    void write(std::unique_ptr<RequestTrace> trace, std::uint64_t series, std::uint32_t perFile);
    /// The series gets no more: writes the rest of its last file.
    void endSeries(std::uint64_t series);
    /// Traces that were not written because too many were waiting or the file could not be written.
    [[nodiscard]] std::uint64_t dropped() const { return m_dropped; }
    [[nodiscard]] const std::filesystem::path& file() const { return m_path; }

private:
    struct Entry
    {
        std::unique_ptr<RequestTrace> trace; ///< null: the series ends
        std::uint64_t series;
        std::uint32_t perFile;
        std::size_t bytes;
    };
    /// A FILE.N of which not all traces are known yet.
    struct Part
    {
        std::string text; ///< not written yet
        std::uint32_t traces = 0, unwritten = 0;
        std::string path; ///< empty: nothing is written yet
        std::ofstream stream;
    };
    void run(const std::stop_token& stop);
    void save(std::deque<Entry> entries);
    void append(const std::string& text, std::uint64_t traces);
    void addToPart(Part& part, const std::string& text);
    void writePart(Part& part, const char* end);
    void lose(std::uint64_t traces, const std::string& why);

    const std::filesystem::path m_path;
    std::atomic<std::uint64_t> m_dropped{0};

    // Of the writing thread.
    std::ofstream m_stream;
    bool m_isBegun = false;
    std::map<std::uint64_t, Part> m_parts; ///< begun files of series with several
    std::uint64_t m_nextPart = 0;

    std::mutex m_mutex; ///< everything below
    std::condition_variable_any m_changed;
    std::deque<Entry> m_queue;
    std::size_t m_queuedBytes = 0;
    std::jthread m_thread;
};

} // namespace gantry::inference_server
