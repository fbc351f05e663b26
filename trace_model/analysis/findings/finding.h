#pragma once

#include "trace_model/base/time.h"
#include "trace_model/trace/event_kinds.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::findings {

/// How much a finding asks for.
enum class Severity : std::uint8_t
{
    Problem, ///< costs much, and something can be done about it
    Advice,  ///< costs something, or may cost something under more load
    Note,    ///< to know when reading the numbers
};

/// Stable lower-case name: "problem", "advice", "note".
[[nodiscard]] std::string_view name(Severity severity);
[[nodiscard]] std::optional<Severity> severityFromName(std::string_view text);

/// One place in the trace where a finding can be seen.
struct Evidence
{
    std::string what;            ///< "the longest copy, 61.9 µs"
    TimeRange time;              ///< session time; what a timeline should show
    trace::EventId event;        ///< to select; none: the range alone
    trace::RequestIndex request; ///< to select instead; none: no single request
};

/// Whom an edit is for.
enum class RemedyFor : std::uint8_t
{
    Everybody,
    Servers, ///< that have a config.pbtxt or flags: where requests were recorded
    PyTorch, ///< programs: where its kernels ran, and no requests were recorded
};

/// What to change, exactly.
struct Remedy
{
    std::string advice; ///< a sentence: what it does, and where it belongs
    std::string edit;   ///< text to paste: lines of config.pbtxt, a flag, a line of code; empty: there is nothing to paste
    RemedyFor whom = RemedyFor::Everybody;
};

/// What share is a part of.
enum class ShareOf : std::uint8_t
{
    Window,      ///< the recorded time
    RequestTime, ///< the sum of the latencies of a model's complete requests
    GpuWork,     ///< the sum of the times that streams are busy
};

/// "of the window", "of the requests' time", "of the GPU's work".
[[nodiscard]] std::string_view text(ShareOf of);
/// Stable name: "window", "request_time", "gpu_work".
[[nodiscard]] std::string_view name(ShareOf of);

/// One answer to "why is it slow": what happens, what it costs, where it can be seen, what to edit.
struct Finding
{
    std::string rule; ///< id of the rule that found it: "pageable-copy"
    Severity severity = Severity::Advice;
    std::string sentence;        ///< plain words with numbers and units, without what to do
    std::optional<double> share; ///< 0..1 of `shareOf`: how much time it is about; absent: not a matter of time
    ShareOf shareOf = ShareOf::Window;
    std::vector<Evidence> evidence; ///< what shows it best first; few
    std::vector<Remedy> remedies;   ///< what is most likely to help first
};

} // namespace gantry::findings
