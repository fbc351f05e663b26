#pragma once

#include <QString>
#include <QStringList>

#include <optional>
#include <vector>

namespace gantry::widgets {

/// One GPU as a tile shows it. What is not known is absent, never 0.
struct GpuTile
{
    QString name;
    std::optional<double> utilisationRatio; ///< 0..1
    std::optional<double> memoryUsedBytes, memoryTotalBytes;
    std::optional<double> powerW;

    bool operator==(const GpuTile&) const = default;
};

/// Something to know about a node, in a few words.
struct TileNote
{
    enum class Kind
    {
        Information,
        Warning,
        Error
    };
    Kind kind = Kind::Information;
    QString text;

    bool operator==(const TileNote&) const = default;
};

/// A value at a steady interval, oldest first; absent: a gap.
using TileHistory = std::vector<std::optional<double>>;

/// What a tile of the fleet shows of one node. What is not known is absent.
struct NodeTile
{
    /// In the order in which they sort: what waits for somebody first.
    enum class State
    {
        NeedsPerson,
        Lost,
        Connecting,
        Connected,
        Disconnected
    };

    QString key; ///< tells it from all others
    QString name, address, group;
    QStringList tags;
    State state = State::Disconnected;
    QString stateText;
    std::vector<GpuTile> gpus;
    std::optional<double> cpuRatio; ///< 0..1, of all of the host's processors; shown where there is no GPU
    std::optional<double> hostMemoryUsedBytes, hostMemoryTotalBytes;
    QStringList servers; ///< that run there, and their models: found by the filter, not shown
    std::optional<int> modelsReady, modelsTotal;
    std::optional<double> requestsPerSecond;
    std::optional<int> captures; ///< windows that are open or waited for
    bool isRecording = false;    ///< a flight recorder runs
    std::vector<TileNote> notes; ///< the most important first
    TileHistory powerHistory, requestHistory;

    bool operator==(const NodeTile&) const = default;
};

/// Mean over the GPUs whose utilisation is known.
[[nodiscard]] std::optional<double> meanUtilisation(const NodeTile& tile);
/// Sums over all GPUs; absent where they are not known of each.
[[nodiscard]] std::optional<double> totalPower(const NodeTile& tile);
[[nodiscard]] std::optional<double> usedMemory(const NodeTile& tile);
[[nodiscard]] std::optional<double> totalMemory(const NodeTile& tile);

// What a tile says of a value, with its unit; "–" where it is absent.
[[nodiscard]] QString ratioText(std::optional<double> ratio);                                   ///< "63 %"
[[nodiscard]] QString memoryText(std::optional<double> usedBytes, std::optional<double> bytes); ///< "51.2 of 80.0 GiB"
[[nodiscard]] QString powerText(std::optional<double> watts);                                   ///< "2 140 W"
[[nodiscard]] QString requestText(std::optional<double> perSecond);                             ///< "12.5 req/s"
/// "8 × H100 80GB HBM3", "2 GPUs" of several kinds, "no GPU".
[[nodiscard]] QString gpuText(const NodeTile& tile);
/// "3 of 4 models · 1 capture · flight recorder on"
[[nodiscard]] QString activityText(const NodeTile& tile);

} // namespace gantry::widgets
