#pragma once

#include "trace_model/base/new_file.h"
#include "trace_model/base/time.h"
#include "trace_model/exporting/export_format.h"

#include <charconv>
#include <concepts>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

namespace gantry::exporting {

/// Text on its way to a new file or a pipe, gzip compressed when its name ends in ".gz". An error is kept: what is written after it goes
/// nowhere. One thread. Formats by itself: ten million events are a gigabyte of digits.
class TextOutput
{
public:
    /// `steps`: how many times step() is called until all is written.
    [[nodiscard]] static Result<TextOutput> create(const std::filesystem::path& path, const ExportOptions& options, std::uint64_t steps);
    TextOutput(TextOutput&&) noexcept;
    TextOutput& operator=(TextOutput&&) = delete;
    ~TextOutput();

    TextOutput& operator<<(std::string_view text)
    {
        if (text.empty() || text.size() > kBufferBytes - m_used)
            return writeLong(text);
        std::memcpy(m_buffer.get() + m_used, text.data(), text.size());
        m_used += text.size();
        return *this;
    }
    TextOutput& operator<<(char character) { return *this << std::string_view(&character, 1); }
    template <std::integral Number>
    TextOutput& operator<<(Number number)
    {
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
        return *this << std::string_view(digits, static_cast<std::size_t>(end - digits));
    }
    /// The shortest text that reads back as the same number.
    TextOutput& operator<<(double number);

    /// One of the steps is done. False: give up, because of an error or because the user asked to stop.
    [[nodiscard]] bool step()
    {
        constexpr std::uint64_t kStepsBetweenLooks = 4096; // a few ms
        return ++m_done % kStepsBetweenLooks != 0 || look();
    }

    /// Writes the rest and gives the file its name, or returns the first error.
    [[nodiscard]] Result<void> finish();

private:
    static constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
    class Gzip;

    TextOutput(std::optional<NewFile> file, bool isPacked, const ExportOptions& options, std::uint64_t steps);
    TextOutput& writeLong(std::string_view text);
    bool look();
    void flush();
    void keep(Result<void> result);
    [[nodiscard]] Result<void> writeOut(std::string_view bytes);

    std::optional<NewFile> m_file; ///< none: to the options' descriptor
    const ExportOptions& m_options;
    std::unique_ptr<Gzip> m_gzip; ///< none: plain text
    std::unique_ptr<char[]> m_buffer;
    std::size_t m_used = 0;
    std::uint64_t m_steps, m_done = 0;
    std::optional<Error> m_error;
};

} // namespace gantry::exporting
