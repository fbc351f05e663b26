#include "remote_server/inference/iteration_log.h"

#include <cerrno>
#include <ctime>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {

std::string iterationLine(const IterationRecord& r)
{
    const std::time_t seconds = std::chrono::system_clock::to_time_t(r.end);
    std::tm local{};
    localtime_r(&seconds, &local);
    return fmt::format("[{:%m/%d/%Y-%H:%M:%S}] [TRT-LLM] [I] [_torch][RANK {}] iter = {}, global_rank = {}, rank = {}, "
                       "num_scheduled_requests = {}, kv_cache_util = {:.3f}, currank_total_requests = {}/{}, host_step_time = {:.3f}ms, "
                       "prev_device_step_time = N/A, timestamp = {:%Y-%m-%d %H:%M:%S}, states = {{'num_ctx_requests': {}, "
                       "'num_ctx_tokens': {}, 'num_generation_tokens': {}, 'cached_kv_tokens': {}}}",
                       local, r.rank, r.iteration, r.rank, r.rank, r.scheduledRequests,
                       static_cast<double>(r.usedBlocks) / static_cast<double>(r.blocks), r.newRequests, r.newRequests,
                       static_cast<double>(r.durationNs) / 1e6, local, r.contextRequests, r.contextTokens, r.generationTokens,
                       r.cachedTokens);
}

Result<std::unique_ptr<IterationLog>> IterationLog::create(const std::filesystem::path& path)
{
    std::FILE* file = std::fopen(path.c_str(), "we");
    if (!file)
        return Error{ErrorCode::CannotWrite, errnoError(errno, "writing iterations to " + path.string()).message, {}};
    return std::unique_ptr<IterationLog>(new IterationLog(file));
}

void IterationLog::add(const IterationRecord& record)
{
    const std::string line = iterationLine(record) + '\n';
    const std::lock_guard lock(m_mutex);
    if (std::fwrite(line.data(), 1, line.size(), m_file.get()) == line.size() && std::fflush(m_file.get()) == 0)
        return;
    if (++m_lost == 1)
        spdlog::warn("the iteration log cannot be written any more ({}): iterations are missing from it",
                     errnoError(errno, "writing").message);
    std::clearerr(m_file.get());
}

std::uint64_t IterationLog::lost() const
{
    const std::lock_guard lock(m_mutex);
    return m_lost;
}

} // namespace gantry::inference_server
