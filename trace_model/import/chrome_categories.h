#pragma once

#include "trace_model/import/event_sink.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace gantry::importing {

/// What the category of an event says about it; PyTorch's categories of today and of 2020 to 2022.
enum class CategoryKind : std::uint8_t
{
    Other, ///< of any other program, or none
    Kernel,
    Memcpy,
    Memset,
    Synchronization,
    CudaEvent,
    RuntimeCall,
    DriverCall,
    LegacyCall,
    LibraryCall,
    OsCall,
    GraphLaunch,
    Overhead,
    GpuAnnotation,
    HostRange,
    Memory,
    Trace,
    Shown, ///< slices that Gantry writes for other viewers: what they are of it has from GantryRecords
};

/// The category that stands for the default domain of NVTX, and what precedes a domain whose name is that of another category.
inline constexpr std::string_view kNvtxCategory = "nvtx", kNvtxPrefix = "nvtx:";

[[nodiscard]] CategoryKind categoryKind(std::string_view category);
/// Whether only PyTorch's profiler writes this category.
[[nodiscard]] bool isKineto(CategoryKind kind);

/// Why an event became nothing.
enum class SkipReason : std::uint8_t
{
    NoTime,
    TimeOutOfRange,
    NoDuration,
    NegativeDuration,
    AsyncStep,
    EndWithoutBegin,
    EndBeforeBegin,
    NoValue,
    NoGpuRow,
    NegativeNumber,
    Arrow,
    CutOff,
    NotJson,
    NotAnObject,
    Metadata,
    Count
};
[[nodiscard]] std::string_view sentence(SkipReason reason);

/// What stands in the args of events and is not kept.
struct OtherArgs
{
    std::uint64_t events = 0;       ///< that have some
    std::vector<std::string> names; ///< of the first of them, in their order

    /// Bounded: names that are made up event by event stay harmless.
    void addName(std::string_view name);

private:
    std::size_t m_next = 0; ///< events have theirs in one order: the one that is likely to come
};

/// A category of one part of a file, with what became of its events.
struct EventCategory
{
    std::string name; ///< as written; empty: events without one
    CategoryKind kind = CategoryKind::Other;
    TextId domain = 0;
    std::uint64_t kept = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(SkipReason::Count)> skipped{};

    OtherArgs otherArgs;
    std::uint64_t samples = 0; ///< of kept: became samples of counters of memory

    std::map<char, std::uint64_t> unknownPhases; ///< events of kinds that are not read, by "ph"; '?': longer than a letter

    void skip(SkipReason reason, std::uint64_t count = 1) { skipped[static_cast<std::size_t>(reason)] += count; }
};

/// How many categories are told apart, and the name of all further ones together.
inline constexpr std::size_t kMaxCategories = 256;
inline constexpr std::string_view kFurtherCategories = "(further categories)";

/// The categories met so far. One thread.
class EventCategories
{
public:
    explicit EventCategories(EventSink& sink) : m_sink(sink) {}

    /// The index of a category. Past a bound all further ones share one, so that names made up event by event stay harmless.
    [[nodiscard]] std::size_t indexOf(std::string_view name);
    [[nodiscard]] EventCategory& at(std::size_t index) { return m_categories[index]; }
    [[nodiscard]] const std::vector<EventCategory>& all() const { return m_categories; }

private:
    EventSink& m_sink;
    std::vector<EventCategory> m_categories;
    std::unordered_map<std::string, std::size_t> m_index;
};

} // namespace gantry::importing
