#pragma once

#include "trace_model/analysis/aligned_windows.h"
#include "trace_model/analysis/circumstances.h"
#include "trace_model/analysis/comparison_subjects.h"
#include "trace_model/analysis/comparison_verdict.h"
#include "trace_model/analysis/latency_waterfall.h"
#include "trace_model/analysis/leading_changes.h"
#include "trace_model/analysis/row_statistics.h"
#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::analysis {

/// A difference has to be told from chance with this probability of a false alarm, among all rows of a comparison together.
inline constexpr double kAlpha = 0.05;
/// The verdict and the rows are asked beside each other: each p-value counts twice, so that both together keep to kAlpha.
inline constexpr double kQuestions = 2;
/// Differences of a share below this are not worth a word, however sure: two starts of one server differ by as much.
inline constexpr double kNegligible = 0.02;

/// One line of a comparison: the same thing in A and in B. An absent side is absent (a kernel that only one of them has).
struct ComparisonRow
{
    std::string name;
    std::optional<double> a, b; ///< `statistic` of each side, in `unit`
    std::string unit;           ///< "ns", "req", "1/s", "ratio", …
    std::optional<std::size_t> countA, countB;

    RowKind kind = RowKind::Latency;
    std::string model;   ///< whose it is; empty: of none
    std::string subject; ///< what it is a statistic of: "latency", "queue", the kernel
    Statistic statistic = Statistic::Mean;
    RowStatistics statistics; ///< of both sides, with the change of each statistic
    std::optional<double>
        correctedP; ///< p-value of the change of `statistic`, corrected for the number of rows; absent: too little to tell

    [[nodiscard]] std::optional<double> difference() const;  ///< b - a
    [[nodiscard]] std::optional<double> ratio() const;       ///< b / a; absent when a is 0
    [[nodiscard]] const std::optional<StatisticChange>& change() const { return statistics[statistic]; }
    /// Told from chance, and large enough to matter.
    [[nodiscard]] bool isChanged() const;
    /// "better", "worse", "changed", "no significant change", "only in A", "only in B", "in neither",
    /// "too little to tell".
    [[nodiscard]] std::string_view judgement() const;
    /// Whether less of it is better (true: times), worse (false: throughput), or neither (absent: batch sizes, metrics).
    [[nodiscard]] std::optional<bool> isLessBetter() const;
};

struct Comparison
{
    std::vector<ComparisonRow> summary; ///< req/s, latency p50/p99 (of each model where there are several), average batch
    std::vector<ComparisonRow> phases;  ///< p50 and p99 of each phase, likewise
    std::vector<ComparisonRow> executions; ///< mean length of an execution
    std::vector<ComparisonRow> gpu;        ///< how busy it was, streams at once, idle gaps
    std::vector<ComparisonRow> streams;    ///< of each role: busy for a request, or which share of the time where there are none
    std::vector<ComparisonRow> kernels; ///< mean time of a call by kernel; first what costs or saves most over all calls
    std::vector<ComparisonRow> memcpys; ///< mean time of a copy by direction and memory kind
    std::vector<ComparisonRow> apiCalls, nvtxRanges; ///< mean time of each
    std::vector<ComparisonRow> metrics;              ///< mean
    std::optional<AlignedWindows> aligned;           ///< what of both was compared; absent: all
    std::size_t rowsTested = 0;                      ///< that the p-values are corrected for, of all windows that are compared at once
    std::vector<CircumstanceChange> circumstances;   ///< what differs in what was set or given
    std::optional<LatencyWaterfall> waterfall;       ///< of the model that the verdict is about; absent: none is on both sides
    ComparisonVerdict verdict;
    std::vector<LeadingChange> leading;              ///< what explains it, the likeliest first
    std::vector<std::string> limits;                 ///< what can and what cannot be concluded, a sentence each

    /// All rows, section by section, as they are shown.
    [[nodiscard]] std::vector<const ComparisonRow*> rows() const;
};

/// How a comparison is made, and who may end it.
struct ComparisonOptions
{
    std::stop_token stop; ///< looked at at least every 100 ms of work
    /// Called by one thread at a time, with the fraction done (0..1) and the phase ("kernels, copies and calls"). May be empty.
    std::function<void(double fraction, std::string_view phase)> progress;
    /// What is compared is cut to the part that both have from there on. Absent: all of both.
    std::optional<WindowAlignment> alignment;
};

/// Compares two traces. The same two always give the same answer. Any thread; about 0.3 µs an event. p-values are corrected by Holm's
/// method. Errors: Cancelled; those of alignedWindows().
[[nodiscard]] Result<Comparison> compare(const trace::Trace& a, const trace::Trace& b, const ComparisonOptions& options);
/// The same, that nobody ends.
[[nodiscard]] Comparison compare(const trace::Trace& a, const trace::Trace& b);

/// Compares each of `others` with `first`, which is A of all of them. p-values of rows and verdicts are corrected for all of them together:
/// the probability of a false alarm among all is that of one. Errors: as of compare().
[[nodiscard]] Result<std::vector<Comparison>> compareEach(const trace::Trace& first, std::span<const trace::Trace* const> others,
                                                          const ComparisonOptions& options);

} // namespace gantry::analysis
