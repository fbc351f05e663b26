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
Result<FileContents> read(ByteSource& source, std::uint64_t limit, const ReadControl& control)
{
    FileContents contents;
    contents.packing = source.packing();
    contents.fileBytes = source.fileBytes();
    if (contents.packing == Packing::None)
        contents.text.reserve(static_cast<std::size_t>(std::min(limit, contents.fileBytes)));
    while (contents.text.size() < limit) {
        if (control.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "reading the file was cancelled", {}};
        const std::size_t before = contents.text.size();
        const std::size_t wanted = static_cast<std::size_t>(std::min<std::uint64_t>(kBlock, limit - before));
        contents.text.resize(before + wanted);
        GANTRY_TRY(const std::size_t got, source.read({contents.text.data() + before, wanted}));
        contents.text.resize(before + got);
        if (control.progress)
            control.progress(std::min(1.0, static_cast<double>(source.fileBytesRead()) / static_cast<double>(contents.fileBytes)), "file");
        if (got < wanted)
            break;
    }
    contents.damage = source.damage();
    return contents;
}

void describe(const std::filesystem::path& path, std::uint64_t fileBytes, const std::string& damage, EventSink& sink)
{
    sink.report().file = path.filename().string();
    sink.report().fileBytes = fileBytes;
    sink.meta().title = path.filename().string();
    if (damage.empty())
        return;
    sink.meta().warnings.push_back(damage + " Fetch the file again.");
    sink.meta().spoil("the file is damaged or cut off");
}

} // namespace

Result<FileContents> readHead(const std::filesystem::path& path, std::size_t bytes)
{
    GANTRY_TRY(const std::unique_ptr<ByteSource> source, ByteSource::open(path));
    return read(*source, bytes, {});
}

Result<FileContents> readWhole(const std::filesystem::path& path, const ReadControl& control, std::optional<std::uint64_t> largest)
{
    const std::uint64_t limit = largest.value_or(availableMemory() / 4);
    GANTRY_TRY(const std::unique_ptr<ByteSource> source, ByteSource::open(path));
    const bool isPacked = source->packing() != Packing::None;
    if (isPacked || source->fileBytes() <= limit) {
        GANTRY_TRY(FileContents contents, read(*source, limit + 1, control));
        if (contents.text.size() <= limit)
            return contents;
    }
    return Error{ErrorCode::BadInput,
                 fmt::format("{} {} more than {} MiB, {}", path.string(), isPacked ? "unpacks to" : "is", limit >> 20,
                             largest ? "far more than such a file has: split it into parts and open these"
                                     : "more than there is memory for: split it into parts and open these"),
                 {}};
}

void describeFile(const std::filesystem::path& path, const FileContents& contents, EventSink& sink)
{
    describe(path, contents.fileBytes, contents.damage, sink);
}

void describeFile(const std::filesystem::path& path, const ByteSource& source, EventSink& sink)
{
    describe(path, source.fileBytes(), source.damage(), sink);
}

} // namespace gantry::importing
