#include "app/cli/commands.h"
#include "trace_model/exporting/export_format.h"
#include "trace_model/trace/trace_loader.h"

#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <stop_token>

namespace gantry::cli {
namespace {

struct ConvertOptions
{
    std::string file, format, table, output;
};

/// Why the options cannot be meant.
std::optional<std::string> objectionTo(const ConvertOptions& options, exporting::ExportFormat format)
{
    std::error_code ignored;
    if (std::filesystem::equivalent(options.file, options.output, ignored))
        return "the file to write is the one to read: name another";
    if (format == exporting::ExportFormat::Csv && options.table.empty())
        return "CSV holds one table: name it with --table, for instance --table kernels";
    if (format != exporting::ExportFormat::Csv && !options.table.empty())
        return "--table is for --to csv: the other formats hold all tables";
    return std::nullopt;
}

int convert(const CommonOptions& common, const ConvertOptions& options)
{
    const auto format = exporting::formatFromName(options.format);
    if (!format)
        return reportUsage("'" + options.format + "' is no format to convert to: use chrome, csv or sqlite", common);
    if (const auto objection = objectionTo(options, *format))
        return reportUsage(*objection, common);

    std::stop_source giveUp;
    const InterruptScope interrupts(common.interrupts, [&](int) { giveUp.request_stop(); });
    std::vector<std::string_view> notKept;
    bool isRead = false;
    const auto written = [&]() -> Result<void> {
        ProgressLine progress(true);
        const auto show = [&](const char* doing, double fraction) {
            progress.show(fmt::format("{:<12}{:.0f} %", doing, fraction * 100));
        };
        GANTRY_TRY(const auto trace, trace::loadTrace(options.file, [&](double fraction, std::string_view) { show("reading", fraction); }, giveUp.get_token()));
        isRead = true;
        notKept = exporting::notKept(*trace, *format);
        exporting::ExportOptions exportOptions;
        exportOptions.table = options.table;
        exportOptions.progress = [&](double fraction) { show("writing", fraction); };
        exportOptions.stop = giveUp.get_token();
        return exporting::exportTrace(*trace, *format, options.output, exportOptions);
    }();
    if (!written && isRead && written.error().code == ErrorCode::BadInput) // not the file: there is no such table
        return reportUsage(written.error().message, common);
    if (!written)
        return report(written.error(), common);
    std::error_code ignored;
    const std::uint64_t bytes = std::filesystem::file_size(options.output, ignored);
    if (common.json) {
        print({{"file", options.output}, {"format", options.format}, {"bytes", bytes}, {"not_kept", notKept}});
        return 0;
    }
    fmt::print("{} · {}\n", options.output, formatBytes(bytes));
    for (const std::string_view limit : notKept)
        fmt::print("{:<18}it does not hold {}\n", "note", limit);
    return 0;
}

} // namespace

void addConvertCommand(CLI::App& reportCommands, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<ConvertOptions>();
    auto* converting = reportCommands.add_subcommand("convert", "Write a report file in another format");
    converting->add_option("file", options->file, "a file of any format that Gantry opens")->required();
    converting->add_option("--to", options->format, "chrome (trace events for Perfetto), csv (one table) or sqlite (a report in the Nsight Systems schema)")->required();
    converting->add_option("--table", options->table, "of csv: kernels, memcpys, api_calls, nvtx_ranges, requests, counters, kernel_summary, ...");
    converting->add_option("-o,--output", options->output, "file to write; .gz at its end compresses chrome and csv")->required();
    converting->footer("  gantryctl report convert slow.gantry --to chrome -o slow.json.gz\n"
                       "  gantryctl report convert slow.gantry --to csv --table kernels -o kernels.csv\n"
                       "What the format cannot hold of the report is printed, with --json as \"not_kept\".");
    converting->callback([&, options] { action = [&, options] { return convert(common, *options); }; });
}

} // namespace gantry::cli
