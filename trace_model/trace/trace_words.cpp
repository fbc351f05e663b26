#include "trace_model/trace/trace_words.h"

#include <optional>
#include <set>
#include <utility>

namespace gantry::trace {
namespace {

/// By a category that PyTorch's profiler writes.
std::optional<RangeOrigin> originOfCategory(std::string_view category)
{
    constexpr std::pair<std::string_view, RangeOrigin> kOrigins[] = {
        {"cpu_op", RangeOrigin::Operator},
        {"Operator", RangeOrigin::Operator},
        {"user_annotation", RangeOrigin::Annotation},
        {"python_function", RangeOrigin::PythonFunction},
    };
    for (const auto& [name, origin] : kOrigins)
        if (name == category)
            return origin;
    return std::nullopt;
}

/// Whether Gantry wrote the Chrome traces that this was read from: their categories are domains.
bool isOfGantry(const Trace& trace)
{
    const auto exporter = trace.meta.settings.find("exportedBy");
    return exporter != trace.meta.settings.end() && exporter->second.starts_with("Gantry ");
}

/// Also of none at all.
bool isAnyNvtx(const Trace& trace, const NvtxColumns& columns)
{
    std::set<StringId> domains;
    for (const NvtxLabel& label : columns.labels.values())
        domains.insert(label.domain);
    for (const std::uint64_t thread : columns.threads.values())
        for (const StringId domain : domains)
            if (originOf(trace, thread, domain) == RangeOrigin::Nvtx)
                return true;
    return columns.size() == 0;
}

} // namespace

RangeOrigin originOf(const Trace& trace, std::uint64_t globalTid, StringId domain)
{
    const std::uint32_t file = Trace::fileOf(globalTid);
    const std::string_view format = file < trace.imports.size() ? std::string_view(trace.imports[file].format) : std::string_view();
    if (format.starts_with("Nsight Systems"))
        return RangeOrigin::Nvtx;
    if (format == "iteration log")
        return RangeOrigin::Iteration;
    if (!domain.isNone())
        if (const auto origin = originOfCategory(trace.strings[domain]))
            return *origin;
    const bool isNvtx = format.empty() || format.starts_with("Gantry") || (format.starts_with("Chrome") && isOfGantry(trace));
    return isNvtx ? RangeOrigin::Nvtx : RangeOrigin::Span;
}

std::string_view name(RangeOrigin origin)
{
    switch (origin) {
    case RangeOrigin::Nvtx:
        return "NVTX";
    case RangeOrigin::Operator:
        return "Operators";
    case RangeOrigin::Annotation:
        return "Annotations";
    case RangeOrigin::PythonFunction:
        return "Python";
    case RangeOrigin::Iteration:
        return "Iterations";
    case RangeOrigin::Span:
        break;
    }
    return "Spans";
}

std::string_view rangesName(const Trace& trace)
{
    return isAnyNvtx(trace, trace.nvtxRanges) ? "NVTX ranges" : "Ranges";
}

std::string_view marksName(const Trace& trace)
{
    return isAnyNvtx(trace, trace.nvtxMarks) ? "NVTX marks" : "Marks";
}

std::string_view gpuRangesName(const Trace& trace, std::uint32_t file)
{
    const bool isChrome = file < trace.imports.size() && trace.imports[file].format.starts_with("Chrome");
    return isChrome && !isOfGantry(trace) ? "Annotations on the GPU" : "NVTX on the GPU";
}

std::string_view apiName(const Trace& trace)
{
    bool isHip = false;
    for (const Callee& callee : trace.apiCalls.callees.values()) {
        const std::string_view name = trace.strings[callee.name];
        if (name.starts_with("cu"))
            return "CUDA API";
        isHip = isHip || name.starts_with("hip");
    }
    return isHip ? "HIP API" : "CUDA API";
}

} // namespace gantry::trace
