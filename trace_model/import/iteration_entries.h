#pragma once

#include "trace_model/import/log_time.h"
#include "trace_model/import/text_window.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gantry::importing {

enum class IterationSource : std::uint8_t { TensorRtLlm, Vllm, Sglang };

/// What one entry of a log says, whoever wrote it.
struct IterationEntry
{
    IterationSource source = IterationSource::TensorRtLlm;
    std::optional<LogTime> time;
    std::optional<std::int64_t> iteration;
    std::int64_t rank = 0;
    std::optional<double> stepMs;                ///< how long the iteration took
    std::optional<double> previousDeviceStepMs;  ///< how long the GPU took for the iteration before
    std::vector<std::pair<std::string, double>> values; ///< finite, by key as in iterationCounter()
};

/// Finds the entries of a log, one after the other, in bounded memory: the text of one entry, or of one line, is all that is kept.
class IterationEntries
{
public:
    /// Entries and lines that are longer are none that a server writes: the first are damage, the others are looked at in pieces.
    static constexpr std::size_t kLongest = std::size_t{4} << 20;

    /// `read`: gives the text from its begin on; `expectedBytes`: see TextWindow.
    IterationEntries(TextWindow::Read read, std::uint64_t expectedBytes) : m_window(std::move(read), 0, expectedBytes) {}

    /// The next entry; false: no more. Looks at up to some hundred kilobytes and may find nothing there: see hasEntry(). Errors: those
    /// of reading.
    Result<bool> next();
    [[nodiscard]] bool hasEntry() const { return m_hasEntry; }
    [[nodiscard]] const IterationEntry& entry() const { return m_entry; }
    [[nodiscard]] std::uint64_t position() const { return m_window.offsetOf(m_window.cursor); }
    /// Entries that were cut off.
    [[nodiscard]] std::uint64_t damaged() const { return m_damaged; }

private:
    Result<std::string_view> line();
    Result<bool> takeLine();
    Result<std::optional<std::size_t>> objectLength(std::size_t offset);
    void pass(std::size_t bytes);
    bool takeObject(std::string_view object, std::string_view prefix);
    bool takePythonLine(std::string_view line);
    bool takeVllmLine(std::string_view line);
    bool takeSglangLine(std::string_view line);
    bool takePairs(std::string_view rest);
    void takeValue(std::string_view key, std::string_view value);
    void start(IterationSource source, std::string_view prefix);

    TextWindow m_window;
    std::size_t m_lineBytes = 0;         ///< of the line that are not taken yet, its end included; 0: the next one is to be found
    bool m_isLineStart = true;
    bool m_isLineWhole = true;           ///< its end is known
    std::string m_plainLine;             ///< without colours
    IterationEntry m_entry;
    bool m_hasEntry = false;
    bool m_mayObjectsSpanLines = true; ///< none was found that does not end
    std::uint64_t m_damaged = 0;
};

} // namespace gantry::importing
