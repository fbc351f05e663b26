#include "trace_model/exporting/export_format.h"

#include "trace_model/exporting/chrome_json.h"
#include "trace_model/exporting/csv.h"
#include "trace_model/exporting/nsys_sqlite.h"

namespace gantry::exporting {

std::optional<ExportFormat> formatFromName(std::string_view word)
{
    if (word == "chrome")
        return ExportFormat::ChromeJson;
    if (word == "csv")
        return ExportFormat::Csv;
    if (word == "sqlite")
        return ExportFormat::NsysSqlite;
    return std::nullopt;
}

Result<void> exportTrace(const trace::Trace& trace, ExportFormat format, const std::filesystem::path& path, const ExportOptions& options)
{
    const auto write = [&] {
        switch (format) {
        case ExportFormat::ChromeJson: return writeChromeJson(trace, path, options);
        case ExportFormat::Csv: return writeCsv(trace, path, options);
        case ExportFormat::NsysSqlite: break;
        }
        return writeNsysSqlite(trace, path, options);
    };
    return write().context("writing " + path.filename().string());
}

std::span<const FormatLimit> limitsOf(ExportFormat format)
{
    switch (format) {
    case ExportFormat::ChromeJson: return chromeJsonLimits();
    case ExportFormat::Csv: return csvLimits();
    case ExportFormat::NsysSqlite: break;
    }
    return nsysSqliteLimits();
}

std::vector<std::string_view> notKept(const trace::Trace& trace, ExportFormat format)
{
    std::vector<std::string_view> sentences;
    for (const FormatLimit& limit : limitsOf(format))
        if (limit.concerns(trace))
            sentences.push_back(limit.what);
    return sentences;
}

} // namespace gantry::exporting
