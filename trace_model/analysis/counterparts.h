#pragma once

#include "trace_model/trace/trace.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace gantry::analysis {

/// An event and its counterpart in the other trace: the same thing, as often as it was before since both are aligned.
struct Counterpart
{
    trace::EventId event;   ///< in the other trace; none: it has no such one
    std::size_t number = 0; ///< which of its kind from the aligned instant on, from 1
    std::size_t others = 0; ///< how many the other trace has from there on
};

/// Finds for kernels, copies, API calls, NVTX ranges and phases of requests what they are in the other of two traces. Built by a job:
/// linear in the events, four bytes each. Any thread once it is made. Keeps the traces.
class Counterparts
{
public:
    Counterparts(std::shared_ptr<const trace::Trace> a, std::shared_ptr<const trace::Trace> b, const std::stop_token& stop = {});

    /// The counterpart of an event of a side (0 = A), counted from the aligned instant of each side. Absent: it is of a kind that is not
    /// matched, or began before that instant. O(log n).
    [[nodiscard]] std::optional<Counterpart> of(int side, trace::EventId event, const std::array<TimestampNs, 2>& aligned) const;

private:
    /// The events of one kind of a side, by what they are, in numbers that both sides share.
    struct Kind
    {
        std::vector<std::uint32_t> thingOf;           ///< by number in the dictionary of names
        std::vector<std::vector<std::uint32_t>> rows; ///< by thing, by start
    };
    using Numbers = std::map<std::string, std::uint32_t>;

    void addNamed(trace::EventKind kind, const trace::EventColumns& columns, const trace::Column<std::uint32_t>& numbers, int side,
                  const std::vector<std::string>& names, Numbers& things);
    void addCopies(int side, Numbers& things);
    void addRequests(int side);
    [[nodiscard]] std::optional<std::uint32_t> thingOf(int side, trace::EventId event) const;
    [[nodiscard]] std::optional<Counterpart> phaseOf(int side, std::uint32_t row, const std::array<TimestampNs, 2>& aligned) const;

    std::array<std::shared_ptr<const trace::Trace>, 2> m_traces;
    std::stop_token m_stop; ///< of the job that makes it
    std::array<std::array<Kind, trace::kEventKindCount>, 2> m_kinds;
    std::map<trace::CopyRoute, std::uint32_t> m_routes;
    std::array<std::map<std::string, std::vector<std::uint32_t>>, 2> m_requests; ///< complete ones by model, by start
};

} // namespace gantry::analysis
