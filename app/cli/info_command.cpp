#include "app/cli/commands.h"
#include "app/cli/counter_summary.h"
#include "app/cli/open_report.h"
#include "app/cli/report_json.h"
#include "app/cli/text_table.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace gantry::cli {
namespace {

constexpr int kNameWidth = 18; ///< of the summary's lines

/// Notes that say the same are one, with how often; the lines of one stand below each other.
void sayNotes(const std::vector<std::string>& notes)
{
    std::vector<std::pair<std::string_view, std::size_t>> folded;
    for (const std::string& note : notes) {
        const auto known = std::find_if(folded.begin(), folded.end(), [&](const auto& each) { return each.first == note; });
        if (known == folded.end())
            folded.emplace_back(note, 1);
        else
            ++known->second;
    }
    for (auto [note, count] : folded) {
        while (note.ends_with('\n') || note.ends_with('\r'))
            note.remove_suffix(1);
        std::string_view name = "note";
        while (true) {
            const std::size_t end = note.find('\n');
            const bool isLast = end == std::string_view::npos;
            std::string_view line = note.substr(0, end);
            while (line.ends_with('\r') || line.ends_with(' '))
                line.remove_suffix(1);
            say("{:<{}}{}{}\n", name, kNameWidth, line, isLast && count > 1 ? fmt::format(" (×{})", count) : std::string());
            if (isLast)
                break;
            note.remove_prefix(end + 1);
            name = "";
        }
    }
}

/// The recipe that a report was made by, and what its load measured.
void sayRecipe(const trace::Trace& trace)
{
    const auto name = trace.meta.settings.find(report::meta::kRecipeName);
    if (name == trace.meta.settings.end())
        return;
    say("{:<{}}{} (`gantryctl recipe show` gives it back)\n", "recipe", kNameWidth, name->second);
    const nlohmann::json load = recipeLoad(trace);
    if (!load.is_object() || !load.contains("levels"))
        return;
    for (const nlohmann::json& level : load["levels"]) {
        const auto number = [&](const char* key) {
            const auto value = level.is_object() ? level.find(key) : level.end();
            return value != level.end() && value->is_number() ? std::optional(value->get<double>()) : std::nullopt;
        };
        const auto latency = [&](const char* key) {
            return number(key) ? formatDuration(static_cast<DurationNs>(*number(key))) : std::string("none");
        };
        const auto rate = number("request_rate");
        say("{:<{}}{} {:g}: {:.1f} req/s · p50 {} · p99 {}{}\n", "load", kNameWidth, rate ? "request rate" : "concurrency",
            rate ? *rate : number("concurrency").value_or(0), number("requests_per_second").value_or(0), latency("latency_p50_ns"),
            latency("latency_p99_ns"), load.value("partial", false) ? " · interrupted" : "");
    }
}

/// What was read of each file, on which clock, and what was not: `name rows used`, and the reasons below.
void sayImports(const trace::Trace& trace)
{
    for (const importing::ImportReport& file : trace.imports) {
        say("\n{} · {} · {}\n{}\n", file.file, file.format, formatBytes(file.fileBytes), importing::clockText(file));
        if (!file.time.isEmpty())
            say("Events from {} to {} of the report, {} in all.\n", formatDuration(file.time.start - trace.time.start),
                formatDuration(file.time.end - trace.time.start), formatDuration(file.time.duration()));
        for (const importing::TableTally& table : file.tables) {
            say("  {:<40} {:>10} of {} used\n", table.name, table.kept, table.rows);
            for (const importing::SkippedRows& skipped : table.skipped)
                say("  {:<40} {:>10} {}\n", "", skipped.count, skipped.reason);
            for (const importing::SkippedRows& reduced : table.reduced)
                say("  {:<40} {:>10} used {}\n", "", reduced.count, reduced.reason);
        }
    }
}

int info(const CommonOptions& common, const trace::Trace& trace)
{
    if (common.json) {
        print(infoJson(trace));
        return 0;
    }
    sayLines(text(summarise(trace)));
    sayRecipe(trace);
    sayNotes(trace.meta.warnings);
    sayImports(trace);
    for (const importing::SummaryTable& table : trace.summaries) {
        say("\n{}\n", table.name);
        sayLines(alignedTable(table.columns, table.rows));
    }
    if (trace.meta.format == "iteration-log")
        sayLines("\n" + text(counterSummaries(trace)));
    return 0;
}

} // namespace

void addInfoCommand(CLI::App& reportCommands, CommonOptions& common, Action& action)
{
    auto files = std::make_shared<ReportFiles>();
    auto* informing = reportCommands.add_subcommand("info", "What a report holds, what of it was read, and what not");
    addReportFiles(*informing, *files);
    informing->callback([&, files] {
        action = [&, files] { return withReport(*files, common, [&](const trace::Trace& trace) { return info(common, trace); }); };
    });
}

} // namespace gantry::cli
