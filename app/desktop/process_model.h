#pragma once

#include "remote_server/proto/management_types.h"

#include <QAbstractTableModel>
#include <QString>

#include <functional>
#include <optional>
#include <vector>

namespace gantry::desktop {

/// The processes of a node, a row for each. UI thread.
class ProcessModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column
    {
        Pid,
        User,
        Gpus,
        GpuMemory,
        SmShare,
        Cpu,
        Memory,
        Target,
        Command,
        ColumnCount
    };
    static constexpr int kSortRole = Qt::UserRole; ///< a value that compares; what is not known is less than what is

    /// What people call a target.
    using TargetName = std::function<QString(const std::string& id)>;

    explicit ProcessModel(TargetName nameOf, QObject* parent = nullptr);

    /// Processes that are still there keep their rows, so that a selection stays on them.
    void setProcesses(std::vector<proto::NodeProcess> processes);
    [[nodiscard]] const proto::NodeProcess& at(int row) const { return m_processes[static_cast<std::size_t>(row)]; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    [[nodiscard]] QString text(const proto::NodeProcess& process, int column) const;
    [[nodiscard]] QVariant sortValue(const proto::NodeProcess& process, int column) const;

    TargetName m_nameOf;
    std::vector<proto::NodeProcess> m_processes;
};

/// As it would be typed.
[[nodiscard]] QString commandText(const proto::NodeProcess& process);

} // namespace gantry::desktop
