#pragma once

#include "trace_model/import/log_time.h"

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

/// Finds the entries of a log, one after the other.
class IterationEntries
{
public:
    explicit IterationEntries(std::string_view text) : m_text(text) {}

    /// The next entry; false: no more. Looks at up to some hundred kilobytes and may find nothing there: see hasEntry().
    bool next();
    [[nodiscard]] bool hasEntry() const { return m_hasEntry; }
    [[nodiscard]] const IterationEntry& entry() const { return m_entry; }
    [[nodiscard]] std::size_t position() const { return m_at; }
    /// Entries that were cut off.
    [[nodiscard]] std::uint64_t damaged() const { return m_damaged; }

private:
    bool takeLine();
    bool takeObject(std::string_view object, std::string_view prefix);
    bool takePythonLine(std::string_view line);
    bool takeVllmLine(std::string_view line);
    bool takeSglangLine(std::string_view line);
    bool takePairs(std::string_view rest);
    void takeValue(std::string_view key, std::string_view value);
    void start(IterationSource source, std::string_view prefix);

    std::string_view m_text;
    std::size_t m_at = 0, m_lineEnd = 0; ///< behind the line's end
    std::string m_plainLine;           ///< without colours
    IterationEntry m_entry;
    bool m_hasEntry = false;
    bool m_mayObjectsSpanLines = true; ///< none was found that does not end
    std::uint64_t m_damaged = 0;
};

} // namespace gantry::importing
