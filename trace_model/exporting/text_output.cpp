#include "trace_model/exporting/text_output.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <system_error>

#include <unistd.h>
#include <zlib.h>

namespace gantry::exporting {

/// A gzip stream.
class TextOutput::Gzip
{
public:
    Gzip()
    {
        constexpr int kLevel = 3;        // half the time of the usual 6 for a tenth more bytes
        constexpr int kWindow = 15 + 16; // zlib.h: + 16 asks for a gzip header
        constexpr int kMemoryLevel = 8;
        m_isGood = deflateInit2(&m_stream, kLevel, Z_DEFLATED, kWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    Gzip(const Gzip&) = delete;
    Gzip& operator=(const Gzip&) = delete;
    ~Gzip() { deflateEnd(&m_stream); }

    /// `writeOut`: takes the packed bytes.
    template <typename WriteOut>
    [[nodiscard]] Result<void> write(WriteOut writeOut, std::string_view text, bool isLast)
    {
        m_stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data())); // zlib reads it only
        m_stream.avail_in = static_cast<uInt>(text.size());
        for (int state = Z_OK; m_isGood;) {
            m_stream.next_out = m_out;
            m_stream.avail_out = sizeof m_out;
            state = deflate(&m_stream, isLast ? Z_FINISH : Z_NO_FLUSH);
            GANTRY_CHECK(writeOut(std::string_view(reinterpret_cast<const char*>(m_out), sizeof m_out - m_stream.avail_out)));
            if (isLast ? state == Z_STREAM_END : m_stream.avail_out > 0)
                return {};
            m_isGood = state == Z_OK;
        }
        return Error{ErrorCode::Internal, "zlib cannot compress", {}};
    }

private:
    z_stream m_stream{};
    bool m_isGood = false;
    Bytef m_out[std::size_t{256} << 10];
};

TextOutput::TextOutput(std::optional<NewFile> file, bool isPacked, const ExportOptions& options, std::uint64_t steps)
    : m_file(std::move(file)),
      m_options(options),
      m_buffer(std::make_unique<char[]>(kBufferBytes)),
      m_steps(std::max<std::uint64_t>(steps, 1))
{
    if (isPacked)
        m_gzip = std::make_unique<Gzip>();
}

TextOutput::TextOutput(TextOutput&&) noexcept = default;
TextOutput::~TextOutput() = default;

Result<TextOutput> TextOutput::create(const std::filesystem::path& path, const ExportOptions& options, std::uint64_t steps)
{
    const bool isPacked = path.extension() == ".gz";
    if (options.descriptor)
        return TextOutput(std::nullopt, isPacked, options, steps);
    GANTRY_TRY(NewFile file, NewFile::create(path, options.access));
    return TextOutput(std::move(file), isPacked, options, steps);
}

Result<void> TextOutput::writeOut(std::string_view bytes)
{
    if (m_file)
        return m_file->write(bytes);
    while (!bytes.empty()) {
        const ssize_t written = ::write(*m_options.descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR)
            return Error{ErrorCode::CannotWrite,
                         "cannot write to the output: " + std::generic_category().message(errno) + "; write to a file instead",
                         {}};
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
    return {};
}

TextOutput& TextOutput::operator<<(double number)
{
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return *this << std::string_view(digits, static_cast<std::size_t>(end - digits));
}

TextOutput& TextOutput::writeLong(std::string_view text)
{
    while (!text.empty()) {
        if (m_used == kBufferBytes)
            flush();
        const std::size_t part = std::min(text.size(), kBufferBytes - m_used);
        std::memcpy(m_buffer.get() + m_used, text.data(), part);
        m_used += part;
        text.remove_prefix(part);
    }
    return *this;
}

bool TextOutput::look()
{
    if (m_options.stop.stop_requested())
        keep(Error{ErrorCode::Cancelled, "the export was cancelled", {}});
    if (m_options.progress && !m_error)
        m_options.progress(std::min(1.0, static_cast<double>(m_done) / static_cast<double>(m_steps)));
    return !m_error;
}

void TextOutput::flush()
{
    const std::string_view text(m_buffer.get(), m_used);
    if (!m_error)
        keep(m_gzip ? m_gzip->write([this](std::string_view bytes) { return writeOut(bytes); }, text, false) : writeOut(text));
    m_used = 0;
}

void TextOutput::keep(Result<void> result)
{
    if (!result && !m_error)
        m_error = std::move(result).error();
}

Result<void> TextOutput::finish()
{
    look();
    flush();
    if (m_gzip && !m_error)
        keep(m_gzip->write([this](std::string_view bytes) { return writeOut(bytes); }, {}, true));
    if (m_error) {
        if (m_file)
            m_file->discard();
        return *m_error;
    }
    if (m_file)
        GANTRY_CHECK(m_file->publish());
    if (m_options.progress)
        m_options.progress(1.0);
    return {};
}

} // namespace gantry::exporting
