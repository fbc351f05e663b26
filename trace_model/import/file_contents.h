#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace gantry::importing {

/// How the bytes on disk hold the content.
enum class Packing : std::uint8_t { None, Gzip, Zstd };

/// The content of a file, unpacked when it is gzip or zstd (by its first bytes, not by its name).
struct FileContents
{
    std::string text;
    Packing packing = Packing::None;
    std::uint64_t fileBytes = 0; ///< on disk
    bool endsEarly = false;      ///< packed data that is cut off or damaged: `text` is what comes before that
};

/// The largest content of a format that is read whole.
inline constexpr std::uint64_t kLargestWhole = std::uint64_t{1} << 30;

/// The first `bytes` of the content, or all of it.
/// Errors: NotFound, NotPermitted, NotAReport (a folder, a device).
[[nodiscard]] Result<FileContents> readHead(const std::filesystem::path& path, std::size_t bytes = 64 * 1024);

/// All of the content. Errors: also BadInput (larger than `largest` unpacked), Cancelled.
[[nodiscard]] Result<FileContents> readWhole(const std::filesystem::path& path, const ReadControl& control, std::uint64_t largest = kLargestWhole);

/// Puts into the sink what every reader says of its file: name and size; warns when the packed data ended early.
void describeFile(const std::filesystem::path& path, const FileContents& contents, EventSink& sink);

} // namespace gantry::importing
