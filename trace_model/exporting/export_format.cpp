#include "trace_model/exporting/export_format.h"

#include "trace_model/base/new_file.h"
#include "trace_model/exporting/chrome_json.h"
#include "trace_model/exporting/csv.h"
#include "trace_model/exporting/nsys_sqlite.h"
#include "trace_model/import/file_format.h"
#include "trace_model/import/nsys_export.h"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace gantry::exporting {
namespace {

Result<void> checkName(const std::filesystem::path& path, ExportFormat format)
{
    if (format == ExportFormat::NsysSqlite && (path.extension() == ".gz" || path.extension() == ".zst"))
        return Error{ErrorCode::BadInput, fmt::format("an SQLite report is not compressed: name it {}", path.stem().string()), {}};
    return {};
}

bool isSameFile(const std::filesystem::path& a, const std::filesystem::path& b)
{
    std::error_code unknown;
    return std::filesystem::equivalent(a, b, unknown) && !unknown;
}

} // namespace

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

Result<void> checkIsNoSource(const std::filesystem::path& path, std::span<const std::filesystem::path> sources)
{
    std::error_code unknown;
    if (!std::filesystem::exists(path, unknown))
        return {};
    for (const std::filesystem::path& source : sources) {
        if (isSameFile(source, path))
            return Error{ErrorCode::BadInput, fmt::format("{} is the file that is read: choose another name", path.string()), {}};
        const auto format = importing::recogniseFormat(source);
        if (!format || *format != importing::FileFormat::NsysReport)
            continue;
        if (const auto beside = importing::exportBeside(source); beside && isSameFile(*beside, path))
            return Error{ErrorCode::BadInput,
                         fmt::format("{} is what is read in place of {}: choose another name", path.string(), source.filename().string()),
                         {}};
    }
    return {};
}

Result<void> checkTarget(const std::filesystem::path& path, ExportFormat format, std::span<const std::filesystem::path> sources,
                         ExistingFile existing)
{
    GANTRY_CHECK(checkName(path, format));
    GANTRY_CHECK(checkIsNoSource(path, sources));
    std::error_code unknown;
    if (existing == ExistingFile::Keep && std::filesystem::exists(path, unknown))
        return Error{
            ErrorCode::CannotWrite, fmt::format("there is a file {} already: name another, or replace it with --force", path.string()), {}};
    const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
    if (!std::filesystem::is_directory(folder, unknown))
        return NewFile::writeError(ENOENT, std::filesystem::absolute(path), "write");
    return {};
}

Result<void> exportTrace(const trace::Trace& trace, ExportFormat format, const std::filesystem::path& path, const ExportOptions& options)
{
    GANTRY_CHECK(checkName(path, format));
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

bool isReadInPart(const trace::Trace& trace)
{
    for (const importing::ImportReport& file : trace.imports)
        for (const importing::TableTally& table : file.tables)
            if (!table.reduced.empty())
                return true;
    return false;
}

std::vector<std::string_view> notKept(const trace::Trace& trace, ExportFormat format)
{
    std::vector<std::string_view> sentences;
    for (const FormatLimit& limit : limitsOf(format))
        if (limit.concerns(trace))
            sentences.push_back(limit.what);
    if (isReadInPart(trace))
        sentences.push_back(kNotRead);
    return sentences;
}

} // namespace gantry::exporting
