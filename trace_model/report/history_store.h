#pragma once

#include "trace_model/base/result.h"
#include "trace_model/metrics/series_store.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::report {

/// Blocks of samples at several resolutions, kept in a file of SQLite that only its owner reads: bounded, and whole after a crash of
/// whoever writes it. What a block holds is its writer's matter; it is packed here. One thread at a time.
class HistoryStore
{
public:
    struct Options
    {
        std::filesystem::path path;          ///< empty: in memory
        std::uint64_t maxBytes = 1ULL << 30; ///< of blocks, packed; beyond it the oldest ones of the largest resolution go
        std::uint32_t maxSeries = 1'000'000; ///< that ever get an id
    };
    struct Block
    {
        std::int64_t beginUtcNs = 0, endUtcNs = 0; ///< of its samples
        std::int64_t monoToUtcNs = 0;              ///< what is added to their CLOCK_MONOTONIC for the time of day
        std::string bootId;                        ///< of that clock
        std::string content;
    };
    struct BlockKey
    {
        std::int64_t id = 0;
        std::int64_t beginUtcNs = 0, endUtcNs = 0;
    };

    /// Makes the file, mode 0600, where there is none; one that is damaged is moved aside, to PATH.damaged. Errors: Busy (another process
    /// has it), CannotWrite.
    [[nodiscard]] static Result<std::unique_ptr<HistoryStore>> open(Options options);
    HistoryStore(const HistoryStore&) = delete;
    HistoryStore& operator=(const HistoryStore&) = delete;
    ~HistoryStore();

    /// Errors: CannotWrite (a full disk); what was there stays.
    [[nodiscard]] Result<void> add(int resolution, const Block& block);
    [[nodiscard]] Result<void> removeBefore(int resolution, std::int64_t utcNs);

    /// The time of day was set anew, to this offset: blocks of that boot whose own is more than a second from it move along, so that they
    /// are found, and become old, by the time of day that is right.
    [[nodiscard]] Result<void> setClock(const std::string& bootId, std::int64_t monoToUtcNs);

    /// Blocks of a resolution that reach into [fromUtcNs, toUtcNs), oldest first.
    [[nodiscard]] std::vector<BlockKey> blocks(int resolution, std::int64_t fromUtcNs, std::int64_t toUtcNs) const;
    /// Errors: NotFound (it has gone since), Truncated (damaged).
    [[nodiscard]] Result<Block> read(const BlockKey& key) const;
    [[nodiscard]] std::optional<std::int64_t> oldestUtcNs(int resolution) const;
    [[nodiscard]] std::optional<std::int64_t> newestUtcNs(int resolution) const;

    /// The number of a series, the same for ever by its name and labels; a new one is written. Nothing where there are maxSeries.
    [[nodiscard]] std::optional<std::uint32_t> idOf(const metrics::SeriesDefinition& series);
    /// These have, or are about to have, samples up to then: written before their blocks are, so that a crash keeps a series too long and
    /// never too short. Errors: CannotWrite.
    [[nodiscard]] Result<void> noteSamples(const std::vector<std::uint32_t>& ids, std::int64_t utcNs);
    /// Series whose newest samples were in blocks that are all gone.
    [[nodiscard]] std::vector<std::uint32_t> endedSeries() const;
    /// Forgets them: their names can get other numbers. Errors: CannotWrite.
    [[nodiscard]] Result<void> removeSeries(const std::vector<std::uint32_t>& ids);
    /// By those numbers, which are also in the definitions.
    [[nodiscard]] const std::map<std::uint32_t, metrics::SeriesDefinition>& series() const { return m_series; }

    [[nodiscard]] std::uint64_t bytes() const; ///< of blocks, packed

private:
    struct Connection;
    explicit HistoryStore(Options options);
    [[nodiscard]] Result<void> connect();
    [[nodiscard]] Result<void> readSeries();
    [[nodiscard]] Result<void> readNewest();
    /// The clock of its blocks was set forward by so much.
    [[nodiscard]] Result<void> moveNewest(std::int64_t byNs);
    [[nodiscard]] Result<void> shrink();
    [[nodiscard]] std::optional<std::int64_t> edgeUtcNs(const char* query, int resolution) const;

    Options m_options;
    std::unique_ptr<Connection> m_connection;
    std::map<std::pair<std::string, std::map<std::string, std::string>>, std::uint32_t> m_ids;
    std::map<std::uint32_t, metrics::SeriesDefinition> m_series;
    std::map<std::uint32_t, std::int64_t> m_newest; ///< ns since 1970 of samples of series that have some
    std::uint32_t m_lastId = 0;                     ///< a number that was given away is not given again while this lives
    std::map<int, std::uint64_t> m_bytes; ///< by resolution
};

} // namespace gantry::report
