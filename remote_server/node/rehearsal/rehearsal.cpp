#include "remote_server/node/rehearsal/rehearsal.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/node_info.h"
#include "remote_server/node/rehearsal/recorded_source.h"
#include "remote_server/proto/protocol_version.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <utility>

namespace gantry::node {
namespace {

/// Half of a real node's: samples arrive nearly as they did.
constexpr std::chrono::milliseconds kPlayPeriod{100};

void crash()
{
    spdlog::critical("this gantryd is killed: its faults say so");
    ::kill(::getpid(), SIGKILL);
}

Error notRecorded(const char* what)
{
    return {ErrorCode::Unsupported,
            std::string("this node plays a recording, which does not hold ") + what + ": record one with a newer gantryd",
            {}};
}

} // namespace

Result<std::unique_ptr<Rehearsal>> Rehearsal::create(Options options)
{
    GANTRY_TRY(proto::NodeRecording recording, proto::readRecording(options.recording));
    if (options.startOffset >= recording.lengthNs)
        return Error{ErrorCode::BadInput,
                     "--rehearse-start is behind the end of the recording, which is " + std::to_string(recording.lengthNs / 1'000'000'000) +
                         " s long",
                     {}};
    std::unique_ptr<FaultWatch> faults;
    if (!options.faults.empty()) {
        GANTRY_TRY(faults, FaultWatch::open(options.faults, crash));
    }
    return std::unique_ptr<Rehearsal>(new Rehearsal(std::move(options), std::move(recording), std::move(faults)));
}

Rehearsal::Rehearsal(Options options, proto::NodeRecording recording, std::unique_ptr<FaultWatch> faults)
    : m_options(std::move(options)),
      m_recording(std::move(recording)),
      m_faults(std::move(faults)),
      m_targets(m_recording),
      m_windows(m_recording, m_options.recording, m_targets, [this] { return faultsNow().isDiskFull; }),
      m_engine(engineOptions(), m_windows),
      m_sampler(kPlayPeriod)
{
    RecordedSource::Options play;
    play.startOffset = m_options.startOffset;
    play.isPlayed = [this](const std::string& targetId) { return m_targets.isRunning(targetId); };
    play.onLine = [this](const proto::RecordedLine& line) {
        if (!line.targetId.empty())
            m_targets.addLine(line);
        else if (m_options.daemonLog) // among the lines of this gantryd; the first word is the level
            m_options.daemonLog->add(std::string(line.text).insert(line.text.find(' ') + 1, "recorded: "));
    };
    play.onBeginAgain = [](std::uint64_t round) { spdlog::info("the recording begins again: round {}", round); };
    m_sampler.addSource("recording", std::make_unique<RecordedSource>(m_recording, std::move(play)));
}

ToolEngine::Options Rehearsal::engineOptions()
{
    ToolEngine::Options options;
    options.kind = proto::EngineKind::Native;
    options.reportFolder = m_options.reportFolder;
    options.targetName = [this](const std::string& id) {
        const auto target = m_targets.find(id);
        return target ? target->name : std::string();
    };
    options.stopTarget = [this](const std::string& id) { (void)m_targets.stop(id, 0); };
    options.onReport = [](const std::string& name) { spdlog::info("report {} is complete", name); };
    options.utcNow = [this] { return utcNow(); }; // an instant that a client names is one of the clock that it was told
    return options;
}

proto::NodeInfo Rehearsal::info() const
{
    const proto::NodeInfo here = describeNode(nullptr, {}, m_options.reportFolder);
    proto::NodeInfo info = m_recording.node;
    info.recording = m_recording.title;
    info.daemonVersion = here.daemonVersion;
    info.reportFolder = here.reportFolder;
    if (const auto room = diskRoom(m_options.reportFolder))
        info.diskFreeBytes = room->freeBytes;
    else
        info.diskFreeBytes.reset();
    info.nsysPath.clear(); // it is not here
    info.nsysVersion.clear();
    return info;
}

Result<proto::ReadinessReport> Rehearsal::readiness() const
{
    return m_recording.readiness ? Result<proto::ReadinessReport>(*m_recording.readiness) : notRecorded("what worked on the node");
}

Result<proto::ProcessList> Rehearsal::processes() const
{
    return m_recording.processes ? Result<proto::ProcessList>(*m_recording.processes) : notRecorded("the node's processes");
}

Result<DiskRoom> Rehearsal::diskRoom(const std::filesystem::path& folder) const
{
    GANTRY_TRY(DiskRoom room, m_diskRoom(folder));
    if (faultsNow().isDiskFull)
        room.freeBytes = 0;
    return room;
}

std::int64_t Rehearsal::utcNow() const
{
    return node::utcNow() + faultsNow().clockNs;
}

std::uint32_t Rehearsal::protocolVersion() const
{
    return faultsNow().protocol.value_or(proto::kProtocolVersion);
}

Result<DurationNs> parseRehearsalStart(const std::string& text)
{
    if (text.empty())
        return DurationNs{0};
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const std::string unit = end;
    const double scale = unit == "s" ? 1e9 : unit == "ms" ? 1e6 : unit == "m" ? 60e9 : 0;
    if (!(value >= 0) || scale == 0 || !(value * scale < 1e15))
        return Error{ErrorCode::BadInput, "--rehearse-start needs a time such as 12s or 1500ms, not \"" + text + "\"", {}};
    return static_cast<DurationNs>(value * scale);
}

} // namespace gantry::node
