#include "trace_model/analysis/counterparts.h"

#include "trace_model/analysis/comparison_subjects.h"
#include "trace_model/analysis/name_family.h"
#include "trace_model/base/stoppable.h"

#include <algorithm>
#include <utility>

namespace gantry::analysis {
namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;

std::uint32_t numberOf(std::map<std::string, std::uint32_t>& things, const std::string& name)
{
    return things.try_emplace(name, static_cast<std::uint32_t>(things.size())).first->second;
}

std::vector<std::string> callNames(const Trace& trace)
{
    std::vector<std::string> names;
    for (const trace::Callee& callee : trace.apiCalls.callees.values())
        names.emplace_back(callFamily(trace.strings[callee.name]));
    return names;
}

std::vector<std::string> rangeNames(const Trace& trace)
{
    std::vector<std::string> names;
    for (const trace::NvtxLabel& label : trace.nvtxRanges.labels.values())
        names.push_back(std::string(trace.strings[label.domain]) + ": " + numberedFamily(trace.strings[label.text]));
    return names;
}

/// Of rows by start, the first that begins at `time` or later.
template <typename StartOf>
std::size_t firstFrom(const std::vector<std::uint32_t>& rows, TimestampNs time, StartOf startOf)
{
    const auto found = std::lower_bound(rows.begin(), rows.end(), time, [&](std::uint32_t row, TimestampNs t) { return startOf(row) < t; });
    return static_cast<std::size_t>(found - rows.begin());
}

/// Where a row and its counterpart are among the rows of both sides, from the aligned instants on.
struct Place
{
    std::size_t number = 0; ///< from 0
    std::size_t others = 0;
    std::optional<std::uint32_t> row; ///< of the other side
};

template <typename StartOf>
std::optional<Place> placeOf(std::uint32_t row, const std::vector<std::uint32_t>& own, const std::vector<std::uint32_t>& others,
                             TimestampNs ownAligned, TimestampNs otherAligned, StartOf ownStart, StartOf otherStart)
{
    const auto found = std::lower_bound(own.begin(), own.end(), row); // rows are sorted by start, and so by their numbers
    const std::size_t first = firstFrom(own, ownAligned, ownStart);
    if (found == own.end() || *found != row || static_cast<std::size_t>(found - own.begin()) < first)
        return {};
    Place place;
    place.number = static_cast<std::size_t>(found - own.begin()) - first;
    const std::size_t otherFirst = firstFrom(others, otherAligned, otherStart);
    place.others = others.size() - otherFirst;
    if (place.number < place.others)
        place.row = others[otherFirst + place.number];
    return place;
}

} // namespace

Counterparts::Counterparts(std::shared_ptr<const Trace> a, std::shared_ptr<const Trace> b, const std::stop_token& stop)
    : m_traces{std::move(a), std::move(b)}, m_stop(stop)
{
    Numbers kernels, calls, ranges, copies;
    const auto kernelNames = kernelRows(*m_traces[0], *m_traces[1]);
    for (const int side : {0, 1}) {
        const Trace& trace = *m_traces[static_cast<std::size_t>(side)];
        addNamed(EventKind::Kernel, trace.kernels, trace.kernels.nameNumber, side, kernelNames[static_cast<std::size_t>(side)], kernels);
        addNamed(EventKind::ApiCall, trace.apiCalls, trace.apiCalls.calleeNumber, side, callNames(trace), calls);
        addNamed(EventKind::NvtxRange, trace.nvtxRanges, trace.nvtxRanges.labelNumber, side, rangeNames(trace), ranges);
        addCopies(side, copies);
        addRequests(side);
    }
    for (auto& kinds : m_kinds) // both sides have a list for each thing
        for (const auto& [kind, things] : {std::pair(EventKind::Kernel, &kernels), std::pair(EventKind::ApiCall, &calls),
                                           std::pair(EventKind::NvtxRange, &ranges), std::pair(EventKind::Memcpy, &copies)})
            kinds[static_cast<std::size_t>(kind)].rows.resize(things->size());
}

void Counterparts::addNamed(EventKind kind, const trace::EventColumns& columns, const trace::Column<std::uint32_t>& numbers, int side,
                            const std::vector<std::string>& names, Numbers& things)
{
    Kind& known = m_kinds[static_cast<std::size_t>(side)][static_cast<std::size_t>(kind)];
    for (const std::string& name : names)
        known.thingOf.push_back(numberOf(things, name));
    known.rows.resize(things.size());
    const StopCheck isStopped(m_stop);
    for (std::uint32_t row = 0; row < columns.size() && !isStopped(row); ++row)
        if (numbers[row] < known.thingOf.size())
            known.rows[known.thingOf[numbers[row]]].push_back(row);
}

void Counterparts::addCopies(int side, Numbers& things)
{
    const trace::MemcpyColumns& copies = m_traces[static_cast<std::size_t>(side)]->memcpys;
    Kind& known = m_kinds[static_cast<std::size_t>(side)][static_cast<std::size_t>(EventKind::Memcpy)];
    const StopCheck isStopped(m_stop);
    for (std::uint32_t row = 0; row < copies.size() && !isStopped(row); ++row) {
        const auto [route, isNew] = m_routes.try_emplace(copies.route[row], 0);
        if (isNew)
            route->second = numberOf(things, copyRow(route->first));
        if (known.rows.size() <= route->second)
            known.rows.resize(route->second + 1);
        known.rows[route->second].push_back(row);
    }
}

void Counterparts::addRequests(int side)
{
    const Trace& trace = *m_traces[static_cast<std::size_t>(side)];
    for (std::uint32_t i = 0; i < trace.requests.size(); ++i)
        if (!trace.requests[i].cutByWindow)
            m_requests[static_cast<std::size_t>(side)][std::string(trace.strings[trace.requests[i].model])].push_back(i);
}

std::optional<std::uint32_t> Counterparts::thingOf(int side, EventId event) const
{
    const Trace& trace = *m_traces[static_cast<std::size_t>(side)];
    const Kind& known = m_kinds[static_cast<std::size_t>(side)][static_cast<std::size_t>(event.kind())];
    const auto named = [&](std::uint32_t number) {
        return number < known.thingOf.size() ? std::optional(known.thingOf[number]) : std::nullopt;
    };
    switch (event.kind()) {
    case EventKind::Kernel:
        return named(trace.kernels.nameNumber[event.row()]);
    case EventKind::ApiCall:
        return named(trace.apiCalls.calleeNumber[event.row()]);
    case EventKind::NvtxRange:
        return named(trace.nvtxRanges.labelNumber[event.row()]);
    case EventKind::Memcpy: {
        const auto route = m_routes.find(trace.memcpys.route[event.row()]);
        return route == m_routes.end() ? std::nullopt : std::optional(route->second);
    }
    default:
        return {};
    }
}

std::optional<Counterpart> Counterparts::of(int side, EventId event, const std::array<TimestampNs, 2>& aligned) const
{
    if (event.kind() == EventKind::Phase)
        return phaseOf(side, event.row(), aligned);
    const auto thing = thingOf(side, event);
    if (!thing)
        return {};
    const auto own = static_cast<std::size_t>(side), other = 1 - own, kind = static_cast<std::size_t>(event.kind());
    const auto startOf = [&](std::size_t of) {
        return [&columns = m_traces[of]->columns(event.kind())](std::uint32_t row) { return columns.start[row]; };
    };
    const auto place = placeOf(event.row(), m_kinds[own][kind].rows[*thing], m_kinds[other][kind].rows[*thing], aligned[own],
                               aligned[other], startOf(own), startOf(other));
    if (!place)
        return {};
    return Counterpart{place->row ? EventId(event.kind(), *place->row) : EventId(), place->number + 1, place->others};
}

std::optional<Counterpart> Counterparts::phaseOf(int side, std::uint32_t row, const std::array<TimestampNs, 2>& aligned) const
{
    const auto own = static_cast<std::size_t>(side), other = 1 - own;
    const Trace &trace = *m_traces[own], &otherTrace = *m_traces[other];
    const trace::RequestIndex request = trace.phases.request[row];
    if (request.value >= trace.requests.size())
        return {};
    const std::string model(trace.strings[trace.requests[request.value].model]);
    const auto ownRequests = m_requests[own].find(model), otherRequests = m_requests[other].find(model);
    if (ownRequests == m_requests[own].end())
        return {};
    static const std::vector<std::uint32_t> kNone;
    const auto startOf = [&](std::size_t of) {
        return [&requests = m_traces[of]->requests](std::uint32_t i) { return requests[i].time.start; };
    };
    const auto place = placeOf(request.value, ownRequests->second, otherRequests == m_requests[other].end() ? kNone : otherRequests->second,
                               aligned[own], aligned[other], startOf(own), startOf(other));
    if (!place)
        return {};
    Counterpart counterpart{EventId(), place->number + 1, place->others};
    if (!place->row)
        return counterpart;
    const trace::RowSelection near = trace::rowsIn(otherTrace.phases, otherTrace.requests[*place->row].time);
    for (std::size_t i = 0; i < near.size(); ++i)
        if (otherTrace.phases.request[near[i]].value == *place->row && otherTrace.phases.phase[near[i]] == trace.phases.phase[row]) {
            counterpart.event = EventId(EventKind::Phase, near[i]);
            break;
        }
    return counterpart;
}

} // namespace gantry::analysis
