#pragma once

#include "trace_model/records/chunk_reader.h"

#include <cstdint>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace gantry::node {

/// Counts the requests of a window that have begun and ended in it, by the NVTX convention of gantry-serve
/// (trace_model/records/request_phase.h). Records may come in any order: chunks of several threads are drained one after the
/// other, so an end may be read before its start, and a start before the dictionary entry of its text. One thread.
class RequestCounter
{
public:
    void take(const records::RecordView& view);
    [[nodiscard]] std::uint64_t finished() const;

private:
    using Kind = std::pair<std::uint32_t, std::uint32_t>; ///< domain and dictionary text

    std::set<std::uint32_t> m_domains;                ///< that follow the convention
    std::set<std::uint32_t> m_texts;                  ///< that mean a request there
    std::unordered_map<std::uint64_t, Kind> m_starts; ///< by range id, without their end
    std::unordered_set<std::uint64_t> m_ends;         ///< range ids without their start
    std::map<Kind, std::uint64_t> m_finished;         ///< ranges of both
};

} // namespace gantry::node
