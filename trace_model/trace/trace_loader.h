#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/import/nsys_export.h"
#include "trace_model/trace/trace.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>

namespace gantry::trace {

class TraceCache;

using LoadProgress = importing::Progress;

/// One file of a trace.
struct LoadFile
{
    std::filesystem::path path;
    std::optional<DurationNs> offset; ///< added to its times; absent: found by the clocks that the files know
};

struct LoadOptions
{
    LoadProgress progress;
    std::stop_token stop;
    const TraceCache* cache = nullptr; ///< looked into first, but with offsets by hand; keepInCache() puts a trace there
    bool checkCached = false;          ///< a trace from the cache is checked before it is returned: for who will not check it later
    /// Given a sample of a large file's events as a trace of its own, before all are read. Called by the loading thread.
    std::function<void(std::shared_ptr<const Trace>)> preview;
    std::uint64_t memoryLimit = 0;     ///< bytes of columns from which on they lie in files; 0: half of the memory that is free now
    importing::NsysExporter nsys;      ///< exports what only Nsight Systems can read; empty: the nsys of this machine
    std::filesystem::path spillFolder; ///< for these files; empty: the system's folder for large temporary files
};

/// Reads files of any format that Gantry knows, recognised by content, into one Trace on one clock. Any thread; blocks for the time of
/// reading. Errors: NotFound, NotAReport, UnsupportedVersion, Truncated, BadInput, Cancelled (at most 100 ms after it was asked for).
[[nodiscard]] Result<std::shared_ptr<const Trace>> loadTrace(std::span<const LoadFile> files, const LoadOptions& options);

/// The same of one file without a cache.
[[nodiscard]] Result<std::shared_ptr<const Trace>> loadTrace(const std::filesystem::path& path, const LoadProgress& progress = {},
                                                             std::stop_token stop = {});

/// What keepInCache() keeps: traces that reading takes longer for, or small ones too, whose files cannot be read here.
enum class Keep
{
    SlowToRead,
    All
};

/// Keeps a trace that was loaded with this cache for the next time its files are opened, unless it is there, or so small that reading
/// is as quick. Blocks for the time of writing some 40 bytes an event. Errors: CannotWrite.
[[nodiscard]] Result<void> keepInCache(const Trace& trace, const TraceCache& cache, Keep keep = Keep::SlowToRead);

/// Reads again all of what a trace from this cache is made of. Damage to the disk would show as wrong numbers: then the copy is dropped from
/// the cache, and the trace must not be used. Blocks for about half a second a GB. Errors: BadInput.
[[nodiscard]] Result<void> checkCached(const Trace& trace, const TraceCache& cache);

} // namespace gantry::trace
