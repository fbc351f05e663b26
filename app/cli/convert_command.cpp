#include "app/cli/commands.h"
#include "app/cli/open_report.h"
#include "trace_model/exporting/export_format.h"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <stop_token>
#include <unistd.h>
#include <vector>

namespace gantry::cli {
namespace {

struct ConvertOptions
{
    ReportFiles files;
    std::string format, table, output;
    bool force = false;

    [[nodiscard]] bool isToStandardOutput() const { return output == "-"; }
};

/// Why the options cannot be meant.
std::optional<std::string> objectionTo(const CommonOptions& common, const ConvertOptions& options, exporting::ExportFormat format)
{
    if (format == exporting::ExportFormat::Csv && options.table.empty())
        return "CSV holds one table: name it with --table, for instance --table kernels";
    if (format != exporting::ExportFormat::Csv && !options.table.empty())
        return "--table is for --to csv: the other formats hold all tables";
    if (options.isToStandardOutput() && format == exporting::ExportFormat::NsysSqlite)
        return "SQLite writes its file here and there, which a pipe cannot take: name a file with -o";
    if (options.isToStandardOutput() && common.json)
        return "-o - and --json both want the standard output: name a file with -o";
    return std::nullopt;
}

/// Tells what was written, and what of the report was not: on standard error where the export itself is on standard output.
void tell(const CommonOptions& common, const ConvertOptions& options, const std::vector<std::string_view>& notKept)
{
    std::error_code ignored;
    const std::uint64_t bytes = options.isToStandardOutput() ? 0 : std::filesystem::file_size(options.output, ignored);
    if (common.json) {
        print({{"file", options.output}, {"format", options.format}, {"bytes", bytes}, {"not_kept", notKept}});
        return;
    }
    if (!options.isToStandardOutput())
        say("{} · {}\n", options.output, formatBytes(bytes));
    for (const std::string_view limit : notKept)
        sayTo(options.isToStandardOutput() ? stderr : stdout, "{:<18}it does not hold {}\n", "note", limit);
}

int write(const CommonOptions& common, const ConvertOptions& options, exporting::ExportFormat format, const trace::Trace& trace)
{
    std::stop_source giveUp;
    const InterruptScope interrupts(common.interrupts, [&](int) { giveUp.request_stop(); });
    const auto written = [&] {
        ProgressLine progress(true);
        exporting::ExportOptions exportOptions;
        exportOptions.table = options.table;
        exportOptions.progress = [&](double fraction) { progress.show(fmt::format("{:>3.0f} % writing", fraction * 100)); };
        exportOptions.stop = giveUp.get_token();
        if (options.isToStandardOutput())
            exportOptions.descriptor = STDOUT_FILENO;
        return exporting::exportTrace(trace, format, options.output, exportOptions);
    }();
    if (!written && written.error().code == ErrorCode::BadInput) // not the file: there is no such table
        return reportUsage(written.error().message, common);
    if (!written)
        return report(written.error(), common);
    tell(common, options, exporting::notKept(trace, format));
    return 0;
}

int convert(const CommonOptions& common, const ConvertOptions& options)
{
    const auto format = exporting::formatFromName(options.format);
    if (!format)
        return reportUsage("'" + options.format + "' is no format to convert to: use chrome, csv or sqlite", common);
    if (const auto objection = objectionTo(common, options, *format))
        return reportUsage(*objection, common);
    const std::vector<std::filesystem::path> sources(options.files.paths.begin(), options.files.paths.end());
    if (!options.isToStandardOutput()) {
        const auto target = exporting::checkTarget(options.output, *format, sources,
                                                   options.force ? exporting::ExistingFile::Replace : exporting::ExistingFile::Keep);
        if (!target && target.error().code == ErrorCode::BadInput)
            return reportUsage(target.error().message, common);
        if (!target)
            return report(target.error(), common);
    }
    return withReport(options.files, common, [&](const trace::Trace& trace) { return write(common, options, *format, trace); });
}

} // namespace

void addConvertCommand(CLI::App& reportCommands, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<ConvertOptions>();
    auto* converting = reportCommands.add_subcommand("convert", "Write a report file in another format");
    addReportFiles(*converting, options->files);
    converting
        ->add_option("--to", options->format,
                     "chrome (trace events for Perfetto), csv (one table) or sqlite (a report in the Nsight Systems schema)")
        ->required();
    converting->add_option("--table", options->table,
                           "of csv: kernels, memcpys, api_calls, nvtx_ranges, requests, counters, kernel_summary, ...");
    converting
        ->add_option("-o,--output", options->output, "file to write; .gz at its end compresses chrome and csv; - is the standard output")
        ->required();
    converting->add_flag("--force", options->force, "replace the file to write where there is one");
    converting->footer("  gantryctl report convert slow.gantry --to chrome -o slow.json.gz\n"
                       "  gantryctl report convert slow.gantry --to csv --table kernels -o kernels.csv\n"
                       "Times count from the start of the report, as on the timeline's ruler: from when recording began where the file\n"
                       "tells it, and from the earliest event where it does not. Those of sqlite stay what they are.\n"
                       "What the format cannot hold of the report is printed, with --json as \"not_kept\".");
    converting->callback([&, options] { action = [&, options] { return convert(common, *options); }; });
}

} // namespace gantry::cli
