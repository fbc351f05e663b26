#include "trace_model/import/file_contents.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>
#include <zlib.h>
#include <zstd.h>

namespace gantry::importing {
namespace {

constexpr std::size_t kBlock = 256 * 1024;

/// Closes a descriptor.
class File
{
public:
    explicit File(int descriptor) : m_descriptor(descriptor) {}
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() { close(m_descriptor); }

    /// Bytes read; 0 at the end, nothing on an error.
    [[nodiscard]] std::optional<std::size_t> read(char* to, std::size_t bytes) const
    {
        for (;;) {
            const ssize_t got = ::read(m_descriptor, to, bytes);
            if (got >= 0)
                return static_cast<std::size_t>(got);
            if (errno != EINTR)
                return std::nullopt;
        }
    }

private:
    int m_descriptor;
};

/// Unpacks blocks of a file, one after the other.
class Unpacker
{
public:
    explicit Unpacker(Packing packing) : m_packing(packing), m_output(kBlock)
    {
        if (packing == Packing::Gzip)
            m_isGood = inflateInit2(&m_gzip, 15 + 16) == Z_OK; // zlib.h: windowBits + 16 reads gzip alone
        if (packing == Packing::Zstd)
            m_isGood = (m_zstd.reset(ZSTD_createDStream()), m_zstd != nullptr);
    }
    Unpacker(const Unpacker&) = delete;
    Unpacker& operator=(const Unpacker&) = delete;
    ~Unpacker() { inflateEnd(&m_gzip); }

    /// Appends what the block holds until `text` has `limit` bytes. False: the data is damaged.
    [[nodiscard]] bool unpack(std::string_view block, std::string& text, std::uint64_t limit)
    {
        switch (m_packing) {
        case Packing::None: append(block, text, limit); return true;
        case Packing::Gzip: return unpackGzip(block, text, limit);
        case Packing::Zstd: return unpackZstd(block, text, limit);
        }
        return false;
    }
    [[nodiscard]] bool isAtEndOfFrame() const { return m_packing == Packing::None || m_isAtEnd; }

private:
    static void append(std::string_view block, std::string& text, std::uint64_t limit)
    {
        text += block.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), limit - text.size())));
    }

    bool unpackGzip(std::string_view block, std::string& text, std::uint64_t limit)
    {
        m_gzip.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(block.data())); // zlib does not write there
        m_gzip.avail_in = static_cast<uInt>(block.size());
        while (m_isGood && text.size() < limit && (m_gzip.avail_in > 0 || m_hasMore)) {
            if (m_isAtEnd && inflateReset(&m_gzip) != Z_OK) // several members follow each other (RFC 1952, 2.2)
                return false;
            m_isAtEnd = false;
            m_gzip.next_out = reinterpret_cast<Bytef*>(m_output.data());
            m_gzip.avail_out = static_cast<uInt>(m_output.size());
            const int status = inflate(&m_gzip, Z_NO_FLUSH);
            append({m_output.data(), m_output.size() - m_gzip.avail_out}, text, limit);
            m_isAtEnd = status == Z_STREAM_END;
            m_hasMore = status == Z_OK && m_gzip.avail_out == 0;
            m_isGood = status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
        }
        return m_isGood;
    }

    bool unpackZstd(std::string_view block, std::string& text, std::uint64_t limit)
    {
        ZSTD_inBuffer source{block.data(), block.size(), 0};
        while (m_isGood && text.size() < limit && (source.pos < source.size || m_hasMore)) {
            ZSTD_outBuffer sink{m_output.data(), m_output.size(), 0};
            const std::size_t state = ZSTD_decompressStream(m_zstd.get(), &sink, &source);
            m_isGood = !ZSTD_isError(state);
            append({m_output.data(), sink.pos}, text, limit);
            m_isAtEnd = state == 0;
            m_hasMore = sink.pos == sink.size;
        }
        return m_isGood;
    }

    struct FreeStream
    {
        void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
    };

    Packing m_packing;
    std::vector<char> m_output;
    z_stream m_gzip{};
    std::unique_ptr<ZSTD_DStream, FreeStream> m_zstd;
    bool m_isGood = true;
    bool m_isAtEnd = false;
    bool m_hasMore = false; ///< the output was full: there may be more without more input
};

Packing packingOf(std::string_view begin)
{
    if (begin.starts_with("\x1F\x8B"))
        return Packing::Gzip;
    return begin.starts_with("\x28\xB5\x2F\xFD") ? Packing::Zstd : Packing::None;
}

/// Up to `limit` bytes of the content.
Result<FileContents> read(const std::filesystem::path& path, std::uint64_t limit, const ReadControl& control)
{
    struct stat status = {};
    if (stat(path.c_str(), &status) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return Error{ErrorCode::NotFound, "there is no file " + path.string() + ": check the path, or fetch the file again", {}};
        return errnoError(errno, "cannot read " + path.string());
    }
    if (S_ISDIR(status.st_mode))
        return Error{ErrorCode::NotAReport, path.string() + " is a folder: open a file in it", {}};
    if (!S_ISREG(status.st_mode))
        return Error{ErrorCode::NotAReport, path.string() + " is a device or a pipe: save its content to a file and open that", {}};
    const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        return errnoError(errno, "cannot read " + path.string());
    const File file(descriptor);

    FileContents contents;
    contents.fileBytes = static_cast<std::uint64_t>(status.st_size);
    std::optional<Unpacker> unpacker;
    std::vector<char> block(kBlock);
    std::uint64_t done = 0;
    while (contents.text.size() < limit) {
        if (control.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "reading " + path.string() + " was cancelled", {}};
        const auto got = file.read(block.data(), static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), std::max<std::uint64_t>(limit, 4))));
        if (!got)
            return errnoError(errno, "cannot read " + path.string());
        if (*got == 0)
            break;
        const std::string_view bytes(block.data(), *got);
        if (!unpacker) {
            unpacker.emplace(contents.packing = packingOf(bytes));
            if (contents.packing == Packing::None)
                contents.text.reserve(static_cast<std::size_t>(std::min(limit, contents.fileBytes)));
        }
        if (!unpacker->unpack(bytes, contents.text, limit)) {
            contents.endsEarly = true;
            return contents;
        }
        done += *got;
        if (control.progress)
            control.progress(std::min(1.0, static_cast<double>(done) / static_cast<double>(std::max<std::uint64_t>(1, contents.fileBytes))), "file");
    }
    contents.endsEarly = unpacker && contents.text.size() < limit && !unpacker->isAtEndOfFrame();
    return contents;
}

} // namespace

Result<FileContents> readHead(const std::filesystem::path& path, std::size_t bytes)
{
    return read(path, bytes, {});
}

Result<FileContents> readWhole(const std::filesystem::path& path, const ReadControl& control, std::uint64_t largest)
{
    GANTRY_TRY(FileContents contents, read(path, largest + 1, control));
    if (contents.text.size() > largest)
        return Error{ErrorCode::BadInput,
                     path.string() + (contents.packing == Packing::None ? " is" : " unpacks to") + " more than " + std::to_string(largest >> 20)
                         + " MiB, far more than such a file has: split it into parts and open these",
                     {}};
    return contents;
}

void describeFile(const std::filesystem::path& path, const FileContents& contents, EventSink& sink)
{
    sink.report().file = path.filename().string();
    sink.report().fileBytes = contents.fileBytes;
    sink.meta().title = path.filename().string();
    if (contents.endsEarly) {
        sink.meta().warnings.push_back("The compressed file ends too early or is damaged: what comes before that is shown. Fetch the file again.");
        sink.meta().complete = false;
    }
}

} // namespace gantry::importing
