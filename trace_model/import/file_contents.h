#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/report/byte_source.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::importing {

using report::Packing;

/// The content of a file, unpacked when it is gzip or zstd (by its first bytes, not by its name).
struct FileContents
{
    std::string text;
    Packing packing = Packing::None;
    std::uint64_t fileBytes = 0; ///< on disk
    std::string damage; ///< a sentence when packed data is cut off or damaged: `text` is what comes before that; empty: it is whole
};

/// What recogniseContent() is given of a file first.
inline constexpr std::size_t kHeadBytes = 64 * 1024;

/// The first `bytes` of the content, or all of it.
/// Errors: NotFound, NotPermitted, NotAReport (a folder, a device, empty).
[[nodiscard]] Result<FileContents> readHead(const std::filesystem::path& path, std::size_t bytes = kHeadBytes);

/// All of the content. Errors: also BadInput (more than `largest`, or than a quarter of the free memory, for what is made of it takes
/// about as much again; a bomb), Cancelled.
[[nodiscard]] Result<FileContents> readWhole(const std::filesystem::path& path, const ReadControl& control,
                                             std::optional<std::uint64_t> largest = {});

/// Puts into the sink what every reader says of its file: name and size; warns when the data ended early.
void describeFile(const std::filesystem::path& path, const FileContents& contents, EventSink& sink);
/// The same of a file that was read piece by piece, to its end.
void describeFile(const std::filesystem::path& path, const report::ByteSource& source, EventSink& sink);

} // namespace gantry::importing
