#pragma once

#include "app/desktop/capture_limits.h"
#include "remote_server/proto/node_types.h"

#include <QDateTime>
#include <QJsonObject>
#include <QString>
#include <QTime>

#include <cstdint>
#include <optional>

namespace gantry::desktop {

/// As many windows as a capture may have (node.proto); asked for where they go on until stopped.
inline constexpr std::uint32_t kMostWindows = 10'000;

/// What a capture is asked for in its dialog, in the dialog's terms. Fields of a choice that is not made keep their values for the next
/// time.
struct CaptureOptions
{
    enum class Opening
    {
        Clock,
        CudaProfiler,
        NvtxRange,
        OwnProfiler ///< the server's, which is asked to: one window of a length
    };
    enum class Begin
    {
        Now,
        After,
        At
    };
    enum class End
    {
        Time,
        Requests,
        Iterations,
        Bytes,
        Stop
    };

    proto::EngineKind engine = proto::EngineKind::Native;
    Opening opening = Opening::Clock;
    // By the clock
    Begin begin = Begin::Now;
    DurationNs delayNs = 10'000'000'000;
    QTime at = QTime(12, 0);
    End end = End::Time;
    DurationNs lengthNs = 2'000'000'000;
    std::uint64_t requests = 100, iterations = 100, bytes = 64ull << 20;
    QString iterationRange; ///< empty: executions of gantry-serve
    std::uint32_t windows = 1;
    DurationNs periodNs = 0;            ///< from start to start; 0: one after the other
    std::uint32_t kept = 1, keptOf = 1; ///< of each keptOf periods the first `kept` have a window
    // By the program
    QString range;            ///< "message", "message@domain", "message@*"
    std::uint32_t ranges = 1; ///< 0: until stopped
    std::uint32_t rangesKept = 1, rangeEvery = 1; ///< of each rangeEvery ranges the first rangesKept are captured
    bool endsServer = false;

    proto::CaptureContent content;
    QString label;
    bool mayQueue = false;
};

[[nodiscard]] QJsonObject toJson(const CaptureOptions& options);
/// What is missing or makes no sense is as at first.
[[nodiscard]] CaptureOptions captureOptions(const QJsonObject& json);

/// The next time that a clock shows `at`.
[[nodiscard]] QDateTime nextTime(const QTime& at, const QDateTime& now);

/// The target and the client's name are the caller's.
[[nodiscard]] proto::CaptureRequest captureRequest(const CaptureOptions& options, const QDateTime& now);

/// Whether an engine's windows can be opened and ended in this way; Gantry's own can in all.
[[nodiscard]] bool canOpen(proto::EngineKind engine, CaptureOptions::Opening opening);
[[nodiscard]] bool canEnd(proto::EngineKind engine, CaptureOptions::End end);

/// A field of the dialog that something can be wrong with.
enum class CaptureField
{
    Engine,
    Opening,
    End,
    Windows,
    Range,
    Ranges,
    Content,
    GpuMetrics
};

struct CaptureProblem
{
    CaptureField field;
    QString sentence;
};

/// The first thing that cannot be, with what to do; nothing: the node can be asked.
[[nodiscard]] std::optional<CaptureProblem> problemOf(const CaptureOptions& options, const CaptureLimits& limits);

/// What the node will do, in one sentence.
[[nodiscard]] QString summaryOf(const CaptureOptions& options, const QDateTime& now);

} // namespace gantry::desktop
