#include "trace_model/import/file_format.h"

#include "trace_model/base/counted.h"
#include "trace_model/import/file_contents.h"
#include "trace_model/import/json_parts.h"
#include "trace_model/report/foreign_file.h"

#include <algorithm>
#include <initializer_list>
#include <optional>
#include <set>

namespace gantry::importing {
namespace {

/// Where a server's log has said nothing of its engine yet: what it prints at its start can be long.
constexpr std::size_t kLongHeadBytes = std::size_t{4} << 20;

using Keys = std::set<std::string_view>;

Keys keysOf(std::string_view object)
{
    Keys keys;
    JsonParts parts(object);
    while (const auto part = parts.next())
        keys.insert(part->key);
    return keys;
}

bool hasAny(const Keys& keys, std::initializer_list<std::string_view> wanted)
{
    return std::any_of(wanted.begin(), wanted.end(), [&](std::string_view key) { return keys.contains(key); });
}

bool holds(std::string_view text, std::initializer_list<std::string_view> words)
{
    return std::all_of(words.begin(), words.end(), [&](std::string_view word) { return text.find(word) != std::string_view::npos; });
}

/// What an object is that stands alone, in an array of its kind, or on a line of its own.
std::optional<FileFormat> recogniseElement(const Keys& keys)
{
    if (keys.contains("ph"))
        return FileFormat::ChromeTrace;
    if (keys.contains("id") && hasAny(keys, {"timestamps", "model_name", "activity"}))
        return FileFormat::TritonTrace;
    if (keys.contains("Iteration Counter") ||
        (keys.contains("iter") && hasAny(keys, {"iterLatencyMS", "inflightBatchingStats", "staticBatchingStats", "kvCacheStats"})))
        return FileFormat::IterationLog;
    return std::nullopt;
}

std::optional<FileFormat> recogniseJson(std::string_view text)
{
    if (text.starts_with('[')) {
        constexpr int kLook = 16; // elements that a producer puts in front of its own are few
        JsonParts elements(text);
        for (int i = 0; i < kLook; ++i) {
            const auto element = elements.next();
            if (!element || !element->isObject())
                break;
            if (const auto format = recogniseElement(keysOf(element->text)))
                return format;
        }
        return std::nullopt;
    }
    const Keys keys = keysOf(text);
    if (hasAny(keys, {"traceEvents", "baseTimeNanoseconds", "displayTimeUnit", "deviceProperties", "systemTraceEvents"}))
        return FileFormat::ChromeTrace;
    if (keys.contains("experiments"))
        return FileFormat::PerfAnalyzerProfile;
    if (const auto format = recogniseElement(keys))
        return format;
    // Members in front of the one that tells may be longer than the head.
    return holds(text, {"\"traceEvents\""}) || holds(text, {"\"ph\"", "\"ts\""}) ? std::optional(FileFormat::ChromeTrace) : std::nullopt;
}

std::optional<FileFormat> recogniseText(std::string_view text)
{
    const std::string_view firstLine = text.substr(0, text.find_first_of("\r\n"));
    if (firstLine.find(',') != std::string_view::npos)
        for (const std::string_view column : {"Concurrency,", "Request Rate,", "Model,", "Metric,"})
            if (firstLine.starts_with(column))
                return FileFormat::PerfAnalyzerCsv;
    if (holds(text, {"*** Measurement Settings ***"}) || holds(text, {"Inferences/Second vs. Client"}) ||
        holds(text, {"Request concurrency: ", "Throughput: "}) || holds(text, {"Request Rate: ", "Throughput: "}))
        return FileFormat::PerfAnalyzerText;
    // The start of a server's log can be longer than the head: its producer's mark is enough.
    for (const std::string_view mark :
         {"[TensorRT-LLM]", "[TRT-LLM]", "\"Iteration Counter\"", "\"iterLatencyMS\"", "currank_total_requests",
          "Avg prompt throughput: ", "Avg generation throughput: ", "#running-req: "})
        if (holds(text, {mark}))
            return FileFormat::IterationLog;
    return std::nullopt;
}

Error notAReport(std::string what)
{
    return {ErrorCode::NotAReport, std::move(what), {}};
}

} // namespace

std::string_view name(FileFormat format)
{
    switch (format) {
    case FileFormat::Sqlite:
        return "SQLite report";
    case FileFormat::NsysReport:
        return "Nsight Systems report";
    case FileFormat::ChromeTrace:
        return "Chrome trace";
    case FileFormat::TritonTrace:
        return "Triton request trace";
    case FileFormat::PerfAnalyzerCsv:
        return "perf_analyzer table";
    case FileFormat::PerfAnalyzerText:
        return "perf_analyzer output";
    case FileFormat::PerfAnalyzerProfile:
        return "perf_analyzer profile";
    case FileFormat::IterationLog:
        return "iteration log";
    }
    return "";
}

Result<FileFormat> recogniseContent(std::string_view head)
{
    if (head.starts_with("SQLite format 3")) {
        if (auto foreign = report::describeForeign(head))
            return notAReport(*std::move(foreign));
        return FileFormat::Sqlite;
    }
    if (head.starts_with("NVIDIA Tegra Profiler") || head.starts_with("U3w[END]NVIDIA Nsight Systems Stream"))
        return FileFormat::NsysReport;
    std::string_view text = head.substr(head.starts_with("\xEF\xBB\xBF") ? 3 : 0);
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(" \t\r\n")));
    const bool isJson = text.starts_with('{') || text.starts_with('[');
    if (isJson)
        if (const auto format = recogniseJson(text))
            return *format;
    if (auto foreign = report::describeForeign(head))
        return notAReport(*std::move(foreign));
    if (const auto format = recogniseText(text))
        return *format;
    if (isJson)
        return notAReport("this is JSON, but no trace that Gantry knows: it opens Chrome traces (PyTorch), Triton request traces, "
                          "perf_analyzer profiles and TensorRT-LLM statistics");
    const bool isBinary = text.find('\0') != std::string_view::npos;
    const std::string what = isBinary ? "this is a binary file" : "this is a text";
    constexpr std::size_t kShortest = 16; // bytes: the mark of a SQLite file
    if (head.size() < kShortest)
        return notAReport(what + " of " + counted(head.size(), "byte") +
                          ", too short to be a report or a trace: copy or fetch it again, or choose another");
    return notAReport(what +
                      " of no kind that Gantry knows: choose a .gantry report, an Nsight Systems report or export, a Chrome trace, a "
                      "Triton trace, perf_analyzer's output "
                      "or a TensorRT-LLM log");
}

Result<FileFormat> recogniseFormat(const std::filesystem::path& path)
{
    GANTRY_TRY(const FileContents head, readHead(path));
    if (!head.damage.empty() && head.text.empty())
        return Error{ErrorCode::Truncated, "the compressed file is damaged or cut off at its begin: fetch it again", {path.string()}};
    Result<FileFormat> format = recogniseContent(head.text);
    if (!format && head.text.size() == kHeadBytes && !report::describeForeign(head.text)) {
        GANTRY_TRY(const FileContents longHead, readHead(path, kLongHeadBytes));
        format = recogniseContent(longHead.text);
    }
    // Read by nsys itself, which does not unpack.
    if (format && *format == FileFormat::NsysReport && head.packing != Packing::None)
        return Error{ErrorCode::NotAReport,
                     std::string("this is a packed report: unpack it with ") + (head.packing == Packing::Gzip ? "`gunzip`" : "`unzstd`") +
                         " and open the result",
                     {path.string()}};
    return std::move(format).context(path.string());
}

} // namespace gantry::importing
