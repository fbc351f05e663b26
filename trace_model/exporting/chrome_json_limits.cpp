#include "trace_model/exporting/chrome_json.h"

#include <algorithm>

namespace gantry::exporting {

using trace::Trace;

std::span<const FormatLimit> chromeJsonLimits()
{
    static constexpr FormatLimit kLimits[] = {
        {"the costs of the capture window, and settings of the capture",
         [](const Trace& trace) { return trace.meta.openCost || !trace.meta.settings.empty(); }},
        {"the thread of slices that overlap others of it, but for the name of their row",
         [](const Trace& trace) {
             return trace.nvtxRanges.size() + trace.apiCalls.size() + trace.libraryCalls.size() + trace.osCalls.size() +
                        trace.overheads.size() >
                    0;
         }},
        {"units of metrics, but for a part of their names",
         [](const Trace& trace) {
             return std::any_of(trace.tracks.begin(), trace.tracks.end(), [](const trace::Track& track) {
                 return track.kind == trace::TrackKind::Counter && !track.counter.isDerived;
             });
         }},
        {"when threads ran on a processor",
         [](const Trace& trace) {
             return std::any_of(trace.tracks.begin(), trace.tracks.end(), [](const trace::Track& track) {
                 return track.kind == trace::TrackKind::Counter && track.counter.isDerived && track.globalTid != 0;
             });
         }},
        {"tables without times", [](const Trace& trace) { return !trace.summaries.empty(); }},
    };
    return kLimits;
}

} // namespace gantry::exporting
