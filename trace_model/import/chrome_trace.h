#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/report/byte_source.h"

#include <cstdint>
#include <filesystem>

namespace gantry::importing {

struct ChromeReadOptions
{
    report::UnpackLimits limits;
    std::uint64_t parallelFrom = std::uint64_t{64} << 20; ///< bytes: smaller plain files are read before threads pay
    std::uint64_t partBytes = std::uint64_t{32} << 20;    ///< what a thread takes at a time, at least
    unsigned threads = 0;                                 ///< 0: as many as there are processors, at most 8
};

/// Reads a trace in Chrome's trace event format as PyTorch's profiler (Kineto) and many other programs write it: JSON, plain or
/// packed with gzip or zstd. Time 0 of the session is the first event's time. An unfinished or damaged file gives what can be read
/// of it, with a warning; a file without any event is an Error. Large plain files are read by several threads.
Result<void> readChromeTrace(const std::filesystem::path& path, EventSink& sink, const ReadControl& control,
                             const ChromeReadOptions& options = {});

} // namespace gantry::importing
