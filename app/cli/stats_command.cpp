#include "app/cli/commands.h"
#include "app/cli/counter_summary.h"
#include "app/cli/open_report.h"
#include "app/cli/report_json.h"
#include "trace_model/analysis/event_filter.h"
#include "trace_model/analysis/filtered_events.h"
#include "trace_model/analysis/kernel_stats.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <functional>
#include <memory>
#include <optional>

namespace gantry::cli {
namespace {

constexpr std::size_t kUsualLimit = 50;

struct StatsOptions
{
    ReportFiles files;
    std::string by = "kernel", names = "short", where;
    std::optional<std::size_t> limit; ///< 0: all; absent: kUsualLimit of text, all of JSON
};

/// A word of --by, and what makes its rows.
struct Grouping
{
    std::string_view word;
    std::vector<analysis::ActivityRow> (*rows)(const trace::Trace&);
    bool hasBytes = false;
};

template <analysis::GroupBy by>
std::vector<analysis::ActivityRow> rowsBy(const trace::Trace& trace)
{
    return analysis::activityTable(trace, by);
}

constexpr Grouping kGroupings[] = {
    {"kernel", rowsBy<analysis::GroupBy::Kernel>},
    {"memcpy", rowsBy<analysis::GroupBy::Memcpy>, true},
    {"graph", [](const trace::Trace& trace) { return analysis::graphTable(trace); }},
    {"api", rowsBy<analysis::GroupBy::Api>},
    {"nvtx", rowsBy<analysis::GroupBy::Nvtx>},
    {"stream", rowsBy<analysis::GroupBy::Stream>, true},
    {"phase", rowsBy<analysis::GroupBy::Phase>},
    {"library", rowsBy<analysis::GroupBy::Library>},
    {"os", rowsBy<analysis::GroupBy::Os>},
    {"synchronization", rowsBy<analysis::GroupBy::Synchronization>},
};
constexpr std::string_view kByCounter = "counter";

/// The groupings that would give rows.
std::vector<std::string_view> possibleGroupings(const trace::Trace& trace)
{
    std::vector<std::string_view> words;
    for (const Grouping& grouping : kGroupings)
        if (!grouping.rows(trace).empty())
            words.push_back(grouping.word);
    if (!counterSummaries(trace).empty())
        words.push_back(kByCounter);
    return words;
}

void sayNothing(const trace::Trace& trace, const std::string& by)
{
    const std::vector<std::string_view> others = possibleGroupings(trace);
    if (others.empty())
        say("this report has nothing to group by {}\n", by);
    else
        say("this report has nothing to group by {}; it has something by {}\n", by, fmt::format("{}", fmt::join(others, ", ")));
}

void sayRows(const std::vector<analysis::ActivityRow>& rows, std::size_t limit)
{
    say("{:>7} {:>12} {:>9} {:>12} {:>12} {:>12} {:>12} {:>12}  {}\n", "share", "total", "count", "min", "p50", "p95", "p99", "max",
        "name");
    for (std::size_t i = 0; i < std::min(limit, rows.size()); ++i) {
        const analysis::Distribution& d = rows[i].duration;
        say("{:>6.1f}% {:>12} {:>9} {:>12} {:>12} {:>12} {:>12} {:>12}  {}\n", rows[i].share * 100, formatDuration(d.total), d.count,
            formatDuration(d.min), formatDuration(d.p50), formatDuration(d.p95), formatDuration(d.p99), formatDuration(d.max),
            rows[i].title());
    }
    if (rows.size() > limit)
        say("{} more, of {} in all: --limit 0 shows them\n", rows.size() - limit, rows.size());
}

int countersOf(const CommonOptions& common, const trace::Trace& trace)
{
    const std::vector<CounterSummary> counters = counterSummaries(trace);
    if (common.json)
        print(toJson(counters));
    else if (counters.empty())
        sayNothing(trace, std::string(kByCounter));
    else
        sayLines(text(counters));
    return 0;
}

int stats(const CommonOptions& common, const StatsOptions& options)
{
    const auto filter = analysis::parseEventFilter(options.where);
    if (!filter)
        return reportUsage("--where " + options.where + ": " + filter.error().message, common);
    if (const std::string note = filter->note(); !note.empty())
        sayTo(stderr, "gantryctl: --where: {}\n", note);
    const auto groupBy = analysis::groupByFromName(options.by);
    if (!filter->terms.empty() && !groupBy)
        return reportUsage("--where works with --by kernel, memcpy, api, nvtx, stream, phase, library, os and synchronization, not with " +
                               options.by,
                           common);
    if (options.by == kByCounter)
        return withReport(options.files, common, [&](const trace::Trace& trace) { return countersOf(common, trace); });
    const auto* const grouping =
        std::find_if(std::begin(kGroupings), std::end(kGroupings), [&](const Grouping& each) { return each.word == options.by; });
    if (grouping == std::end(kGroupings))
        return reportUsage(
            "'" + options.by +
                "' is no grouping: use kernel, memcpy, graph, api, nvtx, stream, phase, library, os, synchronization or counter",
            common);
    if (options.names != "short" && options.names != "full")
        return reportUsage("'" + options.names + "' is no kind of names: use short or full", common);
    return withReport(options.files, common, [&](const trace::Trace& trace) {
        const bool isFull = options.by == "kernel" && options.names == "full";
        std::optional<analysis::RowsByKind> only;
        if (!filter->terms.empty())
            if (auto found = analysis::filteredRows(trace, *filter))
                only = std::move(*found);
        auto rows =
            only ? analysis::activityTable(trace, *groupBy, {}, isFull ? analysis::KernelNames::Full : analysis::KernelNames::Short, &*only)
            : isFull ? analysis::activityTable(trace, analysis::GroupBy::Kernel, {}, analysis::KernelNames::Full)
                     : grouping->rows(trace);
        const std::size_t limit = options.limit.value_or(common.json ? 0 : kUsualLimit);
        if (common.json) {
            nlohmann::json document = nlohmann::json::array();
            for (std::size_t i = 0; i < rows.size() && (limit == 0 || i < limit); ++i)
                document.push_back(toJson(rows[i], grouping->hasBytes));
            print(document);
        } else if (rows.empty() && only) {
            say("no event to group by {} meets '{}'\n", options.by, options.where);
        } else if (rows.empty()) {
            sayNothing(trace, options.by);
        } else {
            sayRows(rows, limit == 0 ? rows.size() : limit);
        }
        return 0;
    });
}

} // namespace

void addStatsCommand(CLI::App& reportCommands, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<StatsOptions>();
    auto* counting = reportCommands.add_subcommand("stats", "Where the time went in report files");
    addReportFiles(*counting, options->files);
    counting->add_option("--by", options->by, "kernel, memcpy, graph, api, nvtx, stream, phase, library, os, synchronization or counter")
        ->capture_default_str();
    counting->add_option("--names", options->names, "of kernels: short (the function) or full (with template arguments)")
        ->capture_default_str();
    counting->add_option("--where", options->where, "only events that meet a filter: 'gemm dur>50us stream=7 model=bert'");
    counting->add_option("--limit", options->limit, "rows to show, those of the most time; 0: all (default: 50, with --json all)");
    counting->callback([&, options] { action = [&, options] { return stats(common, *options); }; });
}

} // namespace gantry::cli
