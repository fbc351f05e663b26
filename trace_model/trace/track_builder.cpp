#include "trace_model/trace/track_builder.h"

#include "trace_model/base/parallel.h"
#include "trace_model/trace/gpu_tracks.h"
#include "trace_model/trace/request_tracks.h"
#include "trace_model/trace/thread_tracks.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace gantry::trace {
namespace {

void addCounterGroup(TrackList& list, const char* name, std::vector<Track>::iterator first, std::vector<Track>::iterator last)
{
    if (first == last)
        return;
    const TrackId group = list.addGroup({}, name);
    for (; first != last; ++first) {
        first->kind = TrackKind::Counter;
        first->parent = group;
        list.add(std::move(*first));
    }
}

void addCounters(TrackList& list, std::vector<Track> counters)
{
    // Idle models have a dozen metrics each that say nothing: apart, so that they can be folded together.
    const auto idle = std::stable_partition(counters.begin(), counters.end(), [](const Track& track) {
        return std::any_of(track.counter.value.begin(), track.counter.value.end(), [](double value) { return value != 0; });
    });
    addCounterGroup(list, "Metrics", counters.begin(), idle);
    addCounterGroup(list, "Metrics that stay at 0", idle, counters.end());
}

} // namespace

void buildTracks(Trace& trace, std::vector<Track> counters, const std::vector<TimeRange>& requestWindows)
{
    GpuRows gpus(trace);
    std::optional<ThreadRows> threads;
    inParallel({[&] { gpus.arrangeStreams(); }, [&] { threads.emplace(trace); }, [&] { gpus.arrangeContexts(); }});
    const auto ofThreads = std::stable_partition(counters.begin(), counters.end(), [](const Track& track) { return track.globalTid == 0; });
    for (auto counter = ofThreads; counter != counters.end(); ++counter)
        threads->takeRunning(counter->globalTid, std::move(counter->counter));
    counters.erase(ofThreads, counters.end());
    TrackList list(trace);
    addRequestTracks(list, requestWindows);
    gpus.addTo(list);
    threads->addTo(list);
    addCounters(list, std::move(counters));
}

} // namespace gantry::trace
