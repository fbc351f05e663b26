#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// Rows of a source that became no event, and why.
struct SkippedRows
{
    std::string reason; ///< "end before start", "no such event kind: \"N\""
    std::uint64_t count = 0;
};

/// What became of one table of a source: a SQLite table, or a category of a trace's events ("kernel", "cpu_op").
struct TableTally
{
    std::string name;
    std::uint64_t rows = 0; ///< met
    std::uint64_t kept = 0; ///< became events, samples, names or links; never more than `rows`
    std::vector<SkippedRows> skipped;

    /// Counts `count` rows as met and not used. Few reasons: they are compared one by one.
    void skip(std::string_view reason, std::uint64_t count = 1);
    /// Counts rows as met and used.
    void keep(std::uint64_t count = 1);
    void merge(const TableTally& other);
};

/// How the times of one of several files were put on the first one's clock.
enum class Alignment : std::uint8_t
{
    Alone,          ///< of one file, or the first one: nothing to align
    ByHand,         ///< by an offset that the user gave
    WallClock,      ///< both files know it
    MonotonicClock, ///< both files know that of their machine
    None,           ///< no clock that both know: by their starts, which may have nothing to do with each other
};

/// Stable lower-case name: "alone", "by hand", "wall clock", "monotonic clock", "not aligned".
[[nodiscard]] std::string_view name(Alignment alignment);

/// What was read of one file, kept with the trace and shown.
struct ImportReport
{
    std::string file;     ///< its name, without folders
    std::string format;   ///< "Nsight Systems SQLite export", "Chrome trace (Kineto)"
    std::string producer; ///< "PyTorch (Kineto)"; empty: the file does not say
    std::uint64_t fileBytes = 0;
    std::vector<TableTally> tables;
    std::string clock;    ///< a sentence: what the file's times count from, and what they were aligned by
    TimeRange time;       ///< of the events, session time
    DurationNs offset = 0; ///< that was added to the file's own times
    Alignment alignment = Alignment::Alone;

    /// The tally of a table, made when it is not there yet.
    [[nodiscard]] TableTally& table(std::string_view name);
};

} // namespace gantry::importing
