#include "trace_model/import/iteration_entries.h"

#include "trace_model/import/json_parts.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace gantry::importing {
namespace {

constexpr std::size_t kLookAtOnce = 256 * 1024;
constexpr std::size_t kMostValues = 256; // of one entry; the largest known has sixty

std::string_view trimmed(std::string_view text)
{
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

/// The number at the begin of a text, and what follows it.
std::optional<std::pair<double, std::string_view>> leadingNumber(std::string_view text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || !std::isfinite(value))
        return std::nullopt;
    return std::pair(value, text.substr(static_cast<std::size_t>(end - text.data())));
}

/// The number behind a word: "RANK " of "[RANK 3]".
std::optional<std::int64_t> numberBehind(std::string_view text, std::string_view word)
{
    const std::size_t found = text.find(word);
    if (found == std::string_view::npos)
        return std::nullopt;
    std::int64_t value = 0;
    const char* begin = text.data() + found + word.size();
    const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
    return error == std::errc() && end != begin ? std::optional(value) : std::nullopt;
}

bool isWordCharacter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// Without terminal colours (ECMA-48: ESC [ parameters letter).
std::string_view withoutColours(std::string_view line, std::string& scratch)
{
    if (line.find('\x1B') == std::string_view::npos)
        return line;
    scratch.clear();
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\x1B') {
            scratch += line[i];
            continue;
        }
        if (i + 1 < line.size() && line[i + 1] == '[')
            for (i += 2; i < line.size() && (line[i] < '@' || line[i] > '~');)
                ++i;
    }
    return scratch;
}

} // namespace

Result<bool> IterationEntries::next()
{
    m_hasEntry = false;
    const std::uint64_t end = position() + kLookAtOnce;
    while (position() < end && !m_hasEntry) {
        GANTRY_TRY(const std::string_view text, line());
        if (text.empty())
            return false;
        GANTRY_TRY(m_hasEntry, takeLine());
    }
    return true;
}

/// What is left of the line at the cursor, its end included; of a new line when nothing is. Empty at the end of the text.
Result<std::string_view> IterationEntries::line()
{
    std::size_t searched = 0;
    while (m_lineBytes == 0) {
        const std::string_view text(m_window.cursor, static_cast<std::size_t>(m_window.end() - m_window.cursor));
        const std::size_t lineEnd = text.find('\n', searched);
        m_isLineWhole = lineEnd != std::string_view::npos;
        if (m_isLineWhole || text.size() >= kLongest) {
            m_lineBytes = m_isLineWhole ? lineEnd + 1 : text.size();
            break;
        }
        searched = text.size();
        GANTRY_TRY(const bool isMore, m_window.more());
        if (!isMore) {
            m_isLineWhole = true;
            m_lineBytes = searched;
            break;
        }
    }
    return std::string_view(m_window.cursor, m_lineBytes);
}

/// Goes on behind that many bytes.
void IterationEntries::pass(std::size_t bytes)
{
    m_isLineStart = m_isLineWhole && bytes >= m_lineBytes;
    m_window.cursor += bytes;
    m_lineBytes -= std::min(bytes, m_lineBytes);
}

/// Takes a line, or of a line of JSON what reaches to the end of its first object. True: that was an entry.
Result<bool> IterationEntries::takeLine()
{
    std::string_view raw(m_window.cursor, m_lineBytes);
    const auto has = [&](std::string_view words) { return raw.find(words) != std::string_view::npos; };
    if (m_isLineStart) {
        bool (IterationEntries::*take)(std::string_view) = nullptr;
        if (has("iter = ") && (has("states = ") || has("host_step_time") || has("elapsed_time")))
            take = &IterationEntries::takePythonLine;
        else if (has("throughput: ") && has("Running: "))
            take = &IterationEntries::takeVllmLine;
        else if (has("#running-req: ") || has("#new-seq: "))
            take = &IterationEntries::takeSglangLine;
        if (take) {
            const bool isEntry = (this->*take)(withoutColours(raw, m_plainLine));
            pass(raw.size());
            return isEntry;
        }
    }
    const std::size_t brace = raw.find('{');
    if (brace == std::string_view::npos) {
        pass(raw.size());
        return false;
    }
    auto length = jsonValueLength(raw.substr(brace));
    // An object that is written over several lines has nothing behind its brace. One may also reach over a piece of a very long line.
    const bool maySpanLines = m_mayObjectsSpanLines && trimmed(raw.substr(brace + 1)).empty();
    if (!length && (maySpanLines || !m_isLineWhole)) {
        GANTRY_TRY(length, objectLength(brace));
        if (maySpanLines)
            m_mayObjectsSpanLines = length.has_value();
        raw = {m_window.cursor, m_lineBytes}; // what is in the window may have moved
    }
    if (!length) {
        m_damaged += has("\"iter\"") || has("\"Iteration Counter\"");
        pass(raw.size());
        return false;
    }
    const bool isEntry = takeObject({m_window.cursor + brace, *length}, raw.substr(0, brace));
    pass(brace + *length);
    return isEntry;
}

/// Length of the object at that place behind the cursor, reading on as far as an entry can be long.
Result<std::optional<std::size_t>> IterationEntries::objectLength(std::size_t offset)
{
    while (true) {
        const std::string_view text(m_window.cursor + offset, static_cast<std::size_t>(m_window.end() - m_window.cursor) - offset);
        const auto length = jsonValueLength(text);
        if (length || text.size() >= kLongest)
            return length;
        GANTRY_TRY(const bool isMore, m_window.more());
        if (!isMore)
            return std::optional<std::size_t>();
    }
}

void IterationEntries::start(IterationSource source, std::string_view prefix)
{
    m_entry = {};
    m_entry.source = source;
    m_entry.time = findLogTime(prefix);
}

/// TensorRT-LLM's statistics as JSON (jsonSerialization.cpp; GptManager before).
bool IterationEntries::takeObject(std::string_view object, std::string_view prefix)
{
    start(IterationSource::TensorRtLlm, prefix);
    m_entry.rank = numberBehind(prefix, "RANK ").value_or(numberBehind(prefix, "rank ").value_or(0));
    JsonParts members(object);
    while (const auto member = members.next()) {
        if (!member->isObject()) {
            takeValue(member->key, member->string().value_or(std::string(member->text)));
            continue;
        }
        JsonParts inner(member->text);
        while (const auto value = inner.next())
            takeValue(std::string(member->key) + "." + std::string(value->key), value->text);
    }
    return m_entry.iteration.has_value();
}

/// The PyTorch back end's text (py_executor.py): "key = value" and "key: value", with a Python dictionary at the end.
bool IterationEntries::takePythonLine(std::string_view line)
{
    const std::size_t begin = line.find("iter = ");
    if (begin == std::string_view::npos)
        return false;
    start(IterationSource::TensorRtLlm, line.substr(0, begin));
    m_entry.rank = numberBehind(line.substr(0, begin), "RANK ").value_or(0);
    for (std::size_t at = begin; at < line.size();) {
        if (!isWordCharacter(line[at])) {
            ++at;
            continue;
        }
        std::size_t end = at;
        while (end < line.size() && isWordCharacter(line[end]))
            ++end;
        const std::string_view key = line.substr(at, end - at);
        const std::size_t sign = line.find_first_not_of("' ", end);
        if (sign == std::string_view::npos || (line[sign] != '=' && line[sign] != ':')) {
            at = end;
            continue;
        }
        const std::size_t valueEnd = std::min(line.find_first_of(",{}", sign + 1), line.size());
        takeValue(key, trimmed(line.substr(sign + 1, valueEnd - sign - 1)));
        at = valueEnd;
    }
    return m_entry.iteration.has_value();
}

/// "… Engine 000: Avg prompt throughput: 4.3 tokens/s, …, Running: 1 reqs, …, GPU KV cache usage: 0.1%" (loggers.py).
bool IterationEntries::takeVllmLine(std::string_view line)
{
    const std::size_t begin = line.find("Avg ");
    if (begin == std::string_view::npos)
        return false;
    const std::string_view prefix = line.substr(0, begin);
    start(IterationSource::Vllm, prefix);
    m_entry.rank = numberBehind(prefix, "Engine ").value_or(0);
    return takePairs(line.substr(begin));
}

/// "[2025-02-27 04:46:39 TP0] Decode batch. #running-req: 8, #token: 62531, token usage: 0.12, …".
bool IterationEntries::takeSglangLine(std::string_view line)
{
    const std::size_t begin = std::min(line.find('#'), line.size());
    const std::string_view prefix = line.substr(0, begin);
    start(IterationSource::Sglang, prefix);
    m_entry.rank = numberBehind(prefix, " DP").value_or(numberBehind(prefix, " TP").value_or(0));
    return takePairs(line.substr(begin));
}

/// "key: value, key: value, …"; whether there was any.
bool IterationEntries::takePairs(std::string_view rest)
{
    while (!rest.empty()) {
        const std::size_t comma = std::min(rest.find(", "), rest.size());
        const std::string_view part = rest.substr(0, comma);
        const std::size_t colon = std::min(part.find(": "), part.size());
        if (colon < part.size())
            takeValue(trimmed(part.substr(0, colon)), trimmed(part.substr(colon + 1)));
        rest.remove_prefix(std::min(comma + 2, rest.size()));
    }
    return !m_entry.values.empty();
}

void IterationEntries::takeValue(std::string_view key, std::string_view value)
{
    if (key == "timestamp" || key == "Timestamp") {
        if (const auto time = findLogTime(value))
            m_entry.time = time;
        return;
    }
    const auto number = leadingNumber(value);
    if (!number)
        return; // N/A, None, null, True
    auto [amount, unit] = *number;
    unit = trimmed(unit);
    const auto whole = std::abs(amount) < 9e15 ? std::optional(static_cast<std::int64_t>(amount)) : std::nullopt;
    if (key == "iter" || key == "Iteration Counter") {
        m_entry.iteration = whole;
        return;
    }
    if (key == "global_rank" || key == "attentionDpRank") {
        m_entry.rank = whole.value_or(-1);
        return;
    }
    if (key == "rank" || key == "MicroBatch ID" || key == "inflightBatchingStats.microBatchId")
        return; // names, not amounts
    if (unit == "s")
        amount *= 1000; // elapsed_time
    if (key == "prev_device_step_time") {
        m_entry.previousDeviceStepMs = amount;
        return;
    }
    if (key == "iterLatencyMS" || key == "host_step_time" || key == "elapsed_time")
        m_entry.stepMs = amount;
    if (m_entry.values.size() < kMostValues)
        m_entry.values.emplace_back(key, amount);
}

} // namespace gantry::importing
