#pragma once

#include "trace_model/records/chunk_reader.h"
#include "trace_model/records/nvtx_event.h"

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace gantry::node {

/// Which NVTX ranges are meant.
struct RangeName
{
    std::string message;
    std::string domain; ///< "": the default domain
    bool isOfAnyDomain = false;

    /// "message", "message@domain" or "message@*".
    [[nodiscard]] static RangeName parse(std::string_view text);
    /// By the convention of gantry-serve (trace_model/records/request_phase.h).
    [[nodiscard]] static RangeName request();
    [[nodiscard]] static RangeName execution();
};

/// Counts the ranges of a window that have that name and have begun and ended in it. Records may come in any order: chunks of
/// several threads are drained one after the other, so an end may be read before its start, and a start before the dictionary entry of
/// its text. One thread.
class RangeCounter
{
public:
    explicit RangeCounter(RangeName name) : m_name(std::move(name)) {}

    void take(const records::RecordView& view);
    [[nodiscard]] std::uint64_t finished() const;

private:
    struct Range
    {
        std::uint32_t tid; ///< push/pop; 0: start/end
        std::uint64_t id;
        auto operator<=>(const Range&) const = default;
    };
    using Kind = std::pair<std::uint32_t, std::uint32_t>; ///< domain and dictionary text

    void takeEvent(const records::NvtxEvent& event);
    void begin(const Range& range, const Kind& kind);
    void end(const Range& range);
    [[nodiscard]] bool isOfDomain(std::uint32_t domain) const;

    RangeName m_name;
    std::set<std::uint32_t> m_domains;        ///< that are meant
    std::set<std::uint32_t> m_texts;          ///< that are meant
    std::map<Range, Kind> m_starts;           ///< without their end
    std::set<Range> m_ends;                   ///< without their start
    std::map<Kind, std::uint64_t> m_finished; ///< ranges of both
};

} // namespace gantry::node
