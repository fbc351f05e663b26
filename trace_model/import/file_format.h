#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace gantry::importing {

/// What a file is that Gantry opens.
enum class FileFormat : std::uint8_t
{
    Sqlite,              ///< a Gantry report or an Nsight Systems export: their tables tell which
    NsysReport,          ///< .nsys-rep, .qdrep, .qdstrm: to be exported with nsys first
    ChromeTrace,         ///< Chrome trace events: Kineto and others
    TritonTrace,         ///< Triton's request trace
    PerfAnalyzerCsv,     ///< tables of perf_analyzer, Model Analyzer, genai-perf
    PerfAnalyzerText,    ///< what perf_analyzer prints
    PerfAnalyzerProfile, ///< requests one by one (--profile-export-file)
    IterationLog,        ///< TensorRT-LLM's statistics by iteration, vLLM's and SGLang's log lines
};

/// The format for people: "Triton request trace".
[[nodiscard]] std::string_view name(FileFormat format);

/// What the content is that begins with `head` (64 KiB and more, unpacked). Error NotAReport: a sentence that says what it is instead,
/// and what to do.
[[nodiscard]] Result<FileFormat> recogniseContent(std::string_view head);

/// What a file is, by its content and never by its name. Errors also: NotFound, NotPermitted, NotAReport for a folder.
[[nodiscard]] Result<FileFormat> recogniseFormat(const std::filesystem::path& path);

} // namespace gantry::importing
