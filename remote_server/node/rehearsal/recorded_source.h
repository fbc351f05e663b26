#pragma once

#include "remote_server/node/sampling/sample_source.h"
#include "remote_server/proto/node_recording.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace gantry::node {

/// Plays the samples and the log lines of a recording at their offsets on the real clock, over and over, with a silence between the end and
/// the next begin. Started at the same place it gives the same values at the same offsets. One thread.
class RecordedSource final : public SampleSource
{
public:
    /// Longer than what plots take for a late sample.
    static constexpr DurationNs kSilence = 5'000'000'000;

    struct Options
    {
        DurationNs startOffset = 0; ///< where in the recording it begins, less than its length
        /// What this target said is played. Empty: all of it.
        std::function<bool(const std::string& targetId)> isPlayed;
        std::function<void(const proto::RecordedLine& line)> onLine;
        std::function<void(std::uint64_t round)> onBeginAgain; ///< the second time, the third, ...
        std::function<std::int64_t()> now;                     ///< CLOCK_MONOTONIC; empty: the real one
    };

    /// `recording` outlives it.
    RecordedSource(const proto::NodeRecording& recording, Options options);

    void sample(SampleRound& round) override;

private:
    void playUntil(DurationNs offset, SampleRound& round);
    void skipTo(DurationNs offset);

    const proto::NodeRecording& m_recording;
    Options m_options;
    std::map<std::uint32_t, const metrics::SeriesDefinition*> m_series;
    std::int64_t m_zeroNs; ///< CLOCK_MONOTONIC of offset 0 of what is played now
    std::uint64_t m_round = 1;
    std::size_t m_nextSample = 0, m_nextLine = 0;
};

} // namespace gantry::node
