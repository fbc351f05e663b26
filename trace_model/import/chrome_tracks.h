#pragma once

#include "trace_model/import/chrome_event.h"
#include "trace_model/import/event_sink.h"

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace gantry::importing {

/// Gives the pids and tids of a trace a place in 24 bits each, as globalTid has: numbers up to kLargestOwn as they are, everything
/// else (larger and negative numbers, texts) one of the numbers above, the same one for the same text in every run.
class TrackIds
{
public:
    /// Linux gives out ids below 2^22 (proc(5), pid_max).
    static constexpr std::int64_t kLargestOwn = kFirstMadeUpId - 1;

    /// The 24-bit number of a pid or tid. Any thread.
    [[nodiscard]] std::uint32_t idOf(std::int64_t number);
    [[nodiscard]] std::uint32_t idOf(std::string_view text);
    /// What was written for a number that idOf() made up; empty: none. When no thread calls idOf().
    [[nodiscard]] std::string_view textOf(std::uint32_t id) const;

private:
    std::mutex m_mutex;
    std::unordered_map<std::string, std::uint32_t> m_ids;
    std::unordered_map<std::uint32_t, std::string_view> m_texts;
};

/// Names that metadata events give, by globalTid and globalPid. Later names replace earlier ones.
struct TrackNames
{
    std::map<std::uint64_t, std::string> processes, threads;

    void merge(TrackNames&& later);
};

/// What the events of one pid and tid belong to.
struct Track
{
    std::uint64_t globalTid = 0;
    std::optional<std::uint32_t> device; ///< of a writer that gives its GPUs processes, by their names: the thread is a stream
};

/// Finds the track of an event. One thread.
class TrackFinder
{
public:
    /// `known`: names from elsewhere in the file; outlives this.
    TrackFinder(TrackIds& ids, const TrackNames& known);

    [[nodiscard]] Track trackOf(const TraceEvent& event) { return slotOf(event).track; }
    /// The thread of an event of the host, which from then on is among threads().
    [[nodiscard]] std::uint64_t threadOf(const TraceEvent& event);
    [[nodiscard]] std::uint64_t globalTidOf(const TraceEvent& event);
    void nameProcess(std::uint64_t globalTid, std::string name);
    void nameThread(std::uint64_t globalTid, std::string name);
    [[nodiscard]] TrackNames& names() { return m_names; }
    [[nodiscard]] const std::unordered_set<std::uint64_t>& threads() const { return m_threads; }
    /// Tracks that are streams of a device, as trackOf() found them.
    [[nodiscard]] const std::map<std::uint64_t, std::uint32_t>& deviceTracks() const { return m_deviceTracks; }

private:
    struct Slot
    {
        std::int64_t pid = 0, tid = 0;
        std::uint64_t generation = 0; ///< of m_generation when it was filled
        bool isThread = false;        ///< is among m_threads
        Track track;
    };
    Slot& slotOf(const TraceEvent& event);
    std::uint32_t textIdOf(std::string_view text);
    [[nodiscard]] Track describe(std::uint64_t globalTid);
    [[nodiscard]] std::string_view nameOf(std::uint64_t key, std::map<std::uint64_t, std::string> TrackNames::*kind) const;

    TrackIds& m_ids;
    const TrackNames& m_known;
    TrackNames m_names;
    std::array<Slot, 256> m_slots;                            ///< the tracks of numbers met last
    std::uint64_t m_generation = 1;                           ///< a new name makes all slots stale
    Slot m_textSlot;                                          ///< the last track that is not two numbers
    std::unordered_map<std::string, std::uint32_t> m_textIds; ///< as m_ids has them, without its lock
    std::unordered_set<std::uint64_t> m_threads;
    std::map<std::uint64_t, std::uint32_t> m_deviceTracks;
};

/// The number in the name of a GPU's process: "GPU 3", "/device:GPU:0". Absent: the name is not one.
[[nodiscard]] std::optional<std::uint32_t> deviceInName(std::string_view processName);

} // namespace gantry::importing
