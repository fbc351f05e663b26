#pragma once

#include "remote_server/node/engines/tool_engine.h"
#include "remote_server/node/log_ring.h"
#include "remote_server/node/node_face.h"
#include "remote_server/node/patient_disk_room.h"
#include "remote_server/node/readiness/readiness_inputs.h"
#include "remote_server/node/rehearsal/faults.h"
#include "remote_server/node/rehearsal/recorded_targets.h"
#include "remote_server/node/rehearsal/recorded_windows.h"
#include "remote_server/node/sampling/sampler.h"
#include "remote_server/proto/node_recording.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

namespace gantry::node {

/// A node that plays a recorded session: what NodeService needs in the place of a machine, its GPUs and its targets. The service, the
/// sampler, the capture states and the report store are those of every node. Any thread.
class Rehearsal final : public NodeFace
{
public:
    struct Options
    {
        std::filesystem::path recording;    ///< folder, proto/NODE_RECORDING.md
        DurationNs startOffset = 0;         ///< where in it to begin
        std::filesystem::path faults;       ///< file, faults.h; empty: nothing goes wrong
        std::filesystem::path reportFolder; ///< of this node
        LogRing* daemonLog = nullptr;       ///< gets what the recorded daemon said; outlives this
    };

    /// Errors: those of proto::readRecording(), BadInput (the offset is behind the end, the faults).
    [[nodiscard]] static Result<std::unique_ptr<Rehearsal>> create(Options options);

    [[nodiscard]] proto::NodeInfo info() const override;
    [[nodiscard]] Result<proto::ReadinessReport> readiness() const override; ///< Unsupported: it was not recorded, as of processes()
    [[nodiscard]] Result<proto::ProcessList> processes() const override;
    /// As PatientDiskRoom; none is free where the faults say so.
    [[nodiscard]] Result<DiskRoom> diskRoom(const std::filesystem::path& folder) const;
    [[nodiscard]] std::int64_t utcNow() const override;
    [[nodiscard]] std::uint32_t protocolVersion() const override;
    [[nodiscard]] std::unique_ptr<ServerModels> models(const std::string& targetId) override { return m_targets.models(targetId); }

    [[nodiscard]] Targets& targets() { return m_targets; }
    [[nodiscard]] CaptureEngine& engine() { return m_engine; }
    [[nodiscard]] Sampler& sampler() { return m_sampler; }
    /// Null: none are wanted.
    [[nodiscard]] const FaultWatch* faults() const { return m_faults.get(); }

private:
    Rehearsal(Options options, proto::NodeRecording recording, std::unique_ptr<FaultWatch> faults);
    [[nodiscard]] Faults faultsNow() const { return m_faults ? m_faults->now().faults : Faults(); }
    [[nodiscard]] ToolEngine::Options engineOptions();

    const Options m_options;
    const proto::NodeRecording m_recording;
    const PatientDiskRoom m_diskRoom;
    std::unique_ptr<FaultWatch> m_faults;
    RecordedTargets m_targets;
    RecordedWindows m_windows;
    ToolEngine m_engine;
    Sampler m_sampler; ///< last: it plays what the others hold
};

/// "12s", "1500ms": where to begin. Errors: BadInput.
[[nodiscard]] Result<DurationNs> parseRehearsalStart(const std::string& text);

} // namespace gantry::node
