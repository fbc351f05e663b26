#pragma once

#include "trace_model/trace/trace.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry::widgets {

/// How the requests of a model are shown.
enum class RequestOrder
{
    Packed,       ///< as few lanes as hold them, for each model and version
    ByInstance,   ///< those that an instance executed in lanes of their own
    SlowestFirst, ///< the longest of those in view, one in a lane
    ByModel,      ///< as Packed, but all versions of a model in the same lanes
    Together,     ///< all of them in the same lanes
};

/// What the user did to the rows of a timeline. A value.
struct RowArrangement
{
    std::set<trace::TrackId> folded;       ///< without what is below them, and low themselves
    std::set<trace::TrackId> hidden;       ///< with all that is below them
    std::vector<trace::TrackId> pinned;    ///< above the rows that scroll, with what is below them; in the order in which they were pinned
    std::map<trace::TrackId, int> ranks;   ///< place among siblings; absent: as the trace has it
    std::map<trace::TrackId, int> heights; ///< px; absent: as the kind of row has it
    RequestOrder requests = RequestOrder::Packed;
    std::string filter; ///< rows whose names hold it are shown, with their ancestors and what is below them; empty: all

    [[nodiscard]] bool isPinned(trace::TrackId track) const;
    bool operator==(const RowArrangement&) const = default;
};

/// How a track shows requests: a model's own lanes and what shows the same requests otherwise. Nothing: it shows none.
[[nodiscard]] std::optional<RequestOrder> requestOrderOf(const trace::Trace& trace, trace::TrackId track);

/// The tracks below `parent` (none: the outermost ones) in the order in which an arrangement shows them.
[[nodiscard]] std::vector<trace::TrackId> childrenOf(const trace::Trace& trace, const RowArrangement& arrangement, trace::TrackId parent);

/// Of a row.
enum class RowSide
{
    Above,
    Below,
};

/// Puts `track` directly above or below another one of its parent.
void moveBeside(const trace::Trace& trace, RowArrangement& arrangement, trace::TrackId track, trace::TrackId sibling, RowSide side);

/// Gives `track` the place of its next shown sibling above (-1) or below (+1). False: there is none.
bool moveAmongSiblings(const trace::Trace& trace, RowArrangement& arrangement, trace::TrackId track, int direction);

/// Names of tracks that are the same in other reports of the same program: the kinds and names of a track and its ancestors, without the
/// process ids that names carry, numbered where siblings are alike. By track.
[[nodiscard]] std::vector<std::string> trackKeys(const trace::Trace& trace);

/// What is folded when a report opens: tracks that repeat what others show (a context's "All streams", the start/end ranges of
/// servers whose requests have lanes), what a stream's row holds in itself, metrics that never change from 0,
/// and when threads ran.
[[nodiscard]] std::set<trace::TrackId> collapsedAtFirst(const trace::Trace& trace);

/// Counts that are made of the requests and executions themselves: folded too where two reports share the window.
[[nodiscard]] std::set<trace::TrackId> countersOfRequests(const trace::Trace& trace);

} // namespace gantry::widgets
