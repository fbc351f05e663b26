#include "app/desktop/process_model.h"

#include "app/desktop/text.h"
#include "trace_model/import/nsys_output.h"

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

using proto::NodeProcess;
using proto::ProcessGpuUse;

/// A pid is given anew after its process has ended.
bool isSame(const NodeProcess& a, const NodeProcess& b)
{
    return a.pid == b.pid && a.startedUtcNs == b.startedUtcNs;
}

/// Of all GPUs; absent where it is not known of one, or where there is none.
std::optional<std::uint64_t> gpuMemory(const NodeProcess& process)
{
    std::optional<std::uint64_t> sum;
    for (const ProcessGpuUse& use : process.gpus) {
        if (!use.memoryBytes)
            return std::nullopt;
        sum = sum.value_or(0) + *use.memoryBytes;
    }
    return sum;
}

/// Mean over the GPUs that it is known of.
std::optional<double> smShare(const NodeProcess& process)
{
    double sum = 0;
    int known = 0;
    for (const ProcessGpuUse& use : process.gpus) {
        if (!use.smRatio)
            continue;
        sum += *use.smRatio;
        ++known;
    }
    return known > 0 ? std::optional(sum / known) : std::nullopt;
}

QString bytesText(std::optional<std::uint64_t> bytes)
{
    return bytes ? formatBytes(*bytes) : QString();
}

QString percentText(std::optional<double> ratio)
{
    return ratio ? QStringLiteral("%1 %").arg(*ratio * 100, 0, 'f', 0) : QString();
}

QString gpusText(const NodeProcess& process)
{
    QStringList gpus;
    for (const ProcessGpuUse& use : process.gpus)
        gpus << QString::number(use.gpu);
    return gpus.join(QStringLiteral(", "));
}

/// For each GPU its own values, of a process that uses several.
QString gpuTip(const NodeProcess& process)
{
    QStringList lines;
    for (const ProcessGpuUse& use : process.gpus)
        lines << ProcessModel::tr("GPU %1: %2, SM %3")
                     .arg(QString::number(use.gpu), use.memoryBytes ? bytesText(use.memoryBytes) : ProcessModel::tr("memory not known"),
                          use.smRatio ? percentText(use.smRatio) : ProcessModel::tr("not known"));
    return lines.join(QLatin1Char('\n'));
}

bool isNumber(int column)
{
    return column == ProcessModel::Pid || (column >= ProcessModel::GpuMemory && column <= ProcessModel::Memory);
}

} // namespace

QString commandText(const NodeProcess& process)
{
    return toQString(process.argv.empty() ? process.executable : importing::commandText(process.argv));
}

ProcessModel::ProcessModel(TargetName nameOf, QObject* parent) : QAbstractTableModel(parent), m_nameOf(std::move(nameOf)) {}

void ProcessModel::setProcesses(std::vector<NodeProcess> processes)
{
    for (int row = rowCount() - 1; row >= 0; --row) {
        const NodeProcess& shown = at(row);
        const auto found = std::find_if(processes.begin(), processes.end(), [&](const NodeProcess& one) { return isSame(one, shown); });
        if (found != processes.end()) {
            m_processes[static_cast<std::size_t>(row)] = std::move(*found);
            processes.erase(found);
            continue;
        }
        beginRemoveRows({}, row, row);
        m_processes.erase(m_processes.begin() + row);
        endRemoveRows();
    }
    if (!m_processes.empty())
        emit dataChanged(index(0, 0), index(rowCount() - 1, ColumnCount - 1));
    if (processes.empty())
        return;
    beginInsertRows({}, rowCount(), rowCount() + static_cast<int>(processes.size()) - 1);
    std::move(processes.begin(), processes.end(), std::back_inserter(m_processes));
    endInsertRows();
}

int ProcessModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : static_cast<int>(m_processes.size());
}

int ProcessModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QString ProcessModel::text(const NodeProcess& process, int column) const
{
    switch (column) {
    case Pid:
        return QString::number(process.pid);
    case User:
        return toQString(process.user);
    case Gpus:
        return gpusText(process);
    case GpuMemory:
        return bytesText(gpuMemory(process));
    case SmShare:
        return percentText(smShare(process));
    case Cpu:
        return process.cpuCores ? QString::number(*process.cpuCores, 'f', 2) : QString();
    case Memory:
        return bytesText(process.residentBytes);
    case Target:
        return process.targetId.empty() ? QString() : m_nameOf(process.targetId);
    default:
        return commandText(process);
    }
}

QVariant ProcessModel::sortValue(const NodeProcess& process, int column) const
{
    constexpr double kNotKnown = -1;
    switch (column) {
    case Pid:
        return process.pid;
    case GpuMemory:
        return static_cast<double>(gpuMemory(process).value_or(0)) + (gpuMemory(process) ? 0 : kNotKnown);
    case SmShare:
        return smShare(process).value_or(kNotKnown);
    case Cpu:
        return process.cpuCores.value_or(kNotKnown);
    case Memory:
        return process.residentBytes ? static_cast<double>(*process.residentBytes) : kNotKnown;
    default:
        return text(process, column);
    }
}

QVariant ProcessModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const NodeProcess& process = at(index.row());
    switch (role) {
    case Qt::DisplayRole:
        return text(process, index.column());
    case Qt::ToolTipRole:
        return index.column() == GpuMemory || index.column() == SmShare ? gpuTip(process) : text(process, index.column());
    case Qt::TextAlignmentRole:
        return QVariant::fromValue(Qt::Alignment((isNumber(index.column()) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter));
    case kSortRole:
        return sortValue(process, index.column());
    default:
        return {};
    }
}

QVariant ProcessModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    struct Heading
    {
        QString title, tip;
    };
    if (orientation != Qt::Horizontal || section < 0 || section >= ColumnCount)
        return {};
    const Heading headings[ColumnCount] = {
        {tr("PID"), {}},
        {tr("User"), {}},
        {tr("GPU"), tr("Those that it has a context on")},
        {tr("GPU memory"), tr("Of all its GPUs")},
        {tr("SM"), tr("Share of the last second in which it kept multiprocessors busy, as the driver samples it; mean of its GPUs")},
        {tr("CPU cores"), tr("Since it was asked last")},
        {tr("Memory"), tr("Resident, of the host")},
        {tr("Server"), tr("That it belongs to, of those gantryd started or knows")},
        {tr("Command"), {}}};
    if (role == Qt::DisplayRole)
        return headings[section].title;
    if (role == Qt::ToolTipRole && !headings[section].tip.isEmpty())
        return headings[section].tip;
    if (role == Qt::TextAlignmentRole)
        return QVariant::fromValue(Qt::Alignment((isNumber(section) ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter));
    return {};
}

} // namespace gantry::desktop
