#pragma once

#include "trace_model/import/event_sink.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::importing {

/// Puts the begins and ends of ranges together that stand in events of their own: the last begin of a key with the next end of it.
/// A key is a thread, or the id of an asynchronous range. Parts of a file are paired each for itself and then joined in file order.
class RangePairs
{
public:
    struct Begin
    {
        TimestampNs time = 0;
        std::uint64_t globalTid = 0;
        TextId name = 0, domain = 0;
        std::size_t category = 0; ///< whatever the caller counts by
        std::uint32_t nvtxCategory = 0, color = 0;
        std::optional<std::uint64_t> payload;
        /// Ranges inside that begin at the same time and have ended, in the order of the file: they wait until this is delivered, which
        /// may end at the same time too, and then only the order tells that it is the outer one.
        std::vector<RangeRow> inside;
    };
    struct End
    {
        std::uint64_t key = 0;
        TimestampNs time = 0;
        std::size_t category = 0;
    };
    using Emit = std::function<void(const Begin&, const End&)>;

    void begin(std::uint64_t key, Begin begin) { m_open[key].push_back(std::move(begin)); }
    /// The last begin of a key that has no end yet; null: none.
    [[nodiscard]] Begin* innermost(std::uint64_t key);
    /// Takes the begin that belongs to `end`; false, and keeps the end for append(): there is none here.
    [[nodiscard]] bool end(const End& end, Begin& begin);

    /// Continues with what was found after this: its ends go with the begins that are open here. Calls `paired` for the pairs and
    /// `unpaired` for ends without a begin.
    void append(RangePairs later, const Emit& paired, const std::function<void(const End&)>& unpaired);

    /// Begins without an end.
    void forEachOpenToChange(const std::function<void(Begin&)>& change);
    void forEachOpen(const std::function<void(const Begin&)>& visit) const;

private:
    std::unordered_map<std::uint64_t, std::vector<Begin>> m_open; ///< innermost last
    std::vector<End> m_ends;                                      ///< of begins before this part
};

} // namespace gantry::importing
