#include "app/desktop/fleet_tile.h"

#include "app/desktop/readiness_text.h"
#include "app/desktop/text.h"
#include "app/remote/node_address.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace gantry::desktop {

namespace {

using widgets::NodeTile;
using widgets::TileNote;

constexpr std::uint64_t kLittleDisk = 5ull << 30; // bytes: a few long windows

struct Words
{
    Q_DECLARE_TR_FUNCTIONS(gantry::desktop::FleetTile)
};

NodeTile::State stateOf(const NodeController& node)
{
    switch (node.state()) {
    case NodeController::State::Disconnected:
        return NodeTile::State::Disconnected;
    case NodeController::State::Connecting:
        // What is tried again by itself is still lost.
        return node.lostSince().isValid() ? NodeTile::State::Lost : NodeTile::State::Connecting;
    case NodeController::State::Connected:
        return NodeTile::State::Connected;
    case NodeController::State::Lost:
        return node.needsPerson() ? NodeTile::State::NeedsPerson : NodeTile::State::Lost;
    }
    return NodeTile::State::Disconnected;
}

void addLoss(const NodeController& node, NodeTile& tile)
{
    if (!node.error() || !node.lostSince().isValid())
        return;
    const QString since = Words::tr("since %1").arg(node.lostSince().toString(QStringLiteral("HH:mm:ss")));
    tile.notes.push_back({TileNote::Kind::Error, Words::tr("%1: %2").arg(since, describe(*node.error()).sentence)});
}

/// What keeps Gantry from working there: its words are found by the filter.
void addReadiness(const NodeController& node, NodeTile& tile)
{
    const std::optional<proto::ReadinessReport>& report = node.readiness().report();
    if (!report || !isImpaired(*report))
        return;
    const bool isBlocked = report->worst() == proto::ReadinessLevel::Blocked;
    tile.notes.push_back({isBlocked ? TileNote::Kind::Error : TileNote::Kind::Warning, worstText(*report)});
}

bool isRunning(const proto::Target& target)
{
    return target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting;
}

void addServers(const NodeController& node, NodeTile& tile)
{
    int ready = 0, total = 0;
    for (const proto::Target& target : node.targets()) {
        if (!isRunning(target))
            continue;
        tile.servers << toQString(target.name);
        for (const proto::ModelInfo& model : target.models) {
            tile.servers << toQString(model.name);
            ++total;
            if (model.state == "READY")
                ++ready;
            else if (!model.reason.empty())
                tile.notes.push_back({TileNote::Kind::Warning, Words::tr("%1: %2").arg(toQString(model.name), toQString(model.reason))});
        }
    }
    tile.modelsReady = ready;
    tile.modelsTotal = total;
}

void addCaptures(const NodeController& node, NodeTile& tile)
{
    int windows = 0;
    for (const proto::CaptureStatus& status : node.captures()) {
        if (status.isFinished())
            continue;
        tile.isRecording = tile.isRecording || status.ringNs > 0;
        windows += status.ringNs > 0 ? 0 : 1;
    }
    tile.captures = windows;
}

void addGpus(const proto::NodeInfo& info, const NodePulse* pulse, NodeTile& tile)
{
    for (const proto::GpuInfo& gpu : info.gpus) {
        widgets::GpuTile one;
        one.name = toQString(gpu.name);
        if (gpu.memoryTotalBytes > 0)
            one.memoryTotalBytes = static_cast<double>(gpu.memoryTotalBytes);
        if (pulse) {
            const NodePulse::Gpu now = pulse->gpu(gpu.index);
            one.utilisationRatio = now.utilisationRatio;
            one.memoryUsedBytes = now.memoryUsedBytes;
            one.powerW = now.powerW;
        }
        tile.gpus.push_back(std::move(one));
    }
}

void addLive(const NodeController& node, const NodePulse& pulse, NodeTile& tile)
{
    const proto::NodeInfo& info = *node.info();
    tile.cpuRatio = pulse.cpuRatio();
    tile.hostMemoryUsedBytes = pulse.hostMemoryUsedBytes();
    if (info.memoryTotalBytes > 0)
        tile.hostMemoryTotalBytes = static_cast<double>(info.memoryTotalBytes);
    tile.requestsPerSecond = pulse.requestsPerSecond();
    if (info.diskFreeBytes && *info.diskFreeBytes < kLittleDisk)
        tile.notes.push_back(
            {TileNote::Kind::Warning, Words::tr("disk nearly full: %1 free for reports").arg(formatBytes(*info.diskFreeBytes))});
    addServers(node, tile);
    addCaptures(node, tile);
    if (info.gpus.empty() && !info.noGpuReason.empty())
        tile.notes.push_back({TileNote::Kind::Information, toQString(info.noGpuReason)});
}

} // namespace

QString stateText(const NodeController& node)
{
    switch (node.state()) {
    case NodeController::State::Disconnected:
        return Words::tr("disconnected");
    case NodeController::State::Connecting:
        return node.progress().now ? toQString(app::name(*node.progress().now)) + QStringLiteral("…") : Words::tr("connecting…");
    case NodeController::State::Connected:
        return isRecording(node) ? Words::tr("plays a recording") : Words::tr("connected");
    case NodeController::State::Lost:
        return node.needsPerson() ? Words::tr("needs you") : Words::tr("not reachable");
    }
    return {};
}

NodeTile tileOf(const NodeController& node, const NodePulse& pulse)
{
    NodeTile tile;
    tile.key = tile.address = toQString(node.address());
    tile.name = node.title();
    tile.group = node.entry().group;
    tile.tags = node.entry().tags;
    tile.state = stateOf(node);
    tile.stateText = stateText(node);
    const bool isConnected = node.state() == NodeController::State::Connected;
    if (isConnected) { // else they would end at a time that is not now
        tile.powerHistory = pulse.powerHistory();
        tile.requestHistory = pulse.requestHistory();
    }
    addLoss(node, tile);
    if (node.info())
        addGpus(*node.info(), isConnected ? &pulse : nullptr, tile);
    if (isConnected)
        addReadiness(node, tile);
    if (isConnected && node.info())
        addLive(node, pulse, tile);
    for (const QString& note : node.notes())
        tile.notes.push_back({TileNote::Kind::Information, note});
    return tile;
}

NodeTile tileOf(const NodeEntry& entry)
{
    NodeTile tile;
    tile.key = tile.address = entry.address;
    tile.name = entry.name;
    if (tile.name.isEmpty()) {
        const Result<app::NodeAddress> address = app::NodeAddress::parse(entry.address.toStdString());
        const bool isHost = address && address->transport == app::NodeAddress::Transport::Ssh;
        tile.name = entry.address.isEmpty() ? Words::tr("this machine") : isHost ? toQString(address->host) : entry.address;
    }
    tile.group = entry.group;
    tile.tags = entry.tags;
    tile.stateText = Words::tr("not connected");
    return tile;
}

} // namespace gantry::desktop
