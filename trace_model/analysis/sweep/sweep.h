#pragma once

#include "trace_model/analysis/circumstances.h"
#include "trace_model/base/time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Measurements of one server under different settings and loads, as points beside each other: a table, and throughput against latency.
namespace gantry::sweep {

/// What is measured of a point. Times are ns, shares 0..1, memory bytes.
enum class Figure : std::uint8_t
{
    Throughput, ///< inferences a second that succeeded; of a report without a load, requests a second
    Requests,   ///< that latencies are of
    P50,
    P90,
    P95,
    P99,
    AverageBatch, ///< requests of an execution
    GpuBusy,      ///< share of the time in which a GPU had work
    GpuMemory,    ///< the most that was in use
    Failures,     ///< requests that failed
    Dropped,      ///< records that its trace lacks
};
inline constexpr std::size_t kFigureCount = 11;

struct FigureWords
{
    std::string_view key;   ///< in JSON and CSV, with its unit: "latency_p99_ns"
    std::string_view title; ///< of a column: "p99"
    std::string_view unit;  ///< "ns", "infer/s", "ratio", "bytes", "req"; empty: a count
};
[[nodiscard]] const FigureWords& wordsOf(Figure figure);
/// As a person reads it: "1.234 ms", "812.4 /s".
[[nodiscard]] std::string figureText(Figure figure, double value);

/// Absent is not 0.
struct Figures
{
    std::array<std::optional<double>, kFigureCount> value{};

    [[nodiscard]] std::optional<double>& operator[](Figure figure) { return value[static_cast<std::size_t>(figure)]; }
    [[nodiscard]] const std::optional<double>& operator[](Figure figure) const { return value[static_cast<std::size_t>(figure)]; }
};

/// Something that was set for a point.
struct Parameter
{
    std::string name, value;
    /// Of a circumstance that its report holds, which kind; absent: who measured said so.
    std::optional<analysis::CircumstanceChange::Of> circumstance = {};
};

/// Who took the times: a client's hold the network and the waiting before a late request too.
enum class MeasuredBy : std::uint8_t
{
    Unknown,
    Client,
    Server
};

/// One measurement.
struct Point
{
    std::string name; ///< empty until arranged(): what tells it from the others
    bool isNamedByParameters = false;
    std::vector<Parameter> parameters;
    Figures figures;
    std::vector<std::string> notes; ///< on how it was measured, part of a sentence each: "the load was interrupted"
    std::string whyNoP99;           ///< part of a sentence, where there are latencies and no p99
    MeasuredBy measuredBy = MeasuredBy::Unknown;
    std::filesystem::path file;                              ///< that it was read from
    std::filesystem::path trace;                             ///< report to open; empty: there is none
    std::string error;                                       ///< why nothing was measured; empty: something was
    std::vector<std::pair<std::string, std::string>> others; ///< columns of a table that mean nothing here, as they are

    [[nodiscard]] const std::string* parameter(std::string_view name) const;
};

/// Points in order and what is to be said of them. Immutable once made; any thread.
struct Sweep
{
    std::vector<Point> points;                  ///< the highest throughput first; those without one last
    std::vector<std::string> parameters;        ///< names of those that tell points apart: the columns
    std::vector<std::string> others;            ///< names of Point::others
    std::vector<std::size_t> front;             ///< points that no other one beats in throughput and p99 at once, by rising throughput
    std::vector<std::vector<std::size_t>> ties; ///< points with the same throughput and p99, where there are several
    std::vector<std::string> limits;            ///< what cannot be concluded, a sentence each

    [[nodiscard]] bool isOnFront(std::size_t point) const;
};

/// The fewest requests that a p99 is claimed of: one of them lies beyond it.
inline constexpr double kFewestForP99 = 100;

/// Puts points in order: takes the p99 of too few requests away, finds which parameters differ, the front and ties, and names what has no
/// name. A circumstance that tells the same points apart as what was said of them is no column.
[[nodiscard]] Sweep arranged(std::vector<Point> points);

/// What is to be known of a point beside its figures, part of a sentence each: "3 requests failed".
[[nodiscard]] std::vector<std::string> remarksOn(const Sweep& sweep, std::size_t point);

} // namespace gantry::sweep
