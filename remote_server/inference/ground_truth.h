#pragma once

#include "remote_server/inference/infer_job.h"
#include "trace_model/base/result.h"

#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gantry::inference_server {

/// What the server knows it did, one JSON object a line, for tests and people who compare a capture with it. Written by a thread of its
/// own; what comes faster than that thread writes is dropped and counted. Any thread.
///
/// First line: {"clock":"monotonic","realtime_minus_monotonic_ns":…,"pid":…}. Then one for each request that ended: {"request",
/// "client_id","model","version","rows","priority","batch","instance","thread","stream","start_ns","lookup_start_ns","lookup_end_ns",
/// "queue_start_ns","compute_start_ns","compute_input_end_ns","compute_output_start_ns","compute_end_ns","insert_start_ns",
/// "insert_end_ns","end_ns","cache_hit","outcome"}; what there was not is null. `outcome` is "ok" or the reason of the failure as in
/// /metrics. Last line, when the log is closed: {"requests":…,"dropped":…}.
class GroundTruthLog
{
public:
    /// Errors: CannotWrite.
    [[nodiscard]] static Result<std::unique_ptr<GroundTruthLog>> create(const std::filesystem::path& path);
    ~GroundTruthLog(); ///< writes what waits

    void add(const InferJob& job, bool succeeded);

    struct Counts
    {
        std::uint64_t requests = 0, dropped = 0; ///< `requests` with the dropped ones
    };
    [[nodiscard]] Counts counts() const;

private:
    /// Not the job: that has its tensors.
    struct Entry
    {
        std::uint64_t request, rows, priority, batch;
        std::string clientId, model, version, instance;
        std::int64_t thread;
        std::optional<std::uint32_t> stream;
        RequestTimes times;
        bool cacheHit, succeeded;
        FailureReason failure;
    };
    struct CloseFile
    {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };

    explicit GroundTruthLog(std::FILE* file);
    void write(const std::stop_token& stop);
    void writeEntry(const Entry& entry);

    std::unique_ptr<std::FILE, CloseFile> m_file; ///< the writer's
    mutable std::mutex m_mutex;                   ///< the next three
    std::vector<Entry> m_waiting;
    Counts m_counts;
    std::condition_variable_any m_changed;
    std::jthread m_writer; ///< last: it uses the others
};

} // namespace gantry::inference_server
