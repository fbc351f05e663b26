#pragma once

#include "trace_model/base/result.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

namespace gantry::inference_server {

/// One iteration of an instance that batches in flight.
struct IterationRecord
{
    std::int64_t iteration = 0; ///< of the instance, from 0
    int rank = 0;               ///< the instance's number among all of the server
    std::chrono::system_clock::time_point end;
    std::int64_t durationNs = 0;
    int newRequests = 0; ///< that joined for this iteration
    int contextRequests = 0, contextTokens = 0, generationTokens = 0, cachedTokens = 0;
    int scheduledRequests = 0;
    int usedBlocks = 0, blocks = 1; ///< of the KV cache, while the iteration ran
};

/// A line as TensorRT-LLM's PyTorch back end writes it with print_iter_log (py_executor.py), in its form of 2026. There is no time of a
/// device: this is a CPU's. Times are local.
[[nodiscard]] std::string iterationLine(const IterationRecord& record);

/// The file of these lines; each is written when its iteration ends. Any thread.
class IterationLog
{
public:
    /// Errors: CannotWrite.
    [[nodiscard]] static Result<std::unique_ptr<IterationLog>> create(const std::filesystem::path& path);
    void add(const IterationRecord& record);
    /// Lines that could not be written.
    [[nodiscard]] std::uint64_t lost() const;

private:
    struct CloseFile
    {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    explicit IterationLog(std::FILE* file) : m_file(file) {}

    mutable std::mutex m_mutex; ///< everything below
    std::unique_ptr<std::FILE, CloseFile> m_file;
    std::uint64_t m_lost = 0;
};

} // namespace gantry::inference_server
