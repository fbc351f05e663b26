#include "trace_model/analysis/stream_roles.h"

#include "trace_model/base/parallel.h"
#include "trace_model/base/stoppable.h"
#include "trace_model/trace/launch_key.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

namespace gantry::analysis {
namespace {

using trace::Trace;

/// Launches of a stream that tell whose it is: an instance launches all of them or none.
constexpr std::size_t kLaunchesLookedAt = 32;

/// What was seen of a stream.
struct Seen
{
    bool hasCompute = false;
    std::set<trace::CopyKind> copies;
    std::vector<std::uint64_t> launches; ///< keys
    std::set<std::string> instances;
    bool isOfOthers = false; ///< something else than an instance launched on it, too
};

using SeenByStream = std::map<StreamKey, Seen>;

void look(SeenByStream& seen, const trace::GpuEventColumns& columns, const StopCheck& isStopped,
          const std::function<void(Seen&, std::size_t row)>& take)
{
    std::vector<Seen*> byPlace(columns.places.size(), nullptr);
    for (std::size_t row = 0; row < columns.size() && !isStopped(row); ++row) {
        Seen*& stream = byPlace[columns.placeNumber[row]];
        if (!stream)
            stream = &seen[columns.place(row)];
        if (stream->launches.size() < kLaunchesLookedAt && columns.correlation[row] != 0)
            stream->launches.push_back(trace::launchKey(columns.globalPid(row), columns.correlation[row]));
        take(*stream, row);
    }
}

/// The instance of each thread that executes one alone.
std::unordered_map<std::uint64_t, std::string> instancesByThread(const Trace& trace)
{
    std::unordered_map<std::uint64_t, std::string> instances;
    for (const trace::Execution& execution : trace.executions) {
        const std::string instance(trace.strings[execution.instance]);
        const auto [known, isNew] = instances.try_emplace(execution.globalTid, instance);
        if (!isNew && known->second != instance)
            known->second.clear(); // a thread that serves several says nothing
    }
    return instances;
}

void findInstances(SeenByStream& seen, const Trace& trace, const StopCheck& isStopped)
{
    const auto instances = instancesByThread(trace);
    if (instances.empty())
        return;
    std::unordered_multimap<std::uint64_t, Seen*> wanted;
    for (auto& [key, stream] : seen)
        for (const std::uint64_t launch : stream.launches)
            wanted.emplace(launch, &stream);
    const trace::CallColumns& calls = trace.apiCalls;
    for (std::size_t row = 0; row < calls.size() && !wanted.empty() && !isStopped(row); ++row) {
        if (calls.correlation[row] == 0)
            continue;
        const auto [first, last] = wanted.equal_range(trace::launchKey(Trace::processOf(calls.globalTid(row)), calls.correlation[row]));
        if (first == last)
            continue;
        const auto instance = instances.find(calls.globalTid(row));
        for (auto one = first; one != last; ++one)
            if (instance != instances.end() && !instance->second.empty())
                one->second->instances.insert(instance->second);
            else
                one->second->isOfOthers = true;
        wanted.erase(first, last);
    }
}

SeenByStream seenStreams(const ComparedSide& side)
{
    const Trace& trace = *side.trace;
    const StopCheck isStopped(side.stop);
    SeenByStream seen;
    const auto compute = [](Seen& stream, std::size_t) { stream.hasCompute = true; };
    look(seen, trace.kernels, isStopped, compute);
    look(seen, trace.graphLaunches, isStopped, compute);
    look(seen, trace.memcpys, isStopped, [&](Seen& stream, std::size_t row) { stream.copies.insert(trace.memcpys.route[row].kind); });
    look(seen, trace.memsets, isStopped, [](Seen&, std::size_t) {});
    findInstances(seen, trace, isStopped);
    return seen;
}

std::string roleOf(const Trace& trace, const StreamKey& key, const Seen& seen)
{
    if (seen.instances.size() == 1 && !seen.isOfOthers)
        return *seen.instances.begin();
    if (const std::string* name = trace.streamName(key.globalPid, key.device, key.context, key.stream))
        return "'" + *name + "'";
    if (seen.hasCompute)
        return "compute";
    if (seen.copies.empty())
        return "memsets";
    return seen.copies.size() == 1 ? fmt::format("copies {}", name(*seen.copies.begin())) : std::string("copies");
}

/// Adds the time of each piece of work to the role of its stream, cut to the window.
void addBusy(std::map<std::string, BlockSums>& busy, const trace::GpuEventColumns& columns, const StreamRoles& roles,
             const ComparedSide& side)
{
    const StopCheck isStopped(side.stop);
    std::vector<BlockSums*> byPlace(columns.places.size(), nullptr);
    for (std::size_t row = 0; row < columns.size() && !isStopped(row); ++row) {
        const TimeRange time = columns.time(row), inside = time.clippedTo(side.window);
        if (inside.isEmpty())
            continue;
        BlockSums*& sums = byPlace[columns.placeNumber[row]];
        if (!sums)
            sums = &busy.try_emplace(roles.at(columns.place(row)), side.blocks.count).first->second;
        sums->sum[side.blocks.of(inside.start)] += static_cast<double>(inside.duration());
    }
}

std::map<std::string, BlockSums> busyByRole(const ComparedSide& side)
{
    const StreamRoles roles = streamRoles(side);
    std::map<std::string, BlockSums> busy;
    const Trace& trace = *side.trace;
    addBusy(busy, trace.kernels, roles, side);
    addBusy(busy, trace.graphLaunches, roles, side);
    addBusy(busy, trace.memcpys, roles, side);
    addBusy(busy, trace.memsets, roles, side);
    return busy;
}

/// Completed requests of each block; nothing: there are none.
std::optional<std::vector<double>> requestsByBlock(const ComparedSide& side)
{
    std::vector<double> counts(side.blocks.count);
    bool any = false;
    for (const trace::Request& request : side.trace->requests)
        if (side.hasWhole(request)) {
            counts[side.blocks.of(request.time.end)] += 1;
            any = true;
        }
    return any ? std::optional(std::move(counts)) : std::nullopt;
}

} // namespace

StreamRoles streamRoles(const ComparedSide& side)
{
    StreamRoles roles;
    for (const auto& [key, seen] : seenStreams(side))
        roles[key] = roleOf(*side.trace, key, seen);
    return roles;
}

void takeStreams(std::array<Subjects, 2>& subjects, const std::array<ComparedSide, 2>& sides)
{
    std::array<std::map<std::string, BlockSums>, 2> busy;
    std::vector<std::function<void()>> tasks;
    for (const std::size_t side : {0, 1})
        tasks.emplace_back([&, side] { busy[side] = busyByRole(sides[side]); });
    inParallel(std::move(tasks));
    const std::array requests = {requestsByBlock(sides[0]), requestsByBlock(sides[1])};
    const bool isPerRequest = requests[0] && requests[1];
    for (const std::size_t side : {0, 1})
        for (auto& [role, sums] : busy[side]) {
            sums.weight = isPerRequest ? *requests[side]
                                       : std::vector<double>(sides[side].blocks.count, static_cast<double>(sides[side].blocks.length));
            subjects[side][{RowKind::Stream, {}, role}] = {{}, std::move(sums), isPerRequest ? "ns" : "ratio"};
        }
}

} // namespace gantry::analysis
