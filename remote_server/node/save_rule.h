#pragma once

#include "remote_server/node/report_assembler.h"
#include "remote_server/node/sample_history.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"
#include "trace_model/metrics/metric_condition.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace gantry::node {

/// Saves what a flight recorder holds when a metric says so, with nobody watching: once a condition has held for some time, the seconds
/// before and after. It does not save again before the condition was false, nor before a while has gone by, and at most so many times. One
/// thread at a time (the engine's mutex is held).
class SaveRule
{
public:
    /// Checks what was asked for against the metrics that there are; null where the recorder is not to save itself. Errors: BadInput,
    /// NotFound (no such metric).
    [[nodiscard]] static Result<std::unique_ptr<SaveRule>> create(const proto::CaptureRequest& request, const SampleHistory& history);

    /// What is to be saved now.
    struct Save
    {
        DurationNs lastNs = 0;
        std::string label;   ///< of the report
        std::string because; ///< part of a sentence
        WindowMark mark;     ///< where the condition became true

        /// Into what is saved.
        void describe(WindowCapture& recorded) const;
    };
    /// Takes what was measured since. Call it often while the recorder records.
    [[nodiscard]] std::optional<Save> tend(const SampleHistory& history, std::int64_t nowNs);

    /// What it waits for, into a status.
    void describe(proto::CaptureStatus& status) const;

private:
    SaveRule(const proto::CaptureRequest& request, metrics::MetricCondition condition);

    /// A condition that has held for long enough.
    struct Due
    {
        std::int64_t sinceNs = 0, atNs = 0; ///< it became true; when to save
        std::string value;
    };
    void define(const SampleHistory& history);
    void judge(std::int64_t nowNs);

    std::string m_targetId, m_label;
    proto::SaveWhen m_when;
    metrics::MetricCondition m_condition;
    std::uint64_t m_taken = 0; ///< samples of the history
    std::size_t m_seriesKnown = 0;
    metrics::MetricCondition::Reading m_reading;
    std::optional<std::int64_t> m_trueSinceNs;
    bool m_wasFalse = true; ///< since the last save
    std::int64_t m_quietUntilNs = 0;
    std::uint32_t m_saves = 0;
    std::optional<Due> m_due;
    std::int64_t m_nowNs = 0;
};

} // namespace gantry::node
