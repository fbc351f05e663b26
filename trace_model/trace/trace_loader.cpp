#include "trace_model/trace/trace_loader.h"

#include "trace_model/base/memory.h"
#include "trace_model/import/chrome_trace.h"
#include "trace_model/import/file_format.h"
#include "trace_model/import/iteration_log.h"
#include "trace_model/import/perf_analyzer_profile.h"
#include "trace_model/import/perf_analyzer_tables.h"
#include "trace_model/import/sqlite_report.h"
#include "trace_model/import/triton_trace.h"
#include "trace_model/report/byte_source.h"
#include "trace_model/trace/trace_builder.h"
#include "trace_model/trace/trace_cache.h"

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace gantry::trace {
namespace {

using importing::FileFormat;

constexpr std::uint64_t kWorthAPreview = std::uint64_t{128} << 20; // bytes of a file that take more than a moment
constexpr std::uint64_t kPreviewBytes = std::uint64_t{24} << 20;
constexpr double kExportShare = 0.8;         // of the time to open what Nsight Systems has to export first
constexpr std::size_t kWorthACache = 50'000; // events that take longer to read than to map

/// Adds what was being done to an error, which names the file once: some readers name it themselves.
template <typename T>
Result<T> opening(const std::filesystem::path& path, Result<T> result)
{
    if (result)
        return result;
    Error error = std::move(result).error();
    std::erase(error.context, path.string());
    error.context.push_back("opening " + path.filename().string());
    return error;
}

/// The part of a progress from `begin` to `end`.
importing::Progress partOf(const importing::Progress& whole, double begin, double end)
{
    if (!whole)
        return {};
    return [whole, begin, end](double fraction, std::string_view stage) { whole(begin + (end - begin) * fraction, stage); };
}

Result<void> readNsysReport(const std::filesystem::path& path, TraceBuilder& builder, const importing::ReadControl& control,
                            const importing::NsysExporter& nsys)
{
    importing::ReadControl exporting = control, reading = control;
    exporting.progress = partOf(control.progress, 0, kExportShare);
    GANTRY_TRY(const importing::ExportedReport exported, importing::exportNsysReport(path, exporting, nsys));
    builder.report().clock = "Read from " + exported.origin() + ".";
    reading.progress = partOf(control.progress, kExportShare, 1);
    return importing::readSqliteReport(exported.path(), builder, reading);
}

Result<void> read(const std::filesystem::path& path, FileFormat format, TraceBuilder& builder, const importing::ReadControl& control,
                  const importing::NsysExporter& nsys)
{
    switch (format) {
    case FileFormat::Sqlite: return importing::readSqliteReport(path, builder, control);
    case FileFormat::ChromeTrace: return importing::readChromeTrace(path, builder, control);
    case FileFormat::TritonTrace: return importing::readTritonTrace(path, builder, control);
    case FileFormat::PerfAnalyzerCsv: return importing::readPerfAnalyzerCsv(path, builder, control);
    case FileFormat::PerfAnalyzerText: return importing::readPerfAnalyzerText(path, builder, control);
    case FileFormat::PerfAnalyzerProfile: return importing::readPerfAnalyzerProfile(path, builder, control);
    case FileFormat::IterationLog: return importing::readIterationLog(path, builder, control);
    case FileFormat::NsysReport:
        return readNsysReport(path, builder, control, nsys);
    }
    return Error{ErrorCode::Internal, "a file of a format that nothing reads", {}};
}

std::uint64_t bytesOf(std::span<const LoadFile> files)
{
    std::uint64_t bytes = 0;
    for (const LoadFile& file : files) {
        std::error_code unknown;
        const std::uintmax_t size = std::filesystem::file_size(file.path, unknown);
        bytes += unknown ? 0 : size;
    }
    return bytes;
}

bool isPacked(const std::filesystem::path& path)
{
    const auto source = report::ByteSource::open(path);
    return source && (*source)->packing() != report::Packing::None;
}

/// Bytes of files as their columns take them at most. No format takes less than its columns do, but a packed one.
std::uint64_t columnBytesOf(std::span<const LoadFile> files)
{
    constexpr std::uint64_t kPackedTo = 16; // of JSON, which packs best
    std::uint64_t bytes = 0;
    for (const LoadFile& file : files)
        bytes += bytesOf({&file, 1}) * (isPacked(file.path) ? kPackedTo : 1);
    return bytes;
}

/// Where the columns go: memory (empty) unless they may be too large for it.
std::filesystem::path spillFolderFor(std::span<const LoadFile> files, const LoadOptions& options)
{
    const std::uint64_t limit = options.memoryLimit != 0 ? options.memoryLimit : availableMemory() / 2;
    if (columnBytesOf(files) <= limit)
        return {};
    return options.spillFolder.empty() ? std::filesystem::path("/var/tmp") : options.spillFolder; // hier(7): where large files may go
}

/// What tells that a file is no longer the one it was.
std::optional<std::array<std::int64_t, 5>> stateOf(const std::filesystem::path& path)
{
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0)
        return std::nullopt;
    return std::array<std::int64_t, 5>{static_cast<std::int64_t>(info.st_dev), static_cast<std::int64_t>(info.st_ino), info.st_size, info.st_mtim.tv_sec,
                                       info.st_mtim.tv_nsec};
}

struct Sources
{
    std::span<const LoadFile> files;
    std::vector<FileFormat> formats;
    const importing::NsysExporter& nsys;
};

Result<std::shared_ptr<const Trace>> build(const Sources& sources, std::string cacheKey, const std::filesystem::path& spillFolder, const importing::ReadControl& control)
{
    TraceBuilder builder(std::move(cacheKey), spillFolder);
    for (std::size_t i = 0; i < sources.files.size(); ++i) {
        const LoadFile& file = sources.files[i];
        builder.beginFile(file.path, file.offset);
        importing::ReadControl part = control;
        const double share = TraceBuilder::kReadingShare / static_cast<double>(sources.files.size());
        part.progress = partOf(control.progress, static_cast<double>(i) * share, static_cast<double>(i + 1) * share);
        const auto before = stateOf(file.path);
        GANTRY_CHECK(opening(file.path, read(file.path, sources.formats[i], builder, part, sources.nsys)));
        if (stateOf(file.path) != before) {
            builder.meta().warnings.push_back("The file changed while it was read: it is still being written, or was replaced. Open it again when that is done.");
            builder.meta().spoil("the file changed while it was read");
        }
        builder.meta().isPreview = control.sampleBytes != 0;
    }
    return builder.finish(control);
}

Result<std::shared_ptr<const Trace>> load(std::span<const LoadFile> files, const LoadOptions& options, std::string cacheKey)
{
    Sources sources{files, {}, options.nsys};
    for (const LoadFile& file : files) {
        GANTRY_TRY(const FileFormat format, opening(file.path, importing::recogniseFormat(file.path)));
        sources.formats.push_back(format);
    }
    const bool canSample = std::all_of(sources.formats.begin(), sources.formats.end(), [](FileFormat f) { return f == FileFormat::Sqlite || f == FileFormat::ChromeTrace; });
    const bool isPackedReport = std::any_of(files.begin(), files.end(), [&](const LoadFile& file) { return isPacked(file.path); });
    if (options.preview && canSample && !isPackedReport && bytesOf(files) > kWorthAPreview)
        if (auto preview = build(sources, {}, {}, {{}, options.stop, kPreviewBytes}))
            options.preview(std::move(*preview));
    return build(sources, std::move(cacheKey), spillFolderFor(files, options), {options.progress, options.stop, 0});
}

std::optional<std::string> cacheKey(std::span<const LoadFile> files)
{
    std::vector<std::filesystem::path> paths;
    std::string salt;
    for (const LoadFile& file : files) {
        if (file.offset) // tried out in small steps: each would push a trace that is worth keeping out of the cache
            return std::nullopt;
        paths.push_back(file.path);
        salt += file.path.filename().string() + '/';
    }
    return TraceCache::keyOf(paths, salt);
}

} // namespace

Result<std::shared_ptr<const Trace>> loadTrace(std::span<const LoadFile> files, const LoadOptions& options)
{
    // The key is that of the files before they are read: what changes meanwhile makes another.
    const std::optional<std::string> key = options.cache ? cacheKey(files) : std::nullopt;
    if (key)
        if (auto trace = options.cache->find(*key, options.checkCached))
            return trace;
    try {
        return load(files, options, key.value_or(std::string()));
    } catch (const NoRoomForColumns& noRoom) {
        return Error{ErrorCode::CannotWrite, noRoom.what(), {}};
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::Internal, "not enough memory to open " + files.front().path.filename().string() + ": close other reports, or export a shorter time of it", {}};
    }
}

Result<std::shared_ptr<const Trace>> loadTrace(const std::filesystem::path& path, const LoadProgress& progress, std::stop_token stop)
{
    const LoadFile file{path, {}};
    LoadOptions options;
    options.progress = progress;
    options.stop = std::move(stop);
    return loadTrace(std::span(&file, 1), options);
}

Result<void> keepInCache(const Trace& trace, const TraceCache& cache, Keep keep)
{
    if (trace.meta.isPreview || trace.isFromCache || trace.cacheKey.empty() ||
        (keep == Keep::SlowToRead && trace.eventCount() < kWorthACache))
        return {};
    return cache.store(trace, trace.cacheKey);
}

Result<void> checkCached(const Trace& trace, const TraceCache& cache)
{
    if (!trace.isFromCache || cache.find(trace.cacheKey, true))
        return {};
    cache.drop(trace.cacheKey);
    return Error{ErrorCode::BadInput, "the copy of " + trace.meta.title + " that was kept when it was last opened is damaged: it is read anew", {}};
}

} // namespace gantry::trace
