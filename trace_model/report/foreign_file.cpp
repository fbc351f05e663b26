#include "trace_model/report/foreign_file.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace gantry::report {
namespace {

using namespace std::string_view_literals;

std::string_view trimmed(std::string_view text)
{
    if (text.starts_with("\xEF\xBB\xBF"))
        text.remove_prefix(3);
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin);
}

bool startsWithIgnoringCase(std::string_view text, std::string_view lower)
{
    return text.size() >= lower.size() && std::equal(lower.begin(), lower.end(), text.begin(), [](char expected, char c) {
               return expected == static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
           });
}

/// Whether this is a sequence of length-delimited fields 1, as Perfetto's Trace message is (protos/perfetto/trace/trace.proto):
/// two whole packets at least, and the next one begins where they end.
bool isPerfettoTrace(std::string_view head)
{
    std::size_t at = 0;
    int packets = 0;
    while (at < head.size() && head[at] == '\x0A') {
        std::uint64_t length = 0;
        std::size_t byte = ++at;
        for (unsigned shift = 0; byte < head.size() && shift < 35; shift += 7) {
            const auto value = static_cast<unsigned char>(head[byte++]);
            length |= std::uint64_t{value & 0x7Fu} << shift;
            if (value < 0x80)
                break;
        }
        if (byte == head.size() || length >= head.size() - byte)
            return packets >= 2; // the head ends inside a packet
        // A packet begins with a field of its own; what is text does not.
        if (const auto tag = static_cast<unsigned char>(head[byte]); (tag & 7) > 5 || tag >> 3 == 0)
            return false;
        at = byte + length;
        ++packets;
    }
    return packets >= 2 && at == head.size();
}

struct Sign
{
    std::string_view prefix;      ///< the content begins with this
    std::string_view description;
};

constexpr Sign kPrefixes[] = {
    {"version https://git-lfs"sv, "this is a git-lfs pointer, not the report itself: run `git lfs pull` and open it again"sv},
    {"NVR\0"sv, "this is an Nsight Compute report (.ncu-rep), which profiles single kernels and holds no timeline: open it in ncu-ui, or record the program with Nsight Systems"sv},
    {"PK\x03\x04"sv, "this is a ZIP archive: unpack it and open the trace in it"sv},
    {"\xFD"
     "7zXZ\0"sv,
     "this is an xz archive: unpack it with `xz -d` and open the trace in it"sv},
    {"BZh"sv, "this is a bzip2 archive: unpack it with `bunzip2` and open the trace in it"sv},
    {"\x7F"
     "ELF"sv,
     "this is a program, not a trace of one: open the report that its profiler wrote"sv},
    {"\x89PNG"sv, "this is a picture: open the report that it was made of"sv},
    {"%PDF"sv, "this is a PDF document: open the report that it was made of"sv},
};

struct Mark
{
    std::string_view first, second; ///< the content holds both; `second` may be empty
    std::string_view description;
};

constexpr Mark kJson[] = {
    {"\"resourceSpans\"", "", "this is OpenTelemetry JSON (spans), which Gantry does not read: run Triton with `--trace-config mode=triton` and open the file that it writes"},
    {"\"ResultManager.results\"", "", "this is a Model Analyzer checkpoint: open the CSV files that Model Analyzer wrote beside it (results/metrics-model-inference.csv)"},
    {"\"schema\"", "\"nodes\"", "this is a PyTorch execution trace (MLCommons Chakra), a graph without a timeline: open the profiler's trace (*.pt.trace.json) of the same run"},
    {"\"request_throughput\"", "\"request_latency\"", "this is a summary of genai-perf without its requests: open profile_export.json of the same run"},
};

constexpr Mark kText[] = {
    {"Time (%)", "Total Time (ns)", "this is a summary of `nsys stats`, which holds no times: open the .nsys-rep or .sqlite file that it was made of"},
    {"Time(%)", "Total Time (ns)", "this is a summary of `nsys stats`, which holds no times: open the .nsys-rep or .sqlite file that it was made of"},
    {"# HELP ", "# TYPE ", "this is one reading of a server's metrics (Prometheus text), which holds no times: let Gantry watch the server's metrics instead"},
    {"#HELP ", "#TYPE ", "this is one reading of a server's metrics (Prometheus text), which holds no times: let Gantry watch the server's metrics instead"},
};

template <std::size_t Count>
std::optional<std::string> describedBy(const Mark (&marks)[Count], std::string_view text)
{
    for (const Mark& mark : marks)
        if (text.find(mark.first) != std::string_view::npos && text.find(mark.second) != std::string_view::npos)
            return std::string(mark.description);
    return std::nullopt;
}

std::optional<std::string> describeSqlite(std::string_view head)
{
    // The schema of a small number of tables lies in the first pages; ROCm's names carry a suffix of their own.
    if (head.find("rocpd_kernel_dispatch") != std::string_view::npos || head.find("rocpd_op") != std::string_view::npos
        || head.find("rocpd_string") != std::string_view::npos)
        return "this is a ROCm profile (rocpd), which Gantry does not read: open it with ROCm's own tools, or record the program with PyTorch's profiler";
    return std::nullopt;
}

} // namespace

std::optional<std::string> describeForeign(std::string_view head)
{
    if (head.empty())
        return "the file is empty: fetch or export it again";
    if (head.starts_with("SQLite format 3"))
        return describeSqlite(head);
    for (const Sign& sign : kPrefixes)
        if (head.starts_with(sign.prefix))
            return std::string(sign.description);
    if (head.substr(0, 4096).find("brain.Event:") != std::string_view::npos)
        return "this is a TensorBoard event file, which Gantry does not read: open the profiler's trace (*.pt.trace.json) of the same run";
    const std::string_view text = trimmed(head);
    if (text.empty())
        return "the file holds nothing but blanks: fetch or export it again";
    if (startsWithIgnoringCase(text, "<!doctype html") || startsWithIgnoringCase(text, "<html"))
        return "this is a web page, perhaps an error page or a log-in that was saved in place of the file: download it again";
    if (startsWithIgnoringCase(text, "<?xml"))
        return "this is an XML document: open the trace or report itself";
    if (text.front() == '{' || text.front() == '[')
        return describedBy(kJson, text);
    if (isPerfettoTrace(head))
        return "this is a Perfetto trace (.pftrace), which Gantry does not read: open it at ui.perfetto.dev, or convert it with `traceconv json`";
    return describedBy(kText, text);
}

} // namespace gantry::report
