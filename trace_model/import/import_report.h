#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// Rows of a source that became no event, or of which something was left out, and why.
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
    std::vector<SkippedRows> reduced; ///< of the rows that were kept, those of which something was not: "without their names"

    /// Counts `count` rows as met and not used. Few reasons: they are compared one by one.
    void skip(std::string_view reason, std::uint64_t count = 1);
    /// Counts rows as met and used.
    void keep(std::uint64_t count = 1);
    /// Counts rows that are kept, by keep(), as used but in part.
    void reduce(std::string_view reason, std::uint64_t count = 1);
    void merge(const TableTally& other);
};

/// How a file's times were put on the clock of the first one.
enum class Alignment : std::uint8_t
{
    First,          ///< it is the first one
    ByHand,
    WallClock,      ///< that both files know
    MonotonicClock, ///< of one machine, that both files know
    Starts,         ///< they share no clock: their first events are put together, which is a guess
    LocalTime,      ///< a wall clock whose zone at least one of the files does not say
    SharedClock,    ///< that who started the recordings on several nodes measured them against
};

/// What was read of one file, kept with the trace and shown.
struct ImportReport
{
    std::string file;     ///< its name, without folders
    std::string format;   ///< "Nsight Systems SQLite export", "Chrome trace (Kineto)"
    std::string producer; ///< "PyTorch (Kineto)"; empty: the file does not say
    std::uint64_t fileBytes = 0;
    std::vector<TableTally> tables;
    std::string clock;    ///< a sentence: what the file's times count from
    Alignment alignment = Alignment::First;
    DurationNs offset = 0; ///< that was added to its times
    std::optional<DurationNs> zone; ///< of LocalTime: ahead of UTC by this, as taken; absent: the zone of neither is known, taken to be one
    std::optional<DurationNs> alignmentErrorNs; ///< of SharedClock: its times and those of the first file may be apart by this more or less
    TimeRange time;        ///< of the events, session time

    /// The tally of a table, made when it is not there yet.
    [[nodiscard]] TableTally& table(std::string_view name);
};

/// How a file came to the clock of the first one, as a sentence or two; empty for the first.
[[nodiscard]] std::string alignmentText(const ImportReport& report);

/// What its times count from, and how they came to the clock of the first file, as sentences.
[[nodiscard]] std::string clockText(const ImportReport& report);

} // namespace gantry::importing
