#include "trace_model/report/byte_source.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

namespace gantry::report {
namespace {

constexpr std::size_t kPackedBlock = std::size_t{1} << 18;

Result<std::size_t> readFully(int fd, std::uint64_t offset, std::span<char> into)
{
    std::size_t done = 0;
    while (done < into.size()) {
        const ssize_t count = ::pread(fd, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
        if (count < 0) {
            if (errno == EINTR)
                continue;
            return errnoError(errno, "cannot read the file");
        }
        if (count == 0)
            break;
        done += static_cast<std::size_t>(count);
    }
    return done;
}

} // namespace

/// Unpacks one format, whole streams after each other.
class ByteSource::Unpacker
{
public:
    struct Step
    {
        std::size_t used = 0;          ///< of the packed bytes
        std::size_t made = 0;          ///< of the room
        bool isEnd = false;            ///< between two streams: the data may end here
        std::string_view failure = {}; ///< not empty: cannot go on
    };
    virtual ~Unpacker() = default;
    virtual Step unpack(std::span<const char> packed, std::span<char> room) = 0;
};

class ByteSource::GzipUnpacker : public Unpacker
{
public:
    GzipUnpacker() { m_isReady = ::inflateInit2(&m_stream, 16 + MAX_WBITS) == Z_OK; } // 16: gzip header and checksum
    ~GzipUnpacker() override { ::inflateEnd(&m_stream); }

    Step unpack(std::span<const char> packed, std::span<char> room) override
    {
        if (!m_isReady)
            return {.failure = "zlib cannot start"};
        if (m_streamEnded) {
            // Other bytes than a further stream are padding, as gzip(1) takes them.
            if (static_cast<unsigned char>(packed.front()) != 0x1F)
                return {.used = packed.size(), .isEnd = true};
            ::inflateReset(&m_stream);
            m_streamEnded = false;
        }
        m_stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data())); // zlib's interface has no const
        m_stream.avail_in = static_cast<uInt>(packed.size());
        m_stream.next_out = reinterpret_cast<Bytef*>(room.data());
        m_stream.avail_out = static_cast<uInt>(std::min<std::size_t>(room.size(), std::numeric_limits<uInt>::max()));
        const uInt asked = m_stream.avail_out;
        const int status = ::inflate(&m_stream, Z_NO_FLUSH);
        Step step{.used = packed.size() - m_stream.avail_in, .made = asked - m_stream.avail_out};
        m_streamEnded = status == Z_STREAM_END;
        step.isEnd = m_streamEnded;
        if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
            step.failure = m_stream.msg ? m_stream.msg : "not gzip data";
        return step;
    }

private:
    z_stream m_stream{};
    bool m_isReady = false, m_streamEnded = false;
};

class ByteSource::ZstdUnpacker : public Unpacker
{
public:
    ZstdUnpacker() : m_stream(ZSTD_createDStream()) {}
    ~ZstdUnpacker() override { ZSTD_freeDStream(m_stream); }

    Step unpack(std::span<const char> packed, std::span<char> room) override
    {
        if (!m_stream)
            return {.failure = "zstd cannot start"};
        ZSTD_inBuffer in{packed.data(), packed.size(), 0};
        ZSTD_outBuffer out{room.data(), room.size(), 0};
        const std::size_t status = ZSTD_decompressStream(m_stream, &out, &in);
        Step step{.used = in.pos, .made = out.pos, .isEnd = status == 0};
        if (ZSTD_isError(status))
            step.failure = ZSTD_getErrorName(status);
        return step;
    }

private:
    ZSTD_DStream* m_stream;
};

ByteSource::ByteSource(int fd, std::uint64_t fileBytes, UnpackLimits limits) : m_fd(fd), m_fileBytes(fileBytes), m_limits(limits) {}

ByteSource::~ByteSource()
{
    ::close(m_fd);
}

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::filesystem::path& path, UnpackLimits limits)
{
    // Not blocking: a pipe without a writer would never open.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return Error{ErrorCode::NotFound, "there is no such file: check the path, or fetch it again", {path.string()}};
    if (fd < 0 && errno == ENXIO) // open(2): a socket, or a device that is not there
        return Error{ErrorCode::NotAReport, "this is a device or a pipe: save its content to a file and open that", {path.string()}};
    if (fd < 0)
        return errnoError(errno, fmt::format("cannot read {}", path.string()));
    std::unique_ptr<ByteSource> source(new ByteSource(fd, 0, limits));
    struct stat status
    {
    };
    if (::fstat(fd, &status) != 0)
        return errnoError(errno, fmt::format("cannot open {}", path.string()));
    if (S_ISDIR(status.st_mode))
        return Error{ErrorCode::NotAReport, "this is a folder: open a file in it", {path.string()}};
    if (!S_ISREG(status.st_mode))
        return Error{ErrorCode::NotAReport, "this is a device or a pipe: save its content to a file and open that", {path.string()}};
    if (status.st_size == 0)
        return Error{ErrorCode::NotAReport,
                     "the file is empty (its recording may still run, or it failed): fetch or export it again",
                     {path.string()}};
    source->m_fileBytes = static_cast<std::uint64_t>(status.st_size);
    source->findHole(static_cast<std::uint64_t>(status.st_blocks) * 512); // stat(3type): units of 512 bytes
    if (source->m_fileBytes == 0)
        return Error{ErrorCode::NotAReport,
                     fmt::format("the file is a hole of {} bytes that nobody wrote: fetch or export it again", source->m_unwrittenBytes),
                     {path.string()}};

    char head[4];
    GANTRY_TRY(const std::size_t headBytes, source->readAt(0, head));
    const std::string_view text(head, headBytes);
    if (text.starts_with("\x1F\x8B")) {
        source->m_packing = Packing::Gzip;
        source->m_unpacker = std::make_unique<GzipUnpacker>();
    } else if (text.starts_with("\x28\xB5\x2F\xFD")) {
        source->m_packing = Packing::Zstd;
        source->m_unpacker = std::make_unique<ZstdUnpacker>();
    }
    if (source->m_unpacker)
        source->m_packed = std::make_unique<char[]>(kPackedBlock);
    return source;
}

/// A program that sets a file's length before it fills it (a download) leaves a hole at its end when it is stopped. It may be far
/// larger than any disk. `blockBytes`: what the file takes on disk.
void ByteSource::findHole(std::uint64_t blockBytes)
{
    if (blockBytes >= m_fileBytes)
        return;
    const auto bytes = static_cast<off_t>(m_fileBytes);
    off_t hole = 0;
    while (hole < bytes) {
        hole = ::lseek(m_fd, hole, SEEK_HOLE);
        if (hole < 0)
            return; // the file system does not say
        const off_t data = ::lseek(m_fd, hole, SEEK_DATA);
        if (data < 0) { // nothing comes behind it
            m_fileBytes = static_cast<std::uint64_t>(hole);
            m_unwrittenBytes = static_cast<std::uint64_t>(bytes - hole);
            break;
        }
        hole = data;
    }
    if (m_unwrittenBytes > 0)
        m_damage = fmt::format("The last {} bytes of the file were never written: who wrote or copied it was stopped. What was to come there "
                               "is not shown.",
                               m_unwrittenBytes);
}

Result<std::size_t> ByteSource::readAt(std::uint64_t offset, std::span<char> into) const
{
    if (m_unwrittenBytes > 0)
        into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), m_fileBytes - std::min(offset, m_fileBytes))));
    return readFully(m_fd, offset, into);
}

Result<std::size_t> ByteSource::readFile(std::span<char> into)
{
    const std::uint64_t offset = m_fileBytesRead.load(std::memory_order_relaxed);
    GANTRY_TRY(const std::size_t count, readAt(offset, into));
    m_fileBytesRead.store(offset + count, std::memory_order_relaxed);
    return count;
}

Result<std::size_t> ByteSource::read(std::span<char> into)
{
    return m_unpacker ? readUnpacked(into) : readFile(into);
}

Result<std::size_t> ByteSource::readUnpacked(std::span<char> into)
{
    std::size_t done = 0;
    while (done < into.size() && !m_atEnd) {
        if (m_packedBegin == m_packedEnd) {
            GANTRY_TRY(m_packedEnd, readFile({m_packed.get(), kPackedBlock}));
            m_packedBegin = 0;
        }
        const bool fileEnded = m_packedBegin == m_packedEnd;
        if (fileEnded && m_mayEnd) {
            m_atEnd = true;
            break;
        }
        // An empty rest is offered too: what is in the unpacker's own window may not be delivered yet.
        const auto step = m_unpacker->unpack({m_packed.get() + m_packedBegin, m_packedEnd - m_packedBegin}, into.subspan(done));
        m_packedBegin += step.used;
        done += step.made;
        m_unpackedBytes += step.made;
        m_mayEnd = step.isEnd;
        const bool isStuck = step.used == 0 && step.made == 0;
        if (!step.failure.empty() || (isStuck && !fileEnded)) {
            m_atEnd = true;
            m_damage = fmt::format("The packed data is damaged after {} unpacked bytes ({}): what comes after is not shown.",
                                   m_unpackedBytes, step.failure.empty() ? "no progress" : step.failure);
        } else if (isStuck) {
            m_atEnd = true;
            m_damage = fmt::format("The packed data is cut off after {} unpacked bytes: what came after is not shown.", m_unpackedBytes);
        }
        if (m_unpackedBytes > m_limits.bytes && m_unpackedBytes / m_limits.ratio > fileBytesRead())
            return Error{ErrorCode::BadInput,
                         fmt::format("The file unpacks to more than {} times its size ({} bytes so far): it was made to fill memory, or is "
                                     "damaged. Unpack it by hand if you trust it.",
                                     m_limits.ratio, m_unpackedBytes)};
    }
    return done;
}

} // namespace gantry::report
