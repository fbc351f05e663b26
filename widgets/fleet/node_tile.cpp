#include "widgets/fleet/node_tile.h"

#include "widgets/theme/format.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace gantry::widgets {

namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

QString tr(const char* text, int count = -1)
{
    return QCoreApplication::translate("gantry::widgets::NodeTile", text, nullptr, count);
}

QString absent()
{
    return QStringLiteral("–");
}

/// Of all GPUs; absent where one has no value: the sum of the others would be too little, and look like all of it.
std::optional<double> sumOf(const NodeTile& tile, std::optional<double> GpuTile::*value)
{
    std::optional<double> sum;
    for (const GpuTile& gpu : tile.gpus) {
        if (!(gpu.*value))
            return std::nullopt;
        sum = sum.value_or(0) + *(gpu.*value);
    }
    return sum;
}

QString gibText(double bytes)
{
    const double gib = bytes / kGiB;
    return QString::number(gib, 'f', gib < 100 ? 1 : 0);
}

} // namespace

std::optional<double> meanUtilisation(const NodeTile& tile)
{
    double sum = 0;
    int known = 0;
    for (const GpuTile& gpu : tile.gpus) {
        sum += gpu.utilisationRatio.value_or(0);
        known += gpu.utilisationRatio ? 1 : 0;
    }
    return known > 0 ? std::optional(sum / known) : std::nullopt;
}

std::optional<double> totalPower(const NodeTile& tile)
{
    return sumOf(tile, &GpuTile::powerW);
}

std::optional<double> usedMemory(const NodeTile& tile)
{
    return sumOf(tile, &GpuTile::memoryUsedBytes);
}

std::optional<double> totalMemory(const NodeTile& tile)
{
    return sumOf(tile, &GpuTile::memoryTotalBytes);
}

QString ratioText(std::optional<double> ratio)
{
    return ratio ? QStringLiteral("%1 %").arg(std::lround(*ratio * 100)) : absent();
}

QString memoryText(std::optional<double> usedBytes, std::optional<double> bytes)
{
    if (!usedBytes && !bytes)
        return absent();
    const QString used = usedBytes ? gibText(*usedBytes) : absent();
    return bytes ? tr("%1 of %2 GiB").arg(used, gibText(*bytes)) : tr("%1 GiB").arg(used);
}

QString powerText(std::optional<double> watts)
{
    return watts ? tr("%1 W").arg(formatCount(static_cast<std::uint64_t>(std::llround(std::max(0.0, *watts))))) : absent();
}

QString requestText(std::optional<double> perSecond)
{
    if (!perSecond)
        return absent();
    return tr("%1 req/s").arg(*perSecond > 0 ? formatNumber(*perSecond, 3) : QStringLiteral("0"));
}

QString gpuText(const NodeTile& tile)
{
    if (tile.gpus.empty())
        return tile.state == NodeTile::State::Connected ? tr("no GPU") : QString();
    const bool isOneKind =
        std::all_of(tile.gpus.begin(), tile.gpus.end(), [&](const GpuTile& gpu) { return gpu.name == tile.gpus.front().name; });
    QString name = tile.gpus.front().name;
    if (name.startsWith(QStringLiteral("NVIDIA ")))
        name.remove(0, 7);
    if (!isOneKind || name.isEmpty())
        return tile.gpus.size() == 1 ? tr("1 GPU") : tr("%1 GPUs").arg(tile.gpus.size());
    return tile.gpus.size() == 1 ? name : tr("%1 × %2").arg(tile.gpus.size()).arg(name);
}

QString activityText(const NodeTile& tile)
{
    QStringList parts;
    if (!tile.modelsTotal)
        parts << tr("models –");
    else if (*tile.modelsTotal == 0)
        parts << tr("no models");
    else
        parts << tr("%1 of %2 models ready").arg(tile.modelsReady.value_or(0)).arg(*tile.modelsTotal);
    if (tile.captures.value_or(0) > 0)
        parts << (*tile.captures == 1 ? tr("1 capture") : tr("%1 captures").arg(*tile.captures));
    if (tile.isRecording)
        parts << tr("flight recorder on");
    return parts.join(QStringLiteral(" · "));
}

} // namespace gantry::widgets
