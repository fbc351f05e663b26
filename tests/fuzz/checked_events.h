#pragma once

#include "tests/fuzz/fuzz_target.h"
#include "tests/support/collecting_sink.h"
#include "trace_model/base/result.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

namespace gantry::fuzz {

/// What must hold for the events of any reader, whatever it was given.
inline void checkEvents(test::CollectingSink& sink)
{
    const auto checkTimes = [](std::optional<TimestampNs> start, std::optional<TimestampNs> end) {
        const TimestampNs from = start.value_or(end.value_or(0));
        GANTRY_FUZZ_CHECK(importing::areEventTimes(from, end.value_or(from)));
    };
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> parents;
    for (const report::RequestRow& row : sink.requests) {
        checkTimes(row.start, row.end);
        for (const auto& phase : row.phases)
            if (phase)
                checkTimes(phase->start, phase->end);
        static_cast<void>(sink.text(row.model));
        if (row.parentId)
            parents[{row.globalPid, row.requestId}] = *row.parentId;
    }
    for (const report::RequestRow& row : sink.requests) {
        std::uint64_t request = row.requestId;
        for (std::size_t steps = 0;; ++steps) {
            const auto parent = parents.find({row.globalPid, request});
            if (parent == parents.end())
                break;
            GANTRY_FUZZ_CHECK(steps <= parents.size()); // nobody is their own parent
            request = parent->second;
        }
    }
    for (const report::ExecutionRow& row : sink.executions) {
        checkTimes(row.start, row.end);
        GANTRY_FUZZ_CHECK(std::count_if(sink.requests.begin(), sink.requests.end(), [&](const auto& request) { return request.batchId == row.batchId; }) > 1);
    }
    for (const importing::RangeRow& row : sink.all(&test::CollectedRows::ranges)) {
        checkTimes(row.start, row.end);
        static_cast<void>(sink.text(row.textId));
    }
    for (const importing::MarkRow& row : sink.all(&test::CollectedRows::marks))
        checkTimes(row.time, row.time);
    for (const importing::CounterSample& sample : sink.all(&test::CollectedRows::samples)) {
        checkTimes(sample.time, sample.time);
        GANTRY_FUZZ_CHECK(sample.counter < sink.counters.size() && std::isfinite(sample.value));
    }
    for (const importing::SummaryTable& table : sink.summaries)
        for (const auto& row : table.rows)
            GANTRY_FUZZ_CHECK(row.size() == table.columns.size());
    for (const importing::TableTally& tally : sink.report().tables) {
        std::uint64_t rows = tally.kept;
        for (const importing::SkippedRows& skipped : tally.skipped)
            rows += skipped.count;
        GANTRY_FUZZ_CHECK(rows == tally.rows);
    }
}

/// The outcome of a reader: events that hold together, or an error with words.
inline void checkOutcome(const Result<void>& done, test::CollectingSink& sink)
{
    GANTRY_FUZZ_CHECK(done || !done.error().message.empty());
    checkEvents(sink);
}

} // namespace gantry::fuzz
