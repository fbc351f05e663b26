#pragma once

#include "trace_model/import/sqlite_tables.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::importing {

/// Our ids of a report's texts. The report's are mostly small numbers; files that were cut from others have few and large ones.
class TextMap
{
public:
    void add(std::int64_t fileId, TextId text);
    /// 0 when the file does not define it.
    [[nodiscard]] TextId operator[](std::int64_t fileId) const
    {
        if (fileId >= 0 && static_cast<std::size_t>(fileId) < m_dense.size() && m_dense[static_cast<std::size_t>(fileId)] != 0)
            return m_dense[static_cast<std::size_t>(fileId)];
        const auto found = m_sparse.find(fileId);
        return found == m_sparse.end() ? 0 : found->second;
    }

private:
    std::vector<TextId> m_dense;
    std::unordered_map<std::int64_t, TextId> m_sparse;
    std::int64_t m_count = 0; ///< bounds the dense part: ids are the file's, and may be anything
};

/// What a report says about itself and about the ids in its tables. Filled by read(), then immutable.
class SqliteFacts
{
public:
    explicit SqliteFacts(SqliteTables& tables) : m_tables(tables) {}

    /// Errors: NotAReport, UnsupportedVersion, Cancelled.
    Result<void> readMeta();
    Result<void> readStrings();
    Result<void> readNames();

    /// After the events: names those processes that they are of, and tells the sink the time that was recorded.
    void conclude();

    [[nodiscard]] TextId text(std::int64_t fileId) const { return m_texts[fileId]; }
    /// The text of an event's name. One that the file refers to and does not have is counted.
    [[nodiscard]] TextId name(std::int64_t fileId, TableTally& tally) const
    {
        const TextId text = m_texts[fileId];
        if (text == 0 && fileId != 0)
            tally.reduce(skipped::kNoName);
        return text;
    }
    /// The GPU's number; devices are numbered as each process sees them.
    [[nodiscard]] std::uint32_t deviceOf(std::uint64_t globalPid, std::uint32_t ordinal) const;
    [[nodiscard]] bool isNamedThread(std::uint64_t globalTid) const { return m_namedThreads.contains(globalTid); }

private:
    Result<void> checkFormat(const std::map<std::string, std::string>& exported);
    Result<void> readGpus();
    Result<void> readStreamNames();
    void takeGantryKeys();
    [[nodiscard]] TimeRange windowOf(TimeRange rows);

    SqliteTables& m_tables;
    bool m_isGantry = false;
    std::optional<TimeRange> m_recorded; ///< as the report says it, by whichever clock
    TextMap m_texts;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t>
        m_gpuOf; ///< by pid and the process's device number; empty: the file does not say
    std::set<std::uint64_t> m_namedThreads;
    std::map<std::uint64_t, std::string> m_processNames;
};

} // namespace gantry::importing
