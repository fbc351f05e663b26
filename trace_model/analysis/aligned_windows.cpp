#include "trace_model/analysis/aligned_windows.h"

#include "trace_model/analysis/compared_side.h"
#include "trace_model/analysis/iterations.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace gantry::analysis {
namespace {

using By = WindowAlignment::By;
using trace::Trace;

/// What windows are aligned by, as it is said of one: "request 3", "range 'step'".
std::string textOf(const WindowAlignment& alignment)
{
    switch (alignment.by) {
    case By::Start:
        return "the start";
    case By::Request:
        return fmt::format("request {}", alignment.index + 1);
    case By::Range:
        return fmt::format("range '{}'{}", alignment.text,
                           alignment.index > 0 ? fmt::format(" number {}", alignment.index + 1) : std::string());
    case By::Iteration:
        return fmt::format("iteration {}", alignment.index + 1);
    case By::Hand:
        return "where they were put by hand";
    }
    return {};
}

std::string sideText(const Trace& trace, TimeRange window, const char* side)
{
    return fmt::format("{} of {} from {} on", formatDuration(window.duration()), side,
                       formatDuration(window.start - recordedTime(trace).start));
}

std::string whatThereIs(const Trace& a, const Trace& b, By by)
{
    if (by == By::Request) {
        const auto complete = [](const Trace& trace) {
            return std::count_if(trace.requests.begin(), trace.requests.end(), [](const trace::Request& r) { return !r.cutByWindow; });
        };
        return fmt::format("A has {} complete requests and B {}", complete(a), complete(b));
    }
    constexpr std::size_t kListed = 8;
    const std::vector<std::string> common = commonRanges(a, b, kListed);
    return common.empty() ? "no NVTX range is in both: align by start or by request"
                          : fmt::format("ranges that both have: {}", fmt::join(common, ", "));
}

Result<AlignedWindows> byIteration(const Trace& a, const Trace& b, const WindowAlignment& alignment)
{
    const auto both = commonIterations(a, b, alignment.text);
    if (!both)
        return Error{
            ErrorCode::BadInput,
            alignment.text.empty()
                ? std::string("nothing repeats regularly in both reports (an NVTX range, or a model's executions): align by start or "
                              "by request, or name a range as in iteration:step")
                : fmt::format("'{}' does not repeat in both reports; {}", alignment.text, whatThereIs(a, b, By::Range)),
            {}};
    const std::size_t fewer = std::min((*both)[0].times.size(), (*both)[1].times.size());
    if (alignment.index >= fewer)
        return Error{ErrorCode::BadInput,
                     fmt::format("there is no iteration {} in both reports: A has {} ({}), B {}", alignment.index + 1,
                                 (*both)[0].times.size(), (*both)[0].of, (*both)[1].times.size()),
                     {}};
    AlignedWindows aligned;
    aligned.by = alignment;
    aligned.iterations = fewer - alignment.index;
    for (std::size_t side = 0; side < 2; ++side) {
        const std::vector<TimeRange>& times = (*both)[side].times;
        // To the end of the last, on both sides: what follows it is there on one side alone where the other ends.
        aligned.windows[side] = {times[alignment.index].start, times[fewer - 1].end};
    }
    aligned.sentence = fmt::format("Aligned by iteration ({}), from number {} on: {} of each, {}, {}.", (*both)[0].of, alignment.index + 1,
                                   aligned.iterations, sideText(a, aligned.windows[0], "A"), sideText(b, aligned.windows[1], "B"));
    return aligned;
}

/// From an instant of each side on, as long as both go on; by hand from where both are there.
Result<AlignedWindows> fromInstants(const Trace& a, const Trace& b, const WindowAlignment& alignment, std::array<TimestampNs, 2> at)
{
    const std::array recorded = {recordedTime(a), recordedTime(b)};
    const DurationNs before = alignment.by == By::Hand ? std::min(at[0] - recorded[0].start, at[1] - recorded[1].start) : 0;
    const DurationNs after = std::min(recorded[0].end - at[0], recorded[1].end - at[1]);
    if (before + after <= 0)
        return Error{ErrorCode::BadInput, "aligned like that A and B have no time in common: move them closer, or align by the start", {}};
    AlignedWindows aligned;
    aligned.by = alignment;
    for (std::size_t side = 0; side < 2; ++side)
        aligned.windows[side] = {at[side] - before, at[side] + after};
    aligned.sentence = fmt::format("Aligned by {}: {}, {}.", textOf(alignment), sideText(a, aligned.windows[0], "A"),
                                   sideText(b, aligned.windows[1], "B"));
    return aligned;
}

Result<std::size_t> numberOf(std::string_view text)
{
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number == 0)
        return Error{
            ErrorCode::BadInput, fmt::format("'{}' is no number of a request: requests are counted from 1, as in request:3", text), {}};
    return number - 1;
}

} // namespace

Result<AlignedWindows> alignedWindows(const Trace& a, const Trace& b, const WindowAlignment& alignment)
{
    if (alignment.by == By::Iteration)
        return byIteration(a, b, alignment);
    if (alignment.by == By::Start)
        return fromInstants(a, b, alignment, {recordedTime(a).start, recordedTime(b).start});
    if (alignment.by == By::Hand)
        return fromInstants(a, b, alignment, {recordedTime(a).start, recordedTime(a).start + alignment.shift});
    const auto ofA = anchorOf(a, alignment), ofB = anchorOf(b, alignment);
    if (!ofA || !ofB)
        return Error{ErrorCode::BadInput,
                     fmt::format("{} no {}; {}",
                                 ofA   ? "B has"
                                 : ofB ? "A has"
                                       : "A and B have",
                                 textOf(alignment), whatThereIs(a, b, alignment.by)),
                     {}};
    return fromInstants(a, b, alignment, {*ofA, *ofB});
}

Result<WindowAlignment> parseAlignment(std::string_view text)
{
    const std::size_t colon = text.find(':');
    const std::string_view word = text.substr(0, colon),
                           rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
    WindowAlignment alignment;
    if (text == "start")
        return alignment;
    alignment.text = std::string(rest);
    if (text == "iteration" || (word == "iteration" && !rest.empty())) {
        alignment.by = By::Iteration;
        return alignment;
    }
    if (word == "range" && !rest.empty()) {
        alignment.by = By::Range;
        return alignment;
    }
    if (word == "request" && colon != std::string_view::npos) {
        GANTRY_TRY(alignment.index, numberOf(rest));
        alignment.by = By::Request;
        alignment.text.clear();
        return alignment;
    }
    return Error{ErrorCode::BadInput,
                 fmt::format("'{}' is nothing to align by: it is start, range:NAME, request:N, iteration or iteration:NAME", text),
                 {}};
}

} // namespace gantry::analysis
