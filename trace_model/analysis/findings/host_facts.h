#pragma once

#include "trace_model/base/time.h"
#include "trace_model/trace/trace.h"

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::findings {

/// What a CUDA API call is for.
enum class CallClass : std::uint8_t
{
    Launch,    ///< of kernels and graphs
    AsyncCopy, ///< and asynchronous memsets
    Copy,      ///< that returns when it is done, and such memsets
    Synchronize,
    Memory, ///< allocates, releases, page-locks
    Load,   ///< of modules and libraries of code, making of graphs, contexts and streams
    Other,
};
inline constexpr std::size_t kCallClassCount = 7;

/// The class of a call by its name, of the runtime or driver API, with or without a version ("cudaMemcpyAsync_v3020").
[[nodiscard]] CallClass classOf(std::string_view callName);

/// The CUDA calls of one thread that lie in no other of its calls.
struct ThreadFacts
{
    std::uint64_t globalTid = 0;
    std::vector<std::uint32_t> calls; ///< rows of Trace::apiCalls, by time
    std::array<DurationNs, kCallClassCount> time{};
    std::array<std::size_t, kCallClassCount> count{};
};

/// What threads asked CUDA for.
class HostFacts
{
public:
    HostFacts() = default;
    /// Linear in the API calls, and n log n in those that launch work.
    HostFacts(const trace::Trace& trace, const std::stop_token& stop);

    [[nodiscard]] const std::vector<ThreadFacts>& threads() const { return m_threads; }
    /// Null: the thread made no call.
    [[nodiscard]] const ThreadFacts* thread(std::uint64_t globalTid) const;
    [[nodiscard]] CallClass classOfRow(const trace::Trace& trace, std::uint32_t row) const
    {
        return m_classes[trace.apiCalls.calleeNumber[row]];
    }
    /// The row of the outermost API call that asked for a piece of GPU work; nothing: it was not recorded. O(log calls).
    [[nodiscard]] std::optional<std::uint32_t> callOf(const trace::Trace& trace, trace::EventId work) const;

private:
    std::vector<CallClass> m_classes;                             ///< by callee number
    std::vector<ThreadFacts> m_threads;                           ///< by globalTid
    std::vector<std::pair<std::uint64_t, std::uint32_t>> m_calls; ///< launch key and row, sorted
};

} // namespace gantry::findings
