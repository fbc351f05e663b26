#include "trace_model/import/file_contents.h"

#include "trace_model/base/memory.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <utility>

namespace gantry::importing {
namespace {

using report::ByteSource;

constexpr std::size_t kBlock = std::size_t{1} << 20;

/// Up to `limit` bytes of the content.
Result<FileContents> read(const std::filesystem::path& path, std::uint64_t limit, const ReadControl& control)
{
    GANTRY_TRY(const std::unique_ptr<ByteSource> source, ByteSource::open(path));
    FileContents contents;
    contents.packing = source->packing();
    contents.fileBytes = source->fileBytes();
    if (contents.packing == Packing::None)
        contents.text.reserve(static_cast<std::size_t>(std::min(limit, contents.fileBytes)));
    while (contents.text.size() < limit) {
        if (control.stop.stop_requested())
            return Error{ErrorCode::Cancelled, fmt::format("reading {} was cancelled", path.string()), {}};
        const std::size_t before = contents.text.size();
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, limit - before));
        contents.text.resize(before + wanted);
        GANTRY_TRY(const std::size_t got, source->read({contents.text.data() + before, wanted}));
        contents.text.resize(before + got);
        if (control.progress)
            control.progress(std::min(1.0, static_cast<double>(source->fileBytesRead()) / static_cast<double>(contents.fileBytes)), "file");
        if (got < wanted)
            break;
    }
    contents.damage = source->damage();
    return contents;
}

} // namespace

Result<FileContents> readHead(const std::filesystem::path& path, std::size_t bytes)
{
    return read(path, bytes, {});
}

Result<FileContents> readWhole(const std::filesystem::path& path, const ReadControl& control, std::optional<std::uint64_t> largest)
{
    const std::uint64_t limit = largest.value_or(availableMemory() / 2);
    GANTRY_TRY(FileContents contents, read(path, limit + 1, control));
    if (contents.text.size() <= limit)
        return contents;
    return Error{ErrorCode::BadInput,
                 fmt::format("{} {} more than {} MiB, {}", path.string(), contents.packing == Packing::None ? "is" : "unpacks to",
                             limit >> 20,
                             largest ? "far more than such a file has: split it into parts and open these"
                                     : "more than there is memory for: split it into parts and open these"),
                 {}};
}

void describeFile(const std::filesystem::path& path, const FileContents& contents, EventSink& sink)
{
    sink.report().file = path.filename().string();
    sink.report().fileBytes = contents.fileBytes;
    sink.meta().title = path.filename().string();
    if (!contents.damage.empty()) {
        sink.meta().warnings.push_back(contents.damage + " Fetch the file again.");
        sink.meta().spoil("the compressed file is damaged or cut off");
    }
}

} // namespace gantry::importing
