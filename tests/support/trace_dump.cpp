#include "tests/support/trace_dump.h"

#include "trace_model/analysis/kernel_stats.h"
#include "trace_model/analysis/request_join.h"
#include "trace_model/trace/visible_spans.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <sstream>

namespace gantry::test {

namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;

std::string described(const Trace& trace, EventId event)
{
    const TimeRange time = trace.timeOf(event);
    return fmt::format("{} {} {}..{}", name(event.kind()), trace.nameOf(event), time.start, time.end);
}

std::optional<trace::TrackId> trackNamed(const Trace& trace, std::string name)
{
    std::replace(name.begin(), name.end(), '_', ' ');
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        std::string candidate = trace.tracks[i].name;
        std::replace(candidate.begin(), candidate.end(), '_', ' ');
        if (candidate == name)
            return trace::TrackId(i);
    }
    return std::nullopt;
}

std::string tracksText(const Trace& trace)
{
    std::string text;
    for (const trace::Track& track : trace.tracks) {
        std::string indentation;
        for (trace::TrackId parent = track.parent; !parent.isNone(); parent = trace.track(parent).parent)
            indentation += "  ";
        std::size_t spans = 0;
        for (const trace::DepthRow& row : track.rows)
            spans += row.size();
        fmt::format_to(std::back_inserter(text), "{}{}{}{}\n", indentation, track.name, track.detail.empty() ? "" : " [" + track.detail + "]",
                       track.rows.empty() ? "" : fmt::format(" depths {} spans {}", track.rows.size(), spans));
    }
    return text;
}

std::string rowsText(const Trace& trace, trace::TrackId track)
{
    std::string text;
    const auto& rows = trace.track(track).rows;
    for (std::size_t depth = 0; depth < rows.size(); ++depth) {
        for (const EventId event : rows[depth].event)
            fmt::format_to(std::back_inserter(text), "{} {}\n", depth, described(trace, event));
    }
    const trace::CounterColumns& counter = trace.track(track).counter;
    for (std::size_t i = 0; i < counter.time.size(); ++i)
        fmt::format_to(std::back_inserter(text), "{} = {} {}\n", counter.time[i], counter.value[i], counter.unit);
    return text;
}

std::string visibleText(const Trace& trace, trace::TrackId track, TimeRange window, int width)
{
    std::string text;
    for (const trace::VisibleSpan& span : visibleSpans(trace, track, window, width))
        fmt::format_to(std::back_inserter(text), "{} {}..{} x{} {}\n", span.depth, span.time.start, span.time.end, span.count,
                       trace.nameOf(span.first));
    return text;
}

std::string activityText(const Trace& trace, std::uint64_t id)
{
    for (std::uint32_t i = 0; i < trace.requests.size(); ++i) {
        if (trace.requests[i].id != id)
            continue;
        const analysis::RequestActivity activity = analysis::requestActivity(trace, trace::RequestIndex(i));
        std::string text = activity.executions.empty() ? "not executed\n" : "";
        for (const trace::ExecutionIndex execution : activity.executions)
            fmt::format_to(std::back_inserter(text), "execution {}\n", trace.executions[execution.value].batchId);
        for (const trace::RequestIndex peer : activity.peers)
            fmt::format_to(std::back_inserter(text), "peer {}\n", trace.requests[peer.value].id);
        for (const auto* events : {&activity.phases, &activity.nvtxRanges, &activity.apiCalls, &activity.gpuWork}) {
            for (const EventId event : *events)
                text += described(trace, event) + "\n";
        }
        return text;
    }
    return "no such request\n";
}

std::string requestsOfText(const Trace& trace, const std::string& wanted)
{
    std::string text;
    for (int kind = 0; kind < trace::kEventKindCount; ++kind) {
        const auto eventKind = static_cast<EventKind>(kind);
        for (std::uint32_t row = 0; row < trace.columns(eventKind).size(); ++row) {
            const EventId event(eventKind, row);
            if (trace.nameOf(event) != wanted)
                continue;
            text += described(trace, event) + " ->";
            for (const trace::RequestIndex request : analysis::requestsOf(trace, event))
                text += fmt::format(" {}", trace.requests[request.value].id);
            text += "\n";
        }
    }
    return text;
}

std::string statsText(const Trace& trace, const std::string& by)
{
    const auto group = analysis::groupByFromName(by);
    if (!group)
        return "no such table\n";
    std::string text;
    for (const analysis::ActivityRow& row : activityTable(trace, *group))
        fmt::format_to(std::back_inserter(text), "{} count {} total {} min {} p50 {} max {} bytes {} share {:.3f}\n", row.title(), row.duration.count,
                       row.duration.total, row.duration.min, row.duration.p50, row.duration.max, row.bytes, row.share);
    return text;
}

} // namespace

std::string answer(const Trace& trace, std::string_view query)
{
    std::istringstream words{std::string(query)};
    std::string verb, subject;
    words >> verb >> subject;
    if (verb == "tracks")
        return tracksText(trace);
    if (verb == "activity")
        return activityText(trace, std::strtoull(subject.c_str(), nullptr, 10));
    if (verb == "requests-of")
        return requestsOfText(trace, subject);
    if (verb == "stats")
        return statsText(trace, subject);
    const auto track = trackNamed(trace, subject);
    if (!track)
        return "no such track\n";
    if (verb == "rows")
        return rowsText(trace, *track);
    if (verb == "visible") {
        std::string range, ignored;
        int width = 0;
        words >> range >> ignored >> width;
        const std::size_t dots = range.find("..");
        return dots == std::string::npos ? std::string("no such range\n")
                                         : visibleText(trace, *track, {std::stoll(range), std::stoll(range.substr(dots + 2))}, width);
    }
    return "no such query\n";
}

} // namespace gantry::test
